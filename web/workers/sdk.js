/** What Claude's SDK needs in Python, loaded when it is first asked for: the page's own files, `runtime/sdk/`. */

import { importFrom, writeFile } from "./boot.js";
import { fetchBytes, load, ROOT } from "./parts.js";

/** @import {PyodideAPI} from "../runtime/pyodide/pyodide.mjs" */

/** Pure Python: the SDK, what it imports, and the standard library's modules that nothing else of the page needs. */
const ARCHIVE = "sdk.zip";
/** Compiled parts, one wheel each. */
const LISTING = "runtime/sdk/wheels.json";

/** @type {Promise<void>|null} */
let loading = null;

/**
 * @param {PyodideAPI} pyodide
 * @param {(fraction: number, words: string) => void} say
 */
async function begin(pyodide, say) {
  say(0, "Loading the Claude SDK");
  const archive = load("The Claude SDK", () => fetchBytes(`runtime/sdk/${ARCHIVE}`));
  // Awaited below; what happens to it before that is told there.
  archive.catch(() => {});
  const listing = await load("The Claude SDK", () => fetchBytes(LISTING));
  /** @type {string[]} */
  const wheels = JSON.parse(new TextDecoder().decode(listing));
  /** @type {string[]} */
  const errors = [];
  await pyodide.loadPackage(
    wheels.map((name) => new URL(`runtime/sdk/${name}`, ROOT).href),
    { messageCallback: () => {}, errorCallback: (text) => errors.push(text), checkIntegrity: false },
  );
  if (errors.length) throw new Error(errors.join("; "));
  say(0.5, "Starting the Claude SDK");
  writeFile(pyodide, `/${ARCHIVE}`, await archive);
  importFrom(pyodide, `/${ARCHIVE}`);
  const library = pyodide.pyimport("tabrl_py.workers.archives");
  try {
    library.extend_standard_library(`/${ARCHIVE}`);
  } finally {
    library.destroy();
  }
  pyodide.pyimport("anthropic").destroy();
  say(1, "The Claude SDK is there");
}

/**
 * Make `anthropic` importable; called again, it waits for the first call.
 * @param {PyodideAPI} pyodide
 * @param {(fraction: number, words: string) => void} say told how far it is
 * @returns {Promise<void>}
 */
export function loadSdk(pyodide, say) {
  loading ??= begin(pyodide, say);
  loading.catch(() => {
    loading = null;
  });
  return loading;
}
