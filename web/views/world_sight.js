/** The camera of a world of stick figures: it looks straight, without perspective, and follows all robots. */

/** @import {FigureView} from "./skeleton.js" */

/** Time (s) in which it makes up most of its lag, and in which it comes nearer again. */
const [LAG_S, NEARER_S] = [0.25, 1.2];
/** It comes nearer only where it could by this much, so that it rests. */
const NEARER = 1.12;
/** A robot takes at most this share of the picture's height. */
const TALLEST = 0.42;
/** Who strays so far that the others became smaller than this (px for each metre) is let go. */
const SMALLEST = 9;
/** Kept free (px): at the sides; above, where words about the show are; below. */
const FREE = { side: 16, above: 28, below: 34 };

export class WorldSight {
  /**
   * @param {{yaw: number, pitch: number}} angles (rad)
   * @param {boolean} reducedMotion
   */
  constructor({ yaw, pitch }, reducedMotion) {
    this.reducedMotion = reducedMotion;
    this.cos = Math.cos(yaw);
    this.sin = Math.sin(yaw);
    this.cos_pitch = Math.cos(pitch);
    /** How much shorter lengths on the floor look that lead away. */
    this.flattening = Math.sin(pitch);
    /** In the middle of the picture (m), right and up. */
    this.u = 0;
    this.v = 0;
    /** Pixels per metre. */
    this.scale = 40;
    this.width = 1;
    this.height = 1;
    /** World z (m) of the floor. */
    this.ground = 0;
    /** It is to be where it should, at once. */
    this.fresh = true;
  }

  /**
   * @param {number} x (m)
   * @param {number} y (m)
   * @returns {number} distance (m), the larger the farther
   */
  away(x, y) {
    return y * this.cos - x * this.sin;
  }

  /**
   * @param {number} x (m)
   * @param {number} y (m)
   * @param {number} [z]
   * @returns {[number, number]} (px) of the picture
   */
  pixel(x, y, z = this.ground) {
    const u = x * this.cos + y * this.sin;
    const v = (z - this.ground) * this.cos_pitch + this.away(x, y) * this.flattening;
    return [this.width / 2 + (u - this.u) * this.scale, this.height / 2 - (v - this.v) * this.scale];
  }

  /**
   * Have all robots in the picture.
   * @param {[number, number][]} places x and y (m) of each
   * @param {FigureView} robot what room one needs
   * @param {number} width (px)
   * @param {number} height (px)
   * @param {number} seconds since the last time
   * @returns {boolean} whether it still moves
   */
  follow(places, robot, width, height, seconds) {
    Object.assign(this, { width, height, ground: robot.floor });
    const us = places.map(([x, y]) => x * this.cos + y * this.sin);
    const vs = places.map(([x, y]) => this.away(x, y) * this.flattening);
    const [left, right] = [Math.min(...us) - robot.half_width, Math.max(...us) + robot.half_width];
    const below = Math.max(robot.down, robot.half_width * this.flattening);
    const [low, high] = [Math.min(...vs) - below, Math.max(...vs) + robot.up * this.cos_pitch + below / 2];
    const room_x = Math.max(40, width - 2 * FREE.side);
    const room_y = Math.max(40, height - FREE.above - FREE.below);
    const fitting = Math.min(room_x / (right - left), room_y / (high - low), (TALLEST * height) / robot.up);
    const scale = Math.max(SMALLEST, fitting);
    const before = { u: this.u, v: this.v, scale: this.scale };
    const { fresh } = this;
    const jump = fresh || this.reducedMotion;
    this.fresh = false;
    const towards = (/** @type {number} */ lag_s) => (jump ? 1 : 1 - Math.exp(-seconds / lag_s));
    if (fresh || scale < this.scale) this.scale += (scale - this.scale) * towards(LAG_S);
    else if (scale > NEARER * this.scale) this.scale += (scale - this.scale) * towards(NEARER_S);
    // The middle of what is free is not the middle of the picture.
    const shift = (FREE.above - FREE.below) / 2 / this.scale;
    this.u += ((left + right) / 2 - this.u) * towards(LAG_S);
    this.v += ((low + high) / 2 + shift - this.v) * towards(LAG_S);
    const moved = Math.hypot(this.u - before.u, this.v - before.v) * this.scale;
    return moved > 0.3 || Math.abs(this.scale - before.scale) > 0.05;
  }

  /** What of the floor is in the picture: the least and the largest x and y (m), a little generously. */
  floor() {
    /** @type {{low: [number, number], high: [number, number]}} */
    const found = { low: [Infinity, Infinity], high: [-Infinity, -Infinity] };
    for (const side of [-1, 1]) {
      for (const end of [-1, 1]) {
        const u = this.u + (side * this.width) / 2 / this.scale;
        const away = (this.v + (end * this.height) / 2 / this.scale) / this.flattening;
        const place = [u * this.cos - away * this.sin, u * this.sin + away * this.cos];
        for (const axis of /** @type {const} */ ([0, 1])) {
          found.low[axis] = Math.min(found.low[axis], Math.floor(place[axis] ?? 0));
          found.high[axis] = Math.max(found.high[axis], Math.ceil(place[axis] ?? 0));
        }
      }
    }
    return found;
  }
}
