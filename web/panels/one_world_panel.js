/** One world for all: the switch, the balls, and how fast the physics of so many robots that can touch is. */

import { button, h, setText } from "./elements.js";
import { plural, times } from "./format.js";

/** @import {PlayControl} from "../play_control.js" */
/** @import {Stage} from "./stage.js" */

const REDRAW_MS = 500;

export class OneWorldPanel {
  /**
   * @param {PlayControl} play
   * @param {Stage} stage
   */
  constructor(play, stage) {
    this.play = play;
    this.stage = stage;
    /** Robots are thrown at in turn where none is chosen. */
    this.next = 0;
    this.together = button("One world", () => this.toggle(), {
      id: "together",
      title: "All robots in one physics world, where they touch and bump (o)",
    });
    this.thrower = button("Throw a ball", () => this.throwBall(), {
      id: "throw-ball",
      title: "At the chosen robot, or at one after the other (t)",
    });
    this.words = h("p", { class: "muted num" });
    this.element = h(
      "section",
      { class: "group", id: "one-world" },
      h("h2", { class: "group-title" }, "Together"),
      h("div", { class: "row" }, this.together, this.thrower),
      this.words,
    );
    for (const name of ["change", "lineup", "started"]) play.addEventListener(name, () => this.update());
    setInterval(() => this.element.offsetParent !== null && this.#say(), REDRAW_MS);
    this.update();
  }

  toggle() {
    const { oneWorld } = this.play;
    oneWorld.set(!oneWorld.on);
  }

  throwBall() {
    const { play, stage } = this;
    const { scene, close, selected, count } = stage.view;
    if (!scene || this.thrower.disabled) return;
    play.oneWorld.throwAt(close ?? selected ?? this.next++ % count, scene.tracking_body);
  }

  update() {
    const { oneWorld } = this.play;
    const { on, obstacle } = oneWorld;
    this.together.setAttribute("aria-pressed", String(on));
    this.together.disabled = this.thrower.disabled = obstacle !== "";
    this.#say();
  }

  #say() {
    const { oneWorld, frame, state } = this.play;
    const { on, obstacle, robots } = oneWorld;
    if (obstacle) return setText(this.words, this.play.state === "booting" ? "" : obstacle);
    if (!on) return setText(this.words, "Each robot has a world of its own; together they touch and bump.");
    const factor = state === "playing" ? (frame?.real_time_factor ?? null) : null;
    const speed = factor === null ? "" : `, physics at ${times(factor)} real time`;
    setText(this.words, `${plural(robots, "robot")} in one world${speed}`);
  }
}
