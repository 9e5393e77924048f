/** Reading a robot's file in a worker of its own, which is ended when it has answered, or takes too long. */

import { PageError } from "./errors.js";

/** @import {Robot} from "./workers/robot/robot.js" */

/** A large robot compiles in a second or two; a file that takes longer is meant to. */
const PATIENCE_MS = 20_000;
/** The engine itself may come over a slow line. */
const LOADING_MS = 120_000;
const TITLE = "This robot cannot be used";

/**
 * Read a file as a robot.
 * @param {string} name
 * @param {ArrayBuffer} bytes are gone from the page afterwards
 * @param {number} [patience_ms]
 * @returns {Promise<Robot>}
 * @throws {PageError} one message: what is wrong with it, and what to do
 */
export function readRobotFile(name, bytes, patience_ms = PATIENCE_MS) {
  const worker = new Worker(new URL("./workers/robot/robot_worker.js", import.meta.url), { type: "module" });
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  let timer;
  /** @type {Promise<Robot>} */
  const answer = new Promise((resolve, reject) => {
    const wait = (/** @type {number} */ ms, /** @type {PageError} */ error) => {
      clearTimeout(timer);
      timer = setTimeout(() => reject(error), ms);
    };
    const slow = `Reading ${name} took longer than ${patience_ms / 1000} s and was ended.`;
    wait(
      LOADING_MS,
      new PageError("The physics engine could not be loaded", "It did not arrive.", "Reload the page."),
    );
    worker.onmessage = ({ data }) => {
      if (data.begun) wait(patience_ms, new PageError(TITLE, slow, "Drop a smaller model."));
      else if (data.robot) resolve(data.robot);
      else reject(refusal(data));
    };
    worker.onerror = (event) => {
      event.preventDefault?.();
      reject(new PageError(TITLE, `Its worker crashed: ${event.message}`, "Drop a smaller model."));
    };
    worker.postMessage({ name, bytes }, [bytes]);
  });
  return answer.finally(() => {
    clearTimeout(timer);
    worker.terminate();
  });
}

/** @param {{refused?: {message: string, todo: string}, failed?: {message: string, todo: string, details: string}}} data */
function refusal({ refused, failed }) {
  if (refused) return new PageError(TITLE, refused.message, refused.todo);
  const error = new PageError(TITLE, failed?.message ?? "Its worker said nothing.", failed?.todo);
  error.details = failed?.details ?? "";
  return error;
}
