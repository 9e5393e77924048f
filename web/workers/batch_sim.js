/**
 * N environments of one task as rows of one table, stepped one after the other in one MjData: what
 * tabrl_py/sim/native.py is natively, see docs/architecture.md, "Environments are rows".
 *
 * It knows nothing of Python. Its arrays are its own, or lent by someone whose memory may move (`lend`).
 */

import { handOver, zeros } from "./arrays.js";
import { Conditions } from "./conditions.js";
import { Engine } from "./engine.js";
import { Poses } from "./poses.js";
import { Pushes } from "./pushes.js";
import { restart } from "./restart.js";
import { readStates, stateSize, writeStates } from "./row_states.js";
import { TaskLayout } from "./task_layout.js";
import { Traits } from "./traits.js";

/** @import {MainModule} from "../runtime/mujoco/mujoco.js" */
/** @import {World} from "./conditions.js" */
/** @import {Span, Task} from "./task_layout.js" */

/** @typedef {import("./arrays.js").Arrays} Arrays */
/** @typedef {Span & {view: Float64Array}} Copy */

export class BatchSim {
  /**
   * Load the model; every row starts at qpos0 at rest.
   * @param {MainModule} mujoco the official module, single thread
   * @param {string} xml
   * @param {Task} task a record of tasks.json
   * @param {number} nEnvs
   */
  constructor(mujoco, xml, task, nEnvs) {
    if (!(Number.isInteger(nEnvs) && nEnvs >= 1)) throw new RangeError(`n_envs=${nEnvs} must be at least 1`);
    this.task = task;
    this.nEnvs = nEnvs;
    this.engine = new Engine(mujoco, xml, task);
    const { model, nq, nv, nState } = this.engine;
    /** Seconds per control step. */
    this.dt = model.opt.timestep * task.frame_skip;
    this.qpos0 = Float64Array.from(task.reset.qpos ?? model.qpos0);
    this.layout = new TaskLayout(task, nq, nState);
    this.pushes = new Pushes(this.engine);
    this.unstableCount = 0;
    /** While several steps are made in a row: rows that have taken their next first state. @type {Set<number>|null} */
    this.restarted = null;
    /** Rows that ended once more, and wait for one. @type {number[]} */
    this.owed = [];
    /** The control step that has begun. @type {{ctrl: Float32Array|Float64Array, at: number, warned: Set<number>}|null} */
    this.sweep = null;
    /** mj_forward has run since the last step, and may have left warnings that are not that step's. */
    this.forwarded = false;
    this.poses = new Poses(this.engine, nEnvs);
    this.conditions = new Conditions(model);
    this.traits = new Traits(task, model);
    const settling = task.reset.settle_steps ? 1 + task.action_size : 0;
    /** Numbers of a row of nextInit. */
    this.initSize = nq + nv + task.command_size + task.traits.length + settling;
    try {
      /** The rows as they are, and those of the step that is being made. */
      this.table = new Float64Array(nEnvs * this.layout.width);
      this.nextTable = new Float64Array(this.table.length);
      /** @type {Arrays} */
      this.arrays = zeros(nEnvs, task, this.initSize);
    } catch (error) {
      this.engine.close();
      throw error;
    }
    /** @type {(() => Arrays)|null} */
    this.lender = null;
    for (let at = 0; at < nEnvs * this.initSize; at += this.initSize) {
      this.arrays.nextInit.set(this.qpos0, at);
      this.arrays.nextInit.set(this.traits.plain, at + nq + nv + task.command_size);
    }
    /** @type {Copy[]} */
    this.copies = [];
    this.#takeViews();
    this.reset();
  }

  /**
   * Work on someone else's arrays from now on; they take over what the present ones hold.
   * @param {() => Arrays} lender asked again whenever the memory of the lent arrays has moved
   */
  lend(lender) {
    const lent = lender();
    handOver(this.arrays, lent);
    this.lender = lender;
    this.arrays = lent;
  }

