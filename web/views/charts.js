/** @import {Progress} from "../protocol" */
/** @import {ChartSpec} from "./chart.js" */
import { Chart } from "./chart.js";
import { clock, short, Track } from "./chart_data.js";
import { readTheme } from "./theme.js";

/**
 * What the random policy does, for the dashed lines.
 * @typedef {object} Baseline
 * @property {number|null} return_mean
 * @property {number|null} length_mean control steps
 * @property {number|null} fall_rate 0 to 1
 */

/** @type {ChartSpec[]} */
const SPECS = [
  { key: "return_mean", title: "Return", unit: "", main: true, baseline: "return_mean" },
  {
    key: "length_mean",
    title: "Episode length",
    unit: "steps",
    main: true,
    bounds: [0, null],
    baseline: "length_mean",
  },
  {
    key: "fall_rate",
    title: "Falls",
    unit: "%",
    scale: 100,
    main: true,
    bounds: [0, 100],
    baseline: "fall_rate",
  },
  { key: "policy_loss", title: "Policy loss", unit: "" },
  { key: "value_loss", title: "Value loss", unit: "", bounds: [0, null] },
  { key: "kl", title: "KL", unit: "nat", bounds: [0, null] },
  { key: "entropy", title: "Entropy", unit: "nat" },
  { key: "explained_variance", title: "Explained variance", unit: "", bounds: [0, 1] },
  { key: "steps_per_s", title: "Speed", unit: "steps/s", bounds: [0, null] },
];

/** Redraw at most this often (ms), however fast records come. */
const EVERY_MS = 150;
/** Below this width (px) the charts wrap into rows instead of standing in one that scrolls. */
const NARROW_PX = 560;
const EMPTY = "No update yet. While a run trains, each one adds a point to every curve.";

let crosshairs = 0;

/** The curves of one run as small multiples with one crosshair over all of them. */
export class Charts {
  /** @param {HTMLElement} container */
  constructor(container) {
    this.container = container;
    this.root = document.createElement("div");
    this.root.className = "charts";
    this.root.tabIndex = 0;
    this.root.setAttribute("role", "group");
    this.root.setAttribute("aria-label", "Curves of the run");
    container.classList.add("charts-place", "charts-blank");
    container.append(this.root);
    this.empty = document.createElement("p");
    this.empty.className = "charts-empty";
    this.empty.textContent = EMPTY;
    this.chip = document.createElement("div");
    this.chip.className = "charts-chip";
    this.chip.hidden = true;
    container.append(this.empty, this.chip);
    const theme = readTheme(container);
    crosshairs += 1;
    const shared = {
      key: `tabrl-${crosshairs}`,
      onCursor: (/** @type {number|null} */ x) => this.showPlace(x),
    };
    this.charts = SPECS.map((spec) => new Chart(this.root, spec, theme, shared));
    /** @type {"steps"|"time"} */
    this.axis = "steps";
    /** @type {number[]} */
    this.steps = [];
    /** @type {number[]} */
    this.seconds = [];
    this.tracks = SPECS.map(() => new Track());
    this.timer = 0;
    /** Whether data came while the charts were out of sight. */
    this.stale = false;
    this.drawn_ms = 0;
    /** Main-thread time (ms) of the last redraw of all charts. */
    this.draw_ms = 0;
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(container);
    this.resize();
    this.draw();
  }

  /** @param {Baseline|null} baseline of the random policy */
  setBaseline(baseline) {
    for (const chart of this.charts) {
      const { baseline: key } = chart.spec;
      if (key) chart.setBaseline(baseline?.[key] ?? null);
    }
  }

  reset() {
    this.steps = [];
    this.seconds = [];
    this.tracks = SPECS.map(() => new Track());
    this.draw();
  }

  /** @param {Progress} progress */
  append(progress) {
    this.take(progress);
    this.ask();
  }

  /** @param {Progress[]} records all of a run, instead of what is shown */
  load(records) {
    this.steps = [];
    this.seconds = [];
    this.tracks = SPECS.map(() => new Track());
    for (const record of records) this.take(record);
    this.draw();
  }

  /** @param {"steps"|"time"} axis */
  setXAxis(axis) {
    this.axis = axis;
    this.draw();
  }

  resize() {
    const { clientWidth } = this.container;
    if (clientWidth < 1) return;
    this.root.classList.toggle("charts-wrapped", clientWidth < NARROW_PX);
    for (const chart of this.charts) chart.resize();
    if (this.stale) this.draw();
  }

  destroy() {
    clearTimeout(this.timer);
    this.observer.disconnect();
    for (const chart of this.charts) chart.destroy();
    this.root.remove();
    this.empty.remove();
    this.chip.remove();
    this.container.classList.remove("charts-place", "charts-blank");
  }

  /** @param {Progress} progress */
  take(progress) {
    this.steps.push(progress.steps);
    this.seconds.push(progress.seconds);
    const fields = /** @type {Record<string, any>} */ (/** @type {unknown} */ (progress));
    SPECS.forEach((spec, index) => {
      this.tracks[index]?.append(fields[spec.key]);
    });
  }

  ask() {
    if (this.timer) return;
    const wait_ms = Math.max(0, EVERY_MS - (performance.now() - this.drawn_ms));
    this.timer = window.setTimeout(() => {
      this.timer = 0;
      this.draw();
    }, wait_ms);
  }

  draw() {
    this.stale = this.container.clientWidth < 1;
    if (this.stale) return;
    const began = performance.now();
    const time = this.axis === "time";
    const x = time ? this.seconds : this.steps;
    this.charts.forEach((chart, index) => {
      chart.setData(x, this.tracks[index] ?? new Track(), time);
    });
    this.container.classList.toggle("charts-blank", this.steps.length === 0);
    this.drawn_ms = performance.now();
    this.draw_ms = this.drawn_ms - began;
  }

  /** @param {number|null} x where the crosshair is */
  showPlace(x) {
    const chart = this.charts.find((candidate) => candidate.plot.over.matches(":hover"));
    this.chip.hidden = x === null || !chart || this.steps.length === 0;
    if (x === null || !chart || this.chip.hidden) return;
    this.chip.textContent = this.axis === "time" ? clock(x) : `${short(x)} steps`;
    const place = this.container.getBoundingClientRect();
    const over = chart.plot.over.getBoundingClientRect();
    const half = this.chip.offsetWidth / 2;
    const wanted = over.left - place.left + (chart.plot.cursor.left ?? 0);
    const left = Math.min(place.width - half - 2, Math.max(half + 2, wanted));
    this.chip.style.transform = `translate(${Math.round(left - half)}px, ${Math.round(over.bottom - place.top + 2)}px)`;
  }
}
