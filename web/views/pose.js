/** Pose arithmetic on flat float32 arrays: each body is position (m) and unit quaternion (w x y z), 7 numbers. */

export const POSE = 7;

/**
 * Rotate and shift a point of a body's frame into the world.
 * @param {Float32Array} poses
 * @param {number} at offset of the body's 7 numbers
 * @param {number} x
 * @param {number} y
 * @param {number} z
 * @param {Float32Array|Float64Array|number[]} out
 * @param {number} [to] offset in `out`
 */
export function toWorld(poses, at, x, y, z, out, to = 0) {
  const w = poses[at + 3] ?? 1;
  const i = poses[at + 4] ?? 0;
  const j = poses[at + 5] ?? 0;
  const k = poses[at + 6] ?? 0;
  // v + 2 w (q x v) + 2 q x (q x v), with q the vector part
  const tx = 2 * (j * z - k * y);
  const ty = 2 * (k * x - i * z);
  const tz = 2 * (i * y - j * x);
  out[to] = (poses[at] ?? 0) + x + w * tx + j * tz - k * ty;
  out[to + 1] = (poses[at + 1] ?? 0) + y + w * ty + k * tx - i * tz;
  out[to + 2] = (poses[at + 2] ?? 0) + z + w * tz + i * ty - j * tx;
}

/**
 * The point in a body's frame that is at a place of the world: the inverse of `toWorld`.
 * @param {Float32Array} poses
 * @param {number} at
 * @param {number[]} point world (m)
 * @returns {[number, number, number]}
 */
export function toBody(poses, at, point) {
  const inverse = new Float32Array(POSE);
  inverse[3] = poses[at + 3] ?? 1;
  for (let c = 4; c < POSE; c++) inverse[c] = -(poses[at + c] ?? 0);
  /** @type {[number, number, number]} */
  const out = [0, 0, 0];
  const [x = 0, y = 0, z = 0] = point;
  toWorld(inverse, 0, x - (poses[at] ?? 0), y - (poses[at + 1] ?? 0), z - (poses[at + 2] ?? 0), out);
  return out;
}

/**
 * Blend bodies between two poses: positions linearly, quaternions linearly on the nearer side, then normalised.
 * @param {Float32Array} from
 * @param {Float32Array} to
 * @param {number} start offset of the first body
 * @param {number} bodies
 * @param {number} share 0 gives `from`, 1 gives `to`
 * @param {Float32Array} out
 */
export function blend(from, to, start, bodies, share, out) {
  for (let at = start; at < start + bodies * POSE; at += POSE) {
    let dot = 0;
    for (let c = 0; c < 3; c++) {
      const a = from[at + c] ?? 0;
      out[at + c] = a + ((to[at + c] ?? 0) - a) * share;
    }
    for (let c = 3; c < POSE; c++) dot += (from[at + c] ?? 0) * (to[at + c] ?? 0);
    const near = dot < 0 ? -share : share;
    let norm = 0;
    for (let c = 3; c < POSE; c++) {
      const q = (from[at + c] ?? 0) * (1 - share) + (to[at + c] ?? 0) * near;
      out[at + c] = q;
      norm += q * q;
    }
    const scale = norm > 0 ? 1 / Math.sqrt(norm) : 1;
    for (let c = 3; c < POSE; c++) out[at + c] = (out[at + c] ?? 0) * scale;
  }
}

/** A row that moves this far (m) in one frame, and comes to where episodes begin, has begun a new one. */
const JUMP_M = 0.25;
const START_M = 0.35;
/** No robot moves this far (m) in one frame, wherever it comes to. */
const LEAP_M = 4;
/** A frame may be shown over at most this long (ms); slower frames snap, so that nothing lags behind the training. */
const LONGEST_MS = 250;

/** Smooths the poses between two frames; rows that jumped (a new episode) are never blended across the jump. */
export class PoseStream {
  /**
   * @param {number} rows
   * @param {number} bodies of one row
   * @param {number} tracked body whose jump marks a new episode
   * @param {Float32Array} rest bodies * 7, the pose in which episodes begin; shown until the first frame
   */
  constructor(rows, bodies, tracked, rest) {
    this.rows = rows;
    this.bodies = bodies;
    this.tracked = tracked;
    this.rest = rest;
    /** What is to be drawn now. @type {Float32Array} */
    this.shown = new Float32Array(rows * bodies * POSE);
    this.from = new Float32Array(this.shown.length);
    this.to = new Float32Array(this.shown.length);
    /** Rows that jumped; whoever reads them clears them. */
    this.jumped = new Uint8Array(rows);
    this.started_ms = 0;
    this.span_ms = 0;
    this.frames = 0;
    for (let row = 0; row < rows; row++) this.shown.set(rest, row * rest.length);
  }

  /**
   * Take a new frame.
   * @param {Float32Array} poses rows * bodies * 7; fewer rows than expected leave the rest as they are
   * @param {number} now_ms
   * @param {boolean} smooth
   * @param {(row: number) => boolean} [restarted] whether a row began a new episode; otherwise its jump tells
   */
  push(poses, now_ms, smooth, restarted = (row) => this.jumps(row)) {
    this.advance(now_ms);
    this.from.set(this.shown);
    this.to.set(poses.length > this.to.length ? poses.subarray(0, this.to.length) : poses);
    const since = now_ms - this.started_ms;
    const usual = this.span_ms > 0 ? 0.7 * this.span_ms + 0.3 * since : since;
    this.span_ms = smooth && this.frames > 0 && since < LONGEST_MS ? Math.min(usual, LONGEST_MS) : 0;
    this.started_ms = now_ms;
    this.frames += 1;
    const stride = this.bodies * POSE;
    for (let row = 0; row < this.rows; row++) {
      if (!restarted(row)) continue;
      this.jumped[row] = 1;
      this.from.set(this.to.subarray(row * stride, (row + 1) * stride), row * stride);
    }
    this.advance(now_ms);
  }

  /** @param {number} row */
  jumps(row) {
    const at = this.tracked * POSE;
    const start = row * this.bodies * POSE + at;
    let moved = 0;
    let off = 0;
    for (let c = 0; c < 3; c++) {
      const to = this.to[start + c] ?? 0;
      moved += (to - (this.from[start + c] ?? 0)) ** 2;
      off += (to - (this.rest[at + c] ?? 0)) ** 2;
    }
    return moved > LEAP_M ** 2 || (moved > JUMP_M ** 2 && off < START_M ** 2);
  }

  /**
   * How far (m) a row is still shown from where it was told to be.
   * @param {number} row
   * @returns {[number, number]} along x and y
   */
  lag(row) {
    const at = (row * this.bodies + this.tracked) * POSE;
    const along = (/** @type {number} */ axis) => (this.shown[at + axis] ?? 0) - (this.to[at + axis] ?? 0);
    return this.frames === 0 ? [0, 0] : [along(0), along(1)];
  }

  /**
   * Bring `shown` to a moment.
   * @param {number} now_ms
   * @returns {boolean} whether there is more to blend after this moment
   */
  advance(now_ms) {
    if (this.frames === 0) return false;
    const share = this.span_ms > 0 ? Math.min(1, (now_ms - this.started_ms) / this.span_ms) : 1;
    if (share >= 1) {
      this.shown.set(this.to);
      return false;
    }
    blend(this.from, this.to, 0, this.rows * this.bodies, Math.max(0, share), this.shown);
    return true;
  }
}
