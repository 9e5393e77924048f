/** A dropped file becomes a robot: unpacked, compiled, looked through, described, drawn and tried, or refused with one message. */

import { compileText } from "../model_text.js";
import { describe, firstPose } from "./description.js";
import { draw } from "./drawing.js";
import { readFiles } from "./files.js";
import { mebibytes, RobotRefused, shortName } from "./refusal.js";
import { tryRobot } from "./trial.js";

/** @import {MainModule, MjModel} from "../../runtime/mujoco/mujoco.js" */
/** @import {Scene} from "../../views/scene.js" */
/** @import {Description} from "./description.js" */

/**
 * @typedef {object} Robot
 * @property {string} text of its model, see model_text.js
 * @property {string} main the file that was taken for its model
 * @property {Description} description
 * @property {Scene} scene
 * @property {string[]} notes what the person should know of it
 * @property {number} steps_per_s physics steps of one robot on this machine
 */

const MOST = { nbody: 300, nv: 300, nu: 150, ngeom: 3000, nsensordata: 4000 };
const COUNTED = {
  nbody: "bodies",
  nv: "degrees of freedom",
  nu: "actuators",
  ngeom: "geoms",
  nsensordata: "sensor numbers",
};
/** The engine's working memory for one state; each training worker takes it anew. */
const MOST_ARENA = 256 * 2 ** 20;
const [SHORTEST_S, LONGEST_S] = [1e-5, 0.1];
const MEND = "Mend the model and drop it again.";

/**
 * @param {MainModule} mujoco
 * @param {string} text
 * @param {string} main
 */
function compile(mujoco, text, main) {
  try {
    return compileText(mujoco, text);
  } catch (error) {
    const said = (error instanceof Error ? error.message : String(error))
      .replace(/^MuJoCo Error: (Loading error: )?/, "")
      .replace(/\s+/g, " ")
      .trim();
    const missing = /Error opening file|resource not found|could not open/i.test(said);
    throw new RobotRefused(
      `The engine refuses ${shortName(main)}: ${said.slice(0, 300)}`,
      missing ? "Drop a .zip that holds the model and every file it reads." : MEND,
    );
  }
}

/** @param {MjModel} model */
function checkSizes(model) {
  if (model.njnt === 0)
    throw new RobotRefused(
      "The robot has no joints, so nothing of it can move.",
      "Add <joint> or <freejoint> to its bodies.",
    );
  if (model.nu === 0)
    throw new RobotRefused(
      "The robot has no actuators, so a policy cannot drive it.",
      "Add <actuator> with a motor or position for each joint to be driven.",
    );
  for (const name of /** @type {(keyof typeof MOST)[]} */ (Object.keys(MOST))) {
    if (model[name] > MOST[name])
      throw new RobotRefused(
        `The robot has ${model[name]} ${COUNTED[name]}; at most ${MOST[name]} can be trained with here.`,
        "Drop a smaller model.",
      );
  }
  if (model.narena > MOST_ARENA)
    throw new RobotRefused(
      `The model asks for ${mebibytes(model.narena)} of working memory; at most ${mebibytes(MOST_ARENA)} are given.`,
      "Lower <size memory> in it.",
    );
  const { timestep } = model.opt;
  if (!(timestep >= SHORTEST_S && timestep <= LONGEST_S))
    throw new RobotRefused(
      `The model's timestep is ${timestep} s; it must be between ${SHORTEST_S} and ${LONGEST_S}.`,
      MEND,
    );
}

/** Arrays of a model whose numbers come from its file. */
const NUMBERS = /** @type {const} */ ([
  ...["qpos0", "qpos_spring", "body_pos", "body_quat", "body_mass", "body_inertia", "jnt_pos", "jnt_axis"],
  ...[
    "jnt_range",
    "jnt_stiffness",
    "dof_damping",
    "dof_armature",
    "dof_frictionloss",
    "geom_size",
    "geom_pos",
  ],
  ...["geom_quat", "geom_friction", "geom_margin", "geom_solref", "geom_solimp", "site_pos", "site_quat"],
  ...["actuator_gear", "actuator_gainprm", "actuator_biasprm", "actuator_ctrlrange", "actuator_forcerange"],
  ...["tendon_range", "tendon_stiffness", "eq_data", "key_qpos", "key_qvel", "key_ctrl"],
]);

/** @param {MjModel} model */
function checkFinite(model) {
  for (const name of NUMBERS) {
    if (!Array.from(/** @type {ArrayLike<number>} */ (model[name])).every(Number.isFinite))
      throw new RobotRefused(`The model has numbers that are not finite, in ${name}.`, MEND);
  }
  if (!Array.from(/** @type {ArrayLike<number>} */ (model.opt.gravity)).every(Number.isFinite))
    throw new RobotRefused("The model's gravity is not finite.", MEND);
}

/**
 * @param {MainModule} mujoco
 * @param {string} name of the file
 * @param {Uint8Array} bytes
 * @returns {Promise<Robot>}
 * @throws {RobotRefused}
 */
export async function readRobot(mujoco, name, bytes) {
  const { text, main, others } = await readFiles(shortName(name), bytes);
  const model = compile(mujoco, text, main);
  try {
    checkSizes(model);
    checkFinite(model);
    const data = new mujoco.MjData(model);
    try {
      const begin = () => firstPose(mujoco, model, data);
      begin();
      const description = describe(model, data);
      const { scene, notes } = draw(model, data, description, "own");
      const { steps_per_s } = tryRobot(mujoco, model, data, description, begin);
      if (others.length) notes.push(`The model is ${main}; not taken: ${others.slice(0, 3).join(", ")}.`);
      return { text, main, description, scene, notes, steps_per_s };
    } finally {
      data.delete();
    }
  } finally {
    model.delete();
  }
}
