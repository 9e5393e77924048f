/** Robots of one policy in a world that they share with others: to a show the same as a BatchSim, row by row. */

import { zeros } from "./arrays.js";
import { ConfigError } from "./play_task.js";
import { TaskLayout } from "./task_layout.js";
import { Traits } from "./traits.js";

/** @import {World} from "./conditions.js" */
/** @import {PlayTask} from "./play_task.js" */
/** @import {SharedWorld} from "./shared_world.js" */

/** How x, y and the time of the world show in a number: 1 where it grows with it. @typedef {[number, number, number]} Share */
/**
 * @typedef {object} Copy a stretch of an mjData array
 * @property {string} source
 * @property {number} column in the table
 * @property {number[]} places in one robot's own array
 * @property {number} common numbers of that array that are the world's
 * @property {number} own numbers of that array for each robot
 * @property {Share[]} shares of each number
 */

const PROBE = 1;
const SHARE_ERROR = 1e-6;

export class SharedSim {
  /**
   * @param {SharedWorld} world
   * @param {PlayTask} task
   * @param {number} first robot of the world that is row 0
   * @param {number} nEnvs
   * @throws {ConfigError} robots of this task cannot share a world
   */
  constructor(world, task, first, nEnvs) {
    const { nq, nv, na, nu, nbody } = world.one;
    if (nu !== task.action_size)
      throw new ConfigError(
        `the world's robots have ${nu} motors; task ${task.id} drives ${task.action_size}`,
      );
    if (task.reset.settle_steps)
      throw new ConfigError(`robots of ${task.id} come to rest before they begin; in one world they cannot`);
    if (task.randomization.some(({ name, always }) => always && task.traits.includes(name)))
      throw new ConfigError(`robots of ${task.id} differ in body or ground; one world has one of each`);
    this.world = world;
    this.task = task;
    this.first = first;
    this.nEnvs = nEnvs;
    this.dt = world.model.opt.timestep * task.frame_skip;
    this.engine = { nq, nv, na, nu, nbody };
    this.qpos0 = Float64Array.from(task.reset.qpos ?? world.model.qpos0.subarray(0, nq));
    this.layout = new TaskLayout(task, nq, 1 + nq + nv + na + nv);
    this.traits = new Traits(task, world.model);
    this.initSize = nq + nv + task.command_size + this.traits.plain.length;
    this.table = new Float64Array(nEnvs * this.layout.width);
    this.nextTable = this.table.slice();
    this.arrays = zeros(nEnvs, task, this.initSize);
    this.arrays.poses = new Float32Array(nEnvs * nbody * 7);
    this.arrays.torques = new Float32Array(nEnvs * nu);
    /** @type {{at: number}|null} */
    this.sweep = null;
    this.unstableCount = 0;
    this.copies = copiesOf(this);
  }

  /** Whether the robots of row i and j of the world are these. @param {number} robot */
  has(robot) {
    return robot >= this.first && robot < this.first + this.nEnvs;
  }

  /** Start an episode in all rows. */
  reset() {
    for (let row = 0; row < this.nEnvs; row++) this.#restart(row);
    this.world.refresh();
    for (let row = 0; row < this.nEnvs; row++) this.#welcome(row, true);
  }

