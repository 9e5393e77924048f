/** When the next control step of a show is due, and how fast time really passes: tabrl_py/workers/player.py, Pace. */

import { ConfigError } from "./play_task.js";

const [SLOWEST, FASTEST] = [0.1, 8];
/** A player that fell behind by more than this does not try to make it up. */
const LARGEST_DEBT_S = 0.1;
/** The real-time factor is measured anew after this long. */
const MEASURE_S = 0.5;

export class Pace {
  /**
   * A step is due at once.
   * @param {number} dt simulated seconds per step
   * @param {number} speed simulated seconds per second
   * @param {number} now seconds
   * @throws {ConfigError} the speed is out of range
   */
  constructor(dt, speed, now) {
    this.dt = dt;
    /** @type {number|null} */
    this.factor = null;
    this.due = now;
    this.since = now;
    this.steps = 0;
    this.speed = 1;
    this.setSpeed(speed);
  }

  /** After a pause: nothing was missed, nothing is measured over it. @param {number} now */
  restart(now) {
    this.due = now;
    this.since = now;
    this.steps = 0;
  }

  /**
   * @param {number} speed
   * @throws {ConfigError} it is out of range
   */
  setSpeed(speed) {
    if (!(speed >= SLOWEST && speed <= FASTEST))
      throw new ConfigError(`speed=${speed} is out of range; choose ${SLOWEST} to ${FASTEST}`);
    this.speed = speed;
  }

  /** Seconds until the next step is due, 0 when it is. @param {number} now */
  wait(now) {
    return Math.max(0, this.due - now);
  }

  /** A step was made. @param {number} now */
  stepped(now) {
    this.due = Math.max(this.due, now - LARGEST_DEBT_S) + this.dt / this.speed;
    this.steps += 1;
    if (now - this.since < MEASURE_S) return;
    this.factor = (this.steps * this.dt) / (now - this.since);
    this.since = now;
    this.steps = 0;
  }
}
