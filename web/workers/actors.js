/** Whatever chooses actions in a player without Python: a policy, or random actions. */

import { PURPOSE, stream } from "./philox.js";

/** @import {PolicyData} from "./policy_file.js" */
/** @import {Philox} from "./philox.js" */
/** @import {PlayTask} from "./play_task.js" */

/**
 * @typedef {object} Actor
 * @property {(obs: Float32Array, actions: Float32Array, from?: number, to?: number) => void} act fills rows of (N, A)
 * from (N, O): all, or those from `from` to before `to`
 * @property {(row: number, seed: number) => void} restart tells that a row begins the episode of another seed
 */

/** tabrl_py/nn/normalize.py: normalised observations are clipped to this. */
const CLIP = 10;
const EPSILON = 1e-8;
/** tabrl_py/nn/mlp.py, NORM_EPSILON. */
const NORM_EPSILON = 1e-5;
const { fround } = Math;

/**
 * A policy's deterministic actions, in float64 as tabrl_py/policy/file.py computes them. Kernels would be faster, but
 * a network is small beside the physics, and actions in float32 part from Python's within a few steps of walking.
 * @implements {Actor}
 */
export class PolicyActor {
  /** @param {PolicyData} policy */
  constructor(policy) {
    this.policy = policy;
    const { normalizer, sizes, low, high } = policy;
    this.mean = normalizer?.mean ?? null;
    this.scale = normalizer ? normalizer.variance.map((v) => 1 / Math.sqrt(v + EPSILON)) : null;
    /** Outputs of each layer, the input first. */
    this.units = sizes.map((n) => new Float64Array(n));
    /** Weights of each layer, output by output. */
    this.columns = policy.layers.map(({ weight, bias }) => byOutput(weight, bias.length));
    this.low = Float32Array.from(low);
    this.high = Float32Array.from(high);
    this.middle = this.low.map((l, i) => 0.5 * fround(l + /** @type {number} */ (this.high[i])));
    this.half = this.low.map((l, i) => 0.5 * fround(/** @type {number} */ (this.high[i]) - l));
  }

  /**
   * @param {Float32Array} obs (N, O)
   * @param {Float32Array} actions (N, A)
   * @param {number} [from]
   * @param {number} [to]
   */
  act(obs, actions, from = 0, to = actions.length / this.low.length) {
    const { units, policy, columns } = this;
    const { layers, layerNorm, activation } = policy;
    const [input] = /** @type {[Float64Array]} */ (/** @type {unknown} */ (units));
    for (let row = from; row < to; row++) {
      this.#take(obs, row * input.length, input);
      for (let l = 0; l < layers.length; l++) {
        const { bias } = /** @type {(typeof layers)[number]} */ (layers[l]);
        const y = /** @type {Float64Array} */ (units[l + 1]);
        multiply(/** @type {Float64Array} */ (units[l]), /** @type {Float64Array} */ (columns[l]), y);
        const last = l === layers.length - 1;
        if (!last && layerNorm) normalise(y);
        for (let j = 0; j < y.length; j++)
          y[j] = /** @type {number} */ (y[j]) + /** @type {number} */ (bias[j]);
        if (!last) activate(y, activation);
      }
      this.#give(actions, row * this.low.length);
    }
  }

  restart() {}

  /**
   * A row of observations, normalised.
   * @param {Float32Array} obs
   * @param {number} at
   * @param {Float64Array} x
   */
  #take(obs, at, x) {
    const { mean, scale } = this;
    for (let i = 0; i < x.length; i++) {
      let value = /** @type {number} */ (obs[at + i]);
      if (mean && scale) {
        value = (value - /** @type {number} */ (mean[i])) * /** @type {number} */ (scale[i]);
        value = Math.min(Math.max(value, -CLIP), CLIP);
      }
      x[i] = value;
    }
  }

  /**
   * The network's output in the task's bounds, with float32's roundings: the last one may pass a bound.
   * @param {Float32Array} actions
   * @param {number} at
   */
  #give(actions, at) {
    const { low, high, middle, half } = this;
    const y = /** @type {Float64Array} */ (this.units.at(-1));
    for (let j = 0; j < y.length; j++) {
      let action = fround(/** @type {number} */ (y[j]));
      if (this.policy.squash) action = fround(Math.tanh(action));
      action = Math.min(Math.max(action, -1), 1);
      action = fround(action * /** @type {number} */ (half[j])) + /** @type {number} */ (middle[j]);
      const [l, h] = [/** @type {number} */ (low[j]), /** @type {number} */ (high[j])];
      actions[at + j] = Math.min(Math.max(fround(action), l), h);
    }
  }
}

