/** Environments in which one policy acts, and the episodes they are in: tabrl_py/workers/player.py, Show. */

import { PolicyActor, RandomActor } from "./actors.js";
import { BatchSim } from "./batch_sim.js";
import { isPlain, PLAIN_WORLD } from "./conditions.js";
import { detailOf, sharedDetailOf } from "./detail.js";
import { Events } from "./events.js";
import { drawFirstState } from "./first_state.js";
import { PURPOSE, stream } from "./philox.js";
import { ConfigError, checkPlayable, NeedsPythonError, signalColumn } from "./play_task.js";
import { checkFits, readPolicy } from "./policy_file.js";
import { RewardProgram } from "./reward_program.js";

/** @import {Detail, Disturb, EpisodeEnded, Frame, Push, Started, StartPlaying, Steer} from "../protocol" */
/** @import {MainModule} from "../runtime/mujoco/mujoco.js" */
/** @import {Philox} from "./philox.js" */
/** @import {PlayTask} from "./play_task.js" */
/** @import {Program} from "./reward_program.js" */
/** @import {SharedSim} from "./shared_sim.js" */
/** @import {SharedWorld} from "./shared_world.js" */

const MOST_ENVS = 4096;
/** Of a show in all its workers together. */
export const MOST_ROWS = 8192;
/** protocol.py, Push: for so many control steps where the message does not say. */
const PUSH_STEPS = 4;
const MOST_SEEDS = 2 ** 32;

/** @typedef {{mujoco: MainModule, programs: Record<string, Program|null>}} Surroundings what a worker has loaded */

/**
 * The reward of a task for one environment after the other.
 * @param {Surroundings} surroundings
 * @param {PlayTask} task
 * @param {string} [code] in place of the task's own
 * @throws {NeedsPythonError} it is no list of operations
 */
export function rewardOf({ programs }, task, code = "") {
  if (code) throw new NeedsPythonError("the policy's reward is written as code");
  const program = programs[task.id] ?? task.own?.program;
  if (!program) throw new NeedsPythonError(`the reward of task ${task.id} is written for Python alone`);
  return new RewardProgram(program);
}

/**
 * The reward that a row has just earned.
 * @param {RewardProgram} reward
 * @param {BatchSim} sim
 * @param {number} row
 */
export function rewardOfRow(reward, sim, row) {
  const { signal_size: width, action_size: size } = sim.task;
  const { signals, prevSignals, actions, terminated } = sim.arrays;
  return reward.evaluate({
    signals: signals.subarray(row * width, (row + 1) * width),
    prev: prevSignals.subarray(row * width, (row + 1) * width),
    action: /** @type {Float32Array} */ (actions.subarray(row * size, (row + 1) * size)),
    dt: sim.dt,
    terminated: /** @type {number} */ (terminated[row]),
  });
}

