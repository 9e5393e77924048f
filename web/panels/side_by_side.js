/** Policies side by side: who acts, with how many robots, how far and how safely they get, and what the physics makes of it. */

import { ROWS_OF_ALL } from "../lineup.js";
import { memberColour } from "./ask/colours.js";
import { button, h, iconButton, setText } from "./elements.js";
import { fixed, fullCount, NO_BREAK, plural, shortCount } from "./format.js";

/** @import {PolicyEntry} from "../page_types" */
/** @import {Part} from "../lineup.js" */
/** @import {PlayControl} from "../play_control.js" */
/** @import {PolicyLibrary} from "../policy_library.js" */
/** @import {Stage} from "./stage.js" */

const COUNTS = [1, 4, 12, 24, 48, 100, 250, 500, 1000, 2000];
/** A policy that joins brings so many robots. */
const JOINING = 12;
const REDRAW_MS = 500;

export class SideBySide {
  /**
   * @param {PlayControl} play
   * @param {PolicyLibrary} library
   * @param {Stage} stage
   */
  constructor(play, library, stage) {
    this.play = play;
    this.library = library;
    this.stage = stage;
    /** Figures of each part, by the number of its show. @type {Map<number, HTMLElement>} */
    this.figures = new Map();
    this.list = h("div");
    this.choice = h("select", { class: "select", id: "beside-policy", "aria-label": "Policy to add" });
    this.adder = button("Add", () => this.#add(), { icon: "plus", title: "Let it act beside the others" });
    this.about = h("p", { class: "arena-about" });
    this.speed = h("p", { class: "arena-speed num", title: "Speed of the physics" });
    this.element = h(
      "section",
      { class: "group", id: "side-by-side" },
      h("h2", { class: "group-title" }, "Side by side"),
      this.list,
      h("div", { class: "arena-add" }, this.choice, this.adder),
      this.about,
      this.speed,
    );
    this.counted = { steps: 0, at_ms: 0 };
    this.rate = 0;
    for (const name of ["change", "lineup", "started"]) play.addEventListener(name, () => this.update());
    library.addEventListener("change", () => this.update());
    setInterval(() => this.#count(), REDRAW_MS);
  }

  /** Policies of robots like the one on the stage. @returns {PolicyEntry[]} */
  get #candidates() {
    const { show } = this.play;
    if (!show) return [];
    const same = this.library.entries.filter(
      ({ task }) => this.library.tasks.get(task ?? show.task.id)?.model === show.task.model,
    );
    return [...same, ...this.library.fitting(show.task).filter(({ origin }) => origin === "random")];
  }

  update() {
    const { lineup, canShare, show } = this.play;
    const candidates = this.#candidates;
    const key = candidates.map(({ key: each }) => each).join(" ");
    if (this.choice.dataset.key !== key) {
      const before = this.choice.value;
      this.choice.dataset.key = key;
      this.choice.replaceChildren(
        ...candidates.map((entry) => h("option", { value: entry.key }, this.#title(entry))),
      );
      if (candidates.some((entry) => entry.key === before)) this.choice.value = before;
    }
    this.choice.disabled = this.adder.disabled = !canShare || !show || candidates.length === 0;
    setText(
      this.about,
      show && !canShare && this.play.state !== "booting"
        ? "This policy takes a Python worker, which shows it alone and in the plain world."
        : "",
    );
    const parts = lineup.parts.map(({ id, show: { entry, n_envs } }) => `${id} ${entry.key} ${n_envs}`);
    if (this.list.dataset.key !== parts.join()) {
      this.list.dataset.key = parts.join();
      this.figures.clear();
      this.list.replaceChildren(...lineup.parts.map((part, index) => this.#row(part, index)));
    }
    this.#count();
  }

  /** @param {PolicyEntry} entry */
  #title(entry) {
    const steps =
      entry.origin === "training" && entry.facts ? `, ${shortCount(entry.facts.steps)} steps` : "";
    return `${entry.title}${steps}`;
  }

  /**
   * @param {Part} part
   * @param {number} index
   */
  #row(part, index) {
    const { show, id } = part;
    const figures = h("p", { class: "arena-figures num" });
    this.figures.set(id, figures);
    const title = this.#title(show.entry);
    const letter = this.play.lineup.letter(part);
    const count = h(
      "select",
      {
        class: "select arena-count num",
        "aria-label": `Robots of ${letter}, ${title}`,
        onchange: () => this.#resize(part, Number(count.value)),
      },
      ...[...new Set([...COUNTS, show.n_envs])]
        .sort((a, b) => a - b)
        .map((n) => h("option", { value: String(n), selected: n === show.n_envs }, String(n))),
    );
    const away = iconButton("close", `Remove ${letter}, ${title}`, () => this.play.guests.leave(id));
    away.classList.add("arena-away");
    away.hidden = id === 0;
    return h(
      "div",
      { class: "arena-part", style: `--part: ${memberColour(index)}`, "data-part": String(id) },
      h("span", { class: "arena-letter", "aria-hidden": "true" }, letter),
      h("span", { class: "arena-title", title: `${title}, ${show.task.title}` }, title),
      id === 0 ? h("span", { class: "num muted" }, plural(show.n_envs, "robot")) : count,
      away,
      figures,
    );
  }

  #add() {
    const { play } = this;
    const { show } = play;
    const entry = this.#candidates.find(({ key }) => key === this.choice.value);
    if (!show || !entry) return;
    const task = this.library.tasks.get(entry.task ?? show.task.id) ?? show.task;
    const room = ROWS_OF_ALL - play.lineup.parts.reduce((sum, part) => sum + part.show.n_envs, 0);
    if (room < 1) {
      setText(
        this.about,
        `${fullCount(ROWS_OF_ALL)} robots are on the stage, the most there can be. Take some away first.`,
      );
      return;
    }
    const part = play.guests.add({ entry, task, n_envs: Math.min(JOINING, room), seed: show.seed });
    if (part) part.follows = entry.origin === "training";
    else setText(this.about, "Seven policies are side by side, the most there can be. Remove one first.");
  }

  /**
   * @param {Part} part
   * @param {number} n_envs
   */
  #resize(part, n_envs) {
    this.play.guests.replace(part.id, { ...part.show, n_envs });
    this.update();
  }

  /** Bring the figures up to date. */
  #count() {
    const { play, stage } = this;
    if (this.element.offsetParent === null) return;
    const now = performance.now();
    const steps = play.quick?.physicsSteps ?? 0;
    this.speed.dataset.steps = String(steps);
    this.speed.dataset.at = String(now);
    if (now - this.counted.at_ms >= REDRAW_MS - 50) {
      const made = steps - this.counted.steps;
      this.rate = made > 0 && this.counted.at_ms ? (1000 * made) / (now - this.counted.at_ms) : 0;
      this.counted = { steps, at_ms: now };
    }
    for (const part of play.lineup.parts) {
      const place = this.figures.get(part.id);
      if (place) setText(place, partWords(play, part, stage));
    }
    const moving = play.state === "playing" && play.canShare && this.rate > 0;
    const workers = plural(play.quick?.workers ?? 0, "worker");
    setText(
      this.speed,
      moving
        ? `${shortCount(Math.round(this.rate))} physics steps/s in ${workers}, ${pictureRate(stage.fps)}`
        : "",
    );
  }
}

