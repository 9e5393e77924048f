import { POSE } from "./pose.js";

/** Runners of a race are so far apart (m). */
export const LANE_M = 1.3;

/**
 * Where each robot of a crowd stands. All robots start at the origin of their own world; each gets a slot in a
 * formation that travels with the crowd, and keeps its own steps from there. A robot that starts a new episode takes its
 * slot again; one that strays to one edge comes in at the other.
 */
export class Crowd {
  /**
   * @param {number} count
   * @param {number} bodies of one robot
   * @param {number} tracked
   * @param {boolean} fixed whether the robots cannot travel
   */
  constructor(count, bodies, tracked, fixed) {
    this.count = count;
    this.bodies = bodies;
    this.tracked = tracked;
    this.fixed = fixed;
    /** Added to x and y of each robot. */
    this.offsets = new Float32Array(count * 2);
    this.slots = new Float32Array(count * 2);
    this.last = new Float32Array(count * 2);
    this.focus = { x: 0, y: 0 };
    this.extent = { x: 1, y: 1 };
    this.placed = false;
    /** The robots stand in one world, and are drawn where they are. */
    this.together = false;
    /** They race: each has a lane, and all one start. */
    this.racing = false;
  }

  /**
   * Lay out the formation: lines across the view, each showing in the gaps of the line before it.
   * @param {number} columns across the view
   * @param {number} gap_across (m) between robots of a line
   * @param {number} gap_deep (m) between lines
   * @param {number} azimuth (rad) of the camera
   */
  form(columns, gap_across, gap_deep, azimuth) {
    const lines = Math.ceil(this.count / columns);
    const [right_x, right_y] = [-Math.sin(azimuth), Math.cos(azimuth)];
    for (let row = 0; row < this.count; row++) {
      const line = Math.floor(row / columns);
      const inLine = Math.min(columns, this.count - line * columns);
      // Uneven by a fixed wave: a crowd in exact lines looks like an army.
      const wave = lines > 1 ? 0.06 * Math.sin(2.4 * row + 1.1) : 0;
      const gap = (line - (lines - 1) / 2) / lines;
      const across = ((row % columns) - (inLine - 1) / 2 + gap + wave) * gap_across;
      const deep = (line - (lines - 1) / 2 + 2 * wave) * gap_deep;
      this.slots[row * 2] = across * right_x - deep * right_y;
      this.slots[row * 2 + 1] = across * right_y + deep * right_x;
    }
    const reach = (/** @type {number} */ axis) =>
      this.slots.reduce(
        (most, value, index) => (index % 2 === axis ? Math.max(most, Math.abs(value)) : most),
        0,
      );
    this.extent = { x: 2 * reach(0) + gap_across, y: 2 * reach(1) + gap_across };
    this.placed = false;
  }

  /**
   * Follow the robots.
   * @param {Float32Array} poses
   * @param {Uint8Array} jumped rows that began a new episode since the last call
   */
  follow(poses, jumped) {
    if (this.together) return this.gather(poses);
    if (this.racing) return this.lineUp(poses);
    let moved_x = 0;
    let moved_y = 0;
    let steady = 0;
    for (let row = 0; row < this.count; row++) {
      const [x, y] = this.at(poses, row);
      if (!this.placed || jumped[row]) this.seat(row, x, y);
      else {
        moved_x += x - (this.last[row * 2] ?? 0);
        moved_y += y - (this.last[row * 2 + 1] ?? 0);
        steady += 1;
      }
      this.last[row * 2] = x;
      this.last[row * 2 + 1] = y;
    }
    this.placed = true;
    if (this.fixed || steady === 0) return;
    this.focus.x += moved_x / steady;
    this.focus.y += moved_y / steady;
    for (let row = 0; row < this.count; row++) this.wrap(row);
  }

  /**
   * Look between the leader and the others, each in its lane.
   * @param {Float32Array} poses
   */
  lineUp(poses) {
    this.placed = false;
    let [sum, lead] = [0, Number.NEGATIVE_INFINITY];
    for (let row = 0; row < this.count; row++) {
      const [x] = this.at(poses, row);
      this.offsets[row * 2] = 0;
      this.offsets[row * 2 + 1] = (row - (this.count - 1) / 2) * LANE_M;
      sum += x;
      lead = Math.max(lead, x);
    }
    this.focus = { x: 0.5 * (sum / this.count + lead), y: 0 };
  }

  /**
   * Look at the middle of robots that are drawn where they are.
   * @param {Float32Array} poses
   */
  gather(poses) {
    this.offsets.fill(0);
    this.placed = false;
    const middle = (/** @type {0|1} */ axis) => {
      let sum = 0;
      for (let row = 0; row < this.count; row++) sum += this.at(poses, row)[axis];
      return sum / this.count;
    };
    this.focus = { x: middle(0), y: middle(1) };
  }

  /**
   * @param {number} row
   * @param {number} x of the robot in its own world
   * @param {number} y
   */
  seat(row, x, y) {
    const own_x = this.fixed ? 0 : x;
    const own_y = this.fixed ? 0 : y;
    this.offsets[row * 2] = this.focus.x + (this.slots[row * 2] ?? 0) - own_x;
    this.offsets[row * 2 + 1] = this.focus.y + (this.slots[row * 2 + 1] ?? 0) - own_y;
  }

  /** @param {number} row */
  wrap(row) {
    const spans = [this.extent.x, this.extent.y];
    const focus = [this.focus.x, this.focus.y];
    for (let axis = 0; axis < 2; axis++) {
      const span = spans[axis] ?? 1;
      const away =
        (this.last[row * 2 + axis] ?? 0) + (this.offsets[row * 2 + axis] ?? 0) - (focus[axis] ?? 0);
      if (away > span / 2) this.offsets[row * 2 + axis] = (this.offsets[row * 2 + axis] ?? 0) - span;
      if (away < -span / 2) this.offsets[row * 2 + axis] = (this.offsets[row * 2 + axis] ?? 0) + span;
    }
  }

  /**
   * @param {Float32Array} poses
   * @param {number} row
   * @returns {[number, number]} place of a robot in its own world
   */
  at(poses, row) {
    const at = (row * this.bodies + this.tracked) * POSE;
    return [poses[at] ?? 0, poses[at + 1] ?? 0];
  }
}
