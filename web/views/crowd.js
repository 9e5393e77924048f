import { POSE } from "./pose.js";

/** Runners of a race are so far apart (m). */
export const LANE_M = 1.3;
/** Who stands outermost may stray by this share of a gap before it comes in at the other side. */
const EDGE = 0.25;
/** Who will be at the edge after this time (s) is expected at the other side, where it comes in at once. */
const SOON_S = 1;
/** Over which the robots' speeds are averaged (s): each step sways them. */
const SWAY_S = 0.8;

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
    /** How fast each strays (m/s), along x and y. */
    this.drift = new Float32Array(count * 2);
    this.focus = { x: 0, y: 0 };
    /** Of the formation (m): who strays beyond it comes in at the other side, into its own gap. `right` points across. */
    this.extent = { across: 1, deep: 1 };
    this.right = { x: 0, y: 1 };
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
    this.right = { x: -Math.sin(azimuth), y: Math.cos(azimuth) };
    let [left, most, deepest] = [0, 0, 0];
    for (let row = 0; row < this.count; row++) {
      const line = Math.floor(row / columns);
      const inLine = Math.min(columns, this.count - line * columns);
      // Uneven by a fixed wave: a crowd in exact lines looks like an army.
      const wave = lines > 1 ? 0.06 * Math.sin(2.4 * row + 1.1) : 0;
      // The line in front stands in the middle, those behind it to its sides by turns.
      const aside = (Math.ceil(line / 2) * (line % 2 ? 1 : -1)) / lines;
      const column = (row % columns) + Math.floor((columns - inLine) / 2);
      const across = (column - (columns - 1) / 2 + aside + wave) * gap_across;
      const deep = (line - (lines - 1) / 2 + 2 * wave) * gap_deep;
      this.slots.set([across, deep], row * 2);
      left = row ? Math.min(left, across) : across;
      most = row ? Math.max(most, across) : across;
      deepest = Math.max(deepest, Math.abs(deep));
    }
    const { right } = this;
    for (let row = 0; row < this.count; row++) {
      const [across = 0, deep = 0] = this.slots.subarray(row * 2, row * 2 + 2);
      const aside = across - (left + most) / 2;
      this.slots.set([aside * right.x - deep * right.y, aside * right.y + deep * right.x], row * 2);
    }
    this.extent = { across: most - left + 2 * EDGE * gap_across, deep: 2 * (deepest + EDGE * gap_deep) };
    this.placed = false;
  }

  /**
   * Follow the robots.
   * @param {Float32Array} poses
   * @param {Uint8Array} jumped rows that began a new episode since the last call
   * @param {number} seconds since then
   */
  follow(poses, jumped, seconds) {
    if (this.together) return this.gather(poses);
    if (this.racing) return this.lineUp(poses);
    const moved = new Float32Array(this.count * 2);
    let moved_x = 0;
    let moved_y = 0;
    let steady = 0;
    for (let row = 0; row < this.count; row++) {
      const [x, y] = this.at(poses, row);
      if (!this.placed || jumped[row]) {
        this.seat(row, x, y);
        this.drift.fill(0, row * 2, row * 2 + 2);
      } else {
        moved[row * 2] = x - (this.last[row * 2] ?? 0);
        moved[row * 2 + 1] = y - (this.last[row * 2 + 1] ?? 0);
        moved_x += moved[row * 2] ?? 0;
        moved_y += moved[row * 2 + 1] ?? 0;
        steady += 1;
      }
      this.last[row * 2] = x;
      this.last[row * 2 + 1] = y;
    }
    this.placed = true;
    if (this.fixed || steady === 0) return;
    this.focus.x += moved_x / steady;
    this.focus.y += moved_y / steady;
    if (seconds > 0) {
      const share = Math.min(1, seconds / SWAY_S);
      const mean = [moved_x / steady, moved_y / steady];
      for (let at = 0; at < moved.length; at++) {
        const speed = ((moved[at] ?? 0) - (mean[at % 2] ?? 0)) / seconds;
        this.drift[at] = (this.drift[at] ?? 0) + share * (speed - (this.drift[at] ?? 0));
      }
    }
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
      let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
      for (let row = 0; row < this.count; row++) {
        const place = this.at(poses, row)[axis];
        least = Math.min(least, place);
        most = Math.max(most, place);
      }
      return (least + most) / 2;
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

  /**
   * Who strays beyond one edge of the formation comes in at the other.
   * @param {number} row
   */
  wrap(row) {
    const { offsets, extent } = this;
    const { across, deep } = this.strayed(row);
    const turns = (/** @type {number} */ away, /** @type {number} */ span) => -span * Math.round(away / span);
    offsets.set(this.shifted(row, turns(across, extent.across), turns(deep, extent.deep)), row * 2);
  }

  /**
   * @param {number} row
   * @param {number} [after] (s)
   * @returns {{across: number, deep: number}} how far (m) it is from the formation's middle
   */
  strayed(row, after = 0) {
    const { offsets, last, drift, right, focus } = this;
    const at = row * 2;
    const x = (last[at] ?? 0) + (offsets[at] ?? 0) + after * (drift[at] ?? 0) - focus.x;
    const y = (last[at + 1] ?? 0) + (offsets[at + 1] ?? 0) + after * (drift[at + 1] ?? 0) - focus.y;
    return { across: x * right.x + y * right.y, deep: y * right.x - x * right.y };
  }

  /**
   * @param {number} row
   * @param {number} across (m)
   * @param {number} deep (m)
   * @returns {[number, number]} what would be added to its x and y if it stood elsewhere
   */
  shifted(row, across, deep) {
    const { offsets, right } = this;
    const [x, y] = [offsets[row * 2] ?? 0, offsets[row * 2 + 1] ?? 0];
    return [x + across * right.x - deep * right.y, y + across * right.y + deep * right.x];
  }

  /**
   * What is added to x and y of a robot, and what will be soon, where it comes to an edge.
   * @param {number} row
   * @returns {[number, number][]}
   */
  places(row) {
    const now = this.shifted(row, 0, 0);
    // Where they are not in formation, or stay in it, nobody comes in at another side.
    if (!this.placed || this.fixed) return [now];
    const { extent } = this;
    const strayed = this.strayed(row, SOON_S);
    const turns = (/** @type {"across"|"deep"} */ axis) =>
      Math.abs(strayed[axis]) > extent[axis] / 2 ? [0, -Math.sign(strayed[axis]) * extent[axis]] : [0];
    return turns("across").flatMap((across) => turns("deep").map((deep) => this.shifted(row, across, deep)));
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
