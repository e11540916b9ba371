// The files of the chapter as a tree: marks show which the chapter and which the reader has changed.
import { button, el } from "./dom.js";
import { say } from "./strings.js";

/** What the state is called that a reader begins with: `before`, `step3` or `after`. */
export function nameOfStart(start) {
  const step = /^step(\d+)$/.exec(start);
  return step ? say("files.step", { step: step[1] }) : say(`files.${start}`);
}

export class FilesPanel {
  /** `open` is called with the path that the reader chose. */
  constructor(work, open) {
    this.work = work;
    this.open = open;
    this.current = "";
    this.list = el("ul.lab-tree", { "aria-label": say("files.label") });
    this.element = el("div.lab-files", {}, this.#starts(), this.list, this.#newFile());
    work.addEventListener("change", () => this.show());
    this.show();
  }

  /** Draw the tree, with `current` as the file that is open. */
  show(current = this.current) {
    this.current = current;
    const { stage } = this.work;
    const files = this.work.files;
    const absent = this.work.start === "before" ? stage.added.filter((path) => !(path in files)) : [];
    const gone = Object.keys(this.work.base).filter((path) => !(path in files));
    const focused = this.list.contains(document.activeElement);
    let folder = "";
    const rows = [];
    for (const path of [...new Set([...Object.keys(files), ...absent, ...gone])].sort(foldersLast)) {
      const at = path.lastIndexOf("/") + 1;
      if (path.slice(0, at) !== folder) {
        folder = path.slice(0, at);
        rows.push(el("li.lab-folder", {}, folder));
      }
      rows.push(this.#row(path, path.slice(at), path in files));
    }
    this.list.replaceChildren(...rows);
    if (focused) this.list.querySelector("[aria-current]")?.focus();
    if (this.start) this.start.value = this.work.start;
  }

  #row(path, name, exists) {
    const { stage } = this.work;
    const marks = [];
    if (stage.added.includes(path)) marks.push(["new", say("files.added")]);
    else if (stage.changed.includes(path)) marks.push(["changed", say("files.changed")]);
    else if (stage.removed.includes(path)) marks.push(["removed", say("files.removed")]);
    if (this.work.edited(path)) marks.push(["yours", say("files.yours")]);
    if (!exists) marks.push(["absent", say("files.absent")]);
    const label = [name, ...marks.map(([, text]) => text)].join(", ");
    return el("li", {},
      el(
        `button.lab-file${exists ? "" : ".lab-absent"}`,
        {
          type: "button",
          "aria-label": label,
          title: label,
          "aria-current": path === this.current && "true",
          "data-path": path,
          onclick: () => this.open(path),
        },
        el("span", {}, name),
        ...marks.map(([mark]) => el(`i.lab-mark.lab-mark-${mark}`, { "aria-hidden": "true" })),
      ),
    );
  }

  #starts() {
    const starts = Object.keys(this.work.starts);
    if (starts.length === 1) return null;
    this.start = el("select", { onchange: () => this.work.begin(this.start.value) },
      ...starts.map((start) => el("option", { value: start }, nameOfStart(start))),
    );
    return el("label.lab-starts", {}, el("span", {}, say("files.start")), this.start);
  }

  #newFile() {
    const name = el("input", { "aria-label": say("files.new_name"), placeholder: "app/new.py", spellcheck: "false" });
    const add = (event) => {
      event.preventDefault();
      const path = name.value.trim().replace(/^\/+/, "");
      if (!path || path.endsWith("/") || path.split("/").includes("..")) return name.focus();
      if (!(path in this.work.files)) this.work.put(path, "");
      name.value = "";
      this.open(path);
    };
    return el("form.lab-new", { onsubmit: add }, name, el("button.lab-button", {}, say("files.new")));
  }
}

/** Files at the top first, then folder by folder. */
function foldersLast(one, other) {
  const [a, b] = [one, other].map((path) => path.slice(0, path.lastIndexOf("/") + 1));
  return a < b ? -1 : a > b ? 1 : one < other ? -1 : 1;
}
