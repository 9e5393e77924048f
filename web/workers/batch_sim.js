/**
 * N environments of one task as rows of one table, stepped one after the other in one MjData: what
 * tabrl_py/sim/native.py is natively, see docs/architecture.md, "Environments are rows".
 *
 * It knows nothing of Python. Its arrays are its own, or lent by someone whose memory may move (`lend`).
 */

import { Engine } from "./engine.js";
import { TaskLayout } from "./task_layout.js";

/** @import {MainModule} from "../runtime/mujoco/mujoco.js" */
/** @import {Span, Task} from "./task_layout.js" */

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
 * @property {Float64Array} nextInit (N, nq + nv)
 * @property {Float32Array} poses (K, nbody, 7)
 * @property {Float32Array} torques (K, nu)
 */
/** @typedef {{body: number, wrench: number[], steps: number}} Push */
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
    /** @type {Map<number, Push>} by row */
    this.pushes = new Map();
    this.unstableCount = 0;
    /** mj_forward has run since the last step, and may have left warnings that are not that step's. */
    this.forwarded = false;
    /** @type {number[]} */
    this.watched = [];
    /** @type {Int32Array} slot of each row in poses, -1 where nobody watches */
    this.slots = new Int32Array(nEnvs).fill(-1);
    try {
      /** The rows as they are, and those of the step that is being made. */
      this.table = new Float64Array(nEnvs * this.layout.width);
      this.nextTable = new Float64Array(this.table.length);
      /** @type {Arrays} */
      this.arrays = this.#ownArrays();
    } catch (error) {
      this.engine.close();
      throw error;
    }
    /** @type {(() => Arrays)|null} */
    this.lender = null;
    /** @type {Copy[]} */
    this.copies = [];
    /** @type {{xpos: Float64Array, xquat: Float64Array, force: Float64Array}|null} */
    this.bodies = null;
    for (let i = 0; i < nEnvs; i++) this.arrays.nextInit.set(this.qpos0, i * (nq + nv));
    this.reset();
  }

  /** @returns {Arrays} */
  #ownArrays() {
    const { nEnvs: n, task } = this;
    const { nq, nv, nu } = this.engine;
    return {
      actions: new Float32Array(n * nu),
      obs: new Float32Array(n * task.obs_size),
      finalObs: new Float32Array(n * task.obs_size),
      signals: new Float64Array(n * task.signal_size),
      prevSignals: new Float64Array(n * task.signal_size),
      terminated: new Uint8Array(n),
      truncated: new Uint8Array(n),
      unstable: new Uint8Array(n),
      steps: new Float64Array(n),
      nextInit: new Float64Array(n * (nq + nv)),
      poses: new Float32Array(0),
      torques: new Float32Array(0),
    };
  }

  /**
   * Work on someone else's arrays from now on; they take over what the present ones hold.
   * @param {() => Arrays} lender asked again whenever the memory of the lent arrays has moved
   */
  lend(lender) {
    const before = this.arrays;
    const lent = lender();
    for (const name of /** @type {(keyof Arrays)[]} */ (Object.keys(before))) {
      if (lent[name].length !== before[name].length) {
        throw new RangeError(`${name} has ${lent[name].length} numbers; expected ${before[name].length}`);
      }
      lent[name].set(before[name]);
    }
    this.lender = lender;
    this.arrays = lent;
  }

  /** Views as memory lies now: on the engine's arrays, and on the lent ones. */
  #takeViews() {
    const { engine } = this;
    engine.takeViews();
    this.copies = this.layout.spans.map((span) => ({
      ...span,
      view: /** @type {Float64Array} */ (engine.array(span.source)),
    }));
    if (this.watched.length) {
      this.bodies = { xpos: engine.data.xpos, xquat: engine.data.xquat, force: engine.data.actuator_force };
    }
    if (this.lender && this.arrays.obs.length === 0) this.arrays = this.lender();
  }

  /**
   * Start an episode in the given rows (all when none are given) from nextInit; fills obs and signals.
   * @param {Iterable<number>} [rows]
   */
  reset(rows) {
    this.#takeViews();
    const { layout, table, task } = this;
    const { obs, signals, prevSignals } = this.arrays;
    for (const i of rows ?? this.slots.keys()) {
      this.#checkRow(i);
      this.#restart(i);
      layout.observe(table, i * layout.width, obs, i * task.obs_size);
      layout.readSignals(table, i * layout.width, signals, i * task.signal_size);
      layout.readSignals(table, i * layout.width, prevSignals, i * task.signal_size);
    }
  }

  /**
   * Put a row at nextInit: a cleared MjData, the new state, mj_forward.
   * @param {number} row
   */
  #restart(row) {
    const { engine, layout } = this;
    const { mujoco, model, data, nq, nv } = engine;
    const { nextInit, steps } = this.arrays;
    const first = nextInit.subarray(row * (nq + nv), (row + 1) * (nq + nv));
    if (!first.every(Number.isFinite)) throw new RangeError(`next_init[${row}] is not finite: ${first}`);
    mujoco.mj_resetData(model, data);
    this.#followMemory();
    engine.qpos.set(first.subarray(0, nq));
    engine.qvel.set(first.subarray(nq));
    mujoco.mj_forward(model, data);
    this.forwarded = true;
    this.#followMemory();
    this.#store(this.table, row * layout.width);
    if (/** @type {number} */ (this.slots[row]) >= 0) this.#capture(row);
    this.pushes.delete(row);
    steps[row] = 0;
  }

  #followMemory() {
    if (this.engine.moved()) this.#takeViews();
  }

  /**
   * Store the state and what the task reads in the row of a table that begins at `at`.
   * @param {Float64Array} table
   * @param {number} at
   */
  #store(table, at) {
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
    this.#takeViews();
    const ctrl = actions ?? this.arrays.actions;
    const expected = this.nEnvs * this.engine.nu;
    if (ctrl.length !== expected)
      throw new RangeError(`actions has ${ctrl.length} numbers; expected ${expected}`);
    const { engine } = this;
    if (this.forwarded) engine.mujoco.mj_resetData(engine.model, engine.data);
    this.forwarded = false;
    /** @type {Set<number>} */
    const warned = new Set();
    this.#advance(ctrl, null);
    // Reading the engine's warnings for each row would cost more than a small robot's step. They are read once; had
    // there been one, the same step is made again from the same rows, asking after each.
    if (engine.warnings() > 0) this.#advance(ctrl, warned);
    this.#finish(warned);
    return this.unstableCount;
  }

  /**
   * Move every row of the table by frame_skip physics steps into the next table.
   * @param {Float32Array|Float64Array} actions
   * @param {Set<number>|null} warned when given: takes the rows in which the engine warned
   */
  #advance(actions, warned) {
    const { engine, task, nEnvs, table, nextTable, slots } = this;
    const { mujoco, model, data, nu } = engine;
    const { width } = this.layout;
    if (warned) mujoco.mj_resetData(model, data);
    for (let row = 0; row < nEnvs; row++) {
      engine.setState(table, row * width);
      const { ctrl } = engine;
      for (let i = 0; i < nu; i++) ctrl[i] = /** @type {number} */ (actions[row * nu + i]);
      const push = this.pushes.get(row);
      if (push) this.#pull(push.body, push.wrench);
      for (let i = 0; i < task.frame_skip; i++) mujoco.mj_step(model, data);
      if (task.post_constraint) mujoco.mj_rnePostConstraint(model, data);
      this.#followMemory();
      this.#store(nextTable, row * width);
      if (/** @type {number} */ (slots[row]) >= 0) this.#capture(row);
      if (push) this.#pull(push.body, [0, 0, 0, 0, 0, 0]);
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
    this.table = after;
    this.nextTable = before;
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
      this.#countDown(i);
    }
    for (let i = 0; i < nEnvs; i++) {
      if (!terminated[i] && !truncated[i]) continue;
      finalObs.set(obs.subarray(i * nObs, (i + 1) * nObs), i * nObs);
      this.#restart(i);
      layout.observe(after, i * layout.width, obs, i * nObs);
    }
  }

  /** @param {number} row */
  #countDown(row) {
    const push = this.pushes.get(row);
    if (push && --push.steps === 0) this.pushes.delete(row);
  }

  /**
   * @param {number} body
   * @param {number[]} wrench force (N), torque (N m) at the body's centre of mass, in the world's frame
   */
  #pull(body, wrench) {
    /** @type {Float64Array} */ (this.engine.data.xfrc_applied).set(wrench, 6 * body);
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
    this.watched = watched;
    this.slots.fill(-1);
    for (const [slot, row] of watched.entries()) this.slots[row] = slot;
    if (this.lender) {
      this.arrays = this.lender();
    } else {
      this.arrays.poses = new Float32Array(watched.length * engine.nbody * 7);
      this.arrays.torques = new Float32Array(watched.length * engine.nu);
    }
    this.#takeViews();
    this.forwarded = true;
    for (const row of watched) {
      engine.setState(this.table, row * this.layout.width);
      engine.mujoco.mj_forward(engine.model, engine.data);
      this.#followMemory();
      this.#capture(row);
    }
  }

  /** @param {number} row */
  #capture(row) {
    const slot = /** @type {number} */ (this.slots[row]);
    const { nbody, nu } = this.engine;
    const { poses, torques } = this.arrays;
    const { xpos, xquat, force } = /** @type {NonNullable<typeof this.bodies>} */ (this.bodies);
    let at = slot * nbody * 7;
    for (let body = 0; body < nbody; body++) {
      for (let i = 0; i < 3; i++) poses[at++] = /** @type {number} */ (xpos[3 * body + i]);
      for (let i = 0; i < 4; i++) poses[at++] = /** @type {number} */ (xquat[4 * body + i]);
    }
    for (let i = 0; i < nu; i++) torques[slot * nu + i] = /** @type {number} */ (force[i]);
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
    this.#takeViews();
    this.engine.setState(this.table, row * this.layout.width);
    const wrench = this.engine.wrench(body, force, point);
    this.pushes.set(row, { body, wrench, steps });
  }

  /** Numbers of a row of states(): elapsed steps, the engine's state, the signals. */
  get stateSize() {
    return 1 + this.engine.nState + this.task.signal_size;
  }

  /**
   * Every row's state, all that is needed to go on bit for bit; pushes are not part of it.
   * @param {Float64Array} [out] (N, stateSize)
   */
  states(out = new Float64Array(this.nEnvs * this.stateSize)) {
    this.#checkStates(out);
    this.#takeViews();
    const { nState } = this.engine;
    const { layout, table } = this;
    for (let i = 0; i < this.nEnvs; i++) {
      const [at, row] = [i * this.stateSize, i * layout.width];
      out[at] = /** @type {number} */ (this.arrays.steps[i]);
      out.set(table.subarray(row, row + nState), at + 1);
      layout.readSignals(table, row, out, at + 1 + nState);
    }
    return out;
  }

  /**
   * Put back what states() gave, from a simulation of the same task and size; pushes end.
   * @param {Float64Array} states
   */
  loadStates(states) {
    this.#checkStates(states);
    this.#takeViews();
    const { nState } = this.engine;
    const { layout, table } = this;
    for (let i = 0; i < this.nEnvs; i++) {
      const [at, row] = [i * this.stateSize, i * layout.width];
      this.arrays.steps[i] = /** @type {number} */ (states[at]);
      table.set(states.subarray(at + 1, at + 1 + nState), row);
      layout.writeSignals(table, row, states, at + 1 + nState);
    }
    this.pushes.clear();
  }

  /** @param {Float64Array} states */
  #checkStates(states) {
    const expected = this.nEnvs * this.stateSize;
    if (states.length !== expected) {
      throw new RangeError(
        `states have ${states.length} numbers; ${this.task.id} with ${this.nEnvs} rows needs ${expected}`,
      );
    }
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