  /** @param {number} row */
  #restart(row) {
    const { world, layout, initSize, table } = this;
    const { nq, nv, na, nu } = world.one;
    const robot = this.first + row;
    const first = this.arrays.nextInit.subarray(row * initSize, (row + 1) * initSize);
    if (!first.every(Number.isFinite)) throw new RangeError(`next_init[${row}] is not finite: ${first}`);
    world.seat(robot);
    const { data, origins } = world;
    const qpos = /** @type {Float64Array} */ (data.qpos);
    qpos.set(first.subarray(0, nq), robot * nq);
    for (let axis = 0; axis < 2; axis++) {
      const at = robot * nq + axis;
      qpos[at] = /** @type {number} */ (qpos[at]) + /** @type {number} */ (origins[2 * robot + axis]);
    }
    /** @type {Float64Array} */ (data.qvel).set(first.subarray(nq, nq + nv), robot * nv);
    /** @type {Float64Array} */ (data.qacc_warmstart).fill(0, robot * nv, (robot + 1) * nv);
    if (na) /** @type {Float64Array} */ (data.act).fill(0, robot * na, (robot + 1) * na);
    /** @type {Float64Array} */ (data.ctrl).fill(0, robot * nu, (robot + 1) * nu);
    world.pulls.delete(robot);
    world.stale = true;
    table.set(first.subarray(nq + nv), row * layout.width + layout.command);
    this.arrays.steps[row] = 0;
  }

  /**
   * A robot that has begun anew is seen.
   * @param {number} row
   * @param {boolean} signals whether its signals are those of the new episode already
   */
  #welcome(row, signals) {
    const { layout, table, task, arrays } = this;
    const at = row * layout.width;
    this.#gather(row);
    layout.observe(table, at, arrays.obs, row * task.obs_size);
    this.#capture(row);
    if (!signals) return;
    layout.readSignals(table, at, arrays.signals, row * task.signal_size);
    layout.readSignals(table, at, arrays.prevSignals, row * task.signal_size);
  }

  /** Choose actions from now on: the world moves when all its shows have. */
  begin() {
    this.sweep = { at: 0 };
  }

  /** A shared world does not move for one show alone. @returns {boolean} */
  move() {
    throw new Error("robots in one world move together; step the world");
  }

  /** Hand the actions to the world. */
  drive() {
    const { world, arrays, first } = this;
    /** @type {Float64Array} */ (world.data.ctrl).set(arrays.actions, first * world.one.nu);
  }

  /**
   * The world has moved: read it, and end episodes. Rows that begin anew are seen after `welcome`.
   * @param {boolean} sound whether the world is; if not, all of it begins anew
   */
  finish(sound) {
    const { layout, task, nEnvs, table: before, nextTable: after } = this;
    const { obs, finalObs, signals, prevSignals, terminated, truncated, unstable, steps } = this.arrays;
    [this.table, this.nextTable] = [after, before];
    this.sweep = null;
    /** @type {number[]} */
    this.restarted = [];
    for (let i = 0; i < nEnvs; i++) {
      const at = i * layout.width;
      after.set(before.subarray(at, at + layout.width), at);
      if (sound) this.#gather(i);
      const bad = !sound || !layout.finite(after, at);
      layout.readSignals(before, at, prevSignals, i * task.signal_size);
      layout.readSignals(bad ? before : after, at, signals, i * task.signal_size);
      if (bad) this.unstableCount++;
      else layout.observe(after, at, obs, i * task.obs_size);
      const step = /** @type {number} */ (steps[i]) + 1;
      const ended = bad || !layout.healthy(after, at);
      steps[i] = step;
      unstable[i] = bad ? 1 : 0;
      terminated[i] = ended ? 1 : 0;
      truncated[i] = !ended && step >= task.time_limit ? 1 : 0;
      this.#capture(i);
      if (!terminated[i] && !truncated[i]) continue;
      finalObs.set(obs.subarray(i * task.obs_size, (i + 1) * task.obs_size), i * task.obs_size);
      this.restarted.push(i);
    }
    for (const row of this.restarted) this.#restart(row);
  }

  /** Look at the rows that began anew; the world knows what follows from their state now. */
  welcome() {
    for (const row of this.restarted ?? []) this.#welcome(row, false);
    this.restarted = [];
  }

  /**
   * Copy a robot's state, and what its task reads, into its row: as if its origin were the world's, and its episode's beginning
   * the world's.
   * @param {number} row
   */
  #gather(row) {
    const { world, layout, table } = this;
    const { nq, nv, na } = world.one;
    const { data, origins, births } = world;
    const robot = this.first + row;
    const [x, y] = [
      /** @type {number} */ (origins[2 * robot]),
      /** @type {number} */ (origins[2 * robot + 1]),
    ];
    const born = /** @type {number} */ (births[robot]);
    let at = row * layout.width;
    table[at] = data.time - born;
    const put = (/** @type {Float64Array} */ from, /** @type {number} */ size) => {
      table.set(from.subarray(robot * size, (robot + 1) * size), at);
      at += size;
    };
    at += 1;
    put(/** @type {Float64Array} */ (data.qpos), nq);
    put(/** @type {Float64Array} */ (data.qvel), nv);
    if (na) put(/** @type {Float64Array} */ (data.act), na);
    put(/** @type {Float64Array} */ (data.qacc_warmstart), nv);
    const place = row * layout.width + 1;
    table[place] = /** @type {number} */ (table[place]) - x;
    table[place + 1] = /** @type {number} */ (table[place + 1]) - y;
    for (const { source, column, places, common, own, shares } of this.copies) {
      const view = /** @type {Float64Array} */ (
        /** @type {Record<string, unknown>} */ (/** @type {unknown} */ (data))[source]
      );
      for (const [i, from] of places.entries()) {
        const [sx, sy, st] = /** @type {Share} */ (shares[i]);
        const there = from < common ? from : from + robot * own;
        table[row * layout.width + column + i] =
          /** @type {number} */ (view[there]) - sx * x - sy * y - st * born;
      }
    }
  }

  /** @param {number} row */
  #capture(row) {
    const { world, arrays } = this;
    const { nbody, nu } = world.one;
    const robot = this.first + row;
    const { data } = world;
    const [xpos, xquat] = [/** @type {Float64Array} */ (data.xpos), /** @type {Float64Array} */ (data.xquat)];
    let at = row * nbody * 7;
    for (let body = 0; body < nbody; body++) {
      const from = world.bodyOf(robot, body);
      arrays.poses.set(xpos.subarray(3 * from, 3 * from + 3), at);
      arrays.poses.set(xquat.subarray(4 * from, 4 * from + 4), at + 3);
      at += 7;
    }
    const force = /** @type {Float64Array} */ (data.actuator_force);
    arrays.torques.set(force.subarray(robot * nu, (robot + 1) * nu), row * nu);
  }

  /** All rows are always watched. */
  watch() {}

  /**
   * As BatchSim.push.
   * @param {number} row
   * @param {number} body
   * @param {ArrayLike<number>} force (3,) N
   * @param {ArrayLike<number>} point (3,) m
   * @param {number} steps
   */
  push(row, body, force, point, steps) {
    this.#checkRow(row);
    if (!(Number.isInteger(steps) && steps >= 1)) throw new RangeError(`steps=${steps} must be at least 1`);
    if (!(Number.isInteger(body) && body >= 1 && body < this.engine.nbody))
      throw new RangeError(`body=${body} cannot be pushed; the bodies are 1 to ${this.engine.nbody - 1}`);
    const [fx = Number.NaN, fy = Number.NaN, fz = Number.NaN] = Array.from(force);
    const [px = Number.NaN, py = Number.NaN, pz = Number.NaN] = Array.from(point);
    if (![fx, fy, fz, px, py, pz].every(Number.isFinite))
      throw new RangeError(`force_n=(${fx}, ${fy}, ${fz}), point_m=(${px}, ${py}, ${pz}) must be finite`);
    const { world } = this;
    const robot = this.first + row;
    const there = world.bodyOf(robot, body);
    world.mujoco.mj_kinematics(world.model, world.data);
    const middle = /** @type {Float64Array} */ (world.data.xipos).subarray(3 * there, 3 * there + 3);
    const [rx, ry, rz] = [px - (middle[0] ?? 0), py - (middle[1] ?? 0), pz - (middle[2] ?? 0)];
    const wrench = [fx, fy, fz, ry * fz - rz * fy, rz * fx - rx * fz, rx * fy - ry * fx];
    world.pulls.set(robot, { body: there, wrench, steps });
  }

  /**
   * As BatchSim.setCommands.
   * @param {ArrayLike<number>} rows n of them
   * @param {ArrayLike<number>} commands (n, C)
   */
  setCommands(rows, commands) {
    const { layout, table, task } = this;
    const size = task.command_size;
    if (!size) throw new RangeError(`task ${task.id} takes no command`);
    for (const [k, row] of Array.from(rows).entries()) {
      this.#checkRow(row);
      const at = row * layout.width;
      for (let i = 0; i < size; i++)
        table[at + layout.command + i] = /** @type {number} */ (commands[k * size + i]);
      layout.observe(table, at, this.arrays.obs, row * task.obs_size);
    }
  }

  /**
   * As BatchSim.kick.
   * @param {ArrayLike<number>} rows n of them
   * @param {ArrayLike<number>} velocities (n, 2) m/s along the world's x and y, added
   */
  kick(rows, velocities) {
    const qvel = /** @type {Float64Array} */ (this.world.data.qvel);
    for (const [k, row] of Array.from(rows).entries()) {
      const at = (this.first + row) * this.engine.nv;
      for (let i = 0; i < 2; i++)
        qvel[at + i] = /** @type {number} */ (qvel[at + i]) + /** @type {number} */ (velocities[2 * k + i]);
    }
  }

  /** @param {World} world the same for all who share it */
  setWorld(world) {
    this.world.conditions.set(world);
  }

  /** @param {number} row */
  #checkRow(row) {
    if (!(Number.isInteger(row) && row >= 0 && row < this.nEnvs))
      throw new RangeError(`row=${row} does not exist; the rows are 0 to ${this.nEnvs - 1}`);
  }

  /** The robots leave; their places are free. */
  close() {
    this.world.taken.fill(0, this.first, this.first + this.nEnvs);
  }
}

