/** The rows of a simulation as numbers that can be stored: for each its elapsed steps, its state, its signals. */

/** @import {BatchSim} from "./batch_sim.js" */

/**
 * Numbers of a row.
 * @param {BatchSim} sim
 */
export function stateSize({ layout, task }) {
  return 1 + layout.kept + task.signal_size;
}

/**
 * @param {BatchSim} sim
 * @param {Float64Array} out (N, stateSize)
 * @throws {RangeError} it has another size
 */
export function readStates(sim, out) {
  check(sim, out);
  const { layout, table } = sim;
  const size = stateSize(sim);
  for (let i = 0; i < sim.nEnvs; i++) {
    const [at, row] = [i * size, i * layout.width];
    out[at] = /** @type {number} */ (sim.arrays.steps[i]);
    out.set(table.subarray(row, row + layout.kept), at + 1);
    layout.readSignals(table, row, out, at + 1 + layout.kept);
  }
  return out;
}

/**
 * @param {BatchSim} sim
 * @param {Float64Array} states (N, stateSize), of a simulation of the same task and size
 * @throws {RangeError} they have another size
 */
export function writeStates(sim, states) {
  check(sim, states);
  const { layout, table } = sim;
  const size = stateSize(sim);
  for (let i = 0; i < sim.nEnvs; i++) {
    const [at, row] = [i * size, i * layout.width];
    sim.arrays.steps[i] = /** @type {number} */ (states[at]);
    table.set(states.subarray(at + 1, at + 1 + layout.kept), row);
    layout.writeSignals(table, row, states, at + 1 + layout.kept);
    sim.traits.note(i, table, row + layout.traits);
  }
}

/**
 * @param {BatchSim} sim
 * @param {Float64Array} states
 */
function check(sim, states) {
  const size = stateSize(sim);
  if (states.length === sim.nEnvs * size) return;
  throw new RangeError(
    `states have ${states.length} numbers; ${sim.task.id} with ${sim.nEnvs} rows needs ${sim.nEnvs * size}`,
  );
}
