/**
 * Sine and cosine from sums and products alone. ECMAScript leaves the last bits of Math.sin and Math.cos to each browser
 * (ECMA-262, "implementation-approximated"), and one bit is enough for two trainings of one recipe to part.
 *
 * The argument is brought into [-pi/4, pi/4] by multiples of pi/2 (Cody and Waite 1980, Software Manual for the Elementary
 * Functions, ch. 8); there the Taylor series to the 17th power is as exact as a double. Results are within 2 units in the
 * last place for |x| < 1.6e6 rad; beyond, they are the same everywhere, but no longer exact.
 */

const WORD = 4294967296;
/** The binary digits of pi/2 in parts of at most 33 bits, so that a part times k is exact while |k| < 2^20. */
const FIRST = 0x1921fb544 / WORD;
const SECOND = 0x42d18469 / WORD / WORD;
const THIRD = 0x898cc517 / WORD / WORD / WORD;
const FOURTH = 0x01b839a2 / WORD / WORD / WORD / WORD;
const FAR = 1048576 * (Math.PI / 2);

/** Coefficients of r^3, r^5, ... of the sine. */
const [S3, S5, S7, S9] = [-1 / 6, 1 / 120, -1 / 5040, 1 / 362880];
const [S11, S13, S15, S17] = [-1 / 39916800, 1 / 6227020800, -1 / 1307674368000, 1 / 355687428096000];
/** Coefficients of r^2, r^4, ... of the cosine. */
const [C2, C4, C6, C8] = [-1 / 2, 1 / 24, -1 / 720, 1 / 40320];
const [C10, C12, C14, C16] = [-1 / 3628800, 1 / 479001600, -1 / 87178291200, 1 / 20922789888000];

/**
 * sin(x + quarters pi/2).
 * @param {number} x rad
 * @param {number} quarters
 */
function turned(x, quarters) {
  const near = Math.abs(x) < FAR ? x : x % (2 * Math.PI);
  const k = Math.round(near / (Math.PI / 2));
  const r = near - k * FIRST - k * SECOND - k * THIRD - k * FOURTH;
  const z = r * r;
  const side = (k + quarters) & 3;
  const value =
    side & 1
      ? 1 + z * (C2 + z * (C4 + z * (C6 + z * (C8 + z * (C10 + z * (C12 + z * (C14 + z * C16)))))))
      : r + r * (z * (S3 + z * (S5 + z * (S7 + z * (S9 + z * (S11 + z * (S13 + z * (S15 + z * S17))))))));
  return side & 2 ? -value : value;
}

/**
 * @param {number} x rad
 * @returns {number} NaN where x is not finite
 */
export function sine(x) {
  return turned(x, 0);
}

/**
 * @param {number} x rad
 * @returns {number} NaN where x is not finite
 */
export function cosine(x) {
  return turned(x, 1);
}
