/** Numbers behind the curves: smoothing, thinning for the screen, and short texts. */

/** Updates over which the smoothed curve averages; it doubles as a run outgrows what a chart can show. */
const SPAN = 15;
const SPAN_FITS = 600;

/** One measured quantity of a run, update by update; null is an update that measured nothing. */
export class Track {
  constructor() {
    /** @type {(number|null)[]} */
    this.raw = [];
    /** @type {(number|null)[]} */
    this.smoothed = [];
    this.span = SPAN;
    this.mean = 0;
    this.weight = 0;
  }

  /** @param {number|null|undefined} value */
  append(value) {
    const known = value === undefined || !Number.isFinite(value) ? null : value;
    this.raw.push(known);
    if (this.raw.length > (SPAN_FITS * this.span) / SPAN) {
      this.span *= 2;
      this.mean = this.weight = 0;
      this.smoothed = this.raw.map((each) => this.next(each));
    } else this.smoothed.push(this.next(known));
  }

  /**
   * An exponential mean that starts at the data, not at zero.
   * @param {number|null} value
   */
  next(value) {
    if (value === null) return null;
    const newest = 2 / (1 + this.span);
    this.weight = this.weight * (1 - newest) + newest;
    this.mean += (newest / this.weight) * (value - this.mean);
    return this.mean;
  }

  /** @returns {number|null} the newest smoothed value */
  get latest() {
    return this.smoothed.findLast((value) => value !== null) ?? null;
  }
}

/**
 * The points worth drawing: all of them, or the lowest and highest of each of `buckets` stretches.
 * @param {(number|null)[]} raw
 * @param {number} buckets
 * @returns {number[]} rising indices
 */
export function thin(raw, buckets) {
  if (raw.length <= 2 * buckets) return raw.map((_, index) => index);
  const kept = [];
  for (let bucket = 0; bucket < buckets; bucket++) {
    const start = Math.floor((bucket * raw.length) / buckets);
    const end = Math.floor(((bucket + 1) * raw.length) / buckets);
    let low = start;
    let high = start;
    for (let i = start; i < end; i++) {
      const value = raw[i] ?? null;
      if (value === null) continue;
      if ((raw[low] ?? null) === null || value < (raw[low] ?? 0)) low = i;
      if ((raw[high] ?? null) === null || value > (raw[high] ?? 0)) high = i;
    }
    kept.push(Math.min(low, high));
    if (low !== high) kept.push(Math.max(low, high));
  }
  const last = raw.length - 1;
  if (kept[kept.length - 1] !== last) kept.push(last);
  return kept;
}

/**
 * Points that stand alone between gaps, which a line would not show.
 * @param {ArrayLike<number|null|undefined>} values
 * @returns {number[]}
 */
export function lonely(values) {
  const found = [];
  const empty = (/** @type {number} */ i) => (values[i] ?? null) === null;
  for (let i = 0; i < values.length; i++) if (!empty(i) && empty(i - 1) && empty(i + 1)) found.push(i);
  return found;
}

/**
 * A number in a few characters, with a true minus sign.
 * @param {number} value
 */
export function short(value) {
  const size = Math.abs(value);
  if (size >= 1e6) return minus(`${trim(value / 1e6)}M`);
  if (size >= 1e4) return minus(`${trim(value / 1e3)}k`);
  if (size >= 100) return minus(value.toFixed(0));
  if (size >= 10) return minus(value.toFixed(1));
  if (size >= 1) return minus(value.toFixed(2));
  if (size >= 0.0095) return minus(value.toFixed(3));
  return size === 0 ? "0" : minus(value.toExponential(1));
}

/**
 * A tick of an axis: no more digits than its neighbours need.
 * @param {number} value
 * @param {number} step between ticks
 */
export function tick(value, step) {
  const size = Math.abs(value);
  if (size >= 1e6) return minus(`${trim(value / 1e6)}M`);
  if (step >= 100 && size >= 1e3) return minus(`${trim(value / 1e3)}k`);
  if (value === 0) return "0";
  if (step < 1e-3) return minus(value.toExponential(0));
  let digits = 0;
  while (digits < 4 && Math.abs(step * 10 ** digits - Math.round(step * 10 ** digits)) > 1e-6) digits++;
  return minus(value.toFixed(digits));
}

/** @param {string} text */
function minus(text) {
  return text.replaceAll("-", "\u2212");
}

/**
 * @param {number} seconds
 * @returns {string} such as 45 s, 2:05 or 1:02:05
 */
export function clock(seconds) {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const two = (/** @type {number} */ part) => String(part).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/** @param {number} value */
function trim(value) {
  return String(Number(value.toPrecision(3)));
}
