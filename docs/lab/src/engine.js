// Python as the page sees it: one request at a time, and a new worker when the old one hangs.
import { el } from "./dom.js";
import { download } from "./download.js";
import { Python } from "./python.js";

/** A request was stopped: by the reader, because it took too long, or because Python crashed. */
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
  #ready;
  /** @type {Python[]} the first handles every request; the others, once they are ready, their shares of a check */
  #pythons = [];

  /** @param {{url: string, bytes: number, name: string}[]} parts */
  constructor(parts) {
    super();
    this.files = parts;
    this.bytes = parts.reduce((sum, part) => sum + part.bytes, 0);
    this.state = "off";
  }

  /** Download the parts and start Python; the second time, only start it. */
  async start() {
    if (!this.#parts) {
      this.#show("loading", 0);
      this.#parts = await download(this.files, (loaded) => this.#show("loading", loaded));
      this.#code = new Blob([this.#parts["worker.js"]], { type: "text/javascript" });
      delete this.#parts["worker.js"];
    }
    this.#show("starting");
    const pythons = (this.#pythons = [this.#newPython()]);
    this.#ready = pythons[0].started;
    await this.#ready;
    this.#show("ready");
    this.#startMore(pythons);
  }

  /** Ask the first Python: see `Python.ask`. */
  async ask(kind, request, options) {
    const [response] = await this.#work(() => [this.#pythons[0].ask(kind, request, options)]);
    return response;
  }

  /** Ask every Python that is ready for its share: `[0, 2]` is the first of two. */
  share(kind, request, options) {
    return this.#work(() => {
      const ready = this.#pythons.filter((python) => python.ready);
      return ready.map((python, number) => python.ask(kind, { ...request, share: [number, ready.length] }, options));
    });
  }

  /** End every worker and start again: nothing else ends a loop in Python from outside. */
  stop(by = "reader") {
    for (const python of this.#pythons) python.end(new Stopped(by));
    return this.start();
  }

  async #work(begin) {
    await this.#ready;
    this.#show("working");
    try {
      return await Promise.all(begin());
    } finally {
      if (this.state === "working") this.#show("ready");
    }
  }

  /** Start the others while the reader reads: each when the one before has nothing left to prepare. */
  async #startMore(pythons) {
    while (pythons.length < maximum()) {
      await pythons.at(-1).prepared;
      pythons.push(this.#newPython());
      pythons.at(-1).started.catch(() => {}); // then it is never ready, and the others do its share
    }
  }

  #newPython() {
    return new Python(this.#newWorker(), this.#parts, (by) => this.stop(by));
  }

  #newWorker() {
    if (location.protocol !== "file:") return new Worker(this.files.find((part) => part.name === "worker.js").url);
    // In a page from a folder the theme has replaced `Worker`; a new frame has the original.
    this.#frame ??= document.body.appendChild(el("iframe", { hidden: true, title: "" }));
    const { Worker: OriginalWorker, URL } = this.#frame.contentWindow;
    return new OriginalWorker(URL.createObjectURL(this.#code));
  }

  #show(state, loaded = this.bytes) {
    this.state = state;
    this.loaded = loaded;
    this.dispatchEvent(new Event("change"));
  }
}

/** How many Pythons this device can run: each takes a processor and memory, and a phone has little of both. */
function maximum() {
  const { hardwareConcurrency: processors, deviceMemory = 8 } = navigator;
  if (processors < 2 || deviceMemory < 4 || matchMedia("(pointer: coarse)").matches) return 1;
  return processors < 4 ? 2 : 3;
}
