/** A race: all robots start anew, run for a while, and are ranked by how far they came. Who falls stays where it fell. */

/** @import {EpisodeEnded, Frame} from "./protocol" */
/** @import {PlayControl} from "./play_control.js" */

/**
 * @typedef {object} Runner
 * @property {number} row on the stage
 * @property {string} name letter and number
 * @property {number} start where it began (m)
 * @property {number} distance so far (m)
 * @property {number|null} out_s when it fell, after the start; null: it runs
 */

export const RACE_S = 20;
const POSE = 7;

/** Fires "change" when it starts, ends, or somebody has moved. */
export class Race extends EventTarget {
  /** @param {PlayControl} play */
  constructor(play) {
    super();
    this.play = play;
    /** @type {"none"|"starting"|"running"|"over"} */
    this.state = "none";
    /** @type {Runner[]} */
    this.runners = [];
    /** Simulated seconds of the show when it began. */
    this.began_s = 0;
    this.elapsed_s = 0;
    /** Bodies of a robot, and the one whose place counts. */
    this.robot = { bodies: 1, tracked: 0 };
    play.addEventListener("frame", (event) => this.#frame(/** @type {CustomEvent<Frame>} */ (event).detail));
    play.addEventListener("ended", (event) =>
      this.#ended(/** @type {CustomEvent<EpisodeEnded>} */ (event).detail),
    );
    for (const name of ["started", "lineup"]) play.addEventListener(name, () => this.stop());
  }

  /** Whether the robots on the stage can race: they must have a way that is forward. */
  get possible() {
    const axis = this.play.show?.task.forward_axis ?? "";
    return this.play.lineup.robots > 1 && axis !== "" && this.play.state !== "failed";
  }

  /** @param {{bodies: number, tracked: number}} robot */
  start(robot) {
    const { play } = this;
    if (!this.possible) return;
    this.robot = robot;
    this.runners = [];
    this.elapsed_s = 0;
    this.state = "starting";
    play.reset();
    play.resume();
    this.#changed();
  }

  /** No race any more. */
  stop() {
    if (this.state === "none") return;
    this.state = "none";
    this.runners = [];
    this.#changed();
  }

  /** The furthest first; of equals, the one that still runs. */
  get ranking() {
    return [...this.runners].sort((a, b) => b.distance - a.distance || a.row - b.row);
  }

  /** @param {Frame} frame */
  #frame(frame) {
    if (this.state !== "starting" && this.state !== "running") return;
    const poses = new Float32Array(frame.poses);
    const place = (/** @type {number} */ row) =>
      poses[(row * this.robot.bodies + this.robot.tracked) * POSE] ?? 0;
    // Frames from before the reset may still come; the first of the race is the first in which all are new.
    if (this.state === "starting" && !this.#line(frame, place)) return;
    this.elapsed_s = frame.sim_s - this.began_s;
    for (const runner of this.runners)
      if (runner.out_s === null) runner.distance = place(runner.row) - runner.start;
    if (this.elapsed_s >= RACE_S || this.runners.every(({ out_s }) => out_s !== null)) this.state = "over";
    this.#changed();
  }

  /**
   * Put everybody at the start.
   * @param {Frame} frame
   * @param {(row: number) => number} place
   * @returns {boolean} whether all have started anew
   */
  #line(frame, place) {
    const { lineup, started } = this.play;
    if (frame.steps.length !== lineup.robots || !started) return false;
    const newest = 1 / started.dt;
    if (!frame.steps.every((steps) => steps < newest)) return false;
    this.runners = lineup.placed.flatMap(({ part, first }) =>
      Array.from({ length: part.show.n_envs }, (_, k) => ({
        row: first + k,
        name: `${lineup.letter(part)}${k + 1}`,
        start: place(first + k),
        distance: 0,
        out_s: null,
      })),
    );
    this.began_s = frame.sim_s;
    this.state = "running";
    return true;
  }

  /** @param {EpisodeEnded} episode whose row is one of the stage's */
  #ended(episode) {
    const runner = this.runners[episode.row];
    if (this.state !== "running" || !runner || runner.out_s !== null) return;
    runner.out_s = this.elapsed_s;
    if (episode.distance !== null) runner.distance = episode.distance;
  }

  #changed() {
    this.dispatchEvent(new CustomEvent("change"));
  }
}
