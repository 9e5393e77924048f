/** @import {Scene} from "./scene.js" */

export const LOST =
  "The browser took back the graphics memory. The picture returns by itself when it is given again.";

/**
 * Say what a canvas shows, and what can be done with it.
 * @param {HTMLCanvasElement} canvas
 * @param {Scene} scene
 * @param {number} count robots
 */
export function describe(canvas, scene, count) {
  const title = scene.name.replaceAll("_", " ");
  const what = count === 1 ? "Drag the robot to push it. " : `${count} robots; click one to look closely. `;
  canvas.setAttribute("role", "application");
  canvas.setAttribute(
    "aria-label",
    `${title} in 3D. ${what}Arrow keys turn the view, plus and minus zoom, Home returns to the first view.`,
  );
}
