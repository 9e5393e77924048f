/** @import {GridFrame} from "./stick_grid.js" */
/** @import {Groups} from "./policy_colours.js" */
/** @import {Scene} from "./scene.js" */
import { lengthWords, returnWords } from "./grid_captions.js";
import { groupsOf } from "./policy_colours.js";
import { POSE } from "./pose.js";
import { Figure } from "./stick_figure.js";
import { StickGrid } from "./stick_grid.js";
import { css, font, mix } from "./theme.js";
import { WorldSight } from "./world_sight.js";

/** One camera for all: a little from the front and from above, so that who is behind whom is seen. */
const ANGLES = { yaw: (24 * Math.PI) / 180, pitch: (21 * Math.PI) / 180 };
/** As workers/shared_model.js makes them. */
const BALL_M = 0.12;
/** Figures that overlap are set apart by outlines from this many pixels per metre on. */
const HALO_SCALE = 22;
/** Smaller robots (px) have no labels, which would hide them. */
const LABELLED_PX = 40;
/** A press that misses a robot by so much (px) still means it. */
const REACH_PX = 16;
/** Metre lines nearer to each other (px) than this would be a blur: then there is one in five metres. */
const LINE_PX = 16;

/** Robots and balls of one physics world in one picture, each where it is. Answers to what StickGrid does. */
export class StickWorld extends StickGrid {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {{onSelect: (row: number) => void, reducedMotion: boolean}} options
   */
  constructor(canvas, { onSelect, reducedMotion }) {
    super(canvas, { onSelect });
    this.sight = new WorldSight(ANGLES, reducedMotion);
    /** x, y, z (m) of each. @type {number[]} */
    this.balls = [];
    /** @type {Groups} */
    this.groups = groupsOf(null, 1);
    /** Where each robot's figure has its origin, and how high above it ends (px); as drawn. @type {[number, number, number][]} */
    this.heads = [];
    this.now_ms = 0;
  }

  /** @param {Scene} scene */
  makeFigure(scene) {
    const figure = new Figure(scene, this.theme, ANGLES);
    figure.halo_scale = HALO_SCALE;
    this.groups = groupsOf(null, this.count);
    this.balls = [];
    return figure;
  }

  /** @param {string[]|null} labels */
  setLabels(labels) {
    this.groups = groupsOf(labels, this.count);
    this.figure?.setTints(this.groups.tints);
    super.setLabels(labels);
  }

  /** @param {GridFrame} frame */
  setFrame(frame) {
    this.balls = frame.balls ?? [];
    super.setFrame(frame);
  }

  place() {
    if (!this.figure || this.width < 1 || this.height < 1) return;
    this.sight.fresh = true;
    this.ask();
  }

  /** @param {number} now_ms */
  draw(now_ms) {
    const { ctx, figure, stream, sight } = this;
    // Before the first frame nobody's place is known.
    if (!figure || !stream || stream.frames === 0 || this.width < 1) return;
    const began = performance.now();
    const seconds = Math.min(1, Math.max(0, (now_ms - this.now_ms) / 1000));
    this.now_ms = now_ms;
    const moving = sight.follow(
      Array.from({ length: this.count }, (_, row) => this.placeOf(row)),
      figure.view,
      this.width,
      this.height,
      seconds,
    );
    const ratio = this.canvas.width / this.width;
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    ctx.clearRect(0, 0, this.width, this.height);
    ctx.lineCap = "round";
    ctx.lineJoin = "round";
    this.drawFloor();
    this.drawMarks();
    for (const { row, ball } of this.farFirst()) {
      if (ball >= 0) this.drawBall(ball);
      else this.drawRobot(row, ratio);
    }
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.drawWords();
    this.draw_ms = performance.now() - began;
    this.pictures += 1;
    if (moving) this.ask();
  }

  /**
   * @param {number} row
   * @returns {[number, number]} where its trunk is (m)
   */
  placeOf(row) {
    const { stream, scene } = this;
    if (!stream || !scene) return [0, 0];
    const at = (row * scene.bodies.length + scene.tracking_body) * POSE;
    return [stream.shown[at] ?? 0, stream.shown[at + 1] ?? 0];
  }