/**
 * What is known of a part now: how far its robots are from where they began, and how often they fell.
 * @param {PlayControl} play
 * @param {Part} part
 * @param {Stage} stage
 */
function partWords(play, part, stage) {
  if (!part.started) return "Starting";
  const { tally } = part;
  const falls = plural(tally.falls, "fall");
  const { scene, frame } = stage.view;
  const placed = play.lineup.placed.find((each) => each.part === part);
  const words = [];
  const stride = (scene?.bodies.length ?? 0) * 7;
  // A frame of the robots before these may still be the newest.
  const current = frame?.poses.length === play.lineup.robots * stride;
  if (scene && frame && current && placed && part.show.task.forward_axis && !play.oneWorld.on) {
    let sum = 0;
    for (let row = placed.first; row < placed.first + part.show.n_envs; row++)
      sum += frame.poses[row * stride + scene.tracking_body * 7] ?? 0;
    words.push(`${fixed(sum / part.show.n_envs, 1)}${NO_BREAK}m from the start on average`);
  }
  if (part.show.task.healthy.length) words.push(falls);
  if (part.follows) words.push("follows the training");
  return words.join(", ");
}

/** Few pictures with one decimal: 0.4 a second are not none. @param {number} fps */
function pictureRate(fps) {
  return fps < 9.95 ? `${fps.toFixed(1)} pictures/s` : `${Math.round(fps)} pictures/s`;
}
