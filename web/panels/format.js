/** Numbers as people read them; always with the same width where they change. */

/**
 * 950, 8.7k, 412k, 2.00M: three significant digits.
 * @param {number} count
 */
export function shortCount(count) {
  const size = Math.abs(count);
  if (size < 1000) return Number.isInteger(count) ? String(count) : count.toPrecision(3);
  for (const [limit, unit] of /** @type {[number, string][]} */ ([
    [1e6, "k"],
    [1e9, "M"],
    [1e12, "G"],
  ])) {
    if (size < limit * 0.9995) return `${threeDigits(count / (limit / 1000))}${unit}`;
  }
  return count.toExponential(2);
}

/** @param {number} value below 1000 */
function threeDigits(value) {
  const size = Math.abs(value);
  return value.toFixed(size < 9.995 ? 2 : size < 99.95 ? 1 : 0).replace(/\.0+$/, "");
}

/**
 * 2,000,000.
 * @param {number} count
 */
export function fullCount(count) {
  return count.toLocaleString("en-US");
}

/** @param {number} size not negative */
function digitsFor(size) {
  return size >= 1000 ? 0 : size >= 100 ? 1 : size >= 1 ? 2 : 3;
}

/**
 * With a true minus, and without the one that a rounded zero may have.
 * @param {number} value
 * @param {number} digits after the point
 */
export function fixed(value, digits) {
  return (Number(value.toFixed(digits)) + 0).toFixed(digits).replace("-", "−");
}

/** Between a number and its unit: they stay on one line. */
export const NO_BREAK = "\u00a0";

/**
 * A return, a length, a loss: enough digits, no more.
 * @param {number|null|undefined} value
 * @param {number} [digits] after the point, where something beside it decides
 */
export function measure(value, digits) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size >= 1e5 || (digits === undefined && size > 0 && size < 1e-3)) {
    return value.toExponential(2).replace("-", "−");
  }
  return fixed(value, digits ?? digitsFor(size));
}

/**
 * A mean and its spread, to the same digit.
 * @param {number|null|undefined} mean
 * @param {number|null|undefined} std
 */
export function meanAndSpread(mean, std) {
  if (mean === null || mean === undefined || std === null || std === undefined) return measure(mean);
  const digits = digitsFor(Math.max(Math.abs(mean), std));
  return `${measure(mean, digits)} ± ${measure(std, digits)}`;
}

/**
 * 4 s, 2 min 10 s, 1 h 5 min.
 * @param {number} seconds
 */
export function duration(seconds) {
  const s = Math.round(seconds);
  if (s < 60) return `${s} s`;
  if (s < 600) return s % 60 ? `${Math.floor(s / 60)} min ${s % 60} s` : `${s / 60} min`;
  const minutes = Math.round(s / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/**
 * <0.01x, 0.04x, 0.25x, 1x, 8.2x: as short as a small phone's top bar wants it.
 * @param {number} speed
 */
export function times(speed) {
  if (speed > 0 && speed < 0.01) return "<0.01x";
  return `${speed < 1 ? Number(speed.toFixed(2)) : Number(speed.toPrecision(2))}x`;
}

/**
 * One robot, 12 robots.
 * @param {number} count
 * @param {string} one
 * @param {string} [many]
 */
export function plural(count, one, many = `${one}s`) {
  return `${fullCount(count)} ${count === 1 ? one : many}`;
}

/**
 * The mean, 0 of nothing.
 * @param {number[]} values
 */
export function meanOf(values) {
  return values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : 0;
}
