/** One model and one MjData of the MuJoCo module, and views on its arrays that follow its memory. */

import { compileText } from "./model_text.js";
import { readFields } from "./task_layout.js";

/** @import {MainModule, MjData, MjModel} from "../runtime/mujoco/mujoco.js" */
/** @import {Task} from "./task_layout.js" */

/** mjNWARNING, the kinds of warnings that the engine counts. */
const WARNINGS = 7;

/** A model that is missing, cannot be read, or does not fit its task. */
export class ModelError extends Error {
  name = "ModelError";
}

export class Engine {
  /**
   * @param {MainModule} mujoco
   * @param {string} xml the text of its model, see model_text.js
   * @param {Task} task
   */
  constructor(mujoco, xml, task) {
    this.mujoco = mujoco;
    try {
      /** @type {MjModel} */
      this.model = compileText(mujoco, xml);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new ModelError(`model ${task.model} cannot be read: ${reason.trim().replace(/\s+/g, " ")}`);
    }
    /** @type {MjData} */
    this.data = new mujoco.MjData(this.model);
    this.records = this.data.warning;
    const { nq, nv, na, nu, nbody } = this.model;
    this.nq = nq;
    this.nv = nv;
    this.na = na;
    this.nu = nu;
    this.nbody = nbody;
    /** Numbers of a state, in the engine's own order: time, qpos, qvel, act, qacc_warmstart. */
    this.nState = 1 + nq + nv + na + nv;
    try {
      this.#checkFits(task);
    } catch (error) {
      this.close();
      throw error;
    }
    this.takeViews();
  }

  /** @param {Task} task */
  #checkFits(task) {
    const { nq, nu } = this.model;
    if (nu !== task.action_size) {
      throw new ModelError(
        `model ${task.model} has ${nu} actuators; task ${task.id} drives ${task.action_size}`,
      );
    }
    if (task.reset.qpos && task.reset.qpos.length !== nq) {
      const given = task.reset.qpos.length;
      throw new ModelError(`model ${task.model} has nq=${nq}; task ${task.id} starts from ${given} numbers`);
    }
    for (const { source, start, stop } of readFields(task)) {
      const size = source === "command" ? task.command_size : (this.array(source)?.length ?? 0);
      if (!(start >= 0 && start < stop && stop <= size)) {
        throw new ModelError(
          `task ${task.id} reads ${source}[${start}:${stop}], but model ${task.model} has ${size} numbers there`,
        );
      }
    }
  }

  /** Views on MjData's arrays as its memory lies now; older ones die when that memory grows. */
  takeViews() {
    const { data } = this;
    /** @type {Float64Array} */
    this.qpos = data.qpos;
    /** @type {Float64Array} */
    this.qvel = data.qvel;
    /** @type {Float64Array} */
    this.act = this.na ? data.act : new Float64Array(0);
    /** @type {Float64Array} */
    this.warmstart = data.qacc_warmstart;
    /** @type {Float64Array} */
    this.ctrl = data.ctrl;
  }

  /**
   * A view on one of MjData's arrays of numbers; undefined when it has none of that name.
   * @param {string} source
   */
  array(source) {
    const array = /** @type {Record<string, unknown>} */ (/** @type {unknown} */ (this.data))[source];
    return array instanceof Float64Array ? array : undefined;
  }

  /** Whether the engine's memory has moved since takeViews. */
  moved() {
    return this.qpos.length === 0;
  }

  /**
   * Load a state.
   * @param {Float64Array} table
   * @param {number} at
   */
  setState(table, at) {
    const { qpos, qvel, act, warmstart } = this;
    this.data.time = /** @type {number} */ (table[at++]);
    for (let i = 0; i < qpos.length; i++) qpos[i] = /** @type {number} */ (table[at++]);
    for (let i = 0; i < qvel.length; i++) qvel[i] = /** @type {number} */ (table[at++]);
    for (let i = 0; i < act.length; i++) act[i] = /** @type {number} */ (table[at++]);
    for (let i = 0; i < warmstart.length; i++) warmstart[i] = /** @type {number} */ (table[at++]);
  }

  /**
   * Store the state.
   * @param {Float64Array} table
   * @param {number} at
   */
  getState(table, at) {
    const { qpos, qvel, act, warmstart } = this;
    table[at++] = this.data.time;
    for (let i = 0; i < qpos.length; i++) table[at++] = /** @type {number} */ (qpos[i]);
    for (let i = 0; i < qvel.length; i++) table[at++] = /** @type {number} */ (qvel[i]);
    for (let i = 0; i < act.length; i++) table[at++] = /** @type {number} */ (act[i]);
    for (let i = 0; i < warmstart.length; i++) table[at++] = /** @type {number} */ (warmstart[i]);
  }

  /**
   * Set the controls.
   * @param {Float32Array|Float64Array} actions
   * @param {number} at where they begin
   */
  drive(actions, at) {
    const ctrl = this.moved() ? /** @type {Float64Array} */ (this.data.ctrl) : this.ctrl;
    for (let i = 0; i < ctrl.length; i++) ctrl[i] = /** @type {number} */ (actions[at + i]);
  }

  /** Warnings since the last mj_resetData. Costs microseconds: the module copies each record. */
  warnings() {
    // The vector belongs to MjData, shows what is there now, and is kept: a handle made anew at each step would be
    // left to the garbage collector. Its elements are copies, and must be deleted.
    const { records } = this;
    let count = 0;
    for (let kind = 0; kind < WARNINGS; kind++) {
      const record = records.get(kind);
      if (!record) throw new Error(`the engine has no record of warning ${kind}; is it MuJoCo 3.14?`);
      count += record.number;
      record.delete();
    }
    return count;
  }

  /**
   * Force and torque on a body's centre of mass, of a force that pulls at a point while the state is the present one.
   * @param {number} body
   * @param {ArrayLike<number>} force (3,) N, in the world's frame
   * @param {ArrayLike<number>} point (3,) m, in the world's frame
   * @returns {number[]} (6,) N and N m
   */
  wrench(body, force, point) {
    if (!(Number.isInteger(body) && body >= 1 && body < this.nbody)) {
      throw new RangeError(`body=${body} cannot be pushed; the model's bodies are 1 to ${this.nbody - 1}`);
    }
    const [fx = Number.NaN, fy = Number.NaN, fz = Number.NaN] = Array.from(force);
    const [px = Number.NaN, py = Number.NaN, pz = Number.NaN] = Array.from(point);
    if (![fx, fy, fz, px, py, pz].every(Number.isFinite)) {
      throw new RangeError(`force_n=(${fx}, ${fy}, ${fz}), point_m=(${px}, ${py}, ${pz}) must be finite`);
    }
    this.mujoco.mj_kinematics(this.model, this.data);
    const [cx = 0, cy = 0, cz = 0] = /** @type {Float64Array} */ (this.data.xipos).subarray(3 * body);
    const [rx, ry, rz] = [px - cx, py - cy, pz - cz];
    return [fx, fy, fz, ry * fz - rz * fy, rz * fx - rx * fz, rx * fy - ry * fx];
  }

  close() {
    this.data.delete();
    this.model.delete();
  }
}
