// The worker: one Python, which handles the page's requests one at a time.
import "./classic.js";
import { startPython } from "./runtime.js";

let lab;

self.onmessage = async ({ data: { id, kind, ...request } }) => {
  try {
    self.postMessage({ id, kind: "done", value: kind === "start" ? await start(request) : handle(id, kind, request) });
  } catch (error) {
    const dead = error?.pyodide_fatal_error; // for example a recursion through C that is too deep
    self.postMessage({ id, kind: dead ? "dead" : "failed", error: String(error?.message ?? error) });
  }
};

async function start({ parts }) {
  const printed = [];
  lab = await startPython(parts, (line) => printed.push(line));
  setTimeout(prepare);
  return { printed };
}

/** Import what later requests need while the reader reads: in small pieces, so that a request comes between. */
function prepare() {
  try {
    if (lab.prepare()) setTimeout(prepare);
    else self.postMessage({ kind: "prepared" });
  } catch (error) {
    console.error(error); // the request that needs it will fail and say so
  }
}

/** Pass JSON to Python and back: no proxy of one side is kept by the other. */
function handle(id, kind, request) {
  const notify = (event) => self.postMessage({ id, kind: "event", value: JSON.parse(event) });
  return JSON.parse(lab.handle(kind, JSON.stringify(request), notify));
}
