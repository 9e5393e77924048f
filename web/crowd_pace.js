/** A phone shows as many robots as it can move in real time, by what it measured. */

import { CROWD } from "./app.js";

/** @import {App} from "./app.js" */
/** @import {Frame} from "./protocol" */

const PHONE = matchMedia("(max-width: 760px)");
/** Below this share of real time robots are seen to crawl. */
const SLOW = 0.9;
/** One slow second can be the page's own loading; so many in a row are the processor. */
const SLOW_FOR_MS = 3000;
const FEWEST = 1;

/**
 * How many robots would move in real time, at the speed of so many.
 * @param {number} robots
 * @param {number} factor simulated seconds per second, with so many
 */
export function robotsInRealTime(robots, factor) {
  return Math.max(FEWEST, Math.min(robots - 1, Math.floor(robots * factor)));
}

/**
 * Let fewer robots of the crowd that opens the page act while they are slower than real time. Of a larger number, which
 * somebody chose, and on a desk, the page says at what speed they run.
 * @param {App} app
 */
export function suitCrowd(app) {
  const { play } = app;
  /** @type {number|null} */
  let slowSince = null;
  play.addEventListener("frame", (event) => {
    const factor = /** @type {CustomEvent<Frame>} */ (event).detail.real_time_factor;
    const { show } = play;
    const slow = PHONE.matches && play.speed === 1 && factor !== null && factor < SLOW;
    if (!slow || !show || show.n_envs <= FEWEST || show.n_envs > CROWD || app.run.state === "running") {
      slowSince = null;
      return;
    }
    slowSince ??= performance.now();
    if (performance.now() - slowSince < SLOW_FOR_MS) return;
    slowSince = null;
    app.show(show.entry, show.task, { n_envs: robotsInRealTime(show.n_envs, factor) });
  });
}
