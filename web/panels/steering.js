/** Steering over the stage, where the task takes commands: a pad to hold, the keys, and a dial that shows the command. */

import { button, h, setText } from "./elements.js";
import { NO_BREAK } from "./format.js";

/** @import {CommandRecord, Room} from "../page_types" */
/** @import {PlayControl} from "../play_control.js" */
/** @import {Stage} from "./stage.js" */

/** @typedef {"forward"|"sideways"|"turn"} Axis */
/** @typedef {{id: string, axis: Axis, sign: 1|-1, glyph: string, label: string, keys: string[]}} Direction */

/** As they lie under the left hand: Q W E over A S D. Left is positive, as in the robot's own frame. @type {Direction[]} */
const DIRECTIONS = [
  { id: "turn-left", axis: "turn", sign: 1, glyph: "↺", label: "Turn left", keys: ["q", "ArrowLeft"] },
  { id: "forward", axis: "forward", sign: 1, glyph: "↑", label: "Forward", keys: ["w", "ArrowUp"] },
  { id: "turn-right", axis: "turn", sign: -1, glyph: "↻", label: "Turn right", keys: ["e", "ArrowRight"] },
  { id: "left", axis: "sideways", sign: 1, glyph: "←", label: "Step left", keys: ["a"] },
  { id: "back", axis: "forward", sign: -1, glyph: "↓", label: "Backward", keys: ["s", "ArrowDown"] },
  { id: "right", axis: "sideways", sign: -1, glyph: "→", label: "Step right", keys: ["d"] },
];
const WORDS = {
  forward: ["forward", "back"],
  sideways: ["left", "right"],
  turn: ["turn left", "turn right"],
};
const SPACE = "http://www.w3.org/2000/svg";
/** Of the dial's 100 by 100 field. */
const RADIUS = 44;
/** The largest turn fills this much of the ring to either side (rad). */
const FULL_TURN = 2.4;

export class Steering {
  /**
   * @param {HTMLElement} place
   * @param {PlayControl} play
   * @param {Stage} stage
   */
  constructor(place, play, stage) {
    this.place = place;
    this.play = play;
    this.stage = stage;
    /** Ids of the directions that are held. @type {Set<string>} */
    this.held = new Set();
    /** Somebody steers; else the task draws the commands. */
    this.steering = false;
    this.inSight = true;
    this.shown = "";
    this.arrow = svg("path", { class: "dial-arrow" });
    this.arc = svg("path", { class: "dial-arc" });
    this.readout = h("p", { class: "steering-words num" });
    this.auto = button("Let go", () => this.letGo(), {
      class: "quiet",
      id: "steering-auto",
      title: "The task gives the commands again",
    });
    this.pad = h(
      "div",
      { class: "steering-pad", role: "group", "aria-label": "Steer; hold a button" },
      ...DIRECTIONS.map((direction) => this.#button(direction)),
    );
    place.append(this.#dial(), this.pad, h("div", { class: "steering-side" }, this.readout, this.auto));
    play.addEventListener("change", () => this.update());
    play.addEventListener("started", () => this.#begin());
    play.addEventListener("frame", () => this.#draw());
    stage.addEventListener("change", () => {
      this.#cover();
      this.#draw();
    });
    const watching = new ResizeObserver(() => this.#cover());
    for (const each of [place, stage.places.stage]) watching.observe(each);
    window.addEventListener("blur", () => this.releaseAll());
  }

  /** What the shown task may be told, or null. @returns {CommandRecord|null} */
  get spec() {
    return this.play.show?.task.command ?? null;
  }

  /** Whether steering is possible now. */
  get active() {
    return this.inSight && this.spec !== null && this.play.started !== null;
  }

  /** @param {Room} room */
  setRoom(room) {
    this.inSight = room === "watch";
    this.releaseAll();
    this.update();
  }

  update() {
    this.place.hidden = !this.active;
    this.stage.places.stage.dataset.steering = this.active ? "yes" : "no";
    this.auto.hidden = !this.steering;
    this.#draw();
  }

  /** Have robots seen above the pad, where it reaches the stage's middle; the transport lies lower than their feet. */
  #cover() {
    const own = this.place.getBoundingClientRect();
    const all = this.stage.places.stage.getBoundingClientRect();
    const reaches = own.width > 0 && own.right > all.left + all.width / 2;
    this.stage.space?.setCovered({ bottom: reaches ? own.height : 0 });
  }

  /**
   * The direction of a key, or undefined.
   * @param {string} key
   */
  direction(key) {
    return DIRECTIONS.find(({ keys }) => keys.includes(key))?.id;
  }

  /** @param {string} id of a direction */
  press(id) {
    if (!this.active || this.held.has(id)) return;
    this.held.add(id);
    this.#send();
  }

  /**
   * Steer by a stick: how far in each way, from -1 to 1.
   * @param {Record<Axis, number>} shares
   */
  tilt(shares) {
    const { spec } = this;
    if (!spec || !this.active) return;
    this.#steer(
      spec.names.map((name, i) => {
        const share = shares[/** @type {Axis} */ (name)] ?? 0;
        return Math.abs(share) * ((share > 0 ? spec.high : spec.low)[i] ?? 0);
      }),
    );
  }

  /** @param {string} id of a direction */
  release(id) {
    if (this.held.delete(id)) this.#send();
  }

  releaseAll() {
    if (!this.held.size) return;
    this.held.clear();
    this.#send();
  }

  /** The task draws the commands again. */
  letGo() {
    this.held.clear();
    this.steering = false;
    this.play.steer([]);
    this.#press();
    this.update();
  }

  /** A new show knows nothing of what its predecessor was told. */
  #begin() {
    this.held.clear();
    this.steering = false;
    this.shown = "";
    this.#press();
    this.update();
  }

  /** Tell every robot what the held directions come to. */
  #send() {
    const { spec } = this;
    if (!spec) return;
    this.#steer(
      spec.names.map((name, i) => {
        const held = DIRECTIONS.filter(({ id, axis }) => axis === name && this.held.has(id));
        return held.reduce((sum, { sign }) => sum + ((sign > 0 ? spec.high : spec.low)[i] ?? 0), 0);
      }),
    );
  }

