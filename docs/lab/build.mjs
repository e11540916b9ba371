// Makes what the laboratory of the lessons is loaded from: `node build.mjs page OUT`, `node build.mjs packages OUT`.
// course/site/lab/bundle.py calls it, in a copy of this folder that has node_modules above it.
import { readFile, writeFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { loadPyodide } from "pyodide";

const PYODIDE = "../node_modules/pyodide";
const [part, out] = process.argv.slice(2);

await (part === "page" ? Promise.all([bundle(), runtime()]) : compile());

/** Join the modules of the page and those of the worker into one file each. */
async function bundle() {
  const common = {
    bundle: true,
    minify: true,
    format: "iife",
    target: "es2022",
    charset: "utf8",
    legalComments: "none", // the licences are carried as a whole, in licences.txt
    logLevel: "warning",
    logOverride: { "empty-import-meta": "silent", "direct-eval": "silent" },
  };
  await build({ ...common, entryPoints: ["src/lab.js"], outfile: `${out}/lab.js` });
  await build({ ...common, entryPoints: ["src/lab.css"], outfile: `${out}/lab.css` });
  await build({
    ...common,
    entryPoints: ["src/worker.js"],
    outfile: `${out}/worker.js`,
    external: ["node:*", "ws"],
    // The runtime asks where it was loaded from; it is handed all it needs, and the answer is never used.
    define: { "import.meta.url": '"lab:/"' },
  });
}

/** Pack Python itself: its WebAssembly. */
async function runtime() {
  await writeFile(`${out}/python.bin`, gzipSync(await readFile(`${PYODIDE}/pyodide.asm.wasm`), { level: 9 }));
}

/** Compile the standard library and the packages by the Python that is going to run them: less to wait for. */
async function compile() {
  const python = await loadPyodide();
  python.runPython(await readFile("python/compile_packages.py", "utf8"));
  for (const [source, target] of [
    [`${PYODIDE}/python_stdlib.zip`, "stdlib.bin"],
    ["packages.zip", "packages.bin"],
  ]) {
    python.FS.writeFile("/source.zip", await readFile(source));
    python.globals.get("compile_zip")("/source.zip", "/compiled.zip");
    await writeFile(`${out}/${target}`, python.FS.readFile("/compiled.zip"));
  }
}
