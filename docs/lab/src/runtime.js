// Starts Python from what is downloaded already: nothing is fetched.
import createPyodideModule from "pyodide/pyodide.asm.mjs";
import { loadPyodide } from "pyodide";
import { ENVIRONMENT, install } from "./install.js";

const BASE = "lab:/"; // no address that exists: each file of it is in `parts`

/** @param {Record<string, Blob>} parts
 *  @param {(line: string) => void} print called with what Python itself prints
 *  @returns {Promise<any>} the module docs/lab/python/lab.py */
export async function startPython(parts, print) {
  const fetchBefore = self.fetch;
  const responses = {
    "pyodide.asm.wasm": () => {
      const wasm = parts["python.bin"].stream().pipeThrough(new DecompressionStream("gzip"));
      return new Response(wasm, { headers: { "Content-Type": "application/wasm" } });
    },
    "python_stdlib.zip": () => new Response(parts["stdlib.bin"]),
  };
  self.fetch = async (url) => responses[String(url).slice(BASE.length)]();
  const python = await loadPyodide({
    createPyodideModule,
    indexURL: BASE,
    lockFileContents: { info: { abi_version: "2026_0" }, packages: {} },
    env: ENVIRONMENT,
    stdout: print,
    stderr: print,
  });
  self.fetch = fetchBefore;
  const archives = ["packages.bin", "course.bin"].map((name) => parts[name].arrayBuffer());
  const lab = install(python, ...(await Promise.all(archives)));
  removeNetwork();
  return lab;
}

/** Deny the network to the code that will run here. A policy of the server may do the same. */
function removeNetwork() {
  for (const name of ["fetch", "XMLHttpRequest", "WebSocket", "EventSource", "WebTransport", "indexedDB", "caches"]) {
    Object.defineProperty(self, name, { value: undefined, configurable: false });
  }
}
