// Starts Python from bytes that are in memory already: nothing here is fetched.
import createPyodideModule from "pyodide/pyodide.asm.mjs";
import { loadPyodide } from "pyodide";
import { hashes } from "./hashes.js";

const WHERE = "lab:/"; // no address that exists: whatever is asked for by it is in `parts`

/**
 * @param {Record<string, ArrayBuffer>} parts what build.mjs and course/site/lab/stages.py packed, by name
 * @param {(line: string) => void} print called with what Python itself prints
 */
export async function startPython(parts, print) {
  const fetchElsewhere = self.fetch;
  const served = {
    "pyodide.asm.wasm": () => {
      const wasm = new Blob([parts["python.bin"]]).stream().pipeThrough(new DecompressionStream("gzip"));
      return new Response(wasm, { headers: { "Content-Type": "application/wasm" } });
    },
    "python_stdlib.zip": () => new Response(parts["stdlib.bin"]),
  };
  self.fetch = async (url) => served[String(url).slice(WHERE.length)]();
  const python = await loadPyodide({
    createPyodideModule,
    indexURL: WHERE,
    lockFileContents: { info: { abi_version: "2026_0" }, packages: {} },
    env: { HOME: "/home/reader", PYTHONUTF8: "1", PYTEST_DISABLE_PLUGIN_AUTOLOAD: "1" },
    stdout: print,
    stderr: print,
  });
  self.fetch = fetchElsewhere;
  python.registerJsModule("lab_hashes", hashes);
  python.unpackArchive(parts["packages.bin"], "zip", { extractDir: "/packages" });
  python.unpackArchive(parts["course.bin"], "zip", { extractDir: "/course" });
  python.runPython('import sys; sys.path[:0] = ["/course", "/course/lab", "/packages"]');
  lock();
  return python;
}

/** Take from the code that will run here the ways to the outside. A policy of the server may do the same. */
function lock() {
  for (const name of ["fetch", "XMLHttpRequest", "WebSocket", "EventSource", "WebTransport", "indexedDB", "caches"]) {
    Object.defineProperty(self, name, { value: undefined, configurable: false });
  }
}
