/** @import {Scene} from "./scene.js" */
/** @import {Rgb, Theme} from "./theme.js" */
/** @typedef {CanvasRenderingContext2D|OffscreenCanvasRenderingContext2D} Pen */
import { POSE, toWorld } from "./pose.js";
import { figureView, railReach, skeleton } from "./skeleton.js";
import { css, mix } from "./theme.js";

const NEAR_LEVELS = 8;
const TORQUE_LEVELS = 8;
const FADE_LEVELS = 6;
/** From this many pixels per metre on, limbs get an outline in the background's colour that sets them apart. */
const HALO_SCALE = 70;

/** Draws one robot as a stick figure; one Figure serves all rows of a grid. */
export class Figure {
  /**
   * @param {Scene} scene
   * @param {Theme} theme
   * @param {{yaw: number, pitch: number}|null} [angles] (rad) of the camera; null: as suits one robot of this model
   */
  constructor(scene, theme, angles = null) {
    this.scene = scene;
    this.strokes = skeleton(scene);
    this.view = { ...figureView(scene, this.strokes), ...angles };
    /** From this many pixels per metre on, limbs are outlined. */
    this.halo_scale = HALO_SCALE;
    this.theme = theme;
    this.colours = palette(theme);
    /** Colours of the limbs, for each group of robots. */
    this.limbs = [this.colours.limbs];
    this.nbody = scene.bodies.length;
    const n = this.strokes.length;
    /** Projected ends of the strokes: u (right, m), v (up, m), and the depth (m, away) of the middle. */
    this.ends = new Float64Array(n * 4);
    this.depths = new Float64Array(n);
    /** The robot's parts, far to near; each is outlined and drawn as one piece. */
    this.members = [...new Set(this.strokes.map((stroke) => stroke.member))].map((member) => ({
      strokes: this.strokes.flatMap((stroke, index) => (stroke.member === member ? [index] : [])),
      depth: 0,
    }));
    this.scratch = new Float64Array(3);
    this.cos_yaw = Math.cos(this.view.yaw);
    this.sin_yaw = Math.sin(this.view.yaw);
    this.cos_pitch = Math.cos(this.view.pitch);
    this.sin_pitch = Math.sin(this.view.pitch);
    /** World place the last projected robot is centred on. */
    this.centre = { x: 0, y: 0 };
    /** The same place in the view (m), right and up. */
    this.mid_u = 0;
    this.mid_v = 0;
    /** Mean depth (m) of the sorted robot. */
    this.middle = 0;
  }

  /** @param {Rgb[]} tints a colour for each group of robots, or none at all */
  setTints(tints) {
    this.limbs = tints.length
      ? tints.map((tint) => limbColours(this.theme, tint).map((rgb) => css(rgb)))
      : [this.colours.limbs];
  }

  /**
   * Project one robot; `draw` uses the result.
   * @param {Float32Array} poses
   * @param {number} row
   */
  project(poses, row) {
    const start = row * this.nbody * POSE;
    const p = this.scratch;
    let sum_x = 0;
    let sum_y = 0;
    for (let index = 0; index < this.strokes.length; index++) {
      const stroke = /** @type {import("./skeleton.js").Stroke} */ (this.strokes[index]);
      let depth = 0;
      for (let end = 0; end < 2; end++) {
        const body = end ? stroke.body_b : stroke.body_a;
        const point = end ? stroke.point_b : stroke.point_a;
        toWorld(poses, start + body * POSE, point[0] ?? 0, point[1] ?? 0, point[2] ?? 0, p);
        const x = p[0] ?? 0;
        const y = p[1] ?? 0;
        const z = p[2] ?? 0;
        const away = y * this.cos_yaw - x * this.sin_yaw;
        this.ends[index * 4 + end * 2] = x * this.cos_yaw + y * this.sin_yaw;
        this.ends[index * 4 + end * 2 + 1] = (z - this.view.floor) * this.cos_pitch + away * this.sin_pitch;
        depth += (away * this.cos_pitch - z * this.sin_pitch) / 2;
        sum_x += x;
        sum_y += y;
      }
      this.depths[index] = depth;
    }
    const n = 2 * Math.max(1, this.strokes.length);
    const x = this.view.fixed ? 0 : sum_x / n;
    const y = this.view.fixed ? 0 : sum_y / n;
    this.centre.x = x;
    this.centre.y = y;
    this.mid_u = x * this.cos_yaw + y * this.sin_yaw;
    this.mid_v = (y * this.cos_yaw - x * this.sin_yaw) * this.sin_pitch;
  }

  /**
   * How far a robot has sunk from its standing height.
   * @param {Float32Array} poses
   * @param {number} row
   * @returns {number} 0 upright to 1 down
   */
  sunk(poses, row) {
    if (this.view.upright_m === null) return 0;
    const z = poses[(row * this.nbody + this.scene.tracking_body) * POSE + 2] ?? 0;
    const share = (z - this.view.floor) / this.view.upright_m;
    return Math.min(1, Math.max(0, (0.72 - share) / 0.27));
  }

