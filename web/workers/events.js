/** What happens to robots while their episodes run: other commands, pushes. The twin of tabrl_py/sim/events.py. */

import { drawCommand } from "./first_state.js";
import { PURPOSE, stream } from "./philox.js";

/** @import {BatchSim} from "./batch_sim.js" */
/** @import {SharedSim} from "./shared_sim.js" */
/** @import {PlayTask} from "./play_task.js" */

/** Bits of a stream's step that count control steps; the others count episodes. */
const STEPS_OF_EPISODE = 20n;
/** Index and episode shift the steps at which pushes come by so much: not all rows are pushed at once. */
const [INDEX_SPREAD, EPISODE_SPREAD] = [37, 101];

/** @typedef {{seed: number, index: number, number: number}} Episode that a row is in; names its streams */

export class Events {
  /**
   * @param {PlayTask} task
   * @param {BatchSim|SharedSim} sim
   */
  constructor(task, sim) {
    this.command = task.command;
    this.sim = sim;
    this.push = task.randomization.find(({ name, always }) => name === "push" && always);
  }

  /**
   * What is due before the next step.
   * @param {(row: number) => Episode} episode
   * @param {boolean} commanded someone else gives the commands
   */
  beforeStep(episode, commanded) {
    const { command, push, sim } = this;
    if (!push && (!command || commanded)) return;
    for (let row = 0; row < sim.nEnvs; row++) {
      const steps = /** @type {number} */ (sim.arrays.steps[row]);
      if (steps === 0) continue;
      if (command && !commanded && steps % command.hold_steps === 0)
        sim.setCommands([row], drawCommand(command, streamOf(episode(row), PURPOSE.COMMAND, steps)));
      if (push) this.#push(row, episode(row), steps);
    }
  }

  /**
   * @param {number} row
   * @param {Episode} episode
   * @param {number} steps
   */
  #push(row, episode, steps) {
    const { low, high, every_steps } = /** @type {NonNullable<typeof this.push>} */ (this.push);
    const shifted = steps + INDEX_SPREAD * episode.index + EPISODE_SPREAD * episode.number;
    if (shifted % every_steps !== 0) return;
    const rng = streamOf(episode, PURPOSE.PUSH, steps);
    const speed = rng.uniform(low, high);
    const angle = rng.uniform(-Math.PI, Math.PI);
    this.sim.kick([row], [speed * Math.cos(angle), speed * Math.sin(angle)]);
  }
}

/**
 * @param {Episode} episode
 * @param {number} purpose
 * @param {number} steps
 */
function streamOf({ seed, index, number }, purpose, steps) {
  return stream(seed, purpose, index, (BigInt(number) << STEPS_OF_EPISODE) | BigInt(steps));
}
