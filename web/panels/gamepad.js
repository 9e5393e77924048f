/** A gamepad steers the robots that take commands: the left stick walks, the right one turns, as do the shoulder buttons. */

/** @import {Axis, Steering} from "./steering.js" */

/** @typedef {Record<Axis, number>} Tilt each from -1 to 1; forward, left and turning left are positive */

/** The browser tells of no change of a stick: it has to be looked at. */
const LOOK_MS = 50;
/** Sticks at rest are seldom at 0. */
const DEAD = 0.15;
/** A smaller change is nobody's wish. */
const STEP = 0.02;
/** Buttons of the standard mapping (https://w3c.github.io/gamepad/#remapping). */
const [LEFT_SHOULDER, RIGHT_SHOULDER, UP, DOWN, LEFT, RIGHT] = [4, 5, 12, 13, 14, 15];

/** @param {number} [value] of a stick's axis */
function beyondDead(value = 0) {
  const size = Math.abs(value);
  return size < DEAD ? 0 : (Math.sign(value) * (Math.min(size, 1) - DEAD)) / (1 - DEAD);
}

/**
 * What a pad asks for.
 * @param {Pick<Gamepad, "axes"|"buttons">} pad in the standard mapping
 * @returns {Tilt}
 */
function tiltOf({ axes, buttons }) {
  const held = (/** @type {number} */ plus, /** @type {number} */ minus) =>
    Number(buttons[plus]?.pressed ?? false) - Number(buttons[minus]?.pressed ?? false);
  const within = (/** @type {number} */ x) => Math.max(-1, Math.min(1, x)) || 0;
  return {
    forward: within(held(UP, DOWN) - beyondDead(axes[1])),
    sideways: within(held(LEFT, RIGHT) - beyondDead(axes[0])),
    turn: within(held(LEFT_SHOULDER, RIGHT_SHOULDER) - beyondDead(axes[2])),
  };
}

export class GamepadSteering {
  /** @param {Steering} steering */
  constructor(steering) {
    this.steering = steering;
    /** @type {Tilt} */
    this.told = { forward: 0, sideways: 0, turn: 0 };
    this.timer = 0;
    window.addEventListener("gamepadconnected", () => this.#watch());
  }

  #watch() {
    this.timer ||= window.setInterval(() => this.#look(), LOOK_MS);
  }

  #look() {
    const pads = navigator.getGamepads().filter((pad) => pad?.connected);
    if (!pads.length) {
      clearInterval(this.timer);
      this.timer = 0;
      this.#tell({ forward: 0, sideways: 0, turn: 0 });
      return;
    }
    if (document.hidden || !this.steering.active) return;
    const tilts = pads.flatMap((pad) => (pad ? [tiltOf(pad)] : []));
    const [first] = tilts;
    const used = tilts.find(({ forward, sideways, turn }) => forward || sideways || turn) ?? first;
    if (used) this.#tell(used);
  }

  /** @param {Tilt} tilt */
  #tell(tilt) {
    const { told } = this;
    const still = !tilt.forward && !tilt.sideways && !tilt.turn;
    const before = !told.forward && !told.sideways && !told.turn;
    const change = Math.max(
      Math.abs(tilt.forward - told.forward),
      Math.abs(tilt.sideways - told.sideways),
      Math.abs(tilt.turn - told.turn),
    );
    if (change < STEP && still === before) return;
    this.told = tilt;
    this.steering.tilt(tilt);
  }
}
