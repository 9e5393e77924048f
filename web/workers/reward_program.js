/** Carries out a reward that tabrl_py/rewards/trace.py wrote down, each of its operations for all rows at once. */

/** @typedef {[name: string, ...args: (number|string|[number|string])[]][]} Program one of rewards.json */
/**
 * @typedef {object} Step what a reward reads of a control step
 * @property {Float64Array} signals (S,)
 * @property {Float64Array} prev (S,)
 * @property {Float32Array} action (A,)
 * @property {number} dt
 * @property {number} terminated 1 or 0
 */
/**
 * @typedef {object} Steps the same of B rows
 * @property {Float64Array} signals (B, S)
 * @property {Float64Array} prev (B, S)
 * @property {Float32Array} action (B, A)
 * @property {number} dt
 * @property {Uint8Array} terminated (B,)
 */
/** @typedef {{data: ArrayLike<number>, size: number, each: boolean}} Value numbers of a row; each: of every row its own */

/** @type {Value & {data: Float64Array}} */
const ZERO = { data: Float64Array.of(0), size: 1, each: false };
/** @type {Value} */
const NOTHING = { data: new Float64Array(0), size: 0, each: true };

/** NumPy gives NaN back where either is NaN, as these do. @type {Record<string, (a: number, b: number) => number>} */
const FUNCTIONS = {
  add: (a, b) => a + b,
  subtract: (a, b) => a - b,
  multiply: (a, b) => a * b,
  divide: (a, b) => a / b,
  negative: (a) => -a,
  absolute: Math.abs,
  square: (a) => a * a,
  sqrt: Math.sqrt,
  exp: Math.exp,
  tanh: Math.tanh,
  sin: Math.sin,
  cos: Math.cos,
  hypot: Math.hypot,
  arctan2: Math.atan2,
  minimum: Math.min,
  greater: (/** @type {number} */ a, /** @type {number} */ b) => (a > b ? 1 : 0),
  maximum: Math.max,
  power: (a, b) => (b === 2 ? a * a : a ** b),
  logical_not: (a) => (a === 0 ? 1 : 0),
};

export class RewardProgram {
  /** @param {Program} program */
  constructor(program) {
    this.lines = program.map(([name, ...args]) => ({
      name,
      apply: FUNCTIONS[name],
      entries: args.map((arg) => (typeof arg === "number" ? arg : -1)),
      constants: args.map((arg) => Float64Array.of(Array.isArray(arg) ? Number(arg[0]) : 0)),
    }));
    /** Values of the lines for all rows, (B, size) each; a line's array is kept for the next steps. */
    this.values = program.map(() => NOTHING);
    this.kept = program.map(() => new Float64Array(0));
    /** Lines that are the reward's weighted terms. @type {{name: string, at: number}[]} */
    this.terms = program.flatMap(([name, , term], at) =>
      name === "term" ? [{ name: String(term), at }] : [],
    );
  }

  /**
   * The reward of one row's step.
   * @param {Step} step
   * @returns {number}
   */
  evaluate({ terminated, ...step }) {
    return /** @type {number} */ (
      this.evaluateRows({ ...step, terminated: Uint8Array.of(terminated) }, 1)[0]
    );
  }

  /**
   * The rewards of a step.
   * @param {Steps} step
   * @param {number} rows
   * @returns {ArrayLike<number>} (B,), valid until the next call
   */
  evaluateRows(step, rows) {
    const { lines, values } = this;
    for (let at = 0; at < lines.length; at++) values[at] = this.#line(at, step, rows);
    return /** @type {Value} */ (values[lines.length - 1]).data;
  }

  /**
   * What a row's reward was made of.
   * @param {number} row of the steps that were evaluated last
   * @returns {Record<string, number>} by name; they add up to the reward
   */
  termsOf(row) {
    const read = (/** @type {Value} */ { data, each }) => /** @type {number} */ (data[each ? row : 0]);
    return Object.fromEntries(
      this.terms.map(({ name, at }) => [name, read(/** @type {Value} */ (this.values[at]))]),
    );
  }