  /** Robots and balls in the order in which they hide each other. */
  farFirst() {
    const items = [];
    for (let row = 0; row < this.count; row++)
      items.push({ row, ball: -1, away: this.sight.away(...this.placeOf(row)) });
    for (let ball = 0; 3 * ball < this.balls.length; ball++) {
      const [x = 0, y = 0] = this.balls.slice(3 * ball);
      items.push({ row: -1, ball, away: this.sight.away(x, y) });
    }
    return items.sort((a, b) => b.away - a.away);
  }

  /** Lines at whole metres, brighter ones at tens: speed is seen against them. */
  drawFloor() {
    const { ctx, sight, theme } = this;
    const step = sight.scale * sight.flattening < LINE_PX ? 5 : 1;
    const { low, high } = sight.floor();
    for (const tens of [false, true]) {
      ctx.beginPath();
      for (const axis of /** @type {const} */ ([0, 1])) {
        for (let metre = Math.ceil(low[axis] / step) * step; metre <= high[axis]; metre += step) {
          if ((metre % 10 === 0) !== tens) continue;
          ctx.moveTo(...(axis ? sight.pixel(low[0], metre) : sight.pixel(metre, low[1])));
          ctx.lineTo(...(axis ? sight.pixel(high[0], metre) : sight.pixel(metre, high[1])));
        }
      }
      ctx.lineWidth = 1;
      ctx.strokeStyle = css(mix(theme.ink, theme.line, tens ? 0.95 : 0.42));
      ctx.stroke();
    }
  }

  /** Where robots and balls stand or will land; around who is chosen, a ring. */
  drawMarks() {
    const { ctx, sight, theme, scene } = this;
    const wide = 0.19 * (scene?.view.height ?? 1) * sight.scale;
    const disc = (/** @type {number} */ x, /** @type {number} */ y, /** @type {number} */ radius) => {
      const [left, top] = sight.pixel(x, y);
      ctx.beginPath();
      ctx.ellipse(left, top, radius, radius * sight.flattening, 0, 0, 2 * Math.PI);
    };
    ctx.fillStyle = css(mix(theme.ink, theme.line, 0.62));
    for (let row = 0; row < this.count; row++) {
      disc(...this.placeOf(row), wide);
      ctx.fill();
    }
    for (let at = 0; at < this.balls.length; at += 3) {
      disc(this.balls[at] ?? 0, this.balls[at + 1] ?? 0, BALL_M * sight.scale);
      ctx.fill();
    }
    for (const row of [this.hovered, this.selected]) {
      if (row === null) continue;
      disc(...this.placeOf(row), 1.5 * wide);
      ctx.lineWidth = 1.5;
      ctx.strokeStyle = css(row === this.selected ? theme.accent : theme.muted);
      ctx.stroke();
    }
  }

  /** @param {number} ball */
  drawBall(ball) {
    const { ctx, sight, theme } = this;
    const [x = 0, y = 0, z = 0] = this.balls.slice(3 * ball);
    const ratio = this.canvas.width / this.width;
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    ctx.beginPath();
    ctx.arc(...sight.pixel(x, y, z), Math.max(2.5, BALL_M * sight.scale), 0, 2 * Math.PI);
    ctx.fillStyle = css(theme.accent);
    ctx.fill();
    ctx.lineWidth = 1.5;
    ctx.strokeStyle = css(theme.ink);
    ctx.stroke();
  }

  /**
   * @param {number} row
   * @param {number} ratio device pixels
   */
  drawRobot(row, ratio) {
    const { ctx, figure, sight } = this;
    const [left, top] = this.project(row);
    if (!figure) return;
    ctx.setTransform(ratio, 0, 0, ratio, left * ratio, top * ratio);
    const fade = figure.sunk(this.stream?.shown ?? new Float32Array(0), row);
    figure.draw(ctx, sight.scale, this.torques, row, fade, this.groups.groups[row] ?? 0);
    this.heads[row] = [left, top, headOf(figure, sight.scale)];
  }

  /**
   * @param {number} row
   * @returns {[number, number]} (px) of the origin of its figure
   */
  project(row) {
    const { figure, stream, sight } = this;
    if (!figure || !stream) return [0, 0];
    figure.project(stream.shown, row);
    return sight.pixel(figure.centre.x, figure.centre.y, figure.view.floor);
  }