export class Show {
  /**
   * Row k of the show starts its first episode from evaluation seed `seed + k`.
   * @param {Surroundings} surroundings
   * @param {StartPlaying} message
   * @param {(message: EpisodeEnded|Detail) => void} post
   * @param {SharedWorld|null} [shared] the world that the robots stand in with others; null: each has its own
   * @throws {Error} the message is not sound, the policy is damaged or does not fit, Python is needed
   */
  constructor(surroundings, message, post, shared = null) {
    const task = /** @type {PlayTask} */ (/** @type {unknown} */ (message.task));
    const { n_envs: n, seed, first_row: first = 0 } = message;
    if (!(Number.isInteger(n) && n >= 1 && n <= MOST_ENVS))
      throw new ConfigError(`n_envs=${n} cannot be shown; choose 1 to ${MOST_ENVS}`);
    if (!(Number.isInteger(seed) && seed >= 0 && seed < MOST_SEEDS - MOST_ROWS))
      throw new ConfigError(`seed=${seed} is out of range; choose 0 to ${MOST_SEEDS - MOST_ROWS - 1}`);
    if (!(Number.isInteger(first) && first >= 0 && first + n <= MOST_ROWS))
      throw new ConfigError(`first_row=${first} is out of range; a show has ${MOST_ROWS} rows`);
    if (!message.only_seen) checkPlayable(task);
    if (message.deterministic === false)
      throw new NeedsPythonError("exploration noise is normally distributed");
    this.policy = message.policy === null ? null : readPolicy(message.policy);
    if (this.policy) checkFits(this.policy, task);
    /** null: nobody reads its returns. */
    this.reward = message.only_seen ? null : rewardOf(surroundings, task, this.policy?.reward);
    this.task = task;
    this.post = post;
    this.id = message.show ?? 0;
    /** Number in the show of the first row that is here. */
    this.first = first;
    this.seeds = Array.from({ length: n }, (_, row) => seed + first + row);
    /** @type {BatchSim|SharedSim} */
    this.sim = shared
      ? shared.stand(task, message.place ?? 0, n)
      : new BatchSim(surroundings.mujoco, message.model_xml, task, n);
    this.returns = new Float64Array(n);
    this.lengths = new Float64Array(n);
    this.episodes = new Float64Array(n);
    this.disturbed = new Uint8Array(n);
    this.starts = new Float64Array(n);
    this.forward = signalColumn(task, task.forward_axis);
    this.events = new Events(task, this.sim);
    /** What somebody steers to, or null. @type {number[]|null} */
    this.command = null;
    this.steps = 0;
    /** Row that somebody looks into, or -1. */
    this.inspected = -1;
    /** Whether the reward's terms are those of a step of these episodes. */
    this.rewarded = false;
    /** A step has begun, and not all rows have moved. */
    this.sweeping = false;
    this.world = PLAIN_WORLD;
    this.reset();
    this.sim.watch(this.seeds.keys());
  }

  /** Start every row anew, from its evaluation seed. */
  reset() {
    this.sweeping = this.rewarded = false;
    this.actor = this.policy ? new PolicyActor(this.policy) : new RandomActor(this.task, this.seeds);
    for (const array of [this.returns, this.lengths, this.episodes]) array.fill(0);
    this.disturbed.fill(isPlain(this.world) ? 0 : 1);
    for (const [row, seed] of this.seeds.entries()) this.#beginWith(row, stream(seed, PURPOSE.EVALUATION));
    this.sim.reset();
    for (const row of this.seeds.keys()) this.#refill(row);
  }

