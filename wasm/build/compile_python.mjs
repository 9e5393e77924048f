// Runs compile_inside.py in Pyodide for python_parts.py: `node compile_python.mjs JOBS.json`.
// JOBS.json: {pyodide: folder of its files, stdlib: the standard library to run on, jobs: [{from, to, ...}]}.

import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const { pyodide: folder, stdlib, jobs } = JSON.parse(await readFile(process.argv[2], "utf8"));
const { loadPyodide } = await import(pathToFileURL(join(folder, "pyodide.mjs")).href);
// A fixed hash seed: the order of sets in compiled code depends on it, and the same sources must give the same bytes.
const python = await loadPyodide({
  indexURL: `${folder}/`,
  stdLibURL: pathToFileURL(stdlib).href,
  env: { PYTHONHASHSEED: "0", HOME: "/home/pyodide" },
});
const inside = await readFile(new URL("compile_inside.py", import.meta.url), "utf8");
python.runPython(inside);
const compile = python.globals.get("compile_archive");
try {
  for (const { from, to, ...options } of jobs) {
    python.FS.writeFile("/from.zip", new Uint8Array(await readFile(from)));
    compile("/from.zip", "/to.zip", JSON.stringify(options));
    await writeFile(`${to}.partial`, python.FS.readFile("/to.zip"));
    await rename(`${to}.partial`, to);
  }
} catch (error) {
  // The message alone: with it Node.js would print the line of Pyodide that threw it, a megabyte long.
  console.error(error.message);
  process.exit(1);
}
