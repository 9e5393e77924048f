/** @import {Theme} from "./theme.js" */
import uPlot from "uplot";
import { clock, lonely, short, thin, tick } from "./chart_data.js";
import { css, font, mix } from "./theme.js";

/**
 * What one chart shows.
 * @typedef {object} ChartSpec
 * @property {string} key field of Progress
 * @property {string} title
 * @property {string} unit
 * @property {number} [scale] multiplies the values, e.g. 100 for per cent
 * @property {[number|null, number|null]} [bounds] values the axis always shows
 * @property {boolean} [main] drawn in the accent colour
 * @property {"return_mean"|"length_mean"|"fall_rate"} [baseline] which number of the random policy belongs here
 */

const Y_AXIS = 44;
const X_AXIS = 22;
const RAW_ALPHA = 0.25;
/** Distances between ticks that read well, on an axis of seconds and on one of steps. */
const SECONDS = [5, 10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 28800, 86400];
const STEPS = Array.from({ length: 10 }, (_, power) =>
  [1, 2, 5].map((digit) => digit * 10 ** (power + 1)),
).flat();

/** One small chart: a title with its value, the raw data thin, the smoothed mean thick, a dashed baseline. */
export class Chart {
  /**
   * @param {HTMLElement} parent
   * @param {ChartSpec} spec
   * @param {Theme} theme
   * @param {{key: string, onCursor: (x: number|null) => void}} shared crosshair
   */
  constructor(parent, spec, theme, { key, onCursor }) {
    this.spec = spec;
    this.theme = theme;
    this.onCursor = onCursor;
    this.colour = spec.main ? theme.accent : mix(theme.muted, theme.text, 0.35);
    /** @type {number|null} */
    this.baseline = null;
    this.time = false;
    this.card = document.createElement("figure");
    this.card.className = spec.main ? "chart chart-main" : "chart";
    this.card.setAttribute("role", "img");
    const head = document.createElement("figcaption");
    const title = document.createElement("span");
    title.textContent = spec.title;
    this.value = document.createElement("output");
    head.append(title, this.value);
    this.plotPlace = document.createElement("div");
    this.plotPlace.className = "chart-plot";
    this.card.append(head, this.plotPlace);
    parent.append(this.card);
    this.ends = { x: 1 };
    /** @type {number|null} */
    this.latest = null;
    this.plot = new uPlot(this.options(key), [[], [], []], this.plotPlace);
  }

  /**
   * @param {string} key of the shared crosshair
   * @returns {uPlot.Options}
   */
  options(key) {
    const { theme, colour } = this;
    const ink = (/** @type {any} */ rgb, alpha = 1) => css(rgb, alpha);
    const text = font(this.plotPlace, 12, "sans");
    const shown = {
      show: true,
      filter: (/** @type {uPlot} */ u, /** @type {number} */ i) => lonely(u.data[i] ?? []),
      size: 4,
    };
    const axis = { stroke: ink(theme.muted), font: text, ticks: { show: false } };
    return {
      width: 160,
      height: 120,
      padding: [8, 14, 0, 0],
      legend: { show: false },
      cursor: {
        y: false,
        drag: { x: false, y: false },
        sync: { key, setSeries: false, scales: ["x", null] },
        points: { size: (_u, i) => (i === 2 ? 8 : 0), fill: ink(colour), width: 0 },
      },
      scales: {
        x: { time: false, range: () => [0, this.ends.x] },
        y: { range: (_u, low, high) => this.range(low, high) },
      },
      axes: [
        {
          ...axis,
          size: X_AXIS,
          gap: 4,
          space: 56,
          grid: { show: false },
          incrs: () => (this.time ? SECONDS : STEPS),
          values: (_u, at, _axis, _space, step) => at.map((x) => (this.time ? clock(x) : tick(x, step))),
        },
        {
          ...axis,
          size: Y_AXIS,
          gap: 6,
          space: 24,
          grid: { stroke: ink(theme.line, 0.7), width: 1 },
          values: (_u, at, _axis, _space, step) => at.map((y) => tick(y, step)),
        },
      ],
      series: [
        {},
        {
          stroke: ink(colour, RAW_ALPHA),
          width: 1,
          points: { ...shown, fill: ink(colour, 0.6), stroke: ink(colour, 0) },
        },
        {
          stroke: ink(colour),
          width: 2,
          spanGaps: true, // updates in which no episode ended
          points: { ...shown, fill: ink(colour), stroke: ink(colour) },
        },
      ],
      hooks: { draw: [(u) => this.drawBaseline(u)], setCursor: [(u) => this.readOut(u)] },
    };
  }