  /** @param {number} row */
  #refill(row) {
    const [seed = 0, episodes = 0] = [this.seeds[row], this.episodes[row]];
    this.#beginWith(row, stream(seed, PURPOSE.PLAY, this.first + row, episodes + 1));
  }

  /**
   * Draw the row's next first state; while somebody steers, it begins with that command.
   * @param {number} row
   * @param {Philox} rng
   */
  #beginWith(row, rng) {
    const { sim, task } = this;
    const first = sim.arrays.nextInit.subarray(row * sim.initSize, (row + 1) * sim.initSize);
    drawFirstState(first, task, sim.qpos0, sim.engine.nv, rng);
    if (this.command) first.set(this.command, sim.engine.nq + sim.engine.nv);
  }

  /** @param {Steer} message */
  steer({ command: given }) {
    const spec = this.task.command;
    if (!spec) throw new ConfigError(`task ${this.task.id} takes no command; nothing to steer`);
    if (given.length && (given.length !== spec.low.length || !given.every(Number.isFinite)))
      throw new ConfigError(`command=${given} must be ${spec.low.length} numbers: ${spec.names.join(", ")}`);
    this.#settle();
    const within = (/** @type {number} */ x, /** @type {number} */ i) =>
      Math.min(Math.max(x, /** @type {number} */ (spec.low[i])), /** @type {number} */ (spec.high[i]));
    this.command = given.length ? given.map(within) : null;
    this.disturbed.fill(1);
    if (this.command) {
      const { command } = this;
      this.sim.setCommands(
        [...this.seeds.keys()],
        this.seeds.flatMap(() => command),
      );
    }
    for (const row of this.seeds.keys()) this.#refill(row);
  }

  /** One control step of every row, or the rest of the one that has begun; tells of the episodes that ended. */
  step() {
    while (!this.advance(this.seeds.length));
  }

  /**
   * Move the next rows by one control step.
   * @param {number} rows at most so many
   * @returns {boolean} whether every row has made the step now
   */
  advance(rows) {
    const { sim } = this;
    if (!this.sweeping) this.#begin();
    const from = sim.sweep?.at ?? 0;
    const { obs, actions } = sim.arrays;
    const to = Math.min(from + rows, sim.nEnvs);
    this.actor?.act(/** @type {Float32Array} */ (obs), /** @type {Float32Array} */ (actions), from, to);
    if (!sim.move(to - from)) return false;
    this.sweeping = false;
    this.#count();
    return true;
  }

  #begin() {
    // The first episode is the evaluation's of the same seed, with its commands and pushes.
    this.events.beforeStep((row) => {
      const [seed = 0, number = 0] = [this.seeds[row], this.episodes[row]];
      return { seed, index: number === 0 ? 0 : this.first + row, number };
    }, this.command !== null);
    this.sim.begin();
    this.sweeping = true;
  }

  /** In a shared world: choose every row's action. The world moves when all its shows have. */
  decide() {
    const { sim } = this;
    this.#begin();
    const { obs, actions } = sim.arrays;
    this.actor?.act(/** @type {Float32Array} */ (obs), /** @type {Float32Array} */ (actions), 0, sim.nEnvs);
  }

  /** In a shared world, which has moved: count the step. */
  moved() {
    this.sweeping = false;
    this.#count();
  }

  /** What is changed for all rows is changed between two steps. */
  #settle() {
    if (this.sweeping) this.step();
  }

  /** Every row has made a step. */
  #count() {
    const { sim, forward, returns, lengths } = this;
    const { arrays } = sim;
    this.steps += 1;
    const width = this.task.signal_size;
    const rewards = this.#rewards();
    this.rewarded = rewards !== undefined;
    for (let row = 0; row < sim.nEnvs; row++) {
      const reward = rewards?.[row] ?? 0;
      if (forward >= 0 && lengths[row] === 0)
        this.starts[row] = /** @type {number} */ (arrays.prevSignals[row * width + forward]);
      returns[row] = /** @type {number} */ (returns[row]) + (Number.isFinite(reward) ? reward : 0);
      lengths[row] = /** @type {number} */ (lengths[row]) + 1;
    }
    for (let row = 0; row < sim.nEnvs; row++) {
      if (arrays.terminated[row] || arrays.truncated[row]) this.#end(row);
    }
  }

  /** What every row has just earned. */
  #rewards() {
    const { sim } = this;
    const { signals, prevSignals: prev, actions, terminated } = sim.arrays;
    const action = /** @type {Float32Array} */ (actions);
    return this.reward?.evaluateRows({ signals, prev, action, dt: sim.dt, terminated }, sim.nEnvs);
  }

  /** @param {number} row */
  #end(row) {
    const { sim, forward } = this;
    const number = /** @type {number} */ (this.episodes[row]);
    const at = row * this.task.signal_size + forward;
    const travelled =
      /** @type {number} */ (sim.arrays.signals[at]) - /** @type {number} */ (this.starts[row]);
    this.post({
      type: "episode_ended",
      row: this.first + row,
      seed: number === 0 ? /** @type {number} */ (this.seeds[row]) : null,
      episode_return: /** @type {number} */ (this.returns[row]),
      steps: /** @type {number} */ (this.lengths[row]),
      terminated: sim.arrays.terminated[row] === 1,
      distance: forward < 0 ? null : travelled,
      disturbed: this.disturbed[row] === 1 || this.command !== null,
      show: this.id,
    });
    this.returns[row] = 0;
    this.lengths[row] = 0;
    this.disturbed[row] = isPlain(this.world) ? 0 : 1;
    this.episodes[row] = number + 1;
    this.#refill(row);
  }

  /** @param {Push} message */
  push({ row, body, force_n, point_m, steps }) {
    this.sim.push(row - this.first, body, force_n, point_m, steps ?? PUSH_STEPS);
    this.disturbed[row - this.first] = 1;
  }

  /**
   * Let other weights act from the next step on. The episodes that run are of no one policy then, so they count as disturbed.
   * @param {ArrayBuffer} bytes a policy file
   * @throws {Error} it is damaged or does not fit
   */
  swap(bytes) {
    const policy = readPolicy(bytes);
    checkFits(policy, this.task);
    this.#settle();
    this.policy = policy;
    this.actor = new PolicyActor(policy);
    this.disturbed.fill(1);
  }

  /** @param {Pick<Disturb, "slope"|"friction"|"gravity"|"motor">} message */
  disturb({ slope = 0, friction = 1, gravity = 1, motor = -1 }) {
    this.#settle();
    const world = { slope, friction, gravity, motor };
    this.sim.setWorld(world);
    this.world = world;
    this.disturbed.fill(1);
  }

  /**
   * Tell of a robot's inside with each frame from now on.
   * @param {number} row one that is not here is another worker's
   */
  inspect(row) {
    const here = row - this.first;
    this.inspected = here >= 0 && here < this.seeds.length ? here : -1;
  }

  /** @returns {Started} the message that announces the show */
  started() {
    const { task, sim, policy } = this;
    return {
      type: "started",
      task_id: task.id,
      n_envs: sim.nEnvs,
      rows: this.seeds.map((_, row) => this.first + row),
      dt: sim.dt,
      obs_size: task.obs_size,
      action_size: task.action_size,
      parameters: policy?.parameters ?? 0,
      steps: policy?.steps ?? 0,
      arithmetic: "numpy",
      show: this.id,
    };
  }

  /**
   * @param {number|null} realTimeFactor
   * @returns {Frame & {poses: ArrayBuffer, torques: ArrayBuffer}} what the robots look like now
   */
  frame(realTimeFactor) {
    const row = this.inspected;
    if (row >= 0) this.post({ type: "detail", row: this.first + row, show: this.id, ...this.#detail(row) });
    const { poses, torques } = this.sim.arrays;
    return {
      type: "frame",
      poses: poses.slice().buffer,
      torques: torques.slice().buffer,
      returns: this.reward ? Array.from(this.returns) : [],
      steps: Array.from(this.lengths),
      sim_s: this.steps * this.sim.dt,
      real_time_factor: realTimeFactor,
      commands: this.#commands(),
      show: this.id,
      balls: "world" in this.sim && this.sim.first === 0 ? this.sim.world.balls : [],
    };
  }

  /** @param {number} row */
  #detail(row) {
    const { sim, reward } = this;
    const terms = reward && this.rewarded ? reward.termsOf(row) : {};
    return { ...("world" in sim ? sharedDetailOf(sim, row) : detailOf(sim, row)), terms };
  }

  /** The command of every row, as it sees it. */
  #commands() {
    const { obs_size: width, observation } = this.task;
    const { obs } = this.sim.arrays;
    let at = 0;
    for (const { source, start, stop, scale } of observation) {
      if (source === "command") {
        const size = stop - start;
        return this.seeds.flatMap((_, row) =>
          Array.from(obs.subarray(row * width + at, row * width + at + size), (x) => x / scale),
        );
      }
      at += stop - start;
    }
    return [];
  }

  close() {
    this.sim.close();
  }
}
