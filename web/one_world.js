/** All robots of the Watch room in one physics world, where they touch and bump and are thrown at; or each in its own again. */

import { failure } from "./errors.js";

/** @import {Failed} from "./protocol" */
/** @import {Part} from "./lineup.js" */
/** @import {PlayControl} from "./play_control.js" */

/** As the player's worker has it. */
export const MOST_TOGETHER = 50;

export class OneWorld {
  /** @param {PlayControl} play */
  constructor(play) {
    this.play = play;
    this.on = false;
    /** Something to do when all robots are there. @type {(() => void)|null} */
    this.afterwards = null;
    play.addEventListener("lineup", () => this.#whenFull());
    play.addEventListener("started", () => this.#whenFull());
  }

  /** Robots of all parts, whether they are there yet or not. */
  get robots() {
    return this.play.lineup.parts.reduce((sum, { show }) => sum + show.n_envs, 0);
  }

  /** Why the robots cannot be put together, or "". */
  get obstacle() {
    const { play, robots } = this;
    if (!play.show || !play.canShare)
      return "This policy takes a Python worker, which shows it in a world of its own.";
    if (robots > MOST_TOGETHER) return `One world holds up to ${MOST_TOGETHER} robots; there are ${robots}.`;
    return "";
  }

  /**
   * Where a part's robots stand: what its start message says of it.
   * @param {Part} part
   */
  place(part) {
    if (!this.on) return { together: 0, place: 0 };
    const { parts } = this.play.lineup;
    const before = parts.slice(0, parts.indexOf(part));
    return { together: this.robots, place: before.reduce((sum, { show }) => sum + show.n_envs, 0) };
  }

  /**
   * @param {boolean} on
   * @param {() => void} [then] when all are there
   */
  set(on, then) {
    if (on && this.obstacle) return;
    this.afterwards = then ?? null;
    this.on = on;
    this.regroup();
  }

  /** Begin anew: another number of robots, or other worlds. */
  regroup() {
    const { play } = this;
    const { client } = play;
    if (this.on && this.obstacle) this.on = false;
    if (!client) return;
    play.started = null;
    for (const part of play.lineup.parts) {
      part.started = false;
      play.startPart(part, client).catch((error) => play.notices.report(error, { key: "play" }));
    }
    play.changed();
  }

  /**
   * The worker cannot put them together.
   * @param {Failed} message
   */
  refused(message) {
    this.on = false;
    this.afterwards = null;
    this.play.notices.report(failure(message), { key: "play" });
    this.regroup();
  }

  /** Whether all robots are there. */
  get #full() {
    return this.play.lineup.parts.every(({ started }) => started);
  }

  #whenFull() {
    const { afterwards } = this;
    if (!afterwards || !this.#full) return;
    this.afterwards = null;
    afterwards();
  }

  /**
   * Throw a ball at a robot; who stands alone is put into one world with the others first, which takes its time.
   * @param {number} row on the stage
   * @param {number} body
   */
  throwAt(row, body) {
    const { play } = this;
    if (!this.on) return this.set(true, () => this.throwAt(row, body));
    if (!this.#full) {
      this.afterwards = () => this.throwAt(row, body);
      return;
    }
    const at = play.lineup.at(row);
    if (at) play.client?.send({ type: "throw", row: at.row, body, show: at.part.id });
  }
}
