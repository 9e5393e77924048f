/** Paints a field of robots away from the page, on a canvas that the page has handed over. */

import { FieldPainter } from "./field_painter.js";

/** @import {FieldFrame, FieldRobots, FieldView} from "./field_painter.js" */

/**
 * What the page sends. Each message is answered by a FieldDrawn.
 * @typedef {object} FieldOrder
 * @property {OffscreenCanvas} [canvas] once, in the first message
 * @property {FieldRobots} [robots]
 * @property {FieldView} [view]
 * @property {FieldFrame} [frame]
 */
/** @typedef {{drawn: number, ms: number}} FieldDrawn robots in sight, and what painting them took */

/** @type {FieldPainter|null} */
let painter = null;

/** @param {MessageEvent<FieldOrder>} event */
function receive({ data: { canvas, robots, view, frame } }) {
  if (canvas) {
    const ctx = canvas.getContext("2d", { alpha: false });
    if (!ctx) throw new Error("This browser gives a worker no 2D canvas");
    painter = new FieldPainter(ctx);
  }
  if (!painter) throw new Error("The first message to the field's worker must bring its canvas");
  const began = performance.now();
  if (robots) painter.setRobots(robots);
  if (view) painter.setView(view);
  if (frame) painter.setFrame(frame);
  painter.draw();
  self.postMessage({ drawn: painter.drawn, ms: performance.now() - began });
}

self.addEventListener("message", receive);
