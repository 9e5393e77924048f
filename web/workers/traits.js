/** The body and the ground of one row, put into the model that all rows share: the twin of tabrl_py/sim/traits.py. */

/** @import {MjModel} from "../runtime/mujoco/mujoco.js" */
/** @import {Task} from "./task_layout.js" */

/**
 * @typedef {object} Scaled numbers of the model that a trait multiplies
 * @property {number} trait index of the trait
 * @property {Float64Array} plain as they are in the plain model
 * @property {() => Float64Array} array the model's, as its memory lies now
 * @property {number} stride how far apart the groups of numbers are
 * @property {number} count numbers of each group that are multiplied
 */

/** The value of each trait in the plain model; as TRAITS in tabrl_py/tasks/spec.py.
 * @type {Record<string, number>} */
const PLAIN = { mass: 1, friction: 1, strength: 1, slope: 0, latency: 0 };

export class Traits {
  /**
   * Keep what the model is like now; it must be the plain one.
   * @param {Task} task
   * @param {MjModel} model
   */
  constructor(task, model) {
    const names = task.traits;
    /** Values in the plain model. */
    this.plain = Float64Array.from(names, (name) => /** @type {number} */ (PLAIN[name]));
    this.loaded = this.plain.slice();
    /** Rows that differ from the plain model.
     * @type {Set<number>} */
    this.varied = new Set();
    /** Physics steps by which a row's actions come late, where they do.
     * @type {Map<number, number>} */
    this.lags = new Map();
    this.model = model;
    this.timestep = model.opt.timestep;
    this.frameSkip = task.frame_skip;
    this.slope = names.indexOf("slope");
    this.latency = names.indexOf("latency");
    this.gravity = Float64Array.from(/** @type {Float64Array} */ (model.opt.gravity));
    /** @type {Scaled[]} */
    this.scaled = [
      ...this.#scaled(names.indexOf("mass"), () => model.body_mass),
      ...this.#scaled(names.indexOf("mass"), () => model.body_inertia),
      ...this.#scaled(names.indexOf("mass"), () => model.body_subtreemass),
      ...this.#scaled(names.indexOf("friction"), () => model.geom_friction, 3, 1),
      ...this.#scaled(names.indexOf("strength"), () => model.actuator_gainprm, 10, 1),
      ...this.#scaled(names.indexOf("strength"), () => model.actuator_biasprm, 10, 3),
    ];
  }

  /**
   * @param {number} trait -1 where the task has none
   * @param {() => Float64Array} array
   * @param {number} [stride]
   * @param {number} [count]
   * @returns {Scaled[]}
   */
  #scaled(trait, array, stride = 1, count = 1) {
    return trait < 0 ? [] : [{ trait, array, plain: array().slice(), stride, count }];
  }

  /**
   * Take in the traits of a row, which begin at `at`.
   * @param {number} row
   * @param {Float64Array} table
   * @param {number} at
   */
  note(row, table, at) {
    if (this.plain.every((value, i) => value === table[at + i])) this.varied.delete(row);
    else this.varied.add(row);
    const lag = this.#lag(table, at);
    if (lag > 0) this.lags.set(row, lag);
    else this.lags.delete(row);
  }

  /** Whether rows must load their traits: some row differs from the plain model, or the model does now. */
  get needed() {
    return this.varied.size > 0 || this.loaded.some((value, i) => value !== this.plain[i]);
  }

  /**
   * Make the model that of the row whose traits begin at `at`.
   * @param {Float64Array} table
   * @param {number} at
   */
  load(table, at) {
    const { loaded, gravity } = this;
    let same = true;
    for (let i = 0; i < loaded.length; i++) {
      if (loaded[i] !== table[at + i]) same = false;
      loaded[i] = /** @type {number} */ (table[at + i]);
    }
    if (same) return;
    for (const { trait, array, plain, stride, count } of this.scaled) {
      const numbers = array();
      const factor = /** @type {number} */ (loaded[trait]);
      for (let group = 0; group < plain.length; group += stride) {
        for (let i = group; i < group + count; i++) numbers[i] = /** @type {number} */ (plain[i]) * factor;
      }
    }
    if (this.slope < 0) return;
    const rise = /** @type {number} */ (loaded[this.slope]);
    const down = /** @type {number} */ (gravity[2]) / Math.sqrt(1 + rise * rise);
    /** @type {Float64Array} */ (this.model.opt.gravity).set(
      rise ? [/** @type {number} */ (gravity[0]) + rise * down, 0, down] : gravity,
    );
  }

  /**
   * Physics steps for which the row whose traits begin at `at` still follows its last action.
   * @param {Float64Array} table
   * @param {number} at
   */
  #lag(table, at) {
    if (this.latency < 0) return 0;
    const steps = Math.floor(/** @type {number} */ (table[at + this.latency]) / this.timestep + 0.5);
    return Math.min(Math.max(steps, 0), this.frameSkip);
  }
}
