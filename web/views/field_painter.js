/** @import {GridLayout} from "./grid_layout.js" */
/** @import {Scene} from "./scene.js" */
/** @import {Pen} from "./stick_figure.js" */
/** @import {Rgb, Theme} from "./theme.js" */
import { fixed } from "../panels/format.js";
import { Pixels, packed } from "./pixels.js";
import { restPose } from "./scene.js";
import { Figure, limbColours } from "./stick_figure.js";
import { css, mix } from "./theme.js";

/**
 * Which robots there are, and how they are told apart.
 * @typedef {object} FieldRobots
 * @property {Scene} scene
 * @property {number} count
 * @property {number} dt seconds per control step
 * @property {Theme} theme
 * @property {string} font of labels
 * @property {Rgb[]} tints a colour for each group, or none
 * @property {Uint8Array} groups group of each row
 * @property {string[]} labels a short text for each group; rows are numbered where there is none
 */
/**
 * How the robots move now.
 * @typedef {object} FieldFrame
 * @property {Float32Array} poses rows * nbody * 7
 * @property {Float32Array} torques rows * nu
 * @property {number[]} returns
 * @property {number[]} steps
 */
/**
 * What part of the field is in sight, in CSS pixels.
 * @typedef {object} FieldView
 * @property {number} width
 * @property {number} height
 * @property {number} ratio device pixels
 * @property {GridLayout} layout of the whole field at zoom 1
 * @property {number} zoom
 * @property {number} x of the left edge in the zoomed field
 * @property {number} y of the upper edge
 * @property {number} selected row, or -1
 * @property {number} hovered row, or -1
 */

/** From this many pixels per metre on, figures are drawn stroke by stroke, with outlines. */
const LARGE_SCALE = 70;
/** Below this many pixels per metre limbs are as thin as they can be seen: thicker ones would run together. */
const SMALL_SCALE = 18;
/** Metre ticks nearer to each other (px) than this would be a blur. */
const TICK_PX = 7;
const LABEL_PX = 13;
/** Limbs shorter and thinner than this (px) add nothing to a picture. */
const SPECK_PX = 0.9;

/** Draws any number of robots, each in the pose it has; in a worker where the browser allows it. */
export class FieldPainter {
  /** @param {Pen} ctx */
  constructor(ctx) {
    this.ctx = ctx;
    /** @type {FieldRobots|null} */
    this.robots = null;
    /** @type {FieldView|null} */
    this.view = null;
    /** @type {FieldFrame} */
    this.frame = { poses: new Float32Array(0), torques: new Float32Array(0), returns: [], steps: [] };
    /** @type {Figure|null} */
    this.figure = null;
    /** @type {Pixels|null} */
    this.pixels = null;
    /** Colours of limbs, for each group. @type {Uint32Array[]} */
    this.limbs = [];
    this.drawn = 0;
  }

  /** @param {FieldRobots} robots in their rest pose until a frame comes */
  setRobots(robots) {
    const { scene, count, theme, tints } = robots;
    this.robots = robots;
    this.figure = new Figure(scene, theme);
    this.figure.setTints(tints);
    const colours = tints.length ? tints : [null];
    this.limbs = colours.map((tint) => Uint32Array.from(limbColours(theme, tint), packed));
    const rest = restPose(scene);
    const poses = new Float32Array(count * rest.length);
    for (let row = 0; row < count; row++) poses.set(rest, row * rest.length);
    this.frame = {
      poses,
      torques: new Float32Array(count * scene.actuators.length),
      returns: [],
      steps: [],
    };
  }

  /** @param {FieldFrame} frame */
  setFrame(frame) {
    if (this.robots && frame.poses.length === this.frame.poses.length) this.frame = frame;
  }

  /** @param {FieldView} view */
  setView(view) {
    this.view = view;
    const { canvas } = this.ctx;
    const wide = Math.max(1, Math.round(view.width * view.ratio));
    const high = Math.max(1, Math.round(view.height * view.ratio));
    if (canvas.width === wide && canvas.height === high) return;
    canvas.width = wide;
    canvas.height = high;
    this.pixels = null;
  }