  /** Views as memory lies now: on the engine's arrays, and on the lent ones. */
  #takeViews() {
    const { engine, layout } = this;
    engine.takeViews();
    /** @param {Span} span */
    const view = ({ source }) => /** @type {Float64Array} */ (engine.array(source));
    this.copies = layout.spans.map((span) => ({ ...span, view: view(span) }));
    this.poses.takeViews();
  }

  /** Take views anew where memory has moved: the engine's, or that of the lent arrays. */
  followMemory() {
    if (this.engine.moved()) this.#takeViews();
    if (this.lender && this.arrays.obs.length === 0) this.arrays = this.lender();
  }

  /**
   * Start an episode in the given rows (all when none are given) from nextInit; fills obs and signals.
   * @param {Iterable<number>} [rows]
   */
  reset(rows) {
    this.sweep = null;
    this.followMemory();
    const { layout, table, task } = this;
    const { obs, signals, prevSignals } = this.arrays;
    for (const i of rows ?? Array(this.nEnvs).keys()) {
      this.#checkRow(i);
      restart(this, i);
      layout.observe(table, i * layout.width, obs, i * task.obs_size);
      layout.readSignals(table, i * layout.width, signals, i * task.signal_size);
      layout.readSignals(table, i * layout.width, prevSignals, i * task.signal_size);
    }
  }

  /**
   * Store the state and what the task reads in the row of a table that begins at `at`.
   * @param {Float64Array} table
   * @param {number} at
   */
  store(table, at) {
    this.engine.getState(table, at);
    for (const { view, start, size, column } of this.copies) {
      const to = at + column;
      for (let i = 0; i < size; i++) table[to + i] = /** @type {number} */ (view[start + i]);
    }
  }

  /**
   * Advance every row by one control step.
   * @param {Float32Array|Float64Array} [actions] (N, A) within the task's bounds; none: those in arrays.actions
   * @returns {number} rows found unstable since construction
   */
  step(actions) {
    this.begin(actions);
    this.move(this.nEnvs);
    return this.unstableCount;
  }

  /**
   * Begin a control step that move() carries out, so many rows at a time. Until it is done, states and observations are
   * those from before it.
   * @param {Float32Array|Float64Array} [actions] as for step(); those of a row are read when it moves
   */
  begin(actions) {
    this.followMemory();
    const ctrl = actions ?? this.arrays.actions;
    const expected = this.nEnvs * this.engine.nu;
    if (ctrl.length !== expected)
      throw new RangeError(`actions has ${ctrl.length} numbers; expected ${expected}`);
    const { engine } = this;
    if (this.forwarded) engine.mujoco.mj_resetData(engine.model, engine.data);
    this.forwarded = false;
    this.sweep = { ctrl, at: 0, warned: new Set() };
  }

  /**
   * Move the next rows of the step that has begun.
   * @param {number} rows at most so many
   * @returns {boolean} whether that was the last of them
   */
  move(rows) {
    const { sweep, engine, nEnvs } = this;
    if (!sweep) throw new Error("no control step has begun");
    this.followMemory();
    const from = sweep.at;
    sweep.at = Math.min(from + rows, nEnvs);
    this.#advance(sweep.ctrl, null, from, sweep.at);
    // Reading the engine's warnings for each row would cost more than a small robot's step. They are read once; had
    // there been one, the same step is made again from the same rows, asking after each.
    if (engine.warnings() > 0) this.#advance(sweep.ctrl, sweep.warned, from, sweep.at);
    if (sweep.at < nEnvs) return false;
    this.sweep = null;
    this.#finish(sweep.warned);
    return true;
  }

  /**
   * Move rows of the table by frame_skip physics steps into the next table.
   * @param {Float32Array|Float64Array} actions
   * @param {Set<number>|null} warned when given: takes the rows in which the engine warned
   * @param {number} from
   * @param {number} to
   */
  #advance(actions, warned, from, to) {
    const { engine, task, table, nextTable, layout } = this;
    const { mujoco, model, data, nu } = engine;
    const { width, command, kept } = layout;
    const { lags, needed: vary } = this.traits;
    if (warned) mujoco.mj_resetData(model, data);
    for (let row = from; row < to; row++) {
      const at = row * width;
      engine.setState(table, at);
      for (let i = at + command; i < at + kept; i++) nextTable[i] = /** @type {number} */ (table[i]);
      if (vary) this.traits.load(table, at + layout.traits);
      this.pushes.apply(row);
      const late = lags.get(row) ?? 0;
      if (late > 0) engine.drive(table, at + layout.lastAction);
      for (let i = 0; i < task.frame_skip; i++) {
        if (i === late) engine.drive(actions, row * nu);
        mujoco.mj_step(model, data);
      }
      if (late > 0) nextTable.set(actions.subarray(row * nu, (row + 1) * nu), at + layout.lastAction);
      if (task.post_constraint) mujoco.mj_rnePostConstraint(model, data);
      this.followMemory();
      this.store(nextTable, at);
      this.poses.capture(row, this.arrays);
      this.pushes.release(row);
      if (warned && engine.warnings() > 0) {
        warned.add(row);
        mujoco.mj_resetData(model, data);
      }
    }
  }

  /**
   * Make the next table the present one, read observations and signals, end episodes.
   * @param {Set<number>} warned
   */
  #finish(warned) {
    const { layout, task, nEnvs, table: before, nextTable: after } = this;
    const { obs, finalObs, signals, prevSignals, terminated, truncated, unstable, steps } = this.arrays;
    const { obs_size: nObs, signal_size: nSignals } = task;
    [this.table, this.nextTable] = [after, before];
    for (let i = 0; i < nEnvs; i++) {
      const at = i * layout.width;
      const bad = warned.has(i) || !layout.finite(after, at);
      layout.readSignals(before, at, prevSignals, i * nSignals);
      layout.readSignals(bad ? before : after, at, signals, i * nSignals);
      if (bad) this.unstableCount++;
      else layout.observe(after, at, obs, i * nObs);
      const step = /** @type {number} */ (steps[i]) + 1;
      const ended = bad || !layout.healthy(after, at);
      steps[i] = step;
      unstable[i] = bad ? 1 : 0;
      terminated[i] = ended ? 1 : 0;
      truncated[i] = !ended && step >= task.time_limit ? 1 : 0;
      this.pushes.countDown(i);
    }
    for (let i = 0; i < nEnvs; i++) {
      if (!terminated[i] && !truncated[i]) continue;
      finalObs.set(obs.subarray(i * nObs, (i + 1) * nObs), i * nObs);
      if (this.restarted?.has(i)) {
        this.owed.push(i);
        continue;
      }
      this.restarted?.add(i);
      restart(this, i);
      layout.observe(after, i * layout.width, obs, i * nObs);
    }
  }

  /**
   * Choose the rows whose poses and torques are captured, and capture them. A lender must lend poses and torques of
   * this size from now on.
   * @param {Iterable<number>} rows
   */
  watch(rows) {
    const { engine } = this;
    const watched = [...rows];
    for (const row of watched) this.#checkRow(row);
    if (this.lender) this.arrays = this.lender();
    else {
      this.arrays.poses = new Float32Array(watched.length * engine.nbody * 7);
      this.arrays.torques = new Float32Array(watched.length * engine.nu);
    }
    this.poses.watch(watched);
    this.#takeViews();
    this.forwarded = true;
    for (const row of watched) {
      engine.setState(this.table, row * this.layout.width);
      engine.mujoco.mj_forward(engine.model, engine.data);
      this.followMemory();
      this.poses.capture(row, this.arrays);
    }
  }

  /**
   * Pull on a body of one row with a world-frame force at a world point for the next control steps. A new push
   * replaces the row's former one; the row's next reset ends it.
   * @param {number} row
   * @param {number} body
   * @param {ArrayLike<number>} force (3,) N
   * @param {ArrayLike<number>} point (3,) m
   * @param {number} steps
   */
  push(row, body, force, point, steps) {
    this.#checkRow(row);
    if (!(Number.isInteger(steps) && steps >= 1)) throw new RangeError(`steps=${steps} must be at least 1`);
    this.followMemory();
    this.engine.setState(this.table, row * this.layout.width);
    this.pushes.add(row, body, force, point, steps);
  }

  /**
   * Give rows another command, and observe them anew.
   * @param {ArrayLike<number>} rows n of them
   * @param {ArrayLike<number>} commands (n, C)
   */
  setCommands(rows, commands) {
    const { layout, table, task } = this;
    const size = task.command_size;
    if (!size) throw new RangeError(`task ${task.id} takes no command`);
    this.followMemory();
    for (const [k, row] of Array.from(rows).entries()) {
      this.#checkRow(row);
      const at = row * layout.width;
      for (let i = 0; i < size; i++)
        table[at + layout.command + i] = /** @type {number} */ (commands[k * size + i]);
      layout.observe(table, at, this.arrays.obs, row * task.obs_size);
    }
  }

  /**
   * Change the velocity of whole robots at once, as a blow does.
   * @param {ArrayLike<number>} rows n of them
   * @param {ArrayLike<number>} velocities (n, 2) m/s along the world's x and y, added
   */
  kick(rows, velocities) {
    const { nq, nv } = this.engine;
    if (nq !== nv + 1)
      throw new RangeError(`task ${this.task.id} has no robot that moves freely; it cannot be kicked`);
    const { table, layout } = this;
    for (const [k, row] of Array.from(rows).entries()) {
      this.#checkRow(row);
      const at = row * layout.width + 1 + nq;
      for (let i = at; i < at + 2; i++) {
        table[i] = /** @type {number} */ (table[i]) + /** @type {number} */ (velocities[2 * k + i - at]);
      }
    }
  }

  /**
   * Let the world be another one for all rows, from the next step on.
   * @param {World} world
   */
  setWorld(world) {
    const { layout, table, engine, task } = this;
    this.traits.load(this.traits.plain, 0);
    this.conditions.set(world);
    this.traits = new Traits(task, engine.model);
    for (let row = 0; row < this.nEnvs; row++)
      this.traits.note(row, table, row * layout.width + layout.traits);
  }

  /** Numbers of a row of states(): elapsed steps, its state, the signals. */
  get stateSize() {
    return stateSize(this);
  }

  /**
   * Every row's state, all that is needed to go on bit for bit; pushes are not part of it.
   * @param {Float64Array} [out] (N, stateSize)
   */
  states(out = new Float64Array(this.nEnvs * this.stateSize)) {
    this.followMemory();
    return readStates(this, out);
  }

  /**
   * Put back what states() gave, from a simulation of the same task and size; pushes end.
   * @param {Float64Array} states
   */
  loadStates(states) {
    this.followMemory();
    writeStates(this, states);
    this.sweep = null;
    this.pushes.byRow.clear();
  }

  /** @param {number} row */
  #checkRow(row) {
    if (!(Number.isInteger(row) && row >= 0 && row < this.nEnvs)) {
      throw new RangeError(`row=${row} does not exist; the rows are 0 to ${this.nEnvs - 1}`);
    }
  }

  /** Free the engine's memory; the simulation cannot be used afterwards. */
  close() {
    this.engine.close();
  }
}
