/** One physics world in which several robots stand, walk into each other and are thrown at. */

import { Conditions } from "./conditions.js";
import { ModelError } from "./engine.js";
import { BALL, joinModels } from "./shared_model.js";
import { SharedSim } from "./shared_sim.js";

/** @import {MainModule, MjData, MjModel} from "../runtime/mujoco/mujoco.js" */
/** @import {PlayTask} from "./play_task.js" */

/** @typedef {{nq: number, nv: number, na: number, nu: number, joints: number, nbody: number, sites: number, geoms: number}} Sizes
 * `sites` and `geoms`: the share of them that is the world's own */

/** More robots would be slower than anybody waits for. */
export const MOST_TOGETHER = 50;
const BALLS = 6;
const WARNINGS = 7;
/** Neighbours begin so far apart (m): near enough to meet. */
const GAP_M = 1.1;
/** Nobody begins nearer than this to somebody else (m). */
const FREE_M = 0.8;
const FREE_QPOS = 7;
const [FREE_JOINT, FREE_DOF] = [0, 6];
/** Balls that nobody has thrown yet lie here (m). */
const PARKED_M = 60;
/** A ball comes from so far away (m), at this speed (m/s). */
const [AWAY_M, SPEED_M_S] = [4.5, 9];
const GRAVITY = 9.81;

/** Arrays of mjData that have something for each body, the world included. */
const BY_BODY = new Set(
  "xpos xquat xmat xipos ximat subtree_com subtree_linvel subtree_angmom cinert crb cvel cacc cfrc_int cfrc_ext".split(
    " ",
  ),
);

export class SharedWorld {
  /**
   * @param {MainModule} mujoco
   * @param {string} xml of one robot in its world
   * @param {number} robots
   * @throws {ModelError} such robots cannot share a world
   */
  constructor(mujoco, xml, robots) {
    this.mujoco = mujoco;
    this.xml = xml;
    this.robots = robots;
    this.one = sizesOf(mujoco, xml);
    try {
      /** @type {MjModel} */
      this.model = joinModels(mujoco, xml, robots, BALLS);
    } catch (error) {
      throw new ModelError(`${robots} robots cannot be put into one world: ${String(error).trim()}`);
    }
    /** @type {MjData} */
    this.data = new mujoco.MjData(this.model);
    this.records = this.data.warning;
    this.conditions = new Conditions(this.model, this.one.nu);
    /** Where each robot's own origin lies, x and y (m), and when its episode began (s). */
    this.origins = new Float64Array(2 * robots);
    this.births = new Float64Array(robots);
    /** Whose robot moves: places that nobody has taken yet are empty. */
    this.taken = new Uint8Array(robots);
    this.pulls = new Map();
    /** Somebody has begun anew, and what follows from the state was not computed since. */
    this.stale = false;
    this.thrown = 0;
    this.parkBalls();
  }

  /** Whether all robots are there. */
  get full() {
    return this.taken.every((each) => each === 1);
  }

  /**
   * How the numbers of an mjData array of one robot lie in this world's: the first so many are the world's own.
   * @param {string} source
   * @param {number} length of the array in a world of one robot
   */
  common(source, length) {
    const { nbody, sites, geoms } = this.one;
    if (BY_BODY.has(source)) return length / nbody;
    if (source.startsWith("site_")) return length * sites;
    if (source.startsWith("geom_")) return length * geoms;
    return 0;
  }

  /**
   * Robots of a task, from place `first` on, as a simulation of their own.
   * @param {PlayTask} task
   * @param {number} first
   * @param {number} count
   * @throws {import("./play_task.js").ConfigError} robots of this task cannot share a world
   */
  stand(task, first, count) {
    return new SharedSim(this, task, first, count);
  }

  /**
   * Give a robot a place to begin at: its own in the grid, around where the others are now, and free.
   * @param {number} robot
   */
  seat(robot) {
    const { taken, data, one, origins, robots } = this;
    const qpos = /** @type {Float64Array} */ (data.qpos);
    const columns = Math.ceil(Math.sqrt(robots));
    /** @type {[number, number][]} */
    const others = [];
    for (let k = 0; k < robots; k++) {
      if (k !== robot && taken[k]) others.push([qpos[k * one.nq] ?? 0, qpos[k * one.nq + 1] ?? 0]);
    }
    const wide = ((columns - 1) * GAP_M) / 2;
    // Robots that join a world that has just begun stand in the grid as it is.
    const first = data.time === 0 || others.length === 0;
    const middle = (/** @type {0|1} */ axis) =>
      first ? 0 : others.reduce((sum, at) => sum + at[axis], 0) / others.length - wide;
    const x = middle(0) + (robot % columns) * GAP_M;
    const y = middle(1) + Math.floor(robot / columns) * GAP_M;
    let at = /** @type {[number, number]} */ ([x, y]);
    for (let turn = 0; turn < 400 && others.some((other) => distance(other, at) < FREE_M); turn++) {
      const away = 0.25 * Math.sqrt(turn + 1);
      at = [x - away * Math.cos(2.4 * turn), y + away * Math.sin(2.4 * turn)];
    }
    origins.set(at, 2 * robot);
    this.births[robot] = data.time;
    taken[robot] = 1;
  }

  /** Balls lie far away and at rest. */
  parkBalls() {
    for (let ball = 0; ball < BALLS; ball++)
      this.#setBall(ball, [-PARKED_M, PARKED_M + 2 * ball, BALL.radius_m], [0, 0, 0]);
    this.thrown = 0;
  }

