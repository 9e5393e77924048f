/** The first seconds of a robot's life: whether its physics holds, and how fast it is. */

import { RobotRefused } from "./refusal.js";

/** @import {MainModule, MjData, MjModel} from "../../runtime/mujoco/mujoco.js" */
/** @import {Description} from "./description.js" */

const SECONDS = 1;
/** Of processor time for both trials; a robot that has not lived its second by then is slow. */
const PATIENCE_MS = 4000;
/** A physics step that takes longer leaves nothing to learn with. */
const SLOWEST_STEP_MS = 20;
/** Physics steps for which a control is held. */
const HELD = 10;
/** mjtWarning */
const WARNINGS = [
  "a body with hardly any inertia",
  "more contacts than its memory holds",
  "more constraints than its memory holds",
  "a position that is not finite",
  "a velocity that is not finite",
  "an acceleration that is not finite",
  "a control that is not finite",
];

/**
 * What the engine warned of since the last reset, or "".
 * @param {MjData} data
 */
function warned(data) {
  // The vector belongs to MjData; its elements are copies.
  const records = data.warning;
  for (const [kind, words] of WARNINGS.entries()) {
    const record = records.get(kind);
    const number = record?.number ?? 0;
    record?.delete();
    if (number > 0) return words;
  }
  return "";
}

/**
 * Let it live, and refuse it where its physics breaks down.
 * @param {MainModule} mujoco
 * @param {MjModel} model
 * @param {MjData} data in its first pose
 * @param {Description} description
 * @param {(data: MjData) => void} begin puts it into its first pose
 * @returns {{steps_per_s: number}}
 * @throws {RobotRefused}
 */
export function tryRobot(mujoco, model, data, description, begin) {
  const steps = Math.max(1, Math.round(SECONDS / model.opt.timestep));
  const started = performance.now();
  let [made, drawn] = [0, 1];
  const random = () => {
    // Numerical Recipes' generator: which controls are tried matters little, only that they are the same each time.
    drawn = (Math.imul(drawn, 1664525) + 1013904223) >>> 0;
    return drawn / 2 ** 32;
  };
  for (const driven of [false, true]) {
    begin(data);
    for (let step = 0; step < steps; step++) {
      if (step % HELD === 0) {
        const { ctrl } = data;
        for (const [i, { range }] of description.actuators.entries()) {
          const [low = -1, high = 1] = range ?? [];
          ctrl[i] = driven ? low + (high - low) * random() : Math.min(Math.max(0, low), high);
        }
      }
      mujoco.mj_step(model, data);
      made++;
      if (step % HELD === 0 && performance.now() - started > PATIENCE_MS) break;
    }
    const trouble = warned(data) || (data.qpos.every(Number.isFinite) ? "" : WARNINGS[3]);
    if (trouble)
      throw new RobotRefused(
        `The robot's physics breaks down within its first second, ${driven ? "driven at random" : "at rest"}: ${trouble}.`,
        "Give it a smaller timestep, more damping or armature, or weaker actuators.",
      );
  }
  const step_ms = (performance.now() - started) / made;
  if (step_ms > SLOWEST_STEP_MS)
    throw new RobotRefused(
      `One physics step of the robot takes ${Math.round(step_ms)} ms here; at most ${SLOWEST_STEP_MS} can be trained with.`,
      "Use fewer bodies and contacts, or coarser meshes.",
    );
  return { steps_per_s: Math.round(1000 / step_ms) };
}