  /**
   * @param {number|null} low
   * @param {number|null} high
   * @returns {[number, number]}
   */
  range(low, high) {
    const [least, most] = this.spec.bounds ?? [null, null];
    const given = [low, high, least, most, this.baseline].filter(
      (value) => value !== null && Number.isFinite(value),
    );
    const from = Math.min(.../** @type {number[]} */ (given));
    const to = Math.max(.../** @type {number[]} */ (given));
    if (!Number.isFinite(from)) return [0, 1];
    const spare = Math.max(0.08 * (to - from), 1e-9, to === from ? Math.abs(to) * 0.1 || 1 : 0);
    return [from === least ? from : from - spare, to === most ? to : to + spare];
  }

  /**
   * @param {number[]} x
   * @param {import("./chart_data.js").Track} track
   * @param {boolean} time whether x is seconds
   */
  setData(x, track, time) {
    const gain = this.spec.scale ?? 1;
    const points = thin(track.raw, Math.max(60, Math.round(this.plot.width / 2)));
    const at = (/** @type {(number|null)[]} */ values) =>
      points.map((i) => (values[i] === null || values[i] === undefined ? null : (values[i] ?? 0) * gain));
    this.time = time;
    this.ends.x = Math.max(x[x.length - 1] ?? 0, time ? 10 : 1000);
    this.latest = track.latest === null ? null : track.latest * gain;
    this.plot.setData([points.map((i) => x[i] ?? 0), at(track.raw), at(track.smoothed)]);
    this.showValue(this.latest);
    const after = x.length
      ? ` after ${time ? clock(x[x.length - 1] ?? 0) : `${short(x[x.length - 1] ?? 0)} steps`}`
      : "";
    this.card.setAttribute("aria-label", `${this.spec.title}: ${this.text(this.latest)}${after}`);
  }

  /** @param {number|null} value */
  setBaseline(value) {
    this.baseline = value === null ? null : value * (this.spec.scale ?? 1);
    this.plot.setData(this.plot.data);
  }

  resize() {
    const { clientWidth, clientHeight } = this.plotPlace;
    if (clientWidth < 40 || clientHeight < 40) return;
    if (clientWidth === this.plot.width && clientHeight === this.plot.height) return;
    this.plot.setSize({ width: clientWidth, height: clientHeight });
  }

  destroy() {
    this.plot.destroy();
    this.card.remove();
  }

  /** @param {number|null} value */
  text(value) {
    return value === null ? "no value yet" : `${short(value)}${this.spec.unit ? ` ${this.spec.unit}` : ""}`;
  }

  /** @param {number|null} value */
  showValue(value) {
    this.value.textContent = value === null ? "–" : this.text(value);
  }

  /** @param {uPlot} u */
  readOut(u) {
    const { idx, left } = u.cursor;
    const away = left === undefined || left < 0 || idx === null || idx === undefined;
    const [xs, raw, smooth] = u.data;
    const value = away ? this.latest : (smooth?.[idx] ?? raw?.[idx] ?? null);
    this.showValue(value);
    this.card.classList.toggle("chart-read", !away);
    if (u.over.matches(":hover") || away) this.onCursor(away ? null : (xs[idx] ?? null));
  }

  /** @param {uPlot} u */
  drawBaseline(u) {
    if (this.baseline === null) return;
    const { ctx, bbox } = u;
    const ratio = uPlot.pxRatio;
    const y = Math.round(u.valToPos(this.baseline, "y", true)) + 0.5;
    if (y < bbox.top || y > bbox.top + bbox.height) return;
    ctx.save();
    ctx.strokeStyle = css(this.theme.muted);
    ctx.lineWidth = ratio;
    ctx.setLineDash([4 * ratio, 4 * ratio]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    ctx.font = font(this.plotPlace, 12 * ratio, "sans");
    ctx.fillStyle = css(this.theme.muted);
    ctx.textAlign = "right";
    const above = y - bbox.top > 16 * ratio;
    ctx.textBaseline = above ? "bottom" : "top";
    ctx.fillText("random", bbox.left + bbox.width - 2 * ratio, y + (above ? -2 : 3) * ratio);
    ctx.restore();
  }
}