  /**
   * @param {number} at
   * @param {Steps} step
   * @param {number} rows
   * @returns {Value}
   */
  #line(at, step, rows) {
    const { name, apply, entries, constants } = /** @type {(typeof this.lines)[number]} */ (this.lines[at]);
    const [first = 0, second = 0, third = 0] = entries;
    if (apply) {
      const a = this.#operand(first, constants[0]);
      const b = entries.length < 2 ? ZERO : this.#operand(second, constants[1]);
      const size = Math.max(a.size, b.size);
      const data = this.#room(at, rows * size);
      combine(apply, a, b, data, rows, size);
      return { data, size, each: true };
    }
    const given = this.#operand(first, constants[0]);
    switch (name) {
      case "term":
        return given;
      case "item":
        return columns(given, second, second + 1, this.#room(at, rows), rows);
      case "part":
        return columns(given, second, third, this.#room(at, rows * (third - second)), rows);
      case "sum": {
        const data = this.#room(at, rows);
        for (let row = 0; row < rows; row++)
          data[row] = pairwiseSum(given.data, row * given.size, given.size);
        return { data, size: 1, each: true };
      }
      case "signals":
      case "prev":
      case "action":
        return { data: step[name], size: step[name].length / rows, each: true };
      case "terminated":
        return { data: step.terminated, size: 1, each: true };
      case "dt":
        return { data: Float64Array.of(step.dt), size: 1, each: false };
      default:
        throw new Error(
          `a reward program has the unknown operation ${name}; the page's files are of different builds`,
        );
    }
  }

  /**
   * @param {number} entry line whose value is meant, -1: the constant
   * @param {Float64Array|undefined} constant
   * @returns {Value}
   */
  #operand(entry, constant = ZERO.data) {
    if (entry < 0) return { data: constant, size: 1, each: false };
    return /** @type {Value} */ (this.values[entry]);
  }

  /**
   * @param {number} at
   * @param {number} length
   */
  #room(at, length) {
    const kept = /** @type {Float64Array} */ (this.kept[at]);
    if (kept.length === length) return kept;
    const made = new Float64Array(length);
    this.kept[at] = made;
    return made;
  }
}

/**
 * @param {(a: number, b: number) => number} apply
 * @param {Value} a
 * @param {Value} b
 * @param {Float64Array} out (B, size)
 * @param {number} rows
 * @param {number} size
 */
function combine(apply, a, b, out, rows, size) {
  const [rowOfA, rowOfB] = [a.each ? a.size : 0, b.each ? b.size : 0];
  const [stepA, stepB] = [a.size > 1 ? 1 : 0, b.size > 1 ? 1 : 0];
  for (let row = 0, at = 0; row < rows; row++) {
    for (let i = 0; i < size; i++, at++) {
      const x = /** @type {number} */ (a.data[row * rowOfA + i * stepA]);
      const y = /** @type {number} */ (b.data[row * rowOfB + i * stepB]);
      out[at] = apply(x, y);
    }
  }
}

/**
 * Columns of every row.
 * @param {Value} value
 * @param {number} from
 * @param {number} to
 * @param {Float64Array} out (B, to - from)
 * @param {number} rows
 * @returns {Value}
 */
function columns({ data, size }, from, to, out, rows) {
  for (let row = 0, at = 0; row < rows; row++) {
    for (let i = from; i < to; i++, at++) out[at] = /** @type {number} */ (data[row * size + i]);
  }
  return { data: out, size: to - from, each: true };
}

/**
 * The sum in NumPy's order, so that its last bit is the same: eight running sums, halves of long arrays apart.
 * @param {ArrayLike<number>} x
 * @param {number} from
 * @param {number} count
 * @returns {number}
 */
function pairwiseSum(x, from, count) {
  const at = (/** @type {number} */ i) => /** @type {number} */ (x[from + i]);
  if (count < 8) {
    let sum = -0;
    for (let i = 0; i < count; i++) sum += at(i);
    return sum;
  }
  if (count > 128) {
    const half = Math.floor(count / 2);
    const first = half - (half % 8);
    return pairwiseSum(x, from, first) + pairwiseSum(x, from + first, count - first);
  }
  const r = Array.from({ length: 8 }, (_, i) => at(i));
  const whole = count - (count % 8);
  for (let i = 8; i < whole; i++) r[i % 8] = /** @type {number} */ (r[i % 8]) + at(i);
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = r;
  let sum = a + b + (c + d) + (e + f + (g + h));
  for (let i = whole; i < count; i++) sum += at(i);
  return sum;
}