  draw() {
    const { robots, view, figure, ctx } = this;
    if (!robots || !view || !figure || view.width < 1) return;
    const { layout, zoom, x, y } = view;
    const scale = layout.scale * zoom;
    const cell_width = layout.cell_width * zoom;
    const cell_height = layout.cell_height * zoom;
    const rows = [];
    const last = Math.min(layout.cols - 1, Math.floor((x + view.width) / cell_width));
    const lowest = Math.min(layout.rows - 1, Math.floor((y + view.height) / cell_height));
    for (let line = Math.max(0, Math.floor(y / cell_height)); line <= lowest; line++) {
      for (let col = Math.max(0, Math.floor(x / cell_width)); col <= last; col++) {
        const row = line * layout.cols + col;
        if (row < robots.count)
          rows.push({ row, left: col * cell_width - x, top: line * cell_height - y, first: col === 0 });
      }
    }
    if (scale < LARGE_SCALE) this.drawSmall(rows, scale, cell_width, cell_height);
    else this.drawLarge(rows, scale, cell_width, cell_height);
    ctx.setTransform(view.ratio, 0, 0, view.ratio, 0, 0);
    this.drawLabels(rows, cell_width, cell_height);
    this.drawn = rows.length;
  }

  /**
   * Figures large enough for a canvas's own strokes.
   * @param {{row: number, left: number, top: number}[]} rows
   * @param {number} scale
   * @param {number} cell_width
   * @param {number} cell_height
   */
  drawLarge(rows, scale, cell_width, cell_height) {
    const { ctx, frame } = this;
    const { theme, groups } = /** @type {FieldRobots} */ (this.robots);
    const view = /** @type {FieldView} */ (this.view);
    const figure = /** @type {Figure} */ (this.figure);
    const { ratio, zoom, layout, selected, hovered } = view;
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    ctx.fillStyle = css(theme.ink);
    ctx.fillRect(0, 0, view.width, view.height);
    ctx.lineCap = "round";
    ctx.lineJoin = "round";
    for (const { row, left, top } of rows) {
      if (row !== selected && row !== hovered) continue;
      ctx.beginPath();
      ctx.roundRect(left + 2, top + 2, cell_width - 4, cell_height - 4, 10);
      ctx.fillStyle = css(theme.surface);
      ctx.fill();
      if (row !== selected) continue;
      ctx.lineWidth = 1.5;
      ctx.strokeStyle = css(theme.accent);
      ctx.stroke();
    }
    for (const { row, left, top } of rows) {
      figure.project(frame.poses, row);
      const ground = layout.ground * zoom;
      ctx.setTransform(ratio, 0, 0, ratio, (left + cell_width / 2) * ratio, (top + ground) * ratio);
      const half = 0.44 * cell_width;
      figure.drawFloor(ctx, scale, {
        left: -half,
        right: half,
        top: 6 - ground,
        bottom: cell_height - ground - 6,
      });
      figure.draw(ctx, scale, frame.torques, row, figure.sunk(frame.poses, row), groups[row] ?? 0);
    }
  }

  /**
   * Figures of some pixels, filled by hand.
   * @param {{row: number, left: number, top: number}[]} rows
   * @param {number} css_scale
   * @param {number} css_width
   * @param {number} css_height
   */
  drawSmall(rows, css_scale, css_width, css_height) {
    const { ctx, frame } = this;
    const { theme, groups } = /** @type {FieldRobots} */ (this.robots);
    const { ratio, layout, zoom, selected, hovered } = /** @type {FieldView} */ (this.view);
    const figure = /** @type {Figure} */ (this.figure);
    this.pixels ??= new Pixels(ctx.canvas.width, ctx.canvas.height);
    const { pixels } = this;
    const ink = packed(theme.ink);
    const surface = packed(theme.raised);
    const accent = packed(theme.accent);
    const floor = packed(mix(theme.line, theme.muted, 0.1));
    const [wide, high, scale] = [css_width * ratio, css_height * ratio, css_scale * ratio];
    const thinnest = (css_scale < SMALL_SCALE ? 0.5 : 0.75) * ratio;
    pixels.clear(ink);
    for (const cell of rows) {
      const { row } = cell;
      const left = cell.left * ratio;
      const top = cell.top * ratio;
      const lit = row === selected || row === hovered;
      if (lit) pixels.rect(left, top, left + wide, top + high, surface);
      if (row === selected)
        pixels.frame(left, top, left + wide, top + high, Math.max(1, Math.round(ratio)), accent);
      figure.project(frame.poses, row);
      const middle = left + wide / 2;
      const ground = Math.round(top + layout.ground * zoom * ratio);
      this.drawFloor(middle, ground, 0.46 * wide, scale, floor);
      const limbs = this.limbs[groups[row] ?? 0] ?? this.limbs[0];
      if (limbs) this.drawFigure(row, middle, ground, scale, thinnest, limbs, lit ? surface : ink);
    }
    ctx.putImageData(pixels.image, 0, 0);
  }

