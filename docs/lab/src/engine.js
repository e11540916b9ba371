// The worker as the page sees it: ask it one thing at a time, and end it when it does not come back.
import { el } from "./dom.js";
import { download } from "./download.js";

/** What was asked was stopped: by the reader, because it took too long, or because Python broke down. */
export class Stopped extends Error {
  /** @param {"reader" | "slow" | "dead"} by */
  constructor(by) {
    super(by);
    this.by = by;
  }
}

export class Engine extends EventTarget {
  #parts;
  #code;
  #frame;
  #worker;
  #ready;
  #waiting = new Map();
  #serial = 0;

  /** @param {{url: string, bytes: number, name: string}[]} parts */
  constructor(parts) {
    super();
    this.files = parts;
    this.bytes = parts.reduce((sum, part) => sum + part.bytes, 0);
    this.state = "off";
  }

  /** Download what is needed and start Python; the second time, only start it. */
  async start() {
    if (!this.#parts) {
      this.#show("loading", 0);
      this.#parts = await download(this.files, (loaded) => this.#show("loading", loaded));
      this.#code = new Blob([this.#parts["worker.js"]], { type: "text/javascript" });
      delete this.#parts["worker.js"];
    }
    this.#show("starting");
    this.#worker = this.#newWorker();
    this.#worker.onmessage = ({ data }) => this.#hear(data);
    this.#worker.onerror = (event) => this.#end(new Error(event.message));
    this.#ready = this.#ask("start", { parts: this.#parts });
    await this.#ready;
    this.#show("ready");
  }

  /**
   * @param {string} kind what docs/lab/python/lab.py knows
   * @param {object} asked its arguments
   * @param {{limit: number, tell?: (event: any) => void}} options seconds without a word, after which it is ended
   */
  async ask(kind, asked, { limit, tell = () => {} }) {
    await this.#ready;
    this.#show("working");
    let alarm;
    const wind = () => {
      clearTimeout(alarm);
      alarm = setTimeout(() => this.stop("slow"), limit * 1000);
    };
    this.tell = (event) => {
      wind();
      tell(event);
    };
    wind();
    try {
      return await this.#ask(kind, asked);
    } finally {
      clearTimeout(alarm);
      if (this.state === "working") this.#show("ready");
    }
  }

  /** End what runs, and start anew: nothing else ends a loop in Python from outside. */
  stop(by = "reader") {
    this.#end(new Stopped(by));
    return this.start();
  }

  #newWorker() {
    if (location.protocol !== "file:") return new Worker(this.files.find((part) => part.name === "worker.js").url);
    // In a page of a folder the theme has put something else in the place of `Worker`; a new frame has the true one.
    this.#frame ??= document.body.appendChild(el("iframe", { hidden: true, title: "" }));
    const { Worker: TrueWorker, URL: Addresses } = this.#frame.contentWindow;
    return new TrueWorker(Addresses.createObjectURL(this.#code));
  }

  #ask(kind, asked) {
    const id = ++this.#serial;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, kind, ...asked });
    });
  }

  #hear({ id, kind, value, error, event }) {
    if (kind === "event") return this.tell(event);
    if (kind === "dead") return this.stop("dead");
    const asked = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (kind === "done") asked?.resolve(value);
    else asked?.reject(new Error(error));
  }

  #end(error) {
    this.#worker?.terminate();
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  #show(state, loaded = this.bytes) {
    this.state = state;
    this.loaded = loaded;
    this.dispatchEvent(new Event("change"));
  }
}
