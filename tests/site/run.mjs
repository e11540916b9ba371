// Handles requests with Python in Node, as the worker does in a browser, for the tests: `node run.mjs`.
// A request of requests.json is [name, arguments]; packages.bin and course.bin are in the folder too.
import { readFileSync } from "node:fs";
import { loadPyodide } from "pyodide";
import { ENVIRONMENT, install } from "./src/install.js";

const archives = ["packages.bin", "course.bin"].map((name) => new Uint8Array(readFileSync(name)));
const python = await loadPyodide({ env: ENVIRONMENT, stdout: console.error, stderr: console.error });
const lab = install(python, ...archives);

function handle([kind, request]) {
  const events = [];
  const notify = (event) => events.push(JSON.parse(event));
  if (kind === "python") return python.runPython(request.code);
  return { value: JSON.parse(lab.handle(kind, JSON.stringify(request), notify)), events };
}

const requests = JSON.parse(readFileSync("requests.json", "utf8"));
console.log(JSON.stringify(requests.map((request) => handle(request) ?? null)));
