/** Carries out a reward that tabrl_py/rewards/trace.py wrote down, for one environment at a time. */

/** @typedef {[name: string, ...args: (number|[number|string])[]][]} Program one of rewards.json */
/**
 * @typedef {object} Step what a reward reads of a control step
 * @property {Float64Array} signals (S,)
 * @property {Float64Array} prev (S,)
 * @property {Float32Array} action (A,)
 * @property {number} dt
 * @property {number} terminated 1 or 0
 */
/** @typedef {number|ArrayLike<number>} Value */

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
      entries: args.map((arg) => (Array.isArray(arg) ? -1 : arg)),
      constants: args.map((arg) => (Array.isArray(arg) ? Number(arg[0]) : 0)),
    }));
    /** @type {Value[]} */
    this.values = [];
  }

  /**
   * The reward of a step.
   * @param {Step} step
   */
  evaluate(step) {
    const { values } = this;
    for (const [at, line] of this.lines.entries()) values[at] = this.#line(line, step);
    return /** @type {number} */ (values[this.lines.length - 1]);
  }

  /**
   * @param {(typeof this.lines)[number]} line
   * @param {Step} step
   * @returns {Value}
   */
  #line({ name, apply, entries, constants }, step) {
    const [first = 0, second = 0, third = 0] = entries;
    if (apply) {
      const a = first < 0 ? constants[0] : this.values[first];
      const b = entries.length < 2 || second < 0 ? (constants[1] ?? 0) : this.values[second];
      return combine(apply, /** @type {Value} */ (a), /** @type {Value} */ (b));
    }
    const array = /** @type {Float64Array} */ (this.values[first]);
    switch (name) {
      case "item":
        return /** @type {number} */ (array[second]);
      case "part":
        return array.subarray(second, third);
      case "sum":
        return pairwiseSum(array, 0, array.length);
      case "signals":
      case "prev":
      case "action":
      case "dt":
      case "terminated":
        return step[name];
      default:
        throw new Error(
          `a reward program has the unknown operation ${name}; the page's files are of different builds`,
        );
    }
  }
}

/**
 * @param {(a: number, b: number) => number} apply
 * @param {Value} a
 * @param {Value} b
 * @returns {Value}
 */
function combine(apply, a, b) {
  if (typeof a === "number" && typeof b === "number") return apply(a, b);
  const size = Math.max(sizeOf(a), sizeOf(b));
  const out = new Float64Array(size);
  for (let i = 0; i < size; i++) out[i] = apply(numberAt(a, i), numberAt(b, i));
  return out;
}

/** @param {Value} value */
function sizeOf(value) {
  return typeof value === "number" ? 1 : value.length;
}

/**
 * @param {Value} value
 * @param {number} i
 */
function numberAt(value, i) {
  return typeof value === "number" ? value : /** @type {number} */ (value[i]);
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
