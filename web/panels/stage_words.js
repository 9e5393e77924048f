/** The words over the stage: what runs, or what is loading and how far it is. */

import { fullCount, meanAndSpread, plural, shortCount } from "./format.js";
import { lastReturn } from "./run_stats.js";
import { algorithmWords } from "./settings_form.js";
import { worldWords } from "./world_panel.js";

/** @import {Booting} from "../protocol" */
/** @import {RunControl} from "../run_control.js" */
/** @import {PlayControl} from "../play_control.js" */

const LOADING = {
  python: "Loading Python",
  numpy: "Loading NumPy",
  physics: "Loading the physics engine",
  package: "Loading the learning code",
  model: "Building the robot",
};

/**
 * @param {Booting|null} boot
 * @returns {string}
 */
export function bootWords(boot) {
  if (!boot) return "Starting";
  return `${LOADING[boot.stage]}, ${Math.round(100 * boot.fraction)} %`;
}

/** @typedef {{name: string, line: string, loading: number|null}} Words loading: share done, null when nothing loads */

/**
 * @param {PlayControl} play
 * @param {string[]} [motors] names of the robot's motors
 * @returns {Words}
 */
export function watchWords(play, motors = []) {
  const { show, state } = play;
  if (!show) return { name: "TabRL", line: "Loading the page", loading: 0 };
  const name = show.task.title;
  const robots = plural(show.n_envs, "robot");
  if (state === "booting") return { name, line: bootWords(play.boot), loading: play.boot?.fraction ?? 0 };
  if (state === "failed") return { name, line: "Not running", loading: null };
  const world = worldWords(play.world, motors);
  if (play.oneWorld.on) world.unshift("one world");
  const odd = world.length ? ` · ${world.join(", ")}` : "";
  const { guests, robots: all } = play.lineup;
  if (guests.length && play.started) {
    const paused = state === "paused" ? " · paused" : "";
    const line = `${plural(all, "robot")} · ${guests.length + 1} policies side by side${odd}${paused}`;
    return { name, line, loading: null };
  }
  const steps = show.entry.facts ? `, trained for ${shortCount(show.entry.facts.steps)} steps` : "";
  const who = show.entry.origin === "random" ? "random actions" : `${show.entry.title}${steps}`;
  return { name, line: `${robots} · ${who}${odd}${state === "paused" ? " · paused" : ""}`, loading: null };
}

/**
 * @param {RunControl} run
 * @param {string} idleTask title of the task in the form
 * @param {number} idleRobots
 * @returns {Words}
 */
export function trainWords(run, idleTask, idleRobots) {
  const { recipe, task, state } = run;
  if (!recipe || !task || state === "idle" || state === "failed") {
    return { name: idleTask, line: `${plural(idleRobots, "robot")} waiting for Train`, loading: null };
  }
  const name = task.title;
  if (state === "booting") return { name, line: bootWords(run.boot), loading: run.boot?.fraction ?? 0 };
  const parts = [algorithmWords(recipe.algorithm).title, `${shortCount(run.steps)} steps`];
  if (run.records.length > 0) parts.push(`return ${lastReturn(run.records)}`);
  if (state !== "running") parts.push(state);
  return { name, line: parts.join(" · "), loading: null };
}

/**
 * What assistive technology hears when a run changes its state.
 * @param {RunControl} run
 */
export function runAnnouncement(run) {
  const at = `${fullCount(run.steps)} steps`;
  switch (run.state) {
    case "booting":
      return "Loading the training worker";
    case "running":
      return run.records.length ? `Training goes on from ${at}` : "Training started";
    case "paused":
      return `Training paused at ${at}`;
    case "stopped":
      return `Training stopped at ${at}`;
    case "finished":
      return run.evaluation
        ? `Evaluation done: return ${meanAndSpread(run.evaluation.return_mean, run.evaluation.return_std)}`
        : `Training finished after ${at}`;
    case "failed":
      return "Training could not start";
    default:
      return "";
  }
}
