/** Pulls on bodies that go on for some control steps. */

/** @import {Engine} from "./engine.js" */
/** @typedef {{body: number, wrench: number[], steps: number}} Push */

const NOTHING = [0, 0, 0, 0, 0, 0];

export class Pushes {
  /** @param {Engine} engine */
  constructor(engine) {
    this.engine = engine;
    /** @type {Map<number, Push>} */
    this.byRow = new Map();
  }

  /**
   * A new push replaces the row's former one.
   * @param {number} row whose state the engine has now
   * @param {number} body
   * @param {ArrayLike<number>} force (3,) N
   * @param {ArrayLike<number>} point (3,) m
   * @param {number} steps
   */
  add(row, body, force, point, steps) {
    this.byRow.set(row, { body, wrench: this.engine.wrench(body, force, point), steps });
  }

  /**
   * Let the row's push act on the engine's next steps, if it has one.
   * @param {number} row
   */
  apply(row) {
    const push = this.byRow.get(row);
    if (push) this.#pull(push.body, push.wrench);
  }

  /**
   * After the row's steps: the engine goes on without it.
   * @param {number} row
   */
  release(row) {
    const push = this.byRow.get(row);
    if (push) this.#pull(push.body, NOTHING);
  }

  /**
   * One control step less.
   * @param {number} row
   */
  countDown(row) {
    const push = this.byRow.get(row);
    if (push && --push.steps === 0) this.byRow.delete(row);
  }

  /**
   * @param {number} body
   * @param {number[]} wrench force (N), torque (N m) at the body's centre of mass, in the world's frame
   */
  #pull(body, wrench) {
    /** @type {Float64Array} */ (this.engine.data.xfrc_applied).set(wrench, 6 * body);
  }
}
