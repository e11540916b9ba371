// Python as the page sees it: it is asked one thing at a time, and ended when it does not come back.
import { el } from "./dom.js";
import { download } from "./download.js";
import { Python } from "./python.js";

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
  #ready;
  /** @type {Python[]} the first does all that is asked; the others, once they are ready, take their shares */
  #pythons = [];

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
    const pythons = (this.#pythons = [this.#newPython()]);
    this.#ready = pythons[0].started;
    await this.#ready;
    this.#show("ready");
    this.#grow(pythons);
  }

  /** Ask the first: see `Python.ask`. */
  async ask(kind, asked, how) {
    const [answer] = await this.#work(() => [this.#pythons[0].ask(kind, asked, how)]);
    return answer;
  }

  /** Ask all that are ready, each for its share: `[0, 2]` is the first of two. */
  share(kind, asked, how) {
    return this.#work(() => {
      const ready = this.#pythons.filter((python) => python.ready);
      return ready.map((python, number) => python.ask(kind, { ...asked, share: [number, ready.length] }, how));
    });
  }

  /** End what runs, and start anew: nothing else ends a loop in Python from outside. */
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
  async #grow(pythons) {
    while (pythons.length < most()) {
      await pythons.at(-1).prepared;
      pythons.push(this.#newPython());
      pythons.at(-1).started.catch(() => {}); // it is never asked then, and the first does it alone
    }
  }

  #newPython() {
    return new Python(this.#newWorker(), this.#parts, (by) => this.stop(by));
  }

  #newWorker() {
    if (location.protocol !== "file:") return new Worker(this.files.find((part) => part.name === "worker.js").url);
    // In a page of a folder the theme has put something else in the place of `Worker`; a new frame has the true one.
    this.#frame ??= document.body.appendChild(el("iframe", { hidden: true, title: "" }));
    const { Worker: TrueWorker, URL: Addresses } = this.#frame.contentWindow;
    return new TrueWorker(Addresses.createObjectURL(this.#code));
  }

  #show(state, loaded = this.bytes) {
    this.state = state;
    this.loaded = loaded;
    this.dispatchEvent(new Event("change"));
  }
}

/** How many Pythons this device can feed: each wants a processor and memory, and a phone has little of both. */
function most() {
  const { hardwareConcurrency: processors, deviceMemory = 8 } = navigator;
  if (processors < 2 || deviceMemory < 4 || matchMedia("(pointer: coarse)").matches) return 1;
  return processors < 4 ? 2 : 3;
}
