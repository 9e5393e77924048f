/**
 * Several vector steps in a row without a visit to Python: what the policy sees is kept, the compiled kernels act, every row
 * moves, and what rewards and learning need is kept. All of it lies in Python's memory; tabrl_py/sim/strides.py says where.
 */

/** @import {BatchSim} from "./batch_sim.js" */

/** @typedef {(...given: number[]) => void} Kernel a compiled function on Python's memory */
/**
 * @typedef {object} Plan places in Python's memory (tabrl_py/sim/strides.py: Plan); `kept` arrays have one slot per step that
 * waits for its reward, `rollout` arrays one place per step of the rollout
 * @property {number} act functions: their numbers in Python's table
 * @property {number} to_bounds
 * @property {number} mean 0: observations are not normalised
 * @property {number} scale
 * @property {number} params
 * @property {number} workspace
 * @property {number} widths
 * @property {number} layers a number, not a place, as is `form`
 * @property {number} form
 * @property {number} low
 * @property {number} high
 * @property {number} rollout_obs
 * @property {number} rollout_noise
 * @property {number} rollout_actions
 * @property {number} rollout_terminated
 * @property {number} rollout_truncated
 * @property {number} kept_signals
 * @property {number} kept_prev_signals
 * @property {number} kept_actions
 * @property {number} kept_terminated
 * @property {number} kept_unstable
 */

export class Strides {
  /**
   * @param {BatchSim} sim works on arrays lent by Python
   * @param {(number: number) => Kernel} kernelAt
   * @param {Plan} plan
   */
  constructor(sim, kernelAt, plan) {
    this.sim = sim;
    this.plan = plan;
    this.act = kernelAt(plan.act);
    this.toBounds = kernelAt(plan.to_bounds);
    /** Python's memory, taken anew for each run: between two of them it may have moved. @type {Uint8Array} */
    this.memory = new Uint8Array(0);
    /** Time (ms) that the policy took in the last run. */
    this.policy_ms = 0;
  }

  /**
   * Make steps until a row's true last observation has to be read, a row needs a second first state, an observation is not
   * finite, or the most are made.
   * @param {number} t the rollout's first step
   * @param {number} slot the first kept step
   * @param {number} most
   * @returns {number} steps made
   */
  run(t, slot, most) {
    const { sim } = this;
    this.policy_ms = 0;
    sim.followMemory();
    this.memory = new Uint8Array(sim.arrays.obs.buffer);
    sim.restarted = new Set();
    sim.owed = [];
    try {
      for (let made = 1; made < most; made++) {
        this.#step(t + made - 1, slot + made - 1);
        if (this.#mustStop()) return made;
      }
      this.#step(t + most - 1, slot + most - 1);
      return most;
    } finally {
      sim.restarted = null;
    }
  }

  /**
   * @param {number} t
   * @param {number} slot
   */
  #step(t, slot) {
    const { sim, plan } = this;
    const n = sim.nEnvs;
    const { obs, actions } = sim.arrays;
    const seen = plan.rollout_obs + t * obs.byteLength;
    const chosen = plan.rollout_actions + t * actions.byteLength;
    const noise = plan.rollout_noise + t * actions.byteLength;
    const began_ms = performance.now();
    this.#keep(obs, seen);
    const { mean, scale, params, workspace, widths, layers, form, low, high } = plan;
    this.act(chosen, seen, noise, mean, scale, params, workspace, widths, layers, form, n);
    this.toBounds(actions.byteOffset, chosen, low, high, n, sim.task.action_size, 0);
    this.policy_ms += performance.now() - began_ms;
    sim.step();
    const { signals, prevSignals, terminated, truncated, unstable } = sim.arrays;
    this.#keep(signals, plan.kept_signals + slot * signals.byteLength);
    this.#keep(prevSignals, plan.kept_prev_signals + slot * prevSignals.byteLength);
    this.#keep(actions, plan.kept_actions + slot * actions.byteLength);
    this.#keep(terminated, plan.kept_terminated + slot * n);
    this.#keep(unstable, plan.kept_unstable + slot * n);
    this.#keep(terminated, plan.rollout_terminated + t * n);
    this.#keep(truncated, plan.rollout_truncated + t * n);
  }

  /**
   * @param {Float32Array|Float64Array|Uint8Array} array of Python's memory
   * @param {number} place there, where to copy it
   */
  #keep(array, place) {
    this.memory.copyWithin(place, array.byteOffset, array.byteOffset + array.byteLength);
  }

  #mustStop() {
    const { owed, arrays } = this.sim;
    if (owed.length > 0 || arrays.truncated.includes(1)) return true;
    let zero = 0;
    for (let i = 0; i < arrays.obs.length; i++) zero += 0 * /** @type {number} */ (arrays.obs[i]);
    return zero !== 0;
  }
}
