/** The world of the Watch room: slope, floor, gravity, one motor that fails. Each is a number of the physics, one click sets all back. */

import { PLAIN_WORLD } from "../play_control.js";
import { button, h } from "./elements.js";

/** @import {PlayControl, World} from "../play_control.js" */
/** @import {Stage} from "./stage.js" */

/** @type {Record<"slope"|"friction"|"gravity", {label: string, choices: [number, string][]}>} */
const CHOICES = {
  slope: {
    label: "Slope",
    choices: [
      [0, "Level"],
      [0.05, "5 % uphill"],
      [0.1, "10 % uphill"],
      [0.2, "20 % uphill"],
      [-0.05, "5 % downhill"],
      [-0.1, "10 % downhill"],
      [-0.2, "20 % downhill"],
    ],
  },
  friction: {
    label: "Floor",
    choices: [
      [1, "As it is"],
      [0.5, "Smooth, half the friction"],
      [0.2, "Slippery, a fifth"],
      [0.05, "Ice, a twentieth"],
    ],
  },
  gravity: {
    label: "Gravity",
    choices: [
      [1, "Earth, 9.81 m/s²"],
      [0.165, "Moon, 1.62 m/s²"],
      [0.378, "Mars, 3.71 m/s²"],
      [2.36, "Jupiter, 23.1 m/s²"],
    ],
  },
};

/**
 * What of a world is not plain, in words.
 * @param {World} world
 * @param {string[]} motors names
 */
export function worldWords(world, motors) {
  const words = [];
  for (const name of /** @type {const} */ (["slope", "friction", "gravity"])) {
    if (world[name] === PLAIN_WORLD[name]) continue;
    const found = CHOICES[name].choices.find(([value]) => value === world[name]);
    words.push(`${CHOICES[name].label.toLowerCase()} ${(found?.[1] ?? String(world[name])).toLowerCase()}`);
  }
  if (world.motor >= 0) words.push(`${motors[world.motor] ?? `motor ${world.motor + 1}`} without force`);
  return words;
}

export class WorldPanel {
  /**
   * @param {PlayControl} play
   * @param {Stage} stage
   */
  constructor(play, stage) {
    this.play = play;
    this.stage = stage;
    this.selects = {
      slope: this.#select("slope"),
      friction: this.#select("friction"),
      gravity: this.#select("gravity"),
    };
    this.motor = h("select", { class: "select", id: "world-motor", onchange: () => this.#set() });
    this.back = button("Back to the plain world", () => play.disturb(PLAIN_WORLD), {
      icon: "undo",
      id: "world-plain",
    });
    this.element = h(
      "section",
      { class: "group", id: "world" },
      h("h2", { class: "group-title" }, "World"),
      h(
        "div",
        { class: "world-choices" },
        ...Object.entries(this.selects).flatMap(([name, select]) => [
          h("label", { for: select.id }, CHOICES[/** @type {keyof typeof CHOICES} */ (name)].label),
          select,
        ]),
        h("label", { for: "world-motor" }, "Broken motor"),
        this.motor,
      ),
      h("div", { class: "row" }, this.back),
    );
    play.addEventListener("change", () => this.update());
    stage.addEventListener("change", () => this.update());
    this.update();
  }

  /** @param {keyof typeof CHOICES} name */
  #select(name) {
    return h(
      "select",
      { class: "select", id: `world-${name}`, onchange: () => this.#set() },
      ...CHOICES[name].choices.map(([value, words]) => h("option", { value: String(value) }, words)),
    );
  }

  /** Names of the motors of the robot on the stage. */
  get motors() {
    return this.stage.view.scene?.actuators.map(({ name }) => name.replaceAll("_", " ")) ?? [];
  }

  update() {
    const { world, canShare } = this.play;
    const { motors } = this;
    const key = motors.join();
    if (this.motor.dataset.key !== key) {
      this.motor.dataset.key = key;
      this.motor.replaceChildren(
        h("option", { value: "-1" }, "None"),
        ...motors.map((name, index) => h("option", { value: String(index) }, name)),
      );
    }
    for (const [name, select] of Object.entries(this.selects)) {
      select.value = String(world[/** @type {keyof typeof CHOICES} */ (name)]);
      select.disabled = !canShare;
    }
    this.motor.value = String(world.motor);
    this.motor.disabled = !canShare;
    this.back.disabled = worldWords(world, motors).length === 0;
  }

  #set() {
    const { slope, friction, gravity } = this.selects;
    this.play.disturb({
      slope: Number(slope.value),
      friction: Number(friction.value),
      gravity: Number(gravity.value),
      motor: Number(this.motor.value),
    });
  }
}
