/**
 * The worker that reads one robot and is then thrown away: whatever a file does to the engine, nothing else has that engine. It takes
 * {name, bytes}, says {begun} when the engine is there, and answers {robot}, {refused} or {failed}; robot_reader.js ends it.
 */

import { BootError, loadPhysics } from "../parts.js";
import { RobotRefused, shortName } from "./refusal.js";
import { readRobot } from "./robot.js";

/** @param {{name: string, bytes: ArrayBuffer}} file */
async function answer({ name, bytes }) {
  try {
    const mujoco = await loadPhysics();
    self.postMessage({ begun: true }, {});
    self.postMessage({ robot: await readRobot(mujoco, name, new Uint8Array(bytes)) }, {});
  } catch (error) {
    if (error instanceof RobotRefused) {
      self.postMessage({ refused: { message: error.message, todo: error.todo } }, {});
      return;
    }
    const known = error instanceof Error ? error : new Error(String(error));
    const failed =
      known instanceof BootError
        ? { message: known.message, todo: known.hint }
        : {
            message: `The engine broke down over ${shortName(name)}: ${known.message}`,
            todo: "Drop a smaller model.",
          };
    self.postMessage({ failed: { ...failed, details: known.stack ?? "" } }, {});
  }
}

self.addEventListener("message", (/** @type {MessageEvent<{name: string, bytes: ArrayBuffer}>} */ { data }) =>
  answer(data),
);
