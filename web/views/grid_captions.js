/** What stands beside a stick figure: its number or its policy's letter, and how its episode goes. */

import { fixed } from "../panels/format.js";
import { css, font, mix } from "./theme.js";

/** @import {GridLayout} from "./grid_layout.js" */
/** @import {StickGrid} from "./stick_grid.js" */

/**
 * The captions of all cells.
 * @param {StickGrid} grid
 * @param {GridLayout} layout
 */
export function drawCaptions(grid, layout) {
  const { ctx, theme, dt } = grid;
  ctx.font = font(grid.canvas, 12, "mono");
  ctx.textBaseline = "alphabetic";
  const bright = css(mix(theme.muted, theme.text, 0.5));
  const quiet = css(theme.muted);
  const below = (grid.figure?.view.down ?? 0) * layout.scale;
  for (let row = 0; row < grid.count; row++) {
    const left = (row % layout.cols) * layout.cell_width;
    const top = Math.floor(row / layout.cols) * layout.cell_height;
    const base = top + Math.min(layout.cell_height - 10, layout.ground + below + 22);
    const middle = left + layout.cell_width / 2;
    ctx.textAlign = "left";
    ctx.fillStyle = row === grid.selected ? css(theme.accent) : quiet;
    ctx.fillText(grid.labels?.[row] ?? String(row + 1), left + 12, top + 22);
    const steps = grid.steps[row];
    if (steps === undefined) continue;
    ctx.textAlign = "right";
    ctx.fillStyle = bright;
    ctx.fillText(returnWords(grid.returns[row], layout.words), middle - 5, base);
    ctx.textAlign = "left";
    ctx.fillStyle = quiet;
    ctx.fillText(lengthWords(steps, dt), middle + 5, base);
  }
}

/**
 * @param {number|undefined} value of the running episode so far
 * @param {boolean} words whether there is room for what it is
 */
export function returnWords(value, words) {
  if (value === undefined) return "";
  const text = fixed(value, Math.abs(value) >= 100 ? 0 : 1);
  return words ? `return ${text}` : text;
}

/**
 * @param {number|undefined} steps of the running episode so far
 * @param {number} dt seconds of each
 */
export function lengthWords(steps, dt) {
  return `${((steps ?? 0) * dt).toFixed(1)} s`;
}