  /** @param {number[]} command for every robot */
  #steer(command) {
    this.steering = true;
    this.play.steer(command);
    this.#press();
    this.update();
  }

  #press() {
    for (const each of this.pad.querySelectorAll("button")) {
      each.setAttribute("aria-pressed", String(this.held.has(each.dataset.direction ?? "")));
    }
  }

  /** @param {Direction} direction */
  #button({ id, glyph, label, keys }) {
    const press = () => this.press(id);
    const release = () => this.release(id);
    const typed = (/** @type {KeyboardEvent} */ event, /** @type {() => void} */ then) => {
      if (event.key !== " " && event.key !== "Enter") return;
      event.preventDefault();
      then();
    };
    return h(
      "button",
      {
        type: "button",
        "data-direction": id,
        "aria-label": label,
        "aria-pressed": "false",
        title: `${label} (${keys[0]?.toUpperCase()})`,
        onpointerdown: (/** @type {PointerEvent} */ event) => {
          /** @type {Element} */ (event.currentTarget).setPointerCapture(event.pointerId);
          press();
        },
        onlostpointercapture: release,
        onkeydown: (/** @type {KeyboardEvent} */ event) => typed(event, press),
        onkeyup: (/** @type {KeyboardEvent} */ event) => typed(event, release),
        onblur: release,
        oncontextmenu: (/** @type {Event} */ event) => event.preventDefault(),
      },
      glyph,
    );
  }

  #dial() {
    const dial = svg("svg", { class: "dial", viewBox: "0 0 100 100", "aria-hidden": "true" });
    dial.append(
      svg("circle", { class: "dial-ring", cx: "50", cy: "50", r: String(RADIUS) }),
      this.arc,
      this.arrow,
    );
    return dial;
  }

  /** Draw the command of the robot that is chosen, or of the first. */
  #draw() {
    const { spec, play, stage } = this;
    const commands = play.frame?.commands;
    if (!this.active || !spec || !commands?.length) return;
    const at = (stage.view.close ?? stage.view.selected ?? 0) * spec.names.length;
    const command = spec.names.map((_, i) => commands[at + i] ?? 0);
    const key = `${command} ${this.steering}`;
    if (key === this.shown) return;
    this.shown = key;
    const share = (/** @type {Axis} */ axis) => {
      const i = spec.names.indexOf(axis);
      const most = Math.max(Math.abs(spec.low[i] ?? 0), Math.abs(spec.high[i] ?? 0), 1e-9);
      return (command[i] ?? 0) / most;
    };
    this.arrow.setAttribute("d", arrowPath(-share("sideways"), -share("forward")));
    this.arc.setAttribute("d", arcPath(-share("turn")));
    setText(this.readout, commandWords(spec, command));
  }
}

/**
 * What a command asks for, in words.
 * @param {CommandRecord} spec
 * @param {number[]} command
 */
function commandWords(spec, command) {
  const parts = spec.names.flatMap((name, i) => {
    const value = command[i] ?? 0;
    const words = WORDS[/** @type {Axis} */ (name)] ?? [name, `${name} back`];
    const size = Math.abs(value).toFixed(1);
    return size === "0.0" ? [] : [`${words[value > 0 ? 0 : 1]} ${size}${NO_BREAK}${spec.units[i]}`];
  });
  return parts.length ? parts.join(", ") : "stand still";
}

/**
 * An arrow from the dial's middle.
 * @param {number} x -1 to 1, right
 * @param {number} y -1 to 1, down
 */
function arrowPath(x, y) {
  const length = Math.hypot(x, y);
  if (length < 0.02) return "";
  const [tipX, tipY] = [50 + x * RADIUS * 0.8, 50 + y * RADIUS * 0.8];
  const head = Math.min(9, 24 * length);
  const wing = (/** @type {1|-1} */ side) => {
    const angle = Math.atan2(y, x) + side * 2.5;
    return `${(tipX + head * Math.cos(angle)).toFixed(1)} ${(tipY + head * Math.sin(angle)).toFixed(1)}`;
  };
  return `M50 50L${tipX.toFixed(1)} ${tipY.toFixed(1)}M${wing(1)}L${tipX.toFixed(1)} ${tipY.toFixed(1)}L${wing(-1)}`;
}

/**
 * The part of the ring, from the top, that a turn fills.
 * @param {number} share -1 to 1, clockwise
 */
function arcPath(share) {
  if (Math.abs(share) < 0.02) return "";
  const angle = share * FULL_TURN - Math.PI / 2;
  const end = `${(50 + RADIUS * Math.cos(angle)).toFixed(1)} ${(50 + RADIUS * Math.sin(angle)).toFixed(1)}`;
  return `M50 ${50 - RADIUS}A${RADIUS} ${RADIUS} 0 0 ${share > 0 ? 1 : 0} ${end}`;
}

/**
 * @param {string} tag
 * @param {Record<string, string>} attributes
 */
function svg(tag, attributes) {
  const element = document.createElementNS(SPACE, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}
