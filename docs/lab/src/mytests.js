// The reader's own tests on the right code and on code with known faults: chapter 6.
import { attempt } from "./attempt.js";
import { button, el, fill } from "./dom.js";
import { say } from "./strings.js";

const LIMIT = 60; // seconds without a message; one run of the tests may take thirty

export class MyTestsPanel {
  constructor(work, engine, { lang }) {
    Object.assign(this, { work, engine, lang });
    this.run = button(say("grade.run"), () => this.grade(), { class: "lab-button lab-primary" });
    this.bar = el("progress", { max: 1, value: 0, hidden: true, "aria-label": say("grade.progress") });
    this.sum = el("div", { role: "status" });
    this.list = el("ol.lab-results", { "aria-label": say("grade.results") });
    this.element = el("div", {},
      el("p.lab-note", {}, say("grade.what")),
      el("div.lab-line", {}, this.run, this.bar),
      this.sum,
      this.list,
    );
  }

  /** Run the tests on the right code, and on each fault. */
  async grade() {
    fill(this.list);
    await attempt({ run: this.run, status: this.sum, bar: this.bar }, say("grade.running"), async () => {
      const { name, after: right } = this.work.stage;
      const request = { stage: name, files: this.work.files, right, lang: this.lang };
      const graded = await this.engine.ask("grade", request, { limit: LIMIT, notify: (event) => this.#onEvent(event) });
      fill(this.sum,
        el(graded.failed ? "p.lab-error" : "p.lab-sum", {}, graded.failed ?? graded.sum),
        graded.output && el("pre", { tabindex: "0" }, graded.output),
      );
    });
  }

  #onEvent(event) {
    if (event.kind === "found") this.bar.max = event.count;
    if (event.kind !== "graded") return;
    this.bar.value = event.count;
    const state = event.caught ? "passed" : "failed";
    const word = say(event.caught ? "grade.caught" : "grade.past");
    this.list.append(el("li", { "data-state": state }, el("span.lab-state", {}, word), ` ${event.text}`));
  }
}
