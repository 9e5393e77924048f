/** How a task's observation, signals and bounds are read from the rows of a simulation's table: the twin of
 * tabrl_py/sim/gather.py. */

import { cosine, sine } from "./trigonometry.js";

/**
 * @typedef {object} TaskField one slice of an mjData array
 * @property {string} source
 * @property {number} start
 * @property {number} stop
 */
/** @typedef {TaskField & {fn: "id"|"sin"|"cos"|"own", rate: number, scale: number, clip: number|null}} ObsField */
/** @typedef {TaskField & {low: number|null, high: number|null}} Bound */
/**
 * @typedef {object} Task what a simulation reads of a TaskSpec (tabrl_py/tasks/spec.py)
 * @property {string} id
 * @property {string} model
 * @property {number} frame_skip
 * @property {number} time_limit
 * @property {ObsField[]} observation
 * @property {TaskField[]} signals
 * @property {Bound[]} healthy
 * @property {number[]} action_low
 * @property {{qpos: number[]|null, settle_steps: number}} reset
 * @property {TaskField|null} heading
 * @property {string[]} traits
 * @property {number} command_size
 * @property {boolean} post_constraint
 * @property {number} obs_size
 * @property {number} action_size
 * @property {number} signal_size
 */
/**
 * @typedef {object} Span a stretch of an mjData array that is copied into the table after each step
 * @property {string} source
 * @property {number} start
 * @property {number} size
 * @property {number} column where it lies in a row of the table
 */

/** A robot whose forward axis is this close to the vertical heads along x. */
const SHORTEST_HEADING = 1e-6;
const [AS_IT_IS, SINE, COSINE, FORWARD, LEFT] = [0, 1, 2, 3, 4];

/**
 * All that a task reads.
 * @param {Task} task
 * @returns {TaskField[]}
 */
export function readFields(task) {
  return [...task.observation, ...task.signals, ...task.healthy, ...(task.heading ? [task.heading] : [])];
}

/** Columns of the table: the engine's state, what else a row keeps, then what the task reads beside it. */
export class TaskLayout {
  /**
   * @param {Task} task
   * @param {number} nq
   * @param {number} nState width of the state, whose first columns are time, qpos, qvel
   */
  constructor(task, nq, nState) {
    /** @type {Map<string, number>} column of the first number of each mjData array, had all of it been copied */
    const origin = new Map([
      ["qpos", 1],
      ["qvel", 1 + nq],
      ["command", nState],
    ]);
    /** @type {Span[]} */
    this.spans = [];
    this.command = nState;
    this.traits = this.command + task.command_size;
    /** Columns of the last action begin here, where actions may come late. */
    this.lastAction = this.traits + task.traits.length;
    /** Columns that are the row's state: all before the spans. */
    this.kept = this.lastAction + (task.traits.includes("latency") ? task.action_size : 0);
    this.width = this.kept;
    const fields = readFields(task);
    for (const { source } of fields) {
      if (origin.has(source)) continue;
      const same = fields.filter((field) => field.source === source);
      const start = Math.min(...same.map((field) => field.start));
      const size = Math.max(...same.map((field) => field.stop)) - start;
      this.spans.push({ source, start, size, column: this.width });
      origin.set(source, this.width - start);
      this.width += size;
    }
    /** @param {TaskField} field */
    const place = (field) => ({
      column: /** @type {number} */ (origin.get(field.source)) + field.start,
      size: field.stop - field.start,
    });
    this.signals = task.signals.map(place);
    this.bounds = task.healthy.map((bound) => ({
      ...place(bound),
      low: bound.low ?? Number.NEGATIVE_INFINITY,
      high: bound.high ?? Number.POSITIVE_INFINITY,
    }));
    this.heading = task.heading ? place(task.heading).column : 0;
    const each = task.observation.flatMap((field) => {
      const { column, size } = place(field);
      return Array.from({ length: size }, (_, i) => ({ ...field, column: column + i, kind: kind(field, i) }));
    });
    /** Of each number of the observation: its column, how it is shaped, its rate and scale, the bound of its size. */
    this.columns = Int32Array.from(each, ({ column }) => column);
    this.kinds = Uint8Array.from(each, (number) => number.kind);
    this.rates = Float64Array.from(each, ({ rate }) => rate);
    this.scales = Float64Array.from(each, ({ scale }) => scale);
    this.clips = Float64Array.from(each, ({ clip }) => clip ?? Number.POSITIVE_INFINITY);
  }

