/**
 * A BatchSim for Python: NumPy arrays are lent to it once and nothing is copied at a step. tabrl_py/sim/wasm.py is the
 * other side.
 */

import { BatchSim } from "./batch_sim.js";
import { detailOf } from "./detail.js";
import { Strides } from "./strides.js";

/** @import {MainModule} from "../runtime/mujoco/mujoco.js" */
/** @import {Arrays} from "./batch_sim.js" */
/** @import {Kernel} from "./strides.js" */

/**
 * @typedef {object} PythonArray a proxy of a NumPy array
 * @property {(type: string) => {data: any, release: () => void}} getBuffer
 * @property {() => PythonArray} copy
 * @property {() => void} destroy
 */
/** @typedef {{proxy: PythonArray, type: string, view: {data: any, release: () => void}}} Held */

const BYTES = ["terminated", "truncated", "unstable"];

export class PythonSim {
  /**
   * @param {MainModule} mujoco
   * @param {string} xml
   * @param {string} task JSON of the TaskSpec
   * @param {number} nEnvs
   * @param {(number: number) => Kernel} [kernelAt] a compiled function by its number in Python's table; without it every step
   *   visits Python
   */
  constructor(mujoco, xml, task, nEnvs, kernelAt) {
    this.sim = new BatchSim(mujoco, xml, JSON.parse(task), nEnvs);
    const { nq, nv, nu, nbody } = this.sim.engine;
    this.nq = nq;
    this.nv = nv;
    this.nu = nu;
    this.nbody = nbody;
    this.dt = this.sim.dt;
    this.stateSize = this.sim.stateSize;
    this.initSize = this.sim.initSize;
    this.kernelAt = kernelAt;
    this.canStride = kernelAt !== undefined;
    /** @type {Strides|null} */
    this.strides = null;
    /** @type {Map<string, Held>} by name in Arrays */
    this.held = new Map();
  }

  /**
   * Keep an array of Python's, of the type its place asks for; it must be C-contiguous and never be reallocated.
   * @param {keyof Arrays} name
   * @param {PythonArray} array
   */
  hold(name, array) {
    this.#drop(name);
    const type = BYTES.includes(name) ? "u8" : this.sim.arrays[name] instanceof Float32Array ? "f32" : "f64";
    const proxy = array.copy();
    this.held.set(name, { proxy, type, view: proxy.getBuffer(type) });
  }

  /** Work on the held arrays from now on. */
  lend() {
    this.sim.lend(() => this.#views());
  }

  /** @returns {Arrays} */
  #views() {
    /** @type {Record<string, any>} */
    const arrays = {};
    for (const [name, held] of this.held) {
      if (held.view.data.buffer.detached || held.view.data.length === 0) {
        held.view.release();
        held.view = held.proxy.getBuffer(held.type);
      }
      arrays[name] = held.view.data;
    }
    return /** @type {Arrays} */ (arrays);
  }

  /** @param {string} name */
  #drop(name) {
    const held = this.held.get(name);
    held?.view.release();
    held?.proxy.destroy();
    this.held.delete(name);
  }

  /** @param {number[]|null} rows none: all */
  reset(rows) {
    this.sim.reset(rows ?? undefined);
  }

  /** @returns {number} rows found unstable since construction */
  step() {
    return this.sim.step();
  }

  /** @param {string} plan JSON of tabrl_py/sim/strides.py: Plan */
  plan(plan) {
    if (!this.kernelAt) throw new Error("there are no compiled functions to stride with");
    this.strides = new Strides(this.sim, this.kernelAt, JSON.parse(plan));
  }

  /**
   * See Strides.run.
   * @param {number} t
   * @param {number} slot
   * @param {number} most
   * @returns {number} steps made
   */
  stride(t, slot, most) {
    if (!this.strides) throw new Error("no plan was given");
    return this.strides.run(t, slot, most);
  }

  /** Seconds that the policy took in the last stride. */
  get policyS() {
    return (this.strides?.policy_ms ?? 0) / 1000;
  }

  get unstableCount() {
    return this.sim.unstableCount;
  }

  /** Rows whose episodes ended twice in the last stride, and which have no first state yet. */
  get owed() {
    return this.sim.owed;
  }

  /** @param {number[]} rows after arrays of their size are held as poses and torques */
  watch(rows) {
    this.sim.watch(rows);
  }

  /**
   * @param {number} row
   * @param {number} body
   * @param {number[]} force N
   * @param {number[]} point m
   * @param {number} steps
   */
  push(row, body, force, point, steps) {
    this.sim.push(row, body, force, point, steps);
  }

  /**
   * @param {number[]} rows
   * @param {number[]} commands one after the other
   */
  setCommands(rows, commands) {
    this.sim.setCommands(rows, commands);
  }

  /**
   * @param {number[]} rows
   * @param {number[]} velocities (n, 2) one after the other
   */
  kick(rows, velocities) {
    this.sim.kick(rows, velocities);
  }

  /**
   * @param {number} row
   * @returns {string} JSON of tabrl_py/sim/inside.py: Inside
   */
  inside(row) {
    const { contacts, com, joints, actuator_force } = detailOf(this.sim, row);
    return JSON.stringify({ contacts, com, joints, actuator_force });
  }

  /** @param {PythonArray} array (nq,), takes the start position */
  readStart(array) {
    this.#with(array, (data) => data.set(this.sim.qpos0));
  }

  /** @param {PythonArray} array (N, stateSize), takes the states */
  readStates(array) {
    this.#with(array, (data) => this.sim.states(data));
  }

  /** @param {PythonArray} array (N, stateSize) */
  loadStates(array) {
    this.#with(array, (data) => this.sim.loadStates(data));
  }

  /**
   * @param {PythonArray} array
   * @param {(data: Float64Array) => void} use
   */
  #with(array, use) {
    const view = array.getBuffer("f64");
    try {
      use(view.data);
    } finally {
      view.release();
    }
  }

  close() {
    for (const name of [...this.held.keys()]) this.#drop(name);
    this.sim.close();
  }
}
