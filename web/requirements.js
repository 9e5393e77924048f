/** What the page needs of the browser and of its own folder, each with words for when it is missing. */

import { PageError } from "./errors.js";

/** @import {Settings, TaskRecord} from "./page_types" */

/** A module of six bytes of header and no code: compiles wherever WebAssembly does. */
const EMPTY_MODULE = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
const NEWER =
  "Use a current Chrome, Edge, Firefox or Safari; where an administrator or an add-on switched it off, allow it for this page.";

/**
 * Whether the browser asks a new worker for its type, as those do that know modules. No worker is made.
 * @returns {boolean}
 */
function runsModuleWorkers() {
  if (typeof Worker === "undefined") return false;
  let asked = false;
  const options = {
    /** @returns {"module"} */
    get type() {
      asked = true;
      throw new Error("asked");
    },
  };
  try {
    new Worker("workers/python_worker.js", options).terminate();
  } catch {
    // The getter's own error, on its way back.
  }
  return asked;
}

/**
 * What keeps Python and the physics from running in this browser, or null.
 * @returns {PageError|null}
 */
export function missingAbility() {
  if (typeof WebAssembly !== "object" || !WebAssembly.validate(EMPTY_MODULE)) {
    return new PageError(
      "This browser does not run WebAssembly",
      "Python and the physics engine are WebAssembly programs.",
      NEWER,
    );
  }
  if (!runsModuleWorkers()) {
    return new PageError(
      "This browser does not run module workers",
      "Python and the physics run in one, so that the page stays quick.",
      NEWER,
    );
  }
  return null;
}

/**
 * Fetch a file of the page's own folder.
 * @param {string} path
 * @returns {Promise<Response>}
 * @throws {PageError} the server does not answer, or lacks the file
 */
export async function fetchOwn(path) {
  const todo = "Check that the server runs and serves the whole dist folder (./build.sh serve), then reload.";
  let response;
  try {
    response = await fetch(new URL(path, import.meta.url));
  } catch (error) {
    throw new PageError("The server does not answer", `${path} could not be fetched: ${error}.`, todo);
  }
  if (!response.ok)
    throw new PageError(
      "A file of the page is missing on the server",
      `${path} gave status ${response.status}.`,
      todo,
    );
  return response;
}

/**
 * @param {string} path
 * @returns {Promise<any>}
 */
async function fetchJson(path) {
  const response = await fetchOwn(path);
  try {
    return await response.json();
  } catch {
    throw new PageError(
      "A file of the page is damaged",
      `${path} is not JSON.`,
      "Run ./build.sh dist again and reload.",
    );
  }
}

/**
 * The tasks, the settings and the list of its own files that the build wrote.
 * @returns {Promise<{tasks: TaskRecord[], settings: Settings, version: string, content: string, files: Set<string>}>}
 */
export async function loadCatalogue() {
  const [{ tasks }, settings, build] = await Promise.all([
    fetchJson("tasks.json"),
    fetchJson("settings.json"),
    fetchJson("build.json"),
  ]);
  return {
    tasks,
    settings,
    version: build.version,
    content: build.content,
    files: new Set(Object.keys(build.files)),
  };
}

/**
 * Load a part of the page that is not needed at first.
 * @template T
 * @param {() => Promise<T>} load
 * @param {string} what
 * @returns {Promise<T>}
 * @throws {PageError} the server lacks it
 */
export async function loadPart(load, what) {
  try {
    return await load();
  } catch (error) {
    const missing = new PageError(
      "A file of the page is missing on the server",
      `${what} could not be loaded.`,
      "Check that the server serves the whole dist folder (./build.sh serve), then reload.",
    );
    missing.details = String(error);
    throw missing;
  }
}
