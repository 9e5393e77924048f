/** How a task's observation, signals and bounds are read from the rows of a simulation's table: the twin of
 * tabrl_py/sim/gather.py. */

/**
 * @typedef {object} TaskField one slice of an mjData array
 * @property {string} source
 * @property {number} start
 * @property {number} stop
 */
/** @typedef {TaskField & {fn: "id"|"sin"|"cos", scale: number, clip: number|null}} ObsField */
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
 * @property {{qpos: number[]|null}} reset
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

/** Columns of the table: the engine's state, then what the task reads beside it. */
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
    ]);
    /** @type {Span[]} */
    this.spans = [];
    this.width = nState;
    const fields = [...task.observation, ...task.signals, ...task.healthy];
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
    this.observation = task.observation.map((field) => ({ ...place(field), ...field }));
    this.signals = task.signals.map(place);
    this.bounds = task.healthy.map((bound) => ({
      ...place(bound),
      low: bound.low ?? Number.NEGATIVE_INFINITY,
      high: bound.high ?? Number.POSITIVE_INFINITY,
    }));
  }

  /**
   * Write the observation of the row that begins at `row`: clip(scale * fn(x)).
   * @param {Float64Array} table
   * @param {number} row
   * @param {Float32Array|Float64Array} obs
   * @param {number} at
   */
  observe(table, row, obs, at) {
    for (const { column, size, fn, scale, clip } of this.observation) {
      const from = row + column;
      for (let i = 0; i < size; i++) {
        let x = /** @type {number} */ (table[from + i]);
        if (fn === "sin") x = Math.sin(x);
        else if (fn === "cos") x = Math.cos(x);
        x *= scale;
        if (clip !== null) x = Math.min(Math.max(x, -clip), clip);
        obs[at++] = x;
      }
    }
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