  /**
   * Draw the projected robot with its middle at the canvas origin of `ctx` (floor at y = 0, up is negative y).
   * @param {Pen} ctx
   * @param {number} scale pixels per metre
   * @param {Float32Array} torques
   * @param {number} row
   * @param {number} fade 0 bright to 1 fallen
   * @param {number} [group] whose colours it has
   */
  draw(ctx, scale, torques, row, fade, group = 0) {
    const limbs = this.limbs[group] ?? this.colours.limbs;
    this.sort();
    for (const { strokes } of this.members) {
      if (scale >= this.halo_scale) {
        ctx.strokeStyle = this.colours.ink;
        for (const index of strokes) this.traceLimb(ctx, index, scale, 2.5);
      }
      for (const index of strokes) {
        const colour = limbs[this.shade(index, torques, row, fade)] ?? this.colours.ink;
        ctx.strokeStyle = colour;
        this.traceLimb(ctx, index, scale, 0);
        if (this.strokes[index]?.kind !== "limb") this.drawRound(ctx, index, scale, colour);
      }
    }
  }

  /**
   * @param {number} index of the stroke
   * @param {Float32Array} torques
   * @param {number} row
   * @returns {number} the largest share of its limit that an actuator of the stroke's body gives
   */
  torque(index, torques, row) {
    const start = row * this.scene.actuators.length;
    let largest = 0;
    for (const { actuator, scale } of this.strokes[index]?.drives ?? []) {
      largest = Math.max(largest, Math.abs(torques[start + actuator] ?? 0) * scale);
    }
    return largest;
  }

  /**
   * @param {Pen} ctx
   * @param {number} index of the stroke
   * @param {number} scale
   * @param {number} wider (px)
   */
  traceLimb(ctx, index, scale, wider) {
    const stroke = this.strokes[index];
    if (stroke?.kind !== "limb") return;
    const at = index * 4;
    ctx.lineWidth = Math.max(1.5, 2 * stroke.radius * scale) + wider;
    ctx.beginPath();
    ctx.moveTo(this.pixel_x(at, scale), this.pixel_y(at + 1, scale));
    ctx.lineTo(this.pixel_x(at + 2, scale), this.pixel_y(at + 3, scale));
    ctx.stroke();
  }

  /**
   * @param {number} at
   * @param {number} scale
   */
  pixel_x(at, scale) {
    return ((this.ends[at] ?? 0) - this.mid_u) * scale;
  }

  /**
   * @param {number} at
   * @param {number} scale
   */
  pixel_y(at, scale) {
    return -((this.ends[at] ?? 0) - this.mid_v) * scale;
  }

  /**
   * @param {Pen} ctx
   * @param {number} index of the stroke
   * @param {number} scale
   * @param {string} colour
   */
  drawRound(ctx, index, scale, colour) {
    const stroke = this.strokes[index];
    const radius = (stroke?.radius ?? 0) * scale;
    const open = stroke?.kind === "ring" || radius > 14;
    const line = open ? Math.max(1.5, Math.min(radius * 0.3, 7)) : 0;
    ctx.beginPath();
    ctx.arc(
      this.pixel_x(index * 4, scale),
      this.pixel_y(index * 4 + 1, scale),
      Math.max(1, radius - line / 2),
      0,
      2 * Math.PI,
    );
    ctx.fillStyle = open ? this.colours.ink : colour;
    ctx.fill();
    if (!open) return;
    ctx.lineWidth = line;
    ctx.strokeStyle = colour;
    ctx.stroke();
  }

  /** Far members first. */
  sort() {
    let sum = 0;
    for (const depth of this.depths) sum += depth;
    this.middle = sum / Math.max(1, this.depths.length);
    for (const member of this.members) {
      member.depth = 0;
      for (const index of member.strokes) member.depth += (this.depths[index] ?? 0) / member.strokes.length;
      for (const index of member.strokes) member.depth -= 0.001 * (this.strokes[index]?.bias ?? 0);
    }
    this.members.sort((a, b) => b.depth - a.depth);
  }

  /**
   * Which of its group's colours a limb has; `sort` comes before.
   * @param {number} index of the stroke
   * @param {Float32Array} torques
   * @param {number} row
   * @param {number} fade 0 bright to 1 fallen
   */
  shade(index, torques, row, fade) {
    const half_depth = this.view.depth * this.cos_yaw;
    const depth = (this.depths[index] ?? 0) - this.middle;
    const near = (half_depth > 0 ? 0.5 - (0.9 * depth) / half_depth : 1) + (this.strokes[index]?.bias ?? 0);
    const faded = Math.round(fade * (FADE_LEVELS - 1));
    const n = Math.round(Math.min(1, Math.max(0, near)) * (NEAR_LEVELS - 1));
    const t = Math.round(Math.min(1, this.torque(index, torques, row)) * (TORQUE_LEVELS - 1));
    return (faded * NEAR_LEVELS + n) * TORQUE_LEVELS + t;
  }

