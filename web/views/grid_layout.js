/** @import {FigureView} from "./skeleton.js" */

/**
 * Where everything of a grid goes, in CSS pixels.
 * @typedef {object} GridLayout
 * @property {number} cols
 * @property {number} rows
 * @property {number} cell_width
 * @property {number} cell_height
 * @property {number} scale pixels per metre
 * @property {number} ground from the top of a cell to the robot's floor
 * @property {boolean} captions whether return and length fit beneath
 * @property {boolean} words whether the captions have room for their words
 */

const CAPTION = 26;
const MARGIN = 6;
const LABEL = 18;

/**
 * The columns and rows that draw the robots as large as possible.
 * @param {number} count robots
 * @param {number} width
 * @param {number} height
 * @param {FigureView} view
 * @param {"grid"|"crowd"} mode a crowd stands in as few rows as fit, shoulder to shoulder
 * @returns {GridLayout}
 */
export function layOut(count, width, height, view, mode) {
  /** @type {GridLayout|null} */
  let best = null;
  let best_score = 0;
  const box_width = 2 * view.half_width * (mode === "crowd" ? 0.8 : 1);
  const box_height = view.up + view.down;
  for (let cols = 1; cols <= count; cols++) {
    const rows = Math.ceil(count / cols);
    const cell_width = width / cols;
    const cell_height = height / rows;
    const captions = mode === "grid" && cell_height >= 150 && cell_width >= 88;
    const head = captions ? LABEL : 0;
    const foot = captions ? CAPTION : Math.min(12, 0.1 * cell_height);
    // Small cells have small margins, or nothing would be left of them.
    const margin_x = Math.min(MARGIN, 0.05 * cell_width);
    const margin_y = Math.min(MARGIN, 0.05 * cell_height);
    const room_x = cell_width - 2 * margin_x;
    const room_y = cell_height - 2 * margin_y - head - foot;
    const scale = Math.max(1, Math.min(room_x / box_width, room_y / box_height));
    // Equal robots: rather no holes in the last row.
    const score = scale * (1 - (0.2 * (cols * rows - count)) / (cols * rows));
    if (best && score <= best_score) continue;
    best_score = score;
    const spare = room_y - box_height * scale;
    best = {
      cols,
      rows,
      cell_width,
      cell_height,
      scale,
      ground: Math.round(margin_y + head + spare / 2 + view.up * scale),
      captions,
      words: captions && cell_width >= 190,
    };
  }
  return /** @type {GridLayout} */ (best);
}

/**
 * The cell under a point.
 * @param {GridLayout} layout
 * @param {number} count
 * @param {number} x
 * @param {number} y
 * @returns {number|null}
 */
export function cellAt(layout, count, x, y) {
  const col = Math.floor(x / layout.cell_width);
  const row = Math.floor(y / layout.cell_height);
  if (col < 0 || col >= layout.cols || row < 0 || row >= layout.rows) return null;
  const cell = row * layout.cols + col;
  return cell < count ? cell : null;
}

/**
 * The cell that a key moves to.
 * @param {GridLayout} layout
 * @param {number} count
 * @param {number} from
 * @param {string} key KeyboardEvent.key
 * @returns {number|null} null when the key moves nowhere
 */
export function cellByKey(layout, count, from, key) {
  /** @type {Record<string, number>} */
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -layout.cols, ArrowDown: layout.cols };
  if (key === "Home") return 0;
  if (key === "End") return count - 1;
  const step = steps[key];
  if (step === undefined) return null;
  const to = from + step;
  return to >= 0 && to < count ? to : from;
}
