// The lab on the screen: files, editor and panels in a dialog over the lesson.
import { ChecksPanel } from "./checks.js";
import { button, el, fill } from "./dom.js";
import { Editor } from "./editor.js";
import { FilesPanel, nameOfStart } from "./files.js";
import { downloadZip, keepPanel } from "./keep.js";
import { MyTestsPanel } from "./mytests.js";
import { RequestsPanel } from "./requests.js";
import { say } from "./strings.js";
import { tabs } from "./tabs.js";

export class Workbench {
  /** @param {import("./store.js").Work} work
   *  @param {import("./engine.js").Engine} engine
   *  @param {{lang: "en" | "ko", title: string}} page */
  constructor(work, engine, { lang, title }) {
    Object.assign(this, { work, engine });
    const go = (path, line) => this.open(path, line);
    this.files = new FilesPanel(work, (path) => this.open(path));
    this.bar = el("div.lab-filebar", {});
    this.against = el("select", { "aria-label": say("editor.compare"), onchange: () => this.#compare() },
      el("option", { value: "" }, say("editor.no_comparison")),
      ...Object.keys(work.starts).map((start) => el("option", { value: start }, nameOfStart(start))),
    );
    const place = el("div.lab-editor", {});
    this.editor = new Editor(place, (path, text) => this.#typed(path, text));
    this.requests = new RequestsPanel(work, engine, go);
    this.checks = new ChecksPanel(work, engine, { go, lang });
    const panels = [
      { name: "request", title: say("tab.request"), element: this.requests.element },
      { name: "check", title: say("tab.check"), element: this.checks.element },
      { name: "keep", title: say("tab.keep"), element: keepPanel(work, engine) },
    ];
    if (work.stage.grades) {
      const graded = new MyTestsPanel(work, engine, { lang });
      panels.splice(2, 0, { name: "grade", title: say("tab.grade"), element: graded.element });
    }
    this.tabs = tabs(say("tab.label"), panels);
    this.status = el("span.lab-engine", { role: "status" });
    this.progress = el("progress", { max: engine.bytes, "aria-label": say("engine.progress") });
    this.stop = button(say("engine.stop"), () => this.engine.stop(), { class: "lab-button lab-stop", hidden: true });
    this.notice = el("div.lab-offer", { role: "alert" });
    this.bench = el("div.lab-bench", {},
      el("details.lab-side", { open: innerWidth > 760 }, el("summary", {}, say("files.label")), this.files.element),
      el("section.lab-code", { "aria-label": say("editor.section") }, this.bar, place),
      el("section.lab-panels", { "aria-label": say("tab.label") }, this.tabs.element),
    );
    const label = `${say("lab.title")}: ${title}`;
    this.dialog = el("dialog.lab", { "aria-label": label, lang, oncancel: (event) => this.#onEscape(event) },
      el("header", {},
        el("h2", {}, say("lab.title"), el("span", {}, title)),
        this.progress,
        this.status,
        this.stop,
        button(say("lab.close"), () => this.dialog.close(), { class: "lab-button lab-close" }),
      ),
      this.notice,
      this.bench,
    );
    document.body.append(this.dialog);
    engine.addEventListener("change", () => this.#showEngine());
    work.addEventListener("change", ({ detail }) => this.#changed(detail));
    this.#showNotice();
    this.open(work.stage.opens in work.files ? work.stage.opens : Object.keys(work.files)[0]);
  }

  /** Open the dialog, and start Python the first time. */
  show() {
    this.dialog.showModal();
    if (this.engine.state === "off") {
      this.engine.start().catch((error) => {
        console.error(error);
        this.failed = true;
        this.progress.hidden = true;
        fill(this.status, say("engine.failed", { error: error.message }));
      });
    }
  }

  /** @param {string} path @param {number} [line] from 1 */
  open(path, line) {
    if (!(path in this.work.files)) this.work.put(path, this.work.base[path] ?? ""); // a new file, or one that was deleted
    this.path = path;
    this.editor.show(path, this.work.files[path], { against: this.#other(), line });
    this.files.show(path);
    this.#showBar();
    if (innerWidth <= 760) this.dialog.querySelector(".lab-side").open = false;
  }

  #showBar() {
    const edited = this.work.edited(this.path);
    const has = this.path in this.work.base;
    const undo = button(say("editor.reset"), () => this.work.reset(this.path), { disabled: !edited });
    const remove = button(say("editor.remove"), () => this.work.put(this.path, null));
    const focused = this.bar.contains(document.activeElement) && document.activeElement === this.against;
    fill(this.bar, el("strong", {}, this.path), this.against, has ? undo : remove, has && remove);
    if (focused) this.against.focus();
  }

  #typed(path, text) {
    if (this.work.files[path] !== text) this.work.put(path, text);
  }

  /** Say where the changes are not kept: another tab has this chapter, or the browser keeps nothing. */
  #showNotice() {
    const { elsewhere, unkept } = this.work;
    this.bench.inert = elsewhere;
    this.notice.hidden = !(elsewhere || unkept);
    const actions = elsewhere
      ? [button(say("keep.take_theirs"), () => this.work.take(false)), button(say("keep.take_mine"), () => this.work.take(true))]
      : [button(say("keep.download"), () => downloadZip(this.work, this.engine))];
    const state = elsewhere ? "elsewhere" : unkept ? "unkept" : "";
    if (this.notice.dataset.state !== state) {
      this.notice.dataset.state = state;
      fill(this.notice, ...(state ? [el("p", {}, say(`keep.${state}`)), ...actions] : []));
    }
  }

  #changed({ path, replaced }) {
    this.#showNotice();
    if (path !== undefined && path !== this.path && !replaced) return;
    if (replaced) this.editor.forget();
    const { files } = this.work;
    if (!(this.path in files)) this.open(Object.keys(files)[0]);
    else if (replaced) this.open(this.path);
    else this.#showBar();
  }

  #compare() {
    this.editor.compare(this.#other());
  }

  /** The text to compare the file with: an empty one if the other state lacks it. */
  #other() {
    const start = this.against.value;
    return start ? (this.work.starts[start][this.path] ?? "") : undefined;
  }

  #showEngine() {
    const { state, loaded, bytes } = this.engine;
    this.dialog.dataset.engine = state;
    this.progress.hidden = !["loading", "starting"].includes(state);
    this.stop.hidden = state !== "working";
    if (state === "loading") this.progress.value = loaded;
    else this.progress.removeAttribute("value");
    const mega = (number) => (number / 1e6).toFixed(1);
    fill(this.status, say(`engine.${state}`, { loaded: mega(loaded), bytes: mega(bytes) }));
  }

  /** Escape closes the lab, except in the editor: there it ends a search, and lets Tab leave. */
  #onEscape(event) {
    if (this.editor.view.dom.contains(document.activeElement)) event.preventDefault();
  }
}
