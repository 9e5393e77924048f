/** What the stage shows of a room. */

/** @import {Scene} from "../views/scene.js" */

/** What a room shows; each room keeps its own while the other is in sight. */
export class RoomView {
  /** @param {"crowd"|"figures"} mode */
  constructor(mode) {
    /** How many robots are drawn: 3D crowd, or stick figures. @type {"crowd"|"figures"} */
    this.mode = mode;
    /** The row looked at closely, or null. @type {number|null} */
    this.close = null;
    /** The row that "Push" pushes, or null for all. @type {number|null} */
    this.selected = null;
    this.follow = true;
    /** Whether the others are there around the one looked at closely. */
    this.others = false;
    /** @type {Scene|null} */
    this.scene = null;
    this.count = 1;
    /** The policy's letter for each robot, or null where there is one policy. @type {string[]|null} */
    this.labels = null;
    /** They stand in one world: where they are drawn is where they are. */
    this.together = false;
    /** They race, each in a lane. */
    this.racing = false;
    this.dt = 0.02;
    /** @type {{poses: Float32Array, torques: Float32Array, returns: number[], steps: number[], balls: number[]}|null} */
    this.frame = null;
  }
}
