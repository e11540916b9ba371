// Puts the packages, the course and what the browser lacks into a Python; the tests do it in Node.
import { hashes } from "./hashes.js";

export const ENVIRONMENT = { HOME: "/home/reader", PYTHONUTF8: "1", PYTEST_DISABLE_PLUGIN_AUTOLOAD: "1" };

/** @param {any} python what `loadPyodide` returned
 *  @param {ArrayBuffer} packages what build.mjs packed
 *  @param {ArrayBuffer} course what course/site/lab/stages.py packed
 *  @returns the module docs/lab/python/lab.py */
export function install(python, packages, course) {
  python.registerJsModule("lab_hashes", hashes);
  python.unpackArchive(packages, "zip", { extractDir: "/packages" });
  python.unpackArchive(course, "zip", { extractDir: "/course" });
  python.runPython('import sys; sys.path[:0] = ["/course", "/course/lab", "/packages"]');
  return python.pyimport("lab");
}
