// Runs requests in Python in Node, as the worker does in a browser: the tests of the lab call it.
// `node run.mjs FOLDER < REQUESTS`: FOLDER has packages.bin and course.bin; a request is [kind, arguments].
import { readFile } from "node:fs/promises";
import { loadPyodide } from "pyodide";
import { ENVIRONMENT, install } from "./src/install.js";

const folder = process.argv[2];
const requests = JSON.parse(await readFile("/dev/stdin", "utf8"));
const names = ["packages.bin", "course.bin"];
const parts = Object.fromEntries(await Promise.all(names.map(async (name) => [name, new Uint8Array(await readFile(`${folder}/${name}`))])));
const lab = install(await loadPyodide({ env: ENVIRONMENT, stdout: console.error, stderr: console.error }), parts);
const run = ([kind, request]) => {
  const events = [];
  const value = JSON.parse(lab.handle(kind, JSON.stringify(request), (event) => events.push(JSON.parse(event))));
  return { value, events };
};
console.log(JSON.stringify(requests.map(run)));
