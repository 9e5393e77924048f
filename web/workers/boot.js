/** Loading of what a Python worker needs, as named steps, each of which can say what went wrong. */

/** @import {Booting} from "../protocol" */
/** @import {MainModule} from "../runtime/mujoco/mujoco.js" */
/** @import {PyodideAPI} from "../runtime/pyodide/pyodide.mjs" */

const ROOT = new URL("../", import.meta.url);
const MISSING =
  "Check that the server has every file of the page (the whole of dist/), then reload the page.";

/** What could not be loaded, and what to do. */
export class BootError extends Error {
  /**
   * @param {string} message
   * @param {string} hint
   * @param {unknown} [cause]
   */
  constructor(message, hint, cause) {
    super(message, { cause });
    this.name = "BootError";
    this.hint = hint;
  }
}

/**
 * Do one step of the loading; its failure names it.
 * @template T
 * @param {string} what
 * @param {() => Promise<T>} step
 * @returns {Promise<T>}
 */
async function load(what, step) {
  try {
    return await step();
  } catch (error) {
    if (error instanceof BootError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new BootError(`${what} could not be loaded: ${reason}`, MISSING, error);
  }
}

/**
 * Ask the server for a file.
 * @param {string} path below the page's folder
 * @param {"GET"|"HEAD"} [method]
 */
async function ask(path, method = "GET") {
  const url = new URL(path, ROOT);
  /** @type {Response} */
  let response;
  try {
    response = await fetch(url, { method });
  } catch (error) {
    throw new BootError(
      `${path} could not be fetched: the server does not answer`,
      "Start the server, then reload the page.",
      error,
    );
  }
  if (!response.ok)
    throw new BootError(`${path} is missing: the server answered ${response.status}`, MISSING);
  return response;
}

/** @returns {Promise<MainModule>} */
async function loadPhysics() {
  const { default: start } = await import("../runtime/mujoco/mujoco.js");
  await ask("runtime/mujoco/mujoco.wasm", "HEAD");
  // On a busy machine the loader says that it still waits; that is no error.
  return await start({ printErr: (/** @type {string} */ text) => console.warn(text) });
}

/** @returns {Promise<PyodideAPI>} */
async function loadPython() {
  const { loadPyodide } = await import("../runtime/pyodide/pyodide.mjs");
  // Pyodide says nothing useful when one of its files is missing.
  const files = ["pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json"];
  await Promise.all(files.map((name) => ask(`runtime/pyodide/${name}`, "HEAD")));
  return await loadPyodide({ indexURL: new URL("runtime/pyodide/", ROOT).href });
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
 * Install the page's own Python package, without looking at any package index.
 * @param {PyodideAPI} pyodide
 */
async function installPackage(pyodide) {
  const build = await (await ask("build.json")).json();
  const wheel = new URL(build.wheel, ROOT).href;
  const micropip = pyodide.pyimport("micropip");
  try {
    await micropip.install.callKwargs(wheel, { deps: false });
  } finally {
    micropip.destroy();
  }
  return /** @type {string} */ (build.version);
}

/** @param {PyodideAPI} pyodide */
function numpyVersion(pyodide) {
  const numpy = pyodide.pyimport("numpy");
  try {
    return /** @type {string} */ (numpy.__version__);
  } finally {
    numpy.destroy();
  }
}

/**
 * Load Python, NumPy, the physics engine and tabrl_py.
 * @param {(stage: Booting["stage"], fraction: number) => void} say told at the beginning of each step
 */
export async function boot(say) {
  if (typeof WebAssembly !== "object") {
    throw new BootError(
      "This browser has no WebAssembly",
      "Use a current browser, or allow WebAssembly in this one.",
    );
  }
  say("python", 0);
  const physics = load("The physics engine", loadPhysics);
  physics.catch(() => {});
  const pyodide = await load("Python", loadPython);
  say("numpy", 0.45);
  await load("NumPy", () => loadPackages(pyodide, ["numpy", "micropip"]));
  const numpy = numpyVersion(pyodide);
  say("package", 0.75);
  const tabrl = await load("The tabrl_py package", () => installPackage(pyodide));
  say("physics", 0.9);
  const mujoco = await physics;
  const python = /** @type {string} */ (pyodide.runPython("import platform; platform.python_version()"));
  const versions = { tabrl, python, pyodide: pyodide.version, numpy, mujoco: mujoco.mj_versionString() };
  return { pyodide, mujoco, versions };
}
