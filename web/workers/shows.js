/** The shows of a player without Python: several policies, each with robots of its own, take turns as their steps are due. */

import { ModelError } from "./engine.js";
import { Pace } from "./pace.js";
import { ConfigError } from "./play_task.js";
import { Show } from "./show.js";

/** @import {Disturb, FromWorker, Inspect, StartPlaying, Steer, Throw, ToWorker} from "../protocol" */
/** @import {Circle} from "./circle.js" */
/** @import {Surroundings} from "./show.js" */

/** So many rows move before anything else gets its turn. */
const ROWS_AT_A_TIME = 16;
/** How often a show of at most so many rows is published (ms): the page draws large crowds less often. */
const FRAMES = /** @type {const} */ ([
  [64, 33],
  [512, 66],
  [Number.POSITIVE_INFINITY, 150],
]);

/** These robots cannot stand in one world; each in its own, they can be shown. */
class TogetherError extends Error {
  name = "TogetherError";
}

/** A show and its clock. */
class Act {
  /**
   * @param {Show} show
   * @param {Pace} pace
   * @param {boolean} shared whether its robots move with those of other shows
   */
  constructor(show, pace, shared) {
    this.show = show;
    this.pace = pace;
    this.shared = shared;
    /** Something is to be seen that the last frame did not show. */
    this.changed = true;
    this.shown_ms = 0;
    const [, every_ms] = FRAMES.find(([most]) => show.seeds.length <= most) ?? FRAMES[2];
    this.every_ms = every_ms;
  }
}

export class Shows {
  /**
   * @param {(message: FromWorker) => void} post
   * @param {() => number} now seconds
   */
  constructor(post, now) {
    this.post = post;
    this.now = now;
    /** @type {Map<number, Act>} */
    this.acts = new Map();
    this.running = false;
    /** @type {Disturb|null} */
    this.world = null;
    /** The shows whose robots share a world. @type {Circle|null} */
    this.circle = null;
    /** The code of shared worlds, loaded when somebody first asks for one. @type {typeof Circle|null} */
    this.Circle = null;
  }

  /** Whether a message is about a shared world, and the code for that is not here yet. @param {ToWorker} message */
  lacks(message) {
    return message.type === "start_playing" && Boolean(message.together) && !this.Circle;
  }

  async fetchLacking() {
    this.Circle = (await import("./circle.js")).Circle;
  }

  /**
   * @param {number} id
   * @returns {Show}
   * @throws {ConfigError} there is none of that number
   */
  of(id) {
    return this.#act(id).show;
  }

