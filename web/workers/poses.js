/** Poses and torques of the rows that someone watches. */

/** @import {Engine} from "./engine.js" */

export class Poses {
  /**
   * @param {Engine} engine
   * @param {number} nEnvs
   */
  constructor(engine, nEnvs) {
    this.engine = engine;
    /** @type {number[]} */
    this.rows = [];
    /** Slot of each row, -1 where nobody watches. */
    this.slots = new Int32Array(nEnvs).fill(-1);
    /** @type {{xpos: Float64Array, xquat: Float64Array, force: Float64Array}|null} */
    this.bodies = null;
  }

  /** @param {number[]} rows */
  watch(rows) {
    this.rows = rows;
    this.slots.fill(-1);
    for (const [slot, row] of rows.entries()) this.slots[row] = slot;
    this.takeViews();
  }

  /** Views on the engine's arrays as its memory lies now. */
  takeViews() {
    if (!this.rows.length) return;
    const { data } = this.engine;
    this.bodies = { xpos: data.xpos, xquat: data.xquat, force: data.actuator_force };
  }

  /**
   * Write what the engine has now, if the row is watched.
   * @param {number} row
   * @param {{poses: Float32Array, torques: Float32Array}} arrays (K, nbody, 7) and (K, nu)
   */
  capture(row, { poses, torques }) {
    const slot = /** @type {number} */ (this.slots[row]);
    if (slot < 0) return;
    const { nbody, nu } = this.engine;
    const { xpos, xquat, force } = /** @type {NonNullable<typeof this.bodies>} */ (this.bodies);
    let at = slot * nbody * 7;
    for (let body = 0; body < nbody; body++) {
      for (let i = 0; i < 3; i++) poses[at++] = /** @type {number} */ (xpos[3 * body + i]);
      for (let i = 0; i < 4; i++) poses[at++] = /** @type {number} */ (xquat[4 * body + i]);
    }
    for (let i = 0; i < nu; i++) torques[slot * nu + i] = /** @type {number} */ (force[i]);
  }
}
