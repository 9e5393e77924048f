/**
 * What a compiled model has that a task can be made of: joints, actuators, sensors, its first pose. tabrl_py/sim/description.py
 * writes the same record; tests/parity/test_own_robots.py compares the two.
 */

import { nameOf, plain, rounded } from "./numbers.js";

/** @import {MainModule, MjData, MjModel} from "../../runtime/mujoco/mujoco.js" */

/** @typedef {{name: string, type: "free"|"ball"|"slide"|"hinge", body: number, qpos: number, dof: number, axis: number[], range: number[]|null}} Joint */
/** @typedef {{name: string, kind: "position"|"velocity"|"force"|"muscle", joint: number, range: number[]|null}} Actuator */
/**
 * @typedef {object} Description
 * @property {number} nq
 * @property {number} nv
 * @property {number} nu
 * @property {number} nbody
 * @property {number} timestep
 * @property {number[]} gravity
 * @property {number} mass
 * @property {number[]} low corner of a box about all that moves
 * @property {number[]} high the other one
 * @property {boolean} ground whether something of the world can be touched
 * @property {number} root the robot's first body
 * @property {number[]} root_place
 * @property {number} tip its farthest body
 * @property {number[]|null} start the first keyframe's coordinates
 * @property {number[]} rest those of the first pose
 * @property {{name: string, parent: number}[]} bodies
 * @property {Joint[]} joints
 * @property {Actuator[]} actuators
 * @property {{name: string, start: number, size: number}[]} sensors
 */

const TYPES = /** @type {const} */ (["free", "ball", "slide", "hinge"]);
/** mjtBias */
const [AFFINE, MUSCLE] = [1, 2];
const BIAS_PARAMETERS = 10;

/**
 * A range, or null where none is given: the wasm build of the engine does not show which limits are in force.
 * @param {ArrayLike<number>} ranges
 * @param {number} at
 */
export function rangeOf(ranges, at) {
  const range = plain(ranges, 2 * at, 2);
  return /** @type {number} */ (range[0]) < /** @type {number} */ (range[1]) ? range : null;
}

/** Bodies from the first that is not the world. @param {MjModel} model */
const movable = ({ nbody }) => Array.from({ length: Math.max(0, nbody - 1) }, (_, i) => i + 1);

/**
 * The first of the largest.
 * @param {number[]} ids
 * @param {(id: number) => number[]} measure compared number by number
 */
function largest(ids, measure) {
  const [first = 0] = ids.toSorted((a, b) => {
    const [one, other] = [measure(a), measure(b)];
    for (const [i, x] of one.entries()) if (x !== other[i]) return /** @type {number} */ (other[i]) - x;
    return a - b;
  });
  return first;
}

/** The body on the world whose subtree has the most driven joints, then the most mass. @param {MjModel} model */
function rootOf(model) {
  const { actuator_trntype, actuator_trnid, jnt_bodyid, body_rootid, body_parentid, body_subtreemass } =
    model;
  const driven = new Int32Array(model.nbody);
  for (let i = 0; i < model.nu; i++) {
    if (actuator_trntype[i] <= 1) driven[body_rootid[jnt_bodyid[actuator_trnid[2 * i]]]] += 1;
  }
  return largest(
    movable(model).filter((body) => body_parentid[body] === 0),
    (body) => [/** @type {number} */ (driven[body]), body_subtreemass[body]],
  );
}

/**
 * The body of the robot whose middle is farthest from where it stands.
 * @param {MjModel} model
 * @param {MjData} data
 * @param {number} root
 */
function tipOf(model, data, root) {
  const { xipos, xpos } = data;
  const { body_rootid } = model;
  const far = (/** @type {number} */ body) =>
    Math.hypot(...[0, 1, 2].map((i) => xipos[3 * body + i] - xpos[3 * root + i]));
  return largest(
    movable(model).filter((body) => body_rootid[body] === root),
    (body) => [rounded(far(body))],
  );
}

/**
 * A box about all geoms that move, as their bounding spheres have it.
 * @param {MjModel} model
 * @param {MjData} data
 */
