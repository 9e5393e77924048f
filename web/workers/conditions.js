/** What the world of all rows is like: changes of the model that are set from its plain numbers and taken back whole. */

/** @import {MjModel} from "../runtime/mujoco/mujoco.js" */

/**
 * @typedef {object} World
 * @property {number} slope rise over run along the world's x
 * @property {number} friction times the plain model's
 * @property {number} gravity times the plain model's
 * @property {number} motor the actuator that gives no force, -1: all work
 */

/** @type {World} */
export const PLAIN_WORLD = { slope: 0, friction: 1, gravity: 1, motor: -1 };
/** mjNGAIN and mjNBIAS: parameters of an actuator's gain and bias. */
const PARAMETERS = 10;
/** Beyond these the solver has no contact that would hold, and nobody could say what is shown. */
const BOUNDS = /** @type {const} */ ([
  ["slope", -1, 1],
  ["friction", 0.01, 3],
  ["gravity", 0, 3],
]);

/** @param {World} world */
export function isPlain(world) {
  const { slope, friction, gravity, motor } = world;
  return slope === 0 && friction === 1 && gravity === 1 && motor === -1;
}

export class Conditions {
  /**
   * @param {MjModel} model the plain one
   * @param {number} [motors] of one robot, where the model has several
   */
  constructor(model, motors = model.nu) {
    this.model = model;
    this.motors = motors;
    this.friction = Float64Array.from(model.geom_friction);
    this.gain = Float64Array.from(model.actuator_gainprm);
    this.bias = Float64Array.from(model.actuator_biasprm);
    this.gravity = Float64Array.from(/** @type {Float64Array} */ (model.opt.gravity));
  }

  /**
   * Make the model's world this one.
   * @param {World} world
   * @throws {RangeError} it cannot be
   */
  set(world) {
    const { model, friction, gain, bias, gravity } = this;
    for (const [name, low, high] of BOUNDS) {
      const value = world[name];
      if (!(value >= low && value <= high))
        throw new RangeError(`${name}=${value} cannot be simulated; choose ${low} to ${high}`);
    }
    if (!(Number.isInteger(world.motor) && world.motor >= -1 && world.motor < this.motors))
      throw new RangeError(`motor=${world.motor} does not exist; the motors are 0 to ${this.motors - 1}`);
    model.geom_friction.set(friction.map((x) => x * world.friction));
    model.actuator_gainprm.set(gain);
    model.actuator_biasprm.set(bias);
    for (let motor = world.motor; motor >= 0 && motor < model.nu; motor += this.motors) {
      const [from, to] = [motor * PARAMETERS, (motor + 1) * PARAMETERS];
      model.actuator_gainprm.fill(0, from, to);
      model.actuator_biasprm.fill(0, from, to);
    }
    const [x = 0, y = 0, z = 0] = gravity.map((g) => g * world.gravity);
    const down = z / Math.sqrt(1 + world.slope * world.slope);
    /** @type {Float64Array} */ (model.opt.gravity).set([x + world.slope * down, y, down]);
  }
}
