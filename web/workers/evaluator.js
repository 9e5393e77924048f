/** A deterministic policy, or random actions, on fixed seeds, one episode each: tabrl_py/algos/evaluate.py, Evaluator. */

import { PolicyActor, RandomActor } from "./actors.js";
import { BatchSim } from "./batch_sim.js";
import { Events } from "./events.js";
import { drawFirstState } from "./first_state.js";
import { PURPOSE, stream } from "./philox.js";
import { ConfigError, checkPlayable, signalColumn } from "./play_task.js";
import { checkFits, readPolicy } from "./policy_file.js";
import { rewardOf, rewardOfRow } from "./show.js";

/** @import {Evaluation, RequestEvaluation} from "../protocol" */
/** @import {PlayTask} from "./play_task.js" */
/** @import {Surroundings} from "./show.js" */

const MOST_SEEDS = 256;

export class Evaluator {
  /**
   * Row k runs seeds[k].
   * @param {Surroundings} surroundings
   * @param {RequestEvaluation} message
   * @throws {Error} the message is not sound, the policy is damaged or does not fit, Python is needed
   */
  constructor(surroundings, message) {
    const task = /** @type {PlayTask} */ (/** @type {unknown} */ (message.task));
    const { seeds } = message;
    const sound = seeds.every((seed) => Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32);
    if (!sound || seeds.length < 1 || seeds.length > MOST_SEEDS)
      throw new ConfigError(
        `seeds=${String(seeds).slice(0, 80)} cannot be evaluated; give 1 to ${MOST_SEEDS} numbers below 2**32`,
      );
    checkPlayable(task);
    const policy = message.policy === null ? null : readPolicy(message.policy);
    if (policy) checkFits(policy, task);
    this.reward = rewardOf(surroundings, task, policy ? policy.reward : message.reward);
    this.message = message;
    this.task = task;
    this.seeds = seeds;
    this.actor = policy ? new PolicyActor(policy) : new RandomActor(task, seeds);
    const sim = new BatchSim(surroundings.mujoco, message.model_xml, task, seeds.length);
    this.sim = sim;
    this.events = new Events(task, sim);
    this.forward = signalColumn(task, task.forward_axis);
    this.goal = task.success ? signalColumn(task, task.success.signal) : -1;
    this.rows = seeds.map(() => ({
      active: true,
      sum: 0,
      length: 0,
      fell: false,
      start: 0,
      distance: 0,
      held: 0,
    }));
    for (const [row, seed] of seeds.entries()) {
      const first = sim.arrays.nextInit.subarray(row * sim.initSize, (row + 1) * sim.initSize);
      drawFirstState(first, task, sim.qpos0, sim.engine.nv, stream(seed, PURPOSE.EVALUATION));
    }
    sim.reset();
  }

  /** One vector step; the evaluation when every episode has ended. @returns {Evaluation|null} */
  advance() {
    const { sim } = this;
    this.events.beforeStep(
      (row) => ({ seed: /** @type {number} */ (this.seeds[row]), index: 0, number: 0 }),
      false,
    );
    const { obs, actions } = sim.arrays;
    this.actor.act(/** @type {Float32Array} */ (obs), /** @type {Float32Array} */ (actions));
    sim.step();
    for (const [row, episode] of this.rows.entries()) if (episode.active) this.#count(row, episode);
    return this.rows.some(({ active }) => active) ? null : this.#result();
  }

  /**
   * @param {number} row
   * @param {(typeof this.rows)[number]} episode
   */
  #count(row, episode) {
    const { signals, prevSignals, terminated, truncated } = this.sim.arrays;
    const at = row * this.task.signal_size;
    episode.sum += rewardOfRow(this.reward, this.sim, row);
    if (this.forward >= 0) {
      if (episode.length === 0) episode.start = /** @type {number} */ (prevSignals[at + this.forward]);
      episode.distance = /** @type {number} */ (signals[at + this.forward]) - episode.start;
    }
    episode.length += 1;
    episode.fell = terminated[row] === 1;
    const { success } = this.task;
    if (success)
      episode.held = /** @type {number} */ (signals[at + this.goal]) > success.above ? episode.held + 1 : 0;
    if (terminated[row] || truncated[row]) episode.active = false;
  }

  /** @returns {Evaluation} */
  #result() {
    const { rows, task } = this;
    const returns = rows.map(({ sum }) => sum);
    const mean = returns.reduce((sum, x) => sum + x, 0) / returns.length;
    const variance = returns.reduce((sum, x) => sum + (x - mean) ** 2, 0) / returns.length;
    return {
      seeds: this.seeds,
      returns,
      lengths: rows.map(({ length }) => length),
      terminated: rows.map(({ fell }) => fell),
      distances: this.forward < 0 ? [] : rows.map(({ distance }) => distance),
      return_mean: mean,
      return_std: Math.sqrt(variance),
      succeeded: task.success
        ? rows.map(({ held }) => held >= /** @type {any} */ (task.success).last_steps)
        : [],
    };
  }

  close() {
    this.sim.close();
  }
}