function extentOf(model, data) {
  const { geom_bodyid, geom_rbound } = model;
  const { geom_xpos } = data;
  const low = [Infinity, Infinity, Infinity];
  const high = [-Infinity, -Infinity, -Infinity];
  for (let geom = 0; geom < model.ngeom; geom++) {
    if (geom_bodyid[geom] === 0) continue;
    for (const i of [0, 1, 2]) {
      low[i] = Math.min(/** @type {number} */ (low[i]), geom_xpos[3 * geom + i] - geom_rbound[geom]);
      high[i] = Math.max(/** @type {number} */ (high[i]), geom_xpos[3 * geom + i] + geom_rbound[geom]);
    }
  }
  const empty = !low.every(Number.isFinite);
  return { low: empty ? [0, 0, 0] : plain(low), high: empty ? [0, 0, 0] : plain(high) };
}

/**
 * @param {MjModel} model
 * @param {number} actuator
 * @returns {Actuator["kind"]}
 */
function kindOf(model, actuator) {
  const bias = model.actuator_biastype[actuator];
  if (bias === MUSCLE) return "muscle";
  if (bias === AFFINE) {
    const at = BIAS_PARAMETERS * actuator;
    if (model.actuator_biasprm[at + 1] < 0) return "position";
    if (model.actuator_biasprm[at + 2] < 0) return "velocity";
  }
  return "force";
}

/**
 * The model's first pose: the first keyframe where it has one, else qpos0; mj_forward has run.
 * @param {MainModule} mujoco
 * @param {MjModel} model
 * @param {MjData} data
 */
export function firstPose(mujoco, model, data) {
  mujoco.mj_resetData(model, data);
  if (model.nkey > 0) mujoco.mj_resetDataKeyframe(model, data, 0);
  mujoco.mj_forward(model, data);
}

/**
 * @param {MjModel} model
 * @param {MjData} data in its first pose
 * @returns {Description}
 */
export function describe(model, data) {
  const root = rootOf(model);
  const { geom_bodyid, geom_contype, geom_conaffinity, body_mass } = model;
  const ids = (/** @type {number} */ count) => Array.from({ length: count }, (_, i) => i);
  return {
    ...{ nq: model.nq, nv: model.nv, nu: model.nu, nbody: model.nbody },
    timestep: rounded(model.opt.timestep),
    gravity: plain(model.opt.gravity),
    mass: rounded(ids(model.nbody).reduce((sum, body) => sum + body_mass[body], 0)),
    ...extentOf(model, data),
    ground: ids(model.ngeom).some(
      (geom) => geom_bodyid[geom] === 0 && (geom_contype[geom] | geom_conaffinity[geom]) > 0,
    ),
    root,
    root_place: plain(data.xpos, 3 * root, 3),
    tip: tipOf(model, data, root),
    start: model.nkey > 0 ? plain(data.qpos) : null,
    rest: plain(data.qpos),
    bodies: ids(model.nbody).map((body) => ({
      name: nameOf(model, "body", body),
      parent: model.body_parentid[body],
    })),
    joints: ids(model.njnt).map((joint) => ({
      name: nameOf(model, "joint", joint),
      type: /** @type {Joint["type"]} */ (TYPES[model.jnt_type[joint]]),
      body: model.jnt_bodyid[joint],
      qpos: model.jnt_qposadr[joint],
      dof: model.jnt_dofadr[joint],
      axis: plain(model.jnt_axis, 3 * joint, 3),
      range: rangeOf(model.jnt_range, joint),
    })),
    actuators: ids(model.nu).map((actuator) => ({
      name: nameOf(model, "actuator", actuator),
      kind: kindOf(model, actuator),
      joint: model.actuator_trntype[actuator] <= 1 ? model.actuator_trnid[2 * actuator] : -1,
      range: rangeOf(model.actuator_ctrlrange, actuator),
    })),
    sensors: ids(model.nsensor).map((sensor) => ({
      name: nameOf(model, "sensor", sensor),
      start: model.sensor_adr[sensor],
      size: model.sensor_dim[sensor],
    })),
  };
}
