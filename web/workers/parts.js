/** Loading of the parts that workers are made of, with words for what is missing. */

/** @import {MainModule} from "../runtime/mujoco/mujoco.js" */
/** @import {Program} from "./reward_program.js" */

/** The page's folder. */
export const ROOT = new URL("../", import.meta.url);
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
export async function load(what, step) {
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
export async function ask(path, method = "GET") {
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

/** @param {string} path below the page's folder */
export async function fetchBytes(path) {
  return await (await ask(path)).arrayBuffer();
}

/** Load and start the physics engine. @returns {Promise<MainModule>} */
export function loadPhysics() {
  return load("The physics engine", async () => {
    const { default: start } = await import("../runtime/mujoco/mujoco.js");
    const present = ask("runtime/mujoco/mujoco.wasm", "HEAD");
    // On a busy machine the loader says that it still waits; that is no error.
    const engine = start({ printErr: (/** @type {string} */ text) => console.warn(text) });
    // Awaited below; what happens to it before that is told there.
    engine.catch(() => {});
    // The loader's own words do not name the file.
    await present;
    return await engine;
  });
}

/** The tasks' rewards as programs, by task. @returns {Promise<Record<string, Program|null>>} */
export function loadRewards() {
  return load("The tasks' rewards", async () => (await ask("rewards.json")).json());
}
