/** Numbers as float16 (IEEE 754 binary16) and back, rounded to the nearest, ties to even, as NumPy does. */

/** The largest finite float16. */
export const LARGEST = 65_504;
const SMALLEST_NORMAL = 2 ** -14;
const view = new DataView(new ArrayBuffer(8));

/** @param {number} x not negative, below 2^12 */
function roundToEven(x) {
  const floor = Math.floor(x);
  const rest = x - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}

/**
 * @param {number} x at most LARGEST, either sign
 * @returns {number} the bits
 */
export function toHalf(x) {
  const sign = x < 0 || Object.is(x, -0) ? 0x8000 : 0;
  const size = Math.abs(x);
  if (size < SMALLEST_NORMAL) return sign | roundToEven(size * 2 ** 24);
  view.setFloat64(0, size);
  const exponent = ((view.getUint16(0) >> 4) & 0x7ff) - 1023;
  // A significand that rounds up to 2 carries into the exponent, as it should.
  return sign | (((exponent + 15) << 10) + roundToEven((size / 2 ** exponent - 1) * 1024));
}

/** @param {number} bits */
export function fromHalf(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const significand = bits & 1023;
  return sign * (exponent === 0 ? significand * 2 ** -24 : (1 + significand / 1024) * 2 ** (exponent - 15));
}
