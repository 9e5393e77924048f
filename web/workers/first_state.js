/** What an episode begins with, drawn as tabrl_py/tasks/reset.py draws it, in the same order. */

/** @import {Philox} from "./philox.js" */
/** @import {CommandSpec, PlayTask} from "./play_task.js" */

const FREE_JOINT_QPOS = 7;
/** A robot that is dropped has its long axis within this (rad) of level. */
const LYING_TILT = (30 * Math.PI) / 180;
/** What an episode's body and ground may differ in, and the value of the plain model. @type {Record<string, number>} */
const TRAITS = { mass: 1, friction: 1, strength: 1, slope: 0, latency: 0 };

/**
 * Draw a first state into a row of nextInit: qpos, qvel, command, traits, steps to settle, action meanwhile.
 * @param {Float64Array} state (I,)
 * @param {PlayTask} task
 * @param {Float64Array} qpos0 (nq,)
 * @param {number} nv
 * @param {Philox} rng
 */
export function drawFirstState(state, task, qpos0, nv, rng) {
  const { reset } = task;
  const nq = qpos0.length;
  state.fill(0);
  state.set(qpos0);
  for (let i = reset.root_noise ? 0 : FREE_JOINT_QPOS; i < nq; i++)
    state[i] = /** @type {number} */ (qpos0[i]) + rng.uniform(-reset.qpos_noise, reset.qpos_noise);
  const normal = reset.qvel_kind === "normal";
  for (let i = nq; i < nq + nv; i++)
    state[i] = normal ? reset.qvel_noise * drawNormal(rng) : rng.uniform(-reset.qvel_noise, reset.qvel_noise);
  if (reset.drop_height !== null) {
    state[2] = reset.drop_height;
    state.set(lying(rng), 3);
  }
  let at = nq + nv;
  if (task.command) {
    state.set(drawCommand(task.command, rng), at);
    at += task.command_size;
  }
  const traits = drawTraits(task, rng);
  state.set(traits, at);
  at += traits.length;
  if (reset.settle_steps) {
    state[at++] = reset.settle_steps;
    for (const [i, low] of task.action_low.entries())
      state[at++] = rng.uniform(low, /** @type {number} */ (task.action_high[i]));
  }
}

/**
 * A normal number, for shows that are only seen: NumPy draws others.
 * @param {Philox} rng
 */
function drawNormal(rng) {
  const radius = Math.sqrt(-2 * Math.log(1 - rng.random()));
  return radius * Math.cos(2 * Math.PI * rng.random());
}

/**
 * A command, as wide as the task allows.
 * @param {CommandSpec} spec
 * @param {Philox} rng
 * @returns {number[]}
 */
export function drawCommand(spec, rng) {
  const [stop, one] = [rng.random(), rng.random()];
  const drawn = spec.low.map((low, i) => rng.uniform(low, /** @type {number} */ (spec.high[i])));
  const alone = rng.integer(spec.low.length);
  if (stop < spec.zero_share) return drawn.map(() => 0);
  if (one < spec.single_share) return drawn.map((x, i) => (i === alone ? x : 0));
  return drawn;
}

/**
 * Traits that are part of the task are drawn, the others are the plain model's.
 * @param {PlayTask} task
 * @param {Philox} rng
 */
function drawTraits(task, rng) {
  const found = new Map(task.traits.map((name) => [name, /** @type {number} */ (TRAITS[name])]));
  for (const { name, low, high, always } of task.randomization) {
    const plain = found.has(name) && always ? TRAITS[name] : undefined;
    if (plain !== undefined) found.set(name, plain + (rng.uniform(low, high) - plain));
  }
  return [...found.values()];
}

/**
 * A quaternion: heading and roll about the long axis uniform, the long axis nearly level.
 * @param {Philox} rng
 */
function lying(rng) {
  const heading = rng.uniform(-Math.PI, Math.PI);
  const roll = rng.uniform(-Math.PI, Math.PI);
  const pitch = Math.PI / 2 + rng.uniform(-LYING_TILT, LYING_TILT);
  // Rounded: the last bits of a sine differ between engines, and a fall would amplify them.
  return product(product(about(2, heading), about(1, pitch)), about(2, roll)).map(
    (x) => Math.round(x * 1e9) / 1e9,
  );
}

/** @typedef {[w: number, x: number, y: number, z: number]} Quaternion */

/**
 * The quaternion of a turn about a coordinate axis.
 * @param {0|1|2} axis
 * @param {number} angle
 * @returns {Quaternion}
 */
function about(axis, angle) {
  /** @type {Quaternion} */
  const q = [Math.cos(angle / 2), 0, 0, 0];
  q[1 + axis] = Math.sin(angle / 2);
  return q;
}

/**
 * The quaternion of turn b, then turn a.
 * @param {Quaternion} a
 * @param {Quaternion} b
 * @returns {Quaternion}
 */
function product([aw, ax, ay, az], [bw, bx, by, bz]) {
  return [
    aw * bw - (ax * bx + ay * by + az * bz),
    aw * bx + bw * ax + (ay * bz - az * by),
    aw * by + bw * ay + (az * bx - ax * bz),
    aw * bz + bw * az + (ax * by - ay * bx),
  ];
}
