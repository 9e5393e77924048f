/** The shows whose robots share one world: they choose their actions, then the world moves, then they look. */

import { Pace } from "./pace.js";
import { ConfigError } from "./play_task.js";
import { SharedSim } from "./shared_sim.js";
import { MOST_TOGETHER, SharedWorld } from "./shared_world.js";

/** @import {StartPlaying, Throw} from "../protocol" */
/** @import {Show, Surroundings} from "./show.js" */

export class Circle {
  /**
   * @param {StartPlaying} message of the first show; its `together` says how many robots there will be
   * @param {Surroundings} parts
   * @param {number} now seconds
   * @throws {Error} there cannot be such a world
   */
  constructor({ together = 0, model_xml, speed }, { mujoco }, now) {
    if (!(Number.isInteger(together) && together >= 1 && together <= MOST_TOGETHER))
      throw new ConfigError(`together=${together} robots cannot share a world; choose 1 to ${MOST_TOGETHER}`);
    this.world = new SharedWorld(mujoco, model_xml, together);
    /** @type {Map<number, Show>} */
    this.shows = new Map();
    this.pace = new Pace(0.02, speed ?? 1, now);
  }

  /**
   * Whether a show with this message can be part of it, beside those that are.
   * @param {StartPlaying} message
   */
  fits({ together, model_xml, place = 0, n_envs, show = 0 }) {
    const { world, shows } = this;
    if (together !== world.robots || model_xml !== world.xml) return false;
    for (const [id, { sim }] of shows) {
      if (id === show || !(sim instanceof SharedSim)) continue;
      if (place < sim.first + sim.nEnvs && sim.first < place + n_envs) return false;
    }
    return true;
  }

  /**
   * @param {Show} show
   * @throws {ConfigError} it steps at another time than the others
   */
  add(show) {
    const [other] = this.shows.values();
    if (other && other.task.frame_skip !== show.task.frame_skip)
      throw new ConfigError(
        `robots of ${show.task.id} act every ${show.task.frame_skip} physics steps, those of ${other.task.id} every ${other.task.frame_skip}`,
      );
    this.shows.set(show.id, show);
    this.pace.dt = show.sim.dt;
  }

  /** @param {number} id */
  remove(id) {
    this.shows.get(id)?.close();
    this.shows.delete(id);
  }

  /** Whether everybody is there who shall be. */
  get full() {
    return this.world.full;
  }

  /** One control step of all. */
  step() {
    const { world } = this;
    const shows = [...this.shows.values()];
    const [first] = shows;
    if (!first || !this.full) return;
    const sims = shows.flatMap(({ sim }) => (sim instanceof SharedSim ? [sim] : []));
    for (const show of shows) show.decide();
    for (const sim of sims) sim.drive();
    const sound = world.step(
      first.task.frame_skip,
      shows.some(({ task }) => task.post_constraint),
    );
    for (const sim of sims) sim.finish(sound);
    world.refresh();
    for (const sim of sims) sim.welcome();
    for (const show of shows) show.moved();
  }

  /**
   * @param {Throw} message
   * @throws {ConfigError} there is no such robot or body
   */
  throwAt({ row, body, show: id = 0 }) {
    const show = this.shows.get(id);
    const sim = show?.sim;
    const at = row - (show?.first ?? 0);
    if (!show || !(sim instanceof SharedSim) || !(at >= 0 && at < sim.nEnvs))
      throw new ConfigError(`row=${row} of show ${id} is not in this world; nothing to throw at`);
    if (!(Number.isInteger(body) && body >= 1 && body < sim.engine.nbody))
      throw new ConfigError(`body=${body} cannot be thrown at; the bodies are 1 to ${sim.engine.nbody - 1}`);
    this.world.throwAt(sim.first + at, body);
    // A ball may meet whoever is in its way.
    for (const each of this.shows.values()) each.disturbed.fill(1);
  }

  close() {
    for (const id of [...this.shows.keys()]) this.remove(id);
    this.world.close();
  }
}