  /**
   * The floor beneath the projected robot: a line with metre ticks from the side, a metre grid from above.
   * @param {Pen} ctx origin as for `draw`
   * @param {number} scale
   * @param {{left: number, right: number, top: number, bottom: number}} cell edges (px) around the origin
   */
  drawFloor(ctx, scale, cell) {
    ctx.lineWidth = 1;
    ctx.strokeStyle = this.colours.floor;
    if (this.view.pitch > 0) {
      ctx.save();
      ctx.beginPath();
      ctx.roundRect(cell.left, cell.top, cell.right - cell.left, cell.bottom - cell.top, 8);
      ctx.clip();
      ctx.strokeStyle = this.colours.grid;
      ctx.beginPath();
      this.traceGrid(
        ctx,
        scale,
        Math.hypot(cell.right - cell.left, 2 * (cell.bottom - cell.top)) / scale / 1.5,
      );
      ctx.stroke();
      ctx.restore();
      return;
    }
    ctx.beginPath();
    if (this.view.fixed) this.traceRail(ctx, scale);
    else this.traceTicks(ctx, scale, cell.left, cell.right);
    ctx.stroke();
  }

  /**
   * @param {Pen} ctx
   * @param {number} scale
   * @param {number} left
   * @param {number} right
   */
  traceTicks(ctx, scale, left, right) {
    const step = this.cos_yaw * scale;
    ctx.moveTo(left, 0.5);
    ctx.lineTo(right, 0.5);
    const first = Math.ceil(this.centre.x + left / step);
    for (let metre = first; (metre - this.centre.x) * step <= right; metre++) {
      const x = (metre - this.centre.x) * step;
      ctx.moveTo(x, 0.5);
      ctx.lineTo(x, metre % 10 === 0 ? 10 : 5);
    }
  }

  /**
   * @param {Pen} ctx
   * @param {number} scale
   */
  traceRail(ctx, scale) {
    const reach = railReach(this.scene) * scale;
    ctx.moveTo(-reach, 0.5);
    ctx.lineTo(reach, 0.5);
    for (const end of [-reach, reach]) {
      ctx.moveTo(end, -6);
      ctx.lineTo(end, 7);
    }
  }

  /**
   * @param {Pen} ctx
   * @param {number} scale
   * @param {number} reach (m)
   */
  traceGrid(ctx, scale, reach) {
    const { x: cx, y: cy } = this.centre;
    const line = (/** @type {number[]} */ a, /** @type {number[]} */ b) => {
      for (const [index, [x = 0, y = 0]] of [a, b].entries()) {
        const u = (x - cx) * this.cos_yaw + (y - cy) * this.sin_yaw;
        const v = ((y - cy) * this.cos_yaw - (x - cx) * this.sin_yaw) * this.sin_pitch;
        if (index) ctx.lineTo(u * scale, -v * scale);
        else ctx.moveTo(u * scale, -v * scale);
      }
    };
    for (let x = Math.ceil(cx - reach); x <= cx + reach; x++) line([x, cy - reach], [x, cy + reach]);
    for (let y = Math.ceil(cy - reach); y <= cy + reach; y++) line([cx - reach, y], [cx + reach, y]);
  }
}

/**
 * Every colour a limb can take: by how far it has fallen, how near it is, how hard it works.
 * @param {Theme} theme
 * @param {Rgb|null} tint of the robot's group; then hard work brightens the limb instead of turning it amber
 * @returns {Rgb[]}
 */
export function limbColours(theme, tint) {
  const body = tint ? mix(tint, theme.text, 0.18) : theme.text;
  const work = tint ? mix(tint, theme.text, 0.85) : theme.accent;
  const limbs = [];
  for (let faded = 0; faded < FADE_LEVELS; faded++) {
    const fade = (0.68 * faded) / (FADE_LEVELS - 1);
    for (let n = 0; n < NEAR_LEVELS; n++) {
      const near = n / (NEAR_LEVELS - 1);
      const base = mix(theme.ink, body, 0.36 + 0.64 * near ** 0.7);
      const hot = mix(theme.ink, work, 0.5 + 0.5 * near);
      for (let t = 0; t < TORQUE_LEVELS; t++) {
        const torque = (t / (TORQUE_LEVELS - 1)) ** 1.3;
        limbs.push(mix(mix(base, hot, torque), theme.ink, fade));
      }
    }
  }
  return limbs;
}

/**
 * Colours as a canvas takes them, so that drawing makes no strings.
 * @param {Theme} theme
 */
function palette(theme) {
  return {
    limbs: limbColours(theme, null).map((rgb) => css(rgb)),
    ink: css(theme.ink),
    floor: css(mix(theme.line, theme.muted, 0.25)),
    grid: css(mix(theme.ink, theme.line, 0.7)),
  };
}
