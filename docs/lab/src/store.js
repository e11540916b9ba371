// The reader's changes to one chapter, kept in this browser.

/** @typedef {Record<string, string>} Files text by path */

/** Not every browser lets a page store something: then there is nothing to read. */
function read(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

/** @returns {boolean} whether the browser keeps it: storage may be full, or not allowed */
function write(key, text) {
  try {
    localStorage.setItem(key, text);
    return localStorage.getItem(key) === text;
  } catch {
    return false;
  }
}

function parse(text) {
  try {
    return JSON.parse(text ?? "null") ?? {};
  } catch {
    return {};
  }
}

/** @param {Files} files @param {Record<string, string | null>} changes null removes a file @returns {Files} */
function changed(files, changes) {
  return Object.fromEntries(Object.entries({ ...files, ...changes }).filter(([, text]) => text !== null));
}

export class Work extends EventTarget {
  /** @param {any} stage the data of the chapter from course/site/lab/stages.py */
  constructor(stage) {
    super();
    this.stage = stage;
    this.key = `effective-flask-lab:${stage.name}`;
    this.elsewhere = false; // whether another tab has this chapter: then nothing is stored here
    this.load();
    addEventListener("storage", (event) => this.#hear(event));
    this.unkept = !this.#tell("ask"); // whether this browser forgets the changes with the page
    addEventListener("beforeunload", (event) => {
      if (this.unkept && Object.values(this.edits).some((edits) => Object.keys(edits).length)) event.preventDefault();
    });
  }

  /** Take what is stored, by an earlier visit or another tab. */
  load() {
    this.kept = read(this.key);
    const kept = parse(this.kept);
    this.start = kept.start in this.starts ? kept.start : "after";
    const each = (value, of) => ({ ...Object.fromEntries(Object.keys(this.starts).map((start) => [start, value()])), ...of });
    /** @type {Record<string, Record<string, string | null>>} of each start; null is a removed file */
    this.edits = each(() => ({}), kept.edits);
    this.ever = each(() => [], kept.ever);
    this.history = kept.history ?? [];
    this.fields = kept.fields ?? {}; // of earlier responses, for {{access_token}} and the like
    this.tokens = kept.tokens ?? []; // of the last log-ins, the newest first
  }

  /** @returns {Record<string, Files>} the states that a reader can begin with */
  get starts() {
    const { before, steps, after } = this.stage;
    if (!before) return { after };
    return { before, ...Object.fromEntries(steps.map((files, at) => [`step${at + 1}`, changed(before, files)])), after };
  }

  /** @returns {Files} the files that this work began with */
  get base() {
    return this.starts[this.start];
  }

  /** @returns {Files} the files as they are now */
  get files() {
    return changed(this.base, this.edits[this.start]);
  }

  /** Whether the reader has changed a file. */
  edited(path) {
    return path in this.edits[this.start];
  }

  /** @param {string} path @param {string | null} text null removes the file */
  put(path, text) {
    const edits = this.edits[this.start];
    if (text === (this.base[path] ?? null)) delete edits[path];
    else edits[path] = text;
    this.save(path);
  }

  /** Discard the changes of a file, or without a path, all. */
  reset(path) {
    if (path === undefined) this.edits[this.start] = {};
    else delete this.edits[this.start][path];
    this.save(path, true);
  }

  /** @param {string} start one of `starts` */
  begin(start) {
    this.start = start;
    this.save(undefined, true);
  }

  /** Store everything, and notify the panels. What another tab has stored since is not overwritten. */
  save(path, replaced = false) {
    const stored = read(this.key);
    if (!this.unkept && stored !== null && stored !== this.kept) this.elsewhere = true;
    if (!this.elsewhere) {
      const text = this.#text();
      this.unkept = !write(this.key, text);
      this.kept = this.unkept ? stored : text;
    }
    this.dispatchEvent(new CustomEvent("change", { detail: { path, replaced } }));
  }

  /** Work in this tab from now on. @param {boolean} mine with its own files; otherwise with those of the other tab */
  take(mine) {
    this.elsewhere = false;
    if (mine) this.kept = read(this.key);
    else this.load();
    this.#tell("take");
    this.save(undefined, true);
  }

  #text() {
    const { start, edits, ever, fields, tokens } = this;
    return JSON.stringify({ start, edits, ever, fields, tokens, history: this.history.slice(0, 30) });
  }

  /** Tell the other tabs: they hear of what is stored, wherever this page is from. */
  #tell(what) {
    return write(`${this.key}:tab`, JSON.stringify({ what, at: Math.random() }));
  }

  #hear({ key, newValue }) {
    const { what } = key === `${this.key}:tab` ? parse(newValue) : {};
    if (what === "ask" && !this.elsewhere) return this.#tell("here");
    if (this.elsewhere || !(["here", "take"].includes(what) || (key === this.key && newValue !== null))) return;
    this.elsewhere = true;
    this.dispatchEvent(new CustomEvent("change", { detail: { path: "", replaced: false } }));
  }
}