  /**
   * @param {number} ball
   * @param {number[]} place (3,) m
   * @param {number[]} velocity (3,) m/s
   */
  #setBall(ball, place, velocity) {
    const { data, one, robots } = this;
    const at = robots * one.nq + ball * FREE_QPOS;
    const dof = robots * one.nv + ball * FREE_DOF;
    /** @type {Float64Array} */ (data.qpos).set([...place, 1, 0, 0, 0], at);
    /** @type {Float64Array} */ (data.qvel).set([...velocity, 0, 0, 0], dof);
    /** @type {Float64Array} */ (data.qacc_warmstart).fill(0, dof, dof + FREE_DOF);
  }

  /**
   * Throw the next ball at a robot's trunk, from one side and the other in turn.
   * @param {number} robot
   * @param {number} body of the robot, as its own model counts
   */
  throwAt(robot, body) {
    const { data, one, model, thrown } = this;
    const at = 3 * this.bodyOf(robot, body);
    const [x = 0, y = 0, z = 1] = /** @type {Float64Array} */ (data.xipos).subarray(at, at + 3);
    const dof = robot * one.nv;
    const [vx = 0, vy = 0] = /** @type {Float64Array} */ (data.qvel).subarray(dof, dof + 2);
    const flight_s = AWAY_M / SPEED_M_S;
    const side = thrown % 2 ? 1 : -1;
    const aim = [x + vx * flight_s, y + vy * flight_s, z + 0.15];
    const from = [x, y + side * AWAY_M, 1.1];
    const down = /** @type {Float64Array} */ (model.opt.gravity)[2] ?? -GRAVITY;
    const velocity = aim.map((to, i) => (to - /** @type {number} */ (from[i])) / flight_s);
    velocity[2] = /** @type {number} */ (velocity[2]) - 0.5 * down * flight_s;
    this.#setBall(thrown % BALLS, from, velocity);
    this.thrown += 1;
  }

  /** Place (m) of each ball that was thrown: x, y, z one after the other. @returns {number[]} */
  get balls() {
    const qpos = /** @type {Float64Array} */ (this.data.qpos);
    const first = this.robots * this.one.nq;
    const count = Math.min(this.thrown, BALLS);
    return Array.from({ length: count }, (_, ball) => [
      ...qpos.subarray(first + ball * FREE_QPOS, first + ball * FREE_QPOS + 3),
    ]).flat();
  }

  /**
   * @param {number} robot
   * @param {number} body as its own model counts
   */
  bodyOf(robot, body) {
    return body === 0 ? 0 : body + robot * (this.one.nbody - 1);
  }

  /**
   * Move everything by some physics steps.
   * @param {number} steps
   * @param {boolean} post whether the task reads what mj_rnePostConstraint computes
   * @returns {boolean} false: the engine warned, and the world is not sound any more
   */
  step(steps, post) {
    const { mujoco, model, data } = this;
    const forces = /** @type {Float64Array} */ (data.xfrc_applied);
    for (const { body, wrench } of this.pulls.values()) forces.set(wrench, 6 * body);
    for (let i = 0; i < steps; i++) mujoco.mj_step(model, data);
    if (post) mujoco.mj_rnePostConstraint(model, data);
    const after = /** @type {Float64Array} */ (data.xfrc_applied);
    for (const [robot, pull] of this.pulls) {
      after.fill(0, 6 * pull.body, 6 * pull.body + 6);
      if (--pull.steps === 0) this.pulls.delete(robot);
    }
    if (this.#warned() === 0) return true;
    this.begin();
    return false;
  }

  /** Everything from the beginning: nobody is there yet. */
  begin() {
    this.mujoco.mj_resetData(this.model, this.data);
    this.taken.fill(0);
    this.pulls.clear();
    this.parkBalls();
  }

  #warned() {
    let count = 0;
    for (let kind = 0; kind < WARNINGS; kind++) {
      const record = this.records.get(kind);
      count += record?.number ?? 0;
      record?.delete();
    }
    return count;
  }

  /** Compute what follows from the state, where somebody has begun anew. */
  refresh() {
    if (this.stale) this.mujoco.mj_forward(this.model, this.data);
    this.stale = false;
  }

  close() {
    this.data.delete();
    this.model.delete();
  }
}

/**
 * @param {[number, number]} a
 * @param {[number, number]} b
 */
function distance(a, b) {
  return Math.hypot(a[0] - b[0], a[1] - b[1]);
}

/**
 * What one robot has in its own world.
 * @param {MainModule} mujoco
 * @param {string} xml
 * @returns {Sizes}
 * @throws {ModelError} it cannot move freely
 */
function sizesOf(mujoco, xml) {
  // A model's text that is no XML holds files beside it: see model_text.js.
  if (xml.startsWith("{"))
    throw new ModelError("robots whose model reads files of its own cannot share a world");
  const model = /** @type {MjModel} */ (mujoco.MjModel.from_xml_string(xml));
  try {
    const { nq, nv, na, nu, nbody } = model;
    const free = /** @type {Int32Array} */ (model.jnt_type)[0] === FREE_JOINT;
    if (!free || nq !== nv + 1)
      throw new ModelError("only robots that move freely on a floor can share a world");
    const share = (/** @type {Int32Array} */ bodies) =>
      bodies.filter((body) => body === 0).length / Math.max(1, bodies.length);
    const [geoms, sites] = [share(model.geom_bodyid), share(model.site_bodyid)];
    return { nq, nv, na, nu, joints: model.njnt, nbody, geoms, sites };
  } finally {
    model.delete();
  }
}
