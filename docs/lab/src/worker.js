// The worker: one Python, which does what the page asks, one thing at a time.
import "./classic.js";
import { startPython } from "./runtime.js";

let lab;

self.onmessage = async ({ data: { id, kind, ...asked } }) => {
  try {
    self.postMessage({ id, kind: "done", value: kind === "start" ? await start(asked) : answer(id, kind, asked) });
  } catch (error) {
    const dead = error?.pyodide_fatal_error; // too deep a recursion through C, for one
    self.postMessage({ id, kind: dead ? "dead" : "failed", error: String(error?.message ?? error) });
  }
};

async function start({ parts }) {
  const printed = [];
  const python = await startPython(parts, (line) => printed.push(line));
  lab = python.pyimport("lab");
  setTimeout(prepare);
  return { printed };
}

/** While the reader reads: import what will be wanted, a piece at a time, so that whatever is asked comes between. */
function prepare() {
  try {
    if (lab.prepare()) setTimeout(prepare);
    else self.postMessage({ kind: "prepared" });
  } catch (error) {
    console.error(error); // whoever asks for it will be told
  }
}

/** Let Python do it. Between the two travels JSON: no proxy of the one is kept by the other. */
function answer(id, kind, asked) {
  const tell = (event) => self.postMessage({ id, kind: "event", value: JSON.parse(event) });
  const value = lab.answer(kind, JSON.stringify(asked), tell);
  return value === undefined ? undefined : typeof value === "string" ? JSON.parse(value) : value.toJs();
}
