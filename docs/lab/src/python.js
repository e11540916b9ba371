// One Python, in a worker of its own: it is asked, it answers, and nothing but its end stops a loop in it.
export class Python {
  #worker;
  #waiting = new Map();
  #serial = 0;
  #prepared;

  /**
   * @param {Worker} worker
   * @param {Record<string, ArrayBuffer>} parts what it starts from
   * @param {(by: "slow" | "dead") => void} lost called when it does not come back
   */
  constructor(worker, parts, lost) {
    this.#worker = worker;
    this.lost = lost;
    worker.onmessage = ({ data }) => this.#hear(data);
    worker.onerror = (event) => this.end(new Error(event.message));
    /** Whether it can be asked, and when it has done beforehand all that it could. */
    this.ready = false;
    this.prepared = new Promise((resolve) => (this.#prepared = resolve));
    this.started = this.ask("start", { parts }).then(() => (this.ready = true));
  }

  /**
   * @param {string} kind what docs/lab/python/lab.py knows
   * @param {object} asked its arguments
   * @param {{limit?: number, tell?: (event: any) => void}} how seconds without a word, after which it is lost
   */
  ask(kind, asked, { limit, tell = () => {} } = {}) {
    const id = ++this.#serial;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject, tell, limit });
      this.#wind(id);
      this.#worker.postMessage({ id, kind, ...asked });
    });
  }

  end(error) {
    this.#worker.terminate();
    for (const [id, { reject }] of this.#waiting) {
      this.#settle(id);
      reject(error);
    }
  }

  #hear({ id, kind, value, error }) {
    const asked = this.#waiting.get(id);
    if (kind === "prepared") return this.#prepared();
    if (kind === "dead") return this.lost("dead");
    if (kind === "event") {
      this.#wind(id);
      return asked.tell(value);
    }
    this.#settle(id);
    if (kind === "done") asked.resolve(value);
    else asked.reject(new Error(error));
  }

  #wind(id) {
    const asked = this.#waiting.get(id);
    clearTimeout(asked.alarm);
    if (asked.limit) asked.alarm = setTimeout(() => this.lost("slow"), asked.limit * 1000);
  }

  #settle(id) {
    clearTimeout(this.#waiting.get(id).alarm);
    this.#waiting.delete(id);
  }
}
