/** Loading of what a Python worker needs, as named steps, each of which can say what went wrong. */

import { ask, BootError, fetchBytes, load, loadPhysics, ROOT } from "./parts.js";

/** @import {Booting} from "../protocol" */
/** @import {PyodideAPI} from "../runtime/pyodide/pyodide.mjs" */
/** @import {Kernel} from "./strides.js" */

/** The package in Python's file system: an archive of compiled modules, imported as it is. */
const PACKAGE = "/tabrl_py.zip";
const KERNELS_FILE = "kernels/kernels.side.wasm";
/** Where Python finds the kernels; the environment variable TABRL_KERNELS says so. */
const KERNELS = "/kernels.so";
/** A module with one function that fills a vector. */
const SIMD_MODULE = new Uint8Array([
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...[1, 5, 1, 0x60, 0, 1, 0x7b, 3, 2, 1, 0],
  ...[0x0a, 8, 1, 6, 0, 0x41, 0, 0xfd, 0x11, 0x0b],
]);

/** Whether this browser runs the compiled kernels; without them Python computes with NumPy, and says so. */
function hasSimd() {
  return WebAssembly.validate(SIMD_MODULE);
}

/** @returns {Promise<PyodideAPI>} */
async function loadPython() {
  const { loadPyodide } = await import("../runtime/pyodide/pyodide.mjs");
  // Pyodide says nothing useful when one of its files is missing.
  const files = ["pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json"];
  const present = Promise.all(files.map((name) => ask(`runtime/pyodide/${name}`, "HEAD")));
  const pyodide = loadPyodide({
    indexURL: new URL("runtime/pyodide/", ROOT).href,
    env: { HOME: "/home/pyodide", ...(hasSimd() ? { TABRL_KERNELS: KERNELS } : {}) },
  });
  // Awaited below; what happens to it before that is told there.
  pyodide.catch(() => {});
  await present;
  return await pyodide;
}

/**
 * Load packages of the Pyodide distribution; those it skips are errors.
 * @param {PyodideAPI} pyodide
 * @param {string[]} names
 */
async function loadPackages(pyodide, names) {
  /** @type {string[]} */
  const errors = [];
  await pyodide.loadPackage(names, {
    messageCallback: () => {},
    errorCallback: (/** @type {string} */ text) => errors.push(text),
  });
  const missing = names.filter((name) => !(name in pyodide.loadedPackages));
  if (missing.length || errors.length)
    throw new Error(errors.join("; ") || `${missing.join(", ")} not found`);
}

/**
 * Give Python a file of the page's folder.
 * @param {PyodideAPI} pyodide
 * @param {string} path in Python's file system
 * @param {ArrayBuffer} data
 */
export function writeFile(pyodide, path, data) {
  pyodide.FS.writeFile(path, new Uint8Array(data), { canOwn: true });
}

/**
 * Let Python import from an archive.
 * @param {PyodideAPI} pyodide
 * @param {string} path in Python's file system
 */
export function importFrom(pyodide, path) {
  const places = pyodide.pyimport("sys.path");
  try {
    places.append(path);
  } finally {
    places.destroy();
  }
}

/**
 * Import a package and say which version it is.
 * @param {PyodideAPI} pyodide
 * @param {string} name
 */
function versionOf(pyodide, name) {
  const imported = pyodide.pyimport(name);
  try {
    return /** @type {string} */ (imported.__version__);
  } finally {
    imported.destroy();
  }
}

/** @throws {BootError} */
function needWebAssembly() {
  if (typeof WebAssembly === "object") return;
  throw new BootError(
    "This browser has no WebAssembly",
    "Use a current browser, or allow WebAssembly in this one.",
  );
}

/**
 * Load Python, NumPy and tabrl_py.
 * @param {(stage: Booting["stage"], fraction: number) => void} say told at the beginning of each step
 * @param {Promise<ArrayBuffer|null>} kernels null: Python computes with NumPy
 */
export async function bootPython(say, kernels) {
  needWebAssembly();
  say("python", 0);
  const archive = load("The tabrl_py package", () => fetchBytes("runtime/tabrl_py.zip"));
  // Awaited below; what happens to it before that is told there.
  archive.catch(() => {});
  const pyodide = await load("Python", loadPython);
  say("numpy", 0.55);
  await load("NumPy", () => loadPackages(pyodide, ["numpy"]));
  const numpy = versionOf(pyodide, "numpy");
  say("package", 0.8);
  writeFile(pyodide, PACKAGE, await archive);
  const compiled = await kernels;
  if (compiled) writeFile(pyodide, KERNELS, compiled);
  importFrom(pyodide, PACKAGE);
  const tabrl = versionOf(pyodide, "tabrl_py");
  const python = /** @type {string} */ (pyodide.runPython("import platform; platform.python_version()"));
  return { pyodide, versions: { tabrl, python, pyodide: pyodide.version, numpy } };
}

/**
 * Load Python, NumPy, the physics engine and tabrl_py.
 * @param {(stage: Booting["stage"], fraction: number) => void} say told at the beginning of each step
 */
export async function boot(say) {
  needWebAssembly();
  const physics = loadPhysics();
  const kernels = load("The kernels", async () => (hasSimd() ? await fetchBytes(KERNELS_FILE) : null));
  // Awaited below and by others; what happens to them before that is told there.
  for (const part of [physics, kernels]) part.catch(() => {});
  const { pyodide, versions } = await bootPython(say, kernels);
  say("physics", 0.9);
  const mujoco = await physics;
  return { pyodide, mujoco, versions: { ...versions, mujoco: mujoco.mj_versionString() } };
}

/**
 * Compiled functions by their number in Python's table, as ctypes gives it for a pointer to a function.
 * @param {PyodideAPI} pyodide
 * @returns {(number: number) => Kernel}
 */
export function kernelsOf(pyodide) {
  const { _module } = /** @type {{_module: {getWasmTableEntry: (number: number) => Kernel}}} */ (
    /** @type {unknown} */ (pyodide)
  );
  return (number) => _module.getWasmTableEntry(number);
}
