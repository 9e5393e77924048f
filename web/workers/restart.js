/** How a row begins an episode. */

/** @import {BatchSim} from "./batch_sim.js" */
/** @import {Engine} from "./engine.js" */

/**
 * Put a row at its first state of nextInit: a cleared MjData, the new state, mj_forward.
 * @param {BatchSim} sim
 * @param {number} row
 * @throws {RangeError} the first state is not finite
 */
export function restart(sim, row) {
  const { engine, layout, initSize, traits, table } = sim;
  const { mujoco, model, data, nq, nv } = engine;
  const { nextInit, steps } = sim.arrays;
  const first = nextInit.subarray(row * initSize, (row + 1) * initSize);
  if (!first.every(Number.isFinite)) throw new RangeError(`next_init[${row}] is not finite: ${first}`);
  const at = row * layout.width;
  const given = nq + nv + layout.lastAction - layout.command;
  table.fill(0, at + layout.command, at + layout.kept);
  table.set(first.subarray(nq + nv, given), at + layout.command);
  traits.note(row, table, at + layout.traits);
  mujoco.mj_resetData(model, data);
  sim.followMemory();
  engine.qpos.set(first.subarray(0, nq));
  engine.qvel.set(first.subarray(nq, nq + nv));
  traits.load(table, at + layout.traits);
  if (initSize > given) settle(engine, first.subarray(given));
  mujoco.mj_forward(model, data);
  sim.forwarded = true;
  sim.followMemory();
  sim.store(table, at);
  sim.poses.capture(row, sim.arrays);
  sim.pushes.byRow.delete(row);
  steps[row] = 0;
}

/**
 * Let the robot come to rest before its episode begins.
 * @param {Engine} engine
 * @param {Float64Array} how for how many physics steps, and the action held meanwhile
 */
function settle(engine, how) {
  const { mujoco, model, data } = engine;
  engine.drive(how, 1);
  for (let i = 0; i < /** @type {number} */ (how[0]); i++) mujoco.mj_step(model, data);
  data.time = 0;
}
