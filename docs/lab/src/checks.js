// The shared tests on the reader's files: each behaviour when its result is certain, then what to work on next.
import { attempt } from "./attempt.js";
import { button, el, fill, prose } from "./dom.js";
import { places } from "./places.js";
import { say } from "./strings.js";

const LIMIT = 60; // seconds without a message; one test may take twenty, and finding them all as long

export class ChecksPanel {
  /** `go` opens a file at a line; `lang` is the language of the page. */
  constructor(work, engine, { go, lang }) {
    Object.assign(this, { work, engine, go, lang });
    this.run = button(say("check.run"), () => this.check(), { class: "lab-button lab-primary" });
    this.bar = el("progress", { max: 1, value: 0, hidden: true, "aria-label": say("check.progress") });
    this.next = el("div.lab-next", { role: "status" });
    this.list = el("ol.lab-results", { "aria-label": say("check.results") });
    this.rest = el("div", {});
    this.element = el("div", {},
      el("p.lab-note", {}, ...prose(say("check.what"))),
      el("div.lab-line", {}, this.run, this.bar),
      this.next,
      this.list,
      this.rest,
    );
  }

  /** Judge the files as they are now. */
  async check() {
    const { start } = this.work;
    fill(this.list);
    fill(this.rest);
    this.found = this.running = 0;
    const began = performance.now();
    await attempt({ run: this.run, status: this.next, bar: this.bar }, say("check.running"), async () => {
      const request = { stage: this.work.stage.name, lang: this.lang, ever: this.work.ever[start] };
      const options = { limit: LIMIT, notify: (event) => this.#onEvent(event) };
      const parts = await this.engine.share("check", { ...request, files: this.work.files }, options);
      const verdict = await this.engine.ask("combine", { ...request, parts }, { limit: LIMIT });
      const kept = verdict.results.filter((result) => result.state === "passed").map((result) => result.test);
      this.work.ever[start] = [...new Set([...this.work.ever[start], ...kept])];
      this.work.save();
      this.#show(verdict, (performance.now() - began) / 1000);
    });
  }

  #onEvent(event) {
    if (event.kind === "found") this.bar.max = this.found += event.count;
    if (event.kind === "running") this.bar.value = this.running += event.count;
    if (event.kind === "next" && !this.next.querySelector(".lab-explanation")) this.next.append(this.#explanation(event));
    if (event.kind === "result" && event.number === this.work.stage.number) this.#add(event);
  }

  /** Each worker sends its share in the lesson's order: insert a result among those of the others. */
  #add(event) {
    const row = line(event);
    row.dataset.place = event.place;
    const after = [...this.list.children].find((other) => Number(other.dataset.place) > event.place);
    this.list.insertBefore(row, after ?? null);
  }

  #show({ results, next, headline, elsewhere }, seconds) {
    const shown = this.next.querySelector(".lab-explanation"); // keep it if it is the same: the reader may be reading its hints
    const same = next && shown?.dataset.of === next.test && shown.ariaLabel === headline;
    const own = results.filter((result) => result.number === this.work.stage.number);
    const earlier = results.filter((result) => result.number < this.work.stage.number);
    const kept = results.filter((result) => result.state === "passed").length;
    fill(this.list, ...own.map(line));
    fill(this.next,
      el(`p.lab-sum${next ? "" : ".lab-done"}`, { "data-kept": kept, "data-total": results.length },
        say("check.sum", { kept, total: results.length, seconds: seconds.toFixed(1) }),
        next ? "" : ` ${say("check.done")}`,
      ),
      same ? shown : next && this.#explanation({ next, headline }),
    );
    fill(this.rest,
      ...folded(earlier.length && say("check.earlier", { kept: count(earlier), total: earlier.length }), earlier.map(line)),
      ...folded(
        elsewhere.length && say("check.elsewhere", { count: elsewhere.length }),
        elsewhere.map((sentence) => el("li.lab-elsewhere", {}, sentence)),
      ),
    );
  }

  #explanation({ next, headline }) {
    const rows = next.parts.flatMap(([label, text]) => [el("dt", {}, label), el("dd", {}, ...prose(text))]);
    return el("section.lab-explanation", { "aria-label": headline, "data-of": next.test },
      el("h3", {}, headline),
      el("dl", {}, ...rows),
      next.place && places([next.place], this.go),
      next.why && el("p", {}, ...prose(next.why)),
      next.page && el("p", {}, `${say("check.lesson")} `, el("a", { href: next.page, target: "_blank" }, next.lesson)),
      this.#hints(next),
    );
  }

  /** Three hints, each only when it is asked for. */
  #hints({ hints }) {
    if (!hints.length) return null;
    const shown = el("ol.lab-hints", {});
    const more = button(say("check.hint", { number: 1, total: hints.length }), () => {
      shown.append(el("li", {}, ...prose(hints[shown.childElementCount])));
      const number = shown.childElementCount + 1;
      if (number > hints.length) more.remove();
      else more.textContent = say("check.hint", { number, total: hints.length });
    });
    return el("div", { "aria-live": "polite" }, shown, more);
  }
}

const count = (results) => results.filter((result) => result.state === "passed").length;

const line = ({ state, sentence, test }) =>
  el("li", { "data-state": state, "data-test": test }, el("span.lab-state", {}, say(`state.${state}`)), ` ${sentence}`);

const folded = (summary, rows) =>
  summary ? [el("details", {}, el("summary", {}, summary), el("ul.lab-results", {}, ...rows))] : [];