/**
 * Uniform actions in the task's bounds, from a stream of each seed's own: tabrl_py/algos/evaluate.py, RandomActions.
 * @implements {Actor}
 */
export class RandomActor {
  /**
   * @param {PlayTask} task
   * @param {number[]} seeds one per row
   */
  constructor(task, seeds) {
    this.low = Float32Array.from(task.action_low);
    this.span = Float32Array.from(
      task.action_high,
      (high, i) => fround(high) - /** @type {number} */ (this.low[i]),
    );
    /** @type {Philox[]} */
    this.streams = seeds.map((seed) => stream(seed, PURPOSE.BASELINE));
  }

  /**
   * @param {number} row
   * @param {number} seed
   */
  restart(row, seed) {
    this.streams[row] = stream(seed, PURPOSE.BASELINE);
  }

  /**
   * @param {Float32Array} _obs
   * @param {Float32Array} actions (N, A)
   * @param {number} [from]
   * @param {number} [to]
   */
  act(_obs, actions, from = 0, to = this.streams.length) {
    const { low, span, streams } = this;
    let at = from * low.length;
    for (const rng of streams.slice(from, to)) {
      for (let j = 0; j < low.length; j++)
        actions[at++] =
          /** @type {number} */ (low[j]) + fround(rng.randomFloat() * /** @type {number} */ (span[j]));
    }
  }
}

/**
 * @param {ArrayLike<number>} weight (n_in, n_out) row by row
 * @param {number} outputs
 * @returns {Float64Array} (n_out, n_in)
 */
function byOutput(weight, outputs) {
  const inputs = weight.length / outputs;
  const turned = new Float64Array(weight.length);
  for (let i = 0; i < inputs; i++) {
    for (let j = 0; j < outputs; j++)
      turned[j * inputs + i] = /** @type {number} */ (weight[i * outputs + j]);
  }
  return turned;
}

/**
 * y = x W, each output summed from the first input to the last; four outputs at a time keep the processor busy.
 * @param {Float64Array} x (n_in,)
 * @param {Float64Array} w (n_out, n_in) output by output
 * @param {Float64Array} y (n_out,)
 */
function multiply(x, w, y) {
  const [n, outputs] = [x.length, y.length];
  let j = 0;
  for (; j + 4 <= outputs; j += 4) {
    let [a, b, c, d] = [0, 0, 0, 0];
    for (let i = 0, at = j * n; i < n; i++, at++) {
      const value = /** @type {number} */ (x[i]);
      a += value * /** @type {number} */ (w[at]);
      b += value * /** @type {number} */ (w[at + n]);
      c += value * /** @type {number} */ (w[at + 2 * n]);
      d += value * /** @type {number} */ (w[at + 3 * n]);
    }
    y[j] = a;
    y[j + 1] = b;
    y[j + 2] = c;
    y[j + 3] = d;
  }
  for (; j < outputs; j++) {
    let sum = 0;
    for (let i = 0, at = j * n; i < n; i++, at++)
      sum += /** @type {number} */ (x[i]) * /** @type {number} */ (w[at]);
    y[j] = sum;
  }
}

/**
 * To mean 0 and spread 1, in place.
 * @param {Float64Array} y
 */
function normalise(y) {
  const mean = y.reduce((sum, v) => sum + v, 0) / y.length;
  const variance = y.reduce((sum, v) => sum + (v - mean) * (v - mean), 0) / y.length;
  const inverse = 1 / Math.sqrt(variance + NORM_EPSILON);
  for (let j = 0; j < y.length; j++) y[j] = /** @type {number} */ (y[j] - mean) * inverse;
}

/**
 * @param {Float64Array} y in place
 * @param {"tanh"|"relu"|"elu"} activation
 */
function activate(y, activation) {
  for (let j = 0; j < y.length; j++) {
    const v = /** @type {number} */ (y[j]);
    if (activation === "tanh") y[j] = Math.tanh(v);
    else if (activation === "relu") y[j] = Math.max(v, 0);
    else y[j] = v > 0 ? v : Math.expm1(v);
  }
}
