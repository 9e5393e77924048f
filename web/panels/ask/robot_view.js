/** One live robot on a canvas of its own, wherever the card is that it stands on. */

import { StickGrid } from "../../views/stick_grid.js";
import { h } from "../elements.js";

/** @import {Frame} from "../../protocol" */
/** @import {Scene} from "../../views/scene.js" */

export class RobotView {
  /** @param {string} label for assistive technology */
  constructor(label) {
    this.canvas = h("canvas", { class: "robot-canvas" });
    this.words = h("span", { class: "robot-words" });
    this.element = h("div", { class: "robot-view" }, this.canvas, this.words);
    this.grid = new StickGrid(this.canvas, { onSelect: null });
    // The cores learn meanwhile.
    this.grid.rest.spare("much");
    this.grid.setLayout("crowd");
    this.canvas.setAttribute("aria-label", label);
    /** @type {Scene|null} */
    this.scene = null;
  }

  /**
   * @param {Scene} scene
   * @param {number} dt seconds per control step
   */
  setScene(scene, dt) {
    if (scene === this.scene) return;
    this.scene = scene;
    this.grid.setScene(scene, 1, { dt });
    this.grid.start();
  }

  /** @param {Frame} frame of at least one robot: the first is drawn */
  setFrame(frame) {
    const { scene } = this;
    if (!scene) return;
    const poses = new Float32Array(frame.poses).subarray(0, scene.bodies.length * 7);
    if (poses.length < scene.bodies.length * 7) return;
    const torques = new Float32Array(frame.torques).subarray(0, scene.actuators.length);
    this.grid.setFrame({
      poses,
      torques,
      returns: frame.returns.slice(0, 1),
      steps: frame.steps.slice(0, 1),
    });
  }

  destroy() {
    this.grid.destroy();
    this.element.remove();
  }
}