/**
 * Where each number that the task reads lies, and how it changes with where the robot's origin is and when it began: asked of the
 * engine, by moving one robot, and the clock, by 1.
 * @param {SharedSim} sim
 * @returns {Copy[]}
 */
function copiesOf({ world, layout, task, qpos0 }) {
  const { mujoco, xml } = world;
  const model = mujoco.MjModel.from_xml_string(xml);
  if (!model) throw new ConfigError(`model ${task.model} cannot be read`);
  const data = new mujoco.MjData(model);
  const array = (/** @type {string} */ source) =>
    /** @type {Float64Array} */ (
      /** @type {Record<string, unknown>} */ (/** @type {unknown} */ (data))[source]
    );
  const read = (/** @type {Share} */ by) => {
    mujoco.mj_resetData(model, data);
    const qpos = /** @type {Float64Array} */ (data.qpos);
    qpos.set(qpos0);
    qpos[0] = /** @type {number} */ (qpos[0]) + by[0];
    qpos[1] = /** @type {number} */ (qpos[1]) + by[1];
    data.time = by[2];
    mujoco.mj_forward(model, data);
    return layout.spans.map(({ source, start, size }) => array(source).slice(start, start + size));
  };
  try {
    const plain = read([0, 0, 0]);
    const moved = [read([PROBE, 0, 0]), read([0, PROBE, 0]), read([0, 0, PROBE])];
    return layout.spans.map(({ source, start, size, column }, span) => {
      const { length } = array(source);
      const common = world.common(source, length);
      const shares = Array.from({ length: size }, (_, i) => {
        const change = moved.map((each) => (each[span]?.[i] ?? 0) - (plain[span]?.[i] ?? 0));
        const share = change.map(Math.round);
        if (
          change.some(
            (x, k) =>
              Math.abs(x - /** @type {number} */ (share[k])) >
              SHARE_ERROR * (1 + Math.abs(plain[span]?.[i] ?? 0)),
          )
        )
          throw new ConfigError(
            `task ${task.id} reads ${source}[${start + i}], which differs from place to place`,
          );
        return /** @type {Share} */ (share);
      });
      const places = Array.from({ length: size }, (_, i) => start + i);
      return { source, column, places, common, own: length - common, shares };
    });
  } finally {
    data.delete();
    model.delete();
  }
}
