// One Python in a worker of its own. Requests go to it one at a time; only its end stops a loop in it.
export class Python {
  #worker;
  #pending = new Map();
  #serial = 0;
  #onPrepared;

  /** @param {Worker} worker
   *  @param {Record<string, Blob>} parts what it starts from
   *  @param {(by: "slow" | "dead") => void} onFailure called when it hangs or has crashed */
  constructor(worker, parts, onFailure) {
    this.#worker = worker;
    this.onFailure = onFailure;
    worker.onmessage = ({ data }) => this.#receive(data);
    worker.onerror = (event) => this.end(new Error(event.message));
    this.ready = false; // whether it can be asked
    this.prepared = new Promise((resolve) => (this.#onPrepared = resolve)); // resolves when there is nothing left to prepare
    this.started = this.ask("start", { parts }).then(() => (this.ready = true));
  }

  /** @param {string} kind one of HANDLERS in docs/lab/python/lab.py
   *  @param {object} request its arguments
   *  @param {{limit?: number, notify?: (event: any) => void}} options seconds without a message, after which it hangs */
  ask(kind, request, { limit, notify = () => {} } = {}) {
    const id = ++this.#serial;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject, notify, limit });
      this.#startTimer(id);
      this.#worker.postMessage({ id, kind, ...request });
    });
  }

  end(error) {
    this.#worker.terminate();
    for (const id of [...this.#pending.keys()]) this.#take(id).reject(error);
  }

  #receive({ id, kind, value, error }) {
    if (kind === "prepared") return this.#onPrepared();
    if (kind === "dead") return this.onFailure("dead");
    if (kind === "done") return this.#take(id).resolve(value);
    if (kind === "failed") return this.#take(id).reject(new Error(error));
    this.#startTimer(id);
    return this.#pending.get(id).notify(value);
  }

  #startTimer(id) {
    const request = this.#pending.get(id);
    clearTimeout(request.timer);
    if (request.limit) request.timer = setTimeout(() => this.onFailure("slow"), request.limit * 1000);
  }

  #take(id) {
    const request = this.#pending.get(id);
    clearTimeout(request.timer);
    this.#pending.delete(id);
    return request;
  }
}
