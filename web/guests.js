/** Policies that join the one that the Watch room shows: they come and go, and nobody else's robots notice. */

import { LETTERS } from "./lineup.js";
import { needsPython } from "./play_workers.js";

/** @import {PolicyEntry} from "./page_types" */
/** @import {PageError} from "./errors.js" */
/** @import {Part, Show} from "./lineup.js" */
/** @import {PlayControl} from "./play_control.js" */

export class Guests {
  /** @param {PlayControl} play */
  constructor(play) {
    this.play = play;
  }

  /**
   * Let another policy act beside what is shown, on a robot of the same kind.
   * @param {Show} show
   * @returns {Part|null} null: no more policies fit
   */
  add(show) {
    if (!this.play.canShare || this.play.lineup.parts.length >= LETTERS.length) return null;
    const part = this.play.lineup.add(show);
    this.#place(part);
    this.play.changed();
    return part;
  }

  /**
   * Let a guest show something else at its place: another policy, another number of robots.
   * @param {number} id
   * @param {Show} show
   */
  replace(id, show) {
    const part = this.play.lineup.of(id);
    if (!part || id === 0) return;
    part.show = show;
    part.started = false;
    this.play.dispatchEvent(new CustomEvent("lineup"));
    this.#place(part);
  }

  /** Robots join those that are there; where all share a world, it begins anew. @param {Part} part */
  #place(part) {
    if (this.play.oneWorld.on) this.play.oneWorld.regroup();
    else this.join(part);
  }

  /**
   * Newer weights of a policy act at once; the robots stay where they are.
   * @param {Part} part
   * @param {PolicyEntry} entry of the same task
   */
  async swap(part, entry) {
    const bytes = await entry.load();
    if (!bytes || !this.play.canShare || !this.play.lineup.parts.includes(part)) return;
    part.show = { ...part.show, entry };
    if (part.id === 0) this.play.show = part.show;
    if (part.started) this.play.client?.send({ type: "swap_policy", show: part.id, policy: bytes.slice(0) });
    this.play.changed();
  }

  /** @param {Part} part */
  async join(part) {
    const { client } = this.play;
    if (!client) return;
    try {
      await this.play.startPart(part, client);
    } catch (error) {
      this.leave(part.id);
      this.play.notices.report(error, { key: "play" });
    }
  }

  /** End a guest's show. @param {number} id */
  leave(id) {
    if (id === 0 || !this.play.lineup.of(id)) return;
    this.play.lineup.remove(id);
    this.play.quick?.send({ type: "stop_playing", show: id });
    if (this.play.oneWorld.on) this.play.oneWorld.regroup();
    this.play.dispatchEvent(new CustomEvent("lineup"));
    this.play.changed();
  }

  /** @param {number} id */
  joined(id) {
    const part = this.play.lineup.of(id);
    if (!part) return;
    part.started = true;
    this.play.dispatchEvent(new CustomEvent("lineup"));
    this.play.changed();
  }

  /**
   * A guest cannot act here.
   * @param {number} id
   * @param {PageError} error
   */
  refused(id, error) {
    const part = this.play.lineup.of(id);
    this.leave(id);
    if (!part) return;
    if (!needsPython(error)) this.play.notices.report(error, { key: "play" });
    else
      this.play.notices.show({
        key: "play",
        title: `${part.show.entry.title} cannot act beside others`,
        what: "Its task or its reward takes a Python worker, which shows one policy.",
        todo: "Choose it alone in the list of policies.",
      });
  }
}