  /**
   * The projected robot.
   * @param {number} row
   * @param {number} middle (px) of its cell
   * @param {number} ground (px)
   * @param {number} scale
   * @param {number} thinnest (px)
   * @param {Uint32Array} limbs colours
   * @param {number} hollow colour of what is inside a head
   */
  drawFigure(row, middle, ground, scale, thinnest, limbs, hollow) {
    const { frame } = this;
    const figure = /** @type {Figure} */ (this.figure);
    const pixels = /** @type {Pixels} */ (this.pixels);
    const fade = figure.sunk(frame.poses, row);
    figure.sort();
    for (const { strokes } of figure.members) {
      for (const index of strokes) {
        const stroke = /** @type {import("./skeleton.js").Stroke} */ (figure.strokes[index]);
        const x0 = middle + figure.pixel_x(index * 4, scale);
        const y0 = ground + figure.pixel_y(index * 4 + 1, scale);
        const radius = Math.max(thinnest, stroke.radius * scale);
        const colour = /** @type {number} */ (limbs[figure.shade(index, frame.torques, row, fade)]);
        if (stroke.kind !== "limb") {
          if (stroke.kind === "ring" && radius > 3)
            pixels.ring(x0, y0, radius, 0.35 * radius, colour, hollow);
          else pixels.limb(x0, y0, x0, y0, radius, colour);
          continue;
        }
        const x1 = middle + figure.pixel_x(index * 4 + 2, scale);
        const y1 = ground + figure.pixel_y(index * 4 + 3, scale);
        const long = Math.abs(x1 - x0) + Math.abs(y1 - y0);
        if (long < SPECK_PX && stroke.radius * scale < SPECK_PX) continue;
        pixels.limb(x0, y0, x1, y1, radius, colour);
      }
    }
  }

  /**
   * A line with metre ticks from the side; dots at whole metres from above.
   * @param {number} middle
   * @param {number} ground
   * @param {number} reach (px) to both sides
   * @param {number} scale
   * @param {number} colour
   */
  drawFloor(middle, ground, reach, scale, colour) {
    const pixels = /** @type {Pixels} */ (this.pixels);
    const figure = /** @type {Figure} */ (this.figure);
    const { centre, view, cos_yaw, sin_yaw, sin_pitch } = figure;
    if (view.pitch > 0) {
      const far = Math.ceil(reach / scale);
      for (let x = Math.ceil(centre.x) - far; x <= centre.x + far; x++) {
        for (let y = Math.ceil(centre.y) - far; y <= centre.y + far; y++) {
          const u = ((x - centre.x) * cos_yaw + (y - centre.y) * sin_yaw) * scale;
          const v = ((y - centre.y) * cos_yaw - (x - centre.x) * sin_yaw) * sin_pitch * scale;
          if (Math.abs(u) < reach && Math.abs(v) < reach)
            pixels.rect(middle + u, ground - v, middle + u + 1, ground - v + 1, colour);
        }
      }
      return;
    }
    pixels.rect(middle - reach, ground, middle + reach, ground + 1, colour);
    const step = cos_yaw * scale;
    if (view.fixed || step < TICK_PX) return;
    for (let metre = Math.ceil(centre.x - reach / step); ; metre++) {
      const at = middle + (metre - centre.x) * step;
      if (at > middle + reach) break;
      pixels.rect(at, ground, at + 1, ground + (metre % 10 === 0 ? 4 : 2), colour);
    }
  }

  /**
   * The group's label where a line of cells or the group begins; each robot's own, return and length where there is room.
   * @param {{row: number, left: number, top: number, first: boolean}[]} rows
   * @param {number} cell_width
   * @param {number} cell_height
   */
  drawLabels(rows, cell_width, cell_height) {
    const { ctx, frame } = this;
    const { theme, font, groups, labels, tints, dt } = /** @type {FieldRobots} */ (this.robots);
    const roomy = cell_width >= 88 && cell_height >= 120;
    if (!roomy && (labels.length < 2 || cell_width < 9)) return;
    ctx.font = font;
    ctx.textBaseline = "top";
    ctx.textAlign = "left";
    let group = -1;
    for (const { row, left, top, first } of rows) {
      const own = groups[row] ?? 0;
      const begins = first || own !== group;
      group = own;
      if (!roomy && !begins) continue;
      const tint = tints[own];
      ctx.fillStyle = css(tint ? mix(tint, theme.text, 0.3) : theme.muted);
      const label = labels[own] ?? "";
      if (roomy) {
        ctx.fillText(labels.length > 1 ? `${label} ${row + 1}` : String(row + 1), left + 10, top + 8);
        if (frame.steps[row] === undefined) continue;
        const words = `${fixed(frame.returns[row] ?? 0, 1)}   ${((frame.steps[row] ?? 0) * dt).toFixed(1)} s`;
        ctx.fillStyle = css(theme.muted);
        ctx.fillText(words, left + 10, top + cell_height - LABEL_PX - 8);
      } else ctx.fillText(label, left + 1, top + 1);
    }
  }
}
