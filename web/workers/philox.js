/**
 * The random streams of tabrl_py/rng.py, number for number: Philox4x64 with ten rounds (Salmon et al., "Parallel random
 * numbers: as easy as 1, 2, 3", SC 2011), and of NumPy's distributions those that first states are drawn from.
 */

/** What a stream is for: tabrl_py/rng.py, Purpose. */
export const PURPOSE = { EVALUATION: 6, BASELINE: 7, PLAY: 8, COMMAND: 12, PUSH: 13 };

const ROUNDS = 10;
const FIRST_FACTOR = 0xd2e7470ee14c6c93n;
const SECOND_FACTOR = 0xca5a826395121157n;
const FIRST_STEP = 0x9e3779b97f4a7c15n;
const SECOND_STEP = 0xbb67ae8584caa73bn;
const WORD = 0xffffffffffffffffn;
const HALF = 0xffffffffn;
const DOUBLE_STEP = 2 ** -53;
const FLOAT_STEP = 2 ** -24;

/**
 * @param {number} seed
 * @param {number} purpose one of PURPOSE
 * @param {number} [index] which environment draws
 * @param {number|bigint} [step] which episode it draws for
 */
export function stream(seed, purpose, index = 0, step = 0) {
  return new Philox(BigInt(seed), (BigInt(purpose) << 32n) | BigInt(index), BigInt(step));
}

export class Philox {
  /**
   * @param {bigint} key0
   * @param {bigint} key1
   * @param {bigint} step third word of the counter
   */
  constructor(key0, key1, step) {
    this.key0 = key0;
    this.key1 = key1;
    this.step = step;
    /** First word of the counter; a stream is never so long that it overflows. */
    this.count = 0n;
    /** @type {bigint[]} the words of the present block that are still to be given, last first */
    this.words = [];
    /** The upper half of a word whose lower half was given. @type {number|null} */
    this.upper = null;
  }

  /** The block of the next counter. */
  #block() {
    this.count += 1n;
    let [a, b, c, d] = [this.count, 0n, this.step, 0n];
    let { key0, key1 } = this;
    for (let round = 0; round < ROUNDS; round++) {
      const first = FIRST_FACTOR * a;
      const second = SECOND_FACTOR * c;
      [a, b, c, d] = [(second >> 64n) ^ b ^ key0, second & WORD, (first >> 64n) ^ d ^ key1, first & WORD];
      key0 = (key0 + FIRST_STEP) & WORD;
      key1 = (key1 + SECOND_STEP) & WORD;
    }
    this.words = [d, c, b, a];
  }

  /** 64 random bits. */
  word() {
    if (this.words.length === 0) this.#block();
    return /** @type {bigint} */ (this.words.pop());
  }

  /** 32 random bits: of each word the lower half, then the upper one. */
  half() {
    if (this.upper !== null) {
      const kept = this.upper;
      this.upper = null;
      return kept;
    }
    const word = this.word();
    this.upper = Number(word >> 32n);
    return Number(word & HALF);
  }

  /** Uniform in [0, 1), as Generator.random. */
  random() {
    return Number(this.word() >> 11n) * DOUBLE_STEP;
  }

  /** Uniform in [0, 1), as Generator.random with dtype float32. */
  randomFloat() {
    return (this.half() >>> 8) * FLOAT_STEP;
  }

  /**
   * As Generator.uniform.
   * @param {number} low
   * @param {number} high
   */
  uniform(low, high) {
    return low + (high - low) * this.random();
  }

  /**
   * A whole number in [0, bound), as Generator.integers: Lemire, "Fast random integer generation in an interval", ACM
   * TOMACS 29, 2019.
   * @param {number} bound 1 to 2^32 - 1
   */
  integer(bound) {
    if (bound === 1) return 0;
    const range = BigInt(bound);
    let product = BigInt(this.half()) * range;
    if ((product & HALF) < range) {
      const least = (HALF + 1n - range) % range;
      while ((product & HALF) < least) product = BigInt(this.half()) * range;
    }
    return Number(product >> 32n);
  }
}
