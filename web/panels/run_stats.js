/** Live figures of a run: progress, speeds, and where the time goes. */

import { h, setText } from "./elements.js";
import { duration, fullCount, meanAndSpread, measure, shortCount } from "./format.js";
import { arithmeticWords, workersWords } from "./run_words.js";

/** @import {Progress} from "../protocol" */
/** @import {RunControl} from "../run_control.js" */

const PARTS = /** @type {const} */ ([
  ["physics", "Physics", "var(--sky)"],
  ["policy", "Policy", "var(--pink)"],
  ["reward", "Reward", "var(--green)"],
  ["learning", "Learning", "var(--amber)"],
  ["waiting", "Waiting", "var(--edge)"],
]);
/** Updates over which speeds and remaining time are averaged. */
const RECENT = 10;

/**
 * The mean of one number over the newest records.
 * @param {Progress[]} records
 * @param {(record: Progress) => number} pick
 */
function recentMean(records, pick) {
  const recent = records.slice(-RECENT);
  return recent.length ? recent.reduce((sum, record) => sum + pick(record), 0) / recent.length : 0;
}

/** Control steps per second of the whole loop, lately; 0: nothing was measured yet. @param {Progress[]} records */
export function paceOf(records) {
  return recentMean(records, (record) => record.steps_per_s);
}

export class RunStats {
  /**
   * @param {RunControl} run
   * @param {() => number} fps
   */
  constructor(run, fps) {
    this.run = run;
    this.fps = fps;
    this.bar = h("span");
    this.progress = h(
      "div",
      {
        class: "progress",
        role: "progressbar",
        "aria-label": "Training progress",
        "aria-valuemin": "0",
        "aria-valuemax": "100",
      },
      this.bar,
    );
    this.done = h("span", { class: "num" });
    this.remaining = h("span", { class: "num muted" });
    /** @type {Map<string, HTMLDataElement>} */
    this.values = new Map();
    /** @type {Map<string, {bar: HTMLElement, share: HTMLElement}>} */
    this.parts = new Map();
    this.element = h(
      "div",
      { class: "run-stats" },
      h("div", { class: "progress-line" }, this.done, this.remaining),
      this.progress,
      this.#figures(),
      this.#timeBar(),
    );
  }

  #figures() {
    const one = (/** @type {string} */ key, /** @type {string} */ label, /** @type {string} */ title) => {
      const value = h("data", { class: "num", "data-figure": key }, "–");
      this.values.set(key, value);
      return h("div", { title }, h("dt", {}, label), h("dd", {}, value));
    };
    return h(
      "dl",
      { class: "figures" },
      one("return", "Return", "Mean over the episodes that ended in the last update, with exploration"),
      one("training", "Training", "Control steps per second of the whole loop"),
      one("physics", "Physics", "Engine steps per second of the time spent in physics"),
      one("episodes", "Episodes", "Episodes ended so far"),
      one("envs", "Robots", "Robots that practise side by side"),
      one("fps", "Page", "Pictures this page draws per second"),
      one("unstable", "Unstable", "Robots set back because their physics left the finite numbers"),
      one("updates", "Updates", "Times the policy was changed so far"),
      one("time", "Trained for", "Training time, pauses left out"),
      one("workers", "Workers", "Workers that learn this policy together; more take less time"),
      one("level", "Level", "How hard the task's curriculum makes it now"),
      one("arithmetic", "Arithmetic", "What computes the learning; the compiled kernels are the faster one"),
    );
  }

  #timeBar() {
    const bars = h("div", { class: "time-bar", role: "img", "aria-label": "Share of time per part" });
    const names = h("div", { class: "time-names num" });
    for (const [part, label, colour] of PARTS) {
      const bar = h("span", { style: `background:${colour}` });
      const share = h("b", {}, "–");
      bars.append(bar);
      names.append(h("span", {}, h("i", { style: `background:${colour}` }), label, " ", share));
      this.parts.set(part, { bar, share });
    }
    return h("div", { class: "time-parts" }, h("h3", { class: "label" }, "Time per part"), bars, names);
  }

  update() {
    const { run } = this;
    const { recipe, latest, records } = run;
    if (!recipe) return;
    const share = Math.min(1, run.steps / recipe.total_steps);
    this.bar.style.transform = `scaleX(${share})`;
    this.progress.setAttribute("aria-valuenow", String(Math.floor(100 * share)));
    setText(this.done, `${shortCount(run.steps)} of ${shortCount(recipe.total_steps)} steps`);
    const pace = paceOf(records);
    const left = pace > 0 ? Math.max(0, recipe.total_steps - run.steps) / pace : 0;
    setText(
      this.remaining,
      run.state === "running" && pace > 0 && left > 0 ? `about ${duration(left)} left` : "",
    );
    this.#put("envs", fullCount(recipe.n_envs));
    this.#put("fps", `${this.fps().toFixed(this.fps() < 9.5 ? 1 : 0)} fps`);
    this.#put("return", lastReturn(records), newestReturn(records)?.return_mean);
    this.#put("training", pace > 0 ? `${shortCount(pace)} steps/s` : "–");
    const physics = recentMean(records, (record) => record.physics_steps_per_s);
    this.#put("physics", physics > 0 ? `${shortCount(physics)} steps/s` : "–");
    this.#put("episodes", latest ? shortCount(latest.episodes) : "–");
    this.#put("unstable", latest ? shortCount(latest.unstable_rows) : "–");
    this.#put("updates", latest ? shortCount(latest.update) : "–", latest?.update ?? null);
    this.#put("time", latest ? duration(latest.seconds) : "–", latest?.seconds);
    this.#put("workers", workersWords(run), run.learning);
    this.#put("arithmetic", arithmeticWords(run));
    const level = latest?.level ?? null;
    this.#put("level", level === null ? "–" : `${Math.round(100 * level)} %`, level);
    const place = this.values.get("level")?.closest("div");
    if (place) place.hidden = level === null;
    this.#updateParts();
  }

  #updateParts() {
    const recent = this.run.records.slice(-RECENT);
    const seconds = PARTS.map(([part]) =>
      recent.reduce((sum, record) => sum + (record.seconds_by_part[part] ?? 0), 0),
    );
    const all = seconds.reduce((sum, each) => sum + each, 0);
    PARTS.forEach(([part], k) => {
      const place = this.parts.get(part);
      const share = all > 0 ? (seconds[k] ?? 0) / all : 0;
      if (!place) return;
      place.bar.style.flexGrow = String(share);
      setText(place.share, all > 0 ? `${Math.round(100 * share)} %` : "–");
    });
  }

  /**
   * @param {string} key
   * @param {string} text
   * @param {number|null} [value] unrounded
   */
  #put(key, text, value) {
    const place = this.values.get(key);
    if (!place) return;
    setText(place, text);
    if (value !== undefined) place.value = String(value ?? "");
  }
}

/**
 * The newest record in which an episode ended.
 * @param {Progress[]} records
 */
function newestReturn(records) {
  return records.findLast((each) => each.return_mean !== null);
}

/**
 * Its return, in words.
 * @param {Progress[]} records
 */
export function lastReturn(records) {
  const record = newestReturn(records);
  return record ? meanAndSpread(record.return_mean, record.return_std) : measure(null);
}
