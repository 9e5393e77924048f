/** What the top bar says: what trains, and how fast robots move or learn. */

import { byId, setText } from "./elements.js";
import { shortCount, times } from "./format.js";
import { paceOf } from "./run_stats.js";

/** @import {Room} from "../page_types" */
/** @import {PlayControl} from "../play_control.js" */
/** @import {RunControl} from "../run_control.js" */

/**
 * What trains, beside the rooms and in the browser tab's title.
 * @param {RunControl} run
 * @param {Room} room in sight
 */
export function sayRun(run, room) {
  const share = Math.floor((100 * run.steps) / (run.recipe?.total_steps ?? 1));
  document.title = run.live ? `${share} % trained, TabRL` : "TabRL";
  const state = byId("run-state");
  state.hidden = run.state === "idle" || room === "train";
  state.dataset.state = run.state;
  setText(
    state,
    run.live || run.state === "finished"
      ? `Training ${run.state}`
      : `Training ${run.state}, ${shortCount(run.steps)} steps`,
  );
}

/**
 * The measured speed of what the room shows.
 * @param {Room} room in sight
 * @param {PlayControl} play
 * @param {RunControl} run
 */
export function sayPace(room, play, run) {
  let [figure, unit] = ["", ""];
  if (room === "watch") {
    const factor = play.state === "playing" ? (play.frame?.real_time_factor ?? null) : null;
    if (factor !== null) [figure, unit] = [times(factor), "real time"];
  } else if (room === "train") {
    const pace = run.state === "running" ? paceOf(run.records) : 0;
    if (pace > 0) [figure, unit] = [shortCount(pace), "steps/s"];
  }
  setText(byId("speed-read"), figure);
  setText(byId("speed-unit"), unit);
}