  /**
   * Write the observation of the row that begins at `row`: clip(scale * fn(rate * x)).
   * @param {Float64Array} table
   * @param {number} row
   * @param {Float32Array|Float64Array} obs
   * @param {number} at
   */
  observe(table, row, obs, at) {
    const { columns, kinds, scales, clips } = this;
    for (let i = 0; i < columns.length; i++) {
      const from = row + /** @type {number} */ (columns[i]);
      const kind = kinds[i];
      let x = /** @type {number} */ (table[from]);
      if (kind !== AS_IT_IS) x = this.#shape(table, row, from, i);
      x *= /** @type {number} */ (scales[i]);
      const clip = /** @type {number} */ (clips[i]);
      obs[at + i] = x > clip ? clip : x < -clip ? -clip : x;
    }
  }

  /**
   * @param {Float64Array} table
   * @param {number} row
   * @param {number} from place of the number
   * @param {number} i which number of the observation
   */
  #shape(table, row, from, i) {
    const x = /** @type {number} */ (table[from]);
    const kind = this.kinds[i];
    if (kind === SINE) return sine(/** @type {number} */ (this.rates[i]) * x);
    if (kind === COSINE) return cosine(/** @type {number} */ (this.rates[i]) * x);
    const ahead = /** @type {number} */ (table[row + this.heading]);
    const aside = /** @type {number} */ (table[row + this.heading + 1]);
    const length = Math.sqrt(ahead * ahead + aside * aside);
    const flat = length > SHORTEST_HEADING;
    const [cos, sin] = flat ? [ahead / length, aside / length] : [1, 0];
    if (kind === FORWARD) return cos * x + sin * /** @type {number} */ (table[from + 1]);
    return cos * x - sin * /** @type {number} */ (table[from - 1]);
  }

  /**
   * Write the signals of the row that begins at `row`.
   * @param {Float64Array} table
   * @param {number} row
   * @param {Float64Array} signals
   * @param {number} at
   */
  readSignals(table, row, signals, at) {
    for (const { column, size } of this.signals) {
      for (let i = 0; i < size; i++) signals[at++] = /** @type {number} */ (table[row + column + i]);
    }
  }

  /**
   * Put signals back where readSignals took them.
   * @param {Float64Array} table
   * @param {number} row
   * @param {Float64Array} signals
   * @param {number} at
   */
  writeSignals(table, row, signals, at) {
    for (const { column, size } of this.signals) {
      for (let i = 0; i < size; i++) table[row + column + i] = /** @type {number} */ (signals[at++]);
    }
  }

  /**
   * Whether the row keeps strictly within every bound.
   * @param {Float64Array} table
   * @param {number} row
   */
  healthy(table, row) {
    for (const { column, size, low, high } of this.bounds) {
      for (let i = 0; i < size; i++) {
        const x = /** @type {number} */ (table[row + column + i]);
        if (!(x > low && x < high)) return false;
      }
    }
    return true;
  }

  /**
   * Whether every number of the row is finite.
   * @param {Float64Array} table
   * @param {number} row
   */
  finite(table, row) {
    let zero = 0;
    for (let i = row; i < row + this.width; i++) zero += 0 * /** @type {number} */ (table[i]);
    return zero === 0;
  }
}

/**
 * How number i of a field is shaped.
 * @param {ObsField} field
 * @param {number} i
 */
function kind({ fn }, i) {
  if (fn === "sin") return SINE;
  if (fn === "cos") return COSINE;
  if (fn === "own" && i < 2) return i === 0 ? FORWARD : LEFT;
  return AS_IT_IS;
}