  /** Whose each robot is, above it; return and length of who is pointed at. */
  drawWords() {
    const { ctx, theme, sight, scene } = this;
    if (!scene || scene.view.height * sight.scale < LABELLED_PX) return;
    ctx.font = font(this.canvas, 12, "mono");
    ctx.textAlign = "center";
    for (let row = 0; row < this.count; row++) {
      const [left, top, head] = this.heads[row] ?? [0, 0, 0];
      const tint = this.groups.tints[this.groups.groups[row] ?? 0];
      const lit = row === this.selected || row === this.hovered;
      ctx.fillStyle = css(
        row === this.selected ? theme.accent : tint ? mix(tint, theme.text, 0.3) : theme.muted,
      );
      ctx.textBaseline = "alphabetic";
      ctx.fillText(this.labels?.[row] ?? String(row + 1), left, top + head - 6);
      if (!lit || this.steps[row] === undefined) continue;
      ctx.textBaseline = "top";
      ctx.fillStyle = css(mix(theme.muted, theme.text, 0.5));
      ctx.fillText(
        `${returnWords(this.returns[row], true)}  ${lengthWords(this.steps[row], this.dt)}`,
        left,
        top + 16,
      );
    }
  }

  /**
   * @param {number} x (px)
   * @param {number} y (px)
   * @returns {number|null} the robot there; of several, the one in front
   */
  rowAt(x, y) {
    const { figure, sight } = this;
    if (!figure || !this.stream?.frames) return null;
    let best = null;
    let least = REACH_PX;
    for (const { row } of this.farFirst()) {
      if (row < 0) continue;
      const [left, top] = this.project(row);
      const away = Math.max(0, distanceTo(figure, x - left, y - top, sight.scale));
      if (away > least) continue;
      [best, least] = [row, away];
    }
    return best;
  }

  /**
   * @param {string} key KeyboardEvent.key
   * @returns {number|null}
   */
  rowByKey(key) {
    /** @type {Record<string, [number, number]>} */
    const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (key === "Home") return 0;
    if (key === "End") return this.count - 1;
    const way = ways[key];
    if (!way) return null;
    const [from_x, from_y] = this.sight.pixel(...this.placeOf(this.focused));
    let to = this.focused;
    let least = Number.POSITIVE_INFINITY;
    for (let row = 0; row < this.count; row++) {
      const [x, y] = this.sight.pixel(...this.placeOf(row));
      const [dx, dy] = [x - from_x, y - from_y];
      const along = dx * way[0] + dy * way[1];
      // Who lies straight that way comes before who is nearer but aside.
      const cost = along + 2 * Math.abs(dx * way[1] + dy * way[0]);
      if (row === this.focused || along < 1 || cost >= least) continue;
      [to, least] = [row, cost];
    }
    return to;
  }
}

/**
 * @param {Figure} figure projected
 * @param {number} scale
 * @returns {number} its upper edge (px) from its origin
 */
function headOf(figure, scale) {
  let edge = 0;
  for (let index = 0; index < figure.strokes.length; index++) {
    const wide = (figure.strokes[index]?.radius ?? 0) * scale;
    for (const at of [index * 4 + 1, index * 4 + 3]) edge = Math.min(edge, figure.pixel_y(at, scale) - wide);
  }
  return edge;
}

/**
 * How far a point is from a projected figure.
 * @param {Figure} figure
 * @param {number} x (px) from its origin
 * @param {number} y (px)
 * @param {number} scale
 */
function distanceTo(figure, x, y, scale) {
  let least = Number.POSITIVE_INFINITY;
  for (let index = 0; index < figure.strokes.length; index++) {
    const [at, radius] = [index * 4, (figure.strokes[index]?.radius ?? 0) * scale];
    const [x0, y0] = [figure.pixel_x(at, scale), figure.pixel_y(at + 1, scale)];
    const [dx, dy] = [figure.pixel_x(at + 2, scale) - x0, figure.pixel_y(at + 3, scale) - y0];
    const square = dx * dx + dy * dy;
    const share = square > 0 ? Math.min(1, Math.max(0, ((x - x0) * dx + (y - y0) * dy) / square)) : 0;
    least = Math.min(least, Math.hypot(x - x0 - share * dx, y - y0 - share * dy) - radius);
  }
  return least;
}
