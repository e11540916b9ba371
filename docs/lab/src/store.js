// The reader's changes to one chapter, kept in this browser.

/** @typedef {Record<string, string>} Files text by path */

/** Not every browser lets a page store something: then the changes last as long as the page. */
function read(key) {
  try {
    return JSON.parse(localStorage.getItem(key) ?? "null");
  } catch {
    return null;
  }
}

function write(key, value) {
  try {
    localStorage.setItem(key, JSON.stringify(value));
  } catch {
    // full, or not allowed
  }
}

export class Work extends EventTarget {
  /** @param {any} stage the data of the chapter from course/site/lab/stages.py */
  constructor(stage) {
    super();
    this.stage = stage;
    this.key = `effective-flask-lab:${stage.name}`;
    const kept = read(this.key) ?? {};
    this.start = kept.start in this.starts ? kept.start : "after";
    /** @type {Record<"before" | "after", Record<string, string | null>>} of each start; null is a removed file */
    this.edits = { before: {}, after: {}, ...kept.edits };
    this.ever = { before: [], after: [], ...kept.ever };
    this.history = kept.history ?? [];
    this.fields = kept.fields ?? {}; // of earlier responses, for {{access_token}} and the like
    this.tokens = kept.tokens ?? []; // of the last log-ins, the newest first
  }

  /** @returns {Record<string, Files>} the states that a reader can begin with */
  get starts() {
    const { before, after } = this.stage;
    return before ? { before, after } : { after };
  }

  /** @returns {Files} the files that this work began with */
  get base() {
    return this.starts[this.start];
  }

  /** @returns {Files} the files as they are now */
  get files() {
    const files = { ...this.base };
    for (const [path, text] of Object.entries(this.edits[this.start])) {
      if (text === null) delete files[path];
      else files[path] = text;
    }
    return files;
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

  /** @param {"before" | "after"} start */
  begin(start) {
    this.start = start;
    this.save(undefined, true);
  }

  /** Store everything, and notify the panels. */
  save(path, replaced = false) {
    const { start, edits, ever, fields, tokens } = this;
    write(this.key, { start, edits, ever, fields, tokens, history: this.history.slice(0, 30) });
    this.dispatchEvent(new CustomEvent("change", { detail: { path, replaced } }));
  }
}
