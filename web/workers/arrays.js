/** The arrays through which a simulation speaks with those who drive it. */

/**
 * @typedef {object} Arrays rows one after the other; sizes as in tabrl_py/sim/batch.py
 * @property {Float32Array|Float64Array} actions (N, A)
 * @property {Float32Array|Float64Array} obs (N, O)
 * @property {Float32Array|Float64Array} finalObs (N, O)
 * @property {Float64Array} signals (N, S)
 * @property {Float64Array} prevSignals (N, S)
 * @property {Uint8Array} terminated (N,)
 * @property {Uint8Array} truncated (N,)
 * @property {Uint8Array} unstable (N,)
 * @property {Float64Array} steps (N,)
 * @property {Float64Array} nextInit (N, I) qpos, qvel, command, traits, steps to settle, action meanwhile
 * @property {Float32Array} poses (K, nbody, 7)
 * @property {Float32Array} torques (K, nu)
 */

/**
 * Arrays of zeros, nobody watched.
 * @param {number} n rows
 * @param {{obs_size: number, signal_size: number, action_size: number}} task
 * @param {number} initSize numbers of a row of nextInit
 * @returns {Arrays}
 */
export function zeros(n, task, initSize) {
  return {
    actions: new Float32Array(n * task.action_size),
    obs: new Float32Array(n * task.obs_size),
    finalObs: new Float32Array(n * task.obs_size),
    signals: new Float64Array(n * task.signal_size),
    prevSignals: new Float64Array(n * task.signal_size),
    terminated: new Uint8Array(n),
    truncated: new Uint8Array(n),
    unstable: new Uint8Array(n),
    steps: new Float64Array(n),
    nextInit: new Float64Array(n * initSize),
    poses: new Float32Array(0),
    torques: new Float32Array(0),
  };
}

/**
 * Copy what arrays hold into others of the same sizes.
 * @param {Arrays} from
 * @param {Arrays} to
 */
export function handOver(from, to) {
  for (const name of /** @type {(keyof Arrays)[]} */ (Object.keys(from))) {
    if (to[name].length !== from[name].length) {
      throw new RangeError(`${name} has ${to[name].length} numbers; expected ${from[name].length}`);
    }
    to[name].set(from[name]);
  }
}