  /** @param {number} id */
  #act(id) {
    const act = this.acts.get(id);
    if (!act) throw new ConfigError("nothing is shown yet; start playing a policy first");
    return act;
  }

  /**
   * @param {StartPlaying} message
   * @param {Surroundings} parts
   */
  start(message, parts) {
    if (message.together) {
      try {
        return this.#join(message, parts);
      } catch (error) {
        if (this.circle?.shows.size === 0) this.#closeCircle();
        if (!(error instanceof ConfigError || error instanceof ModelError)) throw error;
        throw new TogetherError(error.message);
      }
    }
    // A bad message must not end what is shown.
    const next = new Show(parts, message, this.post);
    /** @type {Act} */
    let act;
    try {
      act = new Act(next, new Pace(next.sim.dt, message.speed ?? 1, this.now()), false);
      if (this.world) next.disturb(this.world);
    } catch (error) {
      next.close();
      throw error;
    }
    this.#end(next.id);
    this.acts.set(next.id, act);
    this.running = message.running ?? true;
    this.post(next.started());
  }

  /**
   * Put robots into the world that others stand in, or will.
   * @param {StartPlaying} message
   * @param {Surroundings} parts
   */
  #join(message, parts) {
    const id = message.show ?? 0;
    if (this.circle && !this.circle.fits(message)) {
      for (const each of this.circle.shows.keys()) this.acts.delete(each);
      this.#closeCircle();
    }
    this.#end(id);
    const { Circle } = this;
    if (!Circle) throw new Error("a shared world was asked for before its code was there");
    this.circle ??= new Circle(message, parts, this.now());
    const { circle } = this;
    const next = new Show(parts, message, this.post, circle.world);
    try {
      if (this.world) next.disturb(this.world);
      circle.add(next);
    } catch (error) {
      next.close();
      throw error;
    }
    this.acts.set(id, new Act(next, circle.pace, true));
    this.running = message.running ?? true;
    this.post(next.started());
  }

  /** @param {number} id */
  stop(id) {
    this.#act(id);
    this.#end(id);
  }

  /** @param {number} id */
  #end(id) {
    const act = this.acts.get(id);
    this.acts.delete(id);
    if (!act?.shared) return act?.show.close();
    this.circle?.remove(id);
    if (this.circle?.shows.size === 0) this.#closeCircle();
  }

  #closeCircle() {
    this.circle?.close();
    this.circle = null;
  }

  /** @param {Throw} message */
  throwAt(message) {
    if (!this.circle) throw new ConfigError("each robot has a world of its own; put them into one first");
    this.circle.throwAt(message);
  }

  /** @param {number} speed */
  setSpeed(speed) {
    for (const { pace } of this.acts.values()) pace.setSpeed(speed);
    this.#restart();
  }

  #restart() {
    for (const { pace } of this.acts.values()) pace.restart(this.now());
  }

  /** @param {boolean} run */
  run(run) {
    this.#any();
    if (run === this.running) return;
    this.running = run;
    this.#restart();
    this.post({ type: "state_changed", state: run ? "running" : "paused" });
  }

  #any() {
    if (this.acts.size === 0) throw new ConfigError("nothing is shown yet; start playing a policy first");
  }

  singleStep() {
    this.run(false);
    for (const act of this.acts.values()) {
      if (!act.shared) act.show.step();
      act.changed = true;
    }
    this.circle?.step();
  }

  reset() {
    this.#any();
    this.circle?.world.begin();
    for (const act of this.acts.values()) {
      act.show.reset();
      act.changed = true;
    }
  }

  /** Every show that takes commands takes this one. @param {Steer} message */
  steer(message) {
    this.#any();
    const acts = [...this.acts.values()];
    const led = acts.filter(({ show }) => show.task.command);
    for (const act of led.length ? led : acts) {
      act.show.steer(message);
      act.changed = true;
    }
  }

  /** @param {Disturb} message */
  disturb(message) {
    for (const { show } of this.acts.values()) show.disturb(message);
    this.world = message;
  }

  /** Look into a robot; a row that is not here is another worker's. @param {Inspect} message */
  inspect(message) {
    for (const [id, act] of this.acts) {
      act.show.inspect(id === (message.show ?? 0) ? message.row : -1);
      act.changed = true;
    }
  }

  /** Move the rows that are due the longest. @returns {number|null} seconds until rows are due */
  advance() {
    if (!this.running || this.acts.size === 0) return null;
    const now = this.now();
    let wait = Number.POSITIVE_INFINITY;
    /** @type {Act|null} */
    let next = null;
    for (const act of this.acts.values()) {
      if (act.shared && !this.circle?.full) continue;
      const due = act.show.sweeping ? 0 : act.pace.wait(now);
      wait = Math.min(wait, due);
      if (due === 0 && (!next || act.pace.due < next.pace.due)) next = act;
    }
    if (!next) return Number.isFinite(wait) ? wait : null;
    if (next.shared) return this.#moveCircle();
    if (next.show.advance(ROWS_AT_A_TIME)) next.pace.stepped(this.now());
    next.changed = true;
    return 0;
  }

  /** Everybody in the shared world makes one step. */
  #moveCircle() {
    this.circle?.step();
    this.circle?.pace.stepped(this.now());
    for (const act of this.acts.values()) if (act.shared) act.changed = true;
    return 0;
  }

  /**
   * Send what is new to be seen, not too often.
   * @param {boolean} last nothing will move after this
   */
  publish(last) {
    const now = performance.now();
    for (const act of this.acts.values()) {
      if (!act.changed || (now - act.shown_ms < act.every_ms && !last)) continue;
      act.shown_ms = now;
      act.changed = false;
      this.post(act.show.frame(this.running ? act.pace.factor : null));
    }
  }
}
