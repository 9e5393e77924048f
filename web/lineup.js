/** The policies that act beside each other in the Watch room: the first is what the room shows, guests join and leave it. */

import { Tally } from "./tally.js";

/** @import {EpisodeEnded} from "./protocol" */
/** @import {PolicyEntry, TaskRecord} from "./page_types" */

/** @typedef {{entry: PolicyEntry, task: TaskRecord, n_envs: number, seed: number}} Show */

/** Robots of all policies together; more would be too small to see and too slow to wait for. */
export const ROWS_OF_ALL = 4096;
/** Letters tell policies apart where colours cannot; there are as many of both. */
export const LETTERS = "ABCDEFG";

export class Part {
  /**
   * @param {number} id number of its show, 0 for the first
   * @param {Show} show
   */
  constructor(id, show) {
    this.id = id;
    this.show = show;
    this.tally = new Tally();
    this.started = false;
    /** The policy follows the training of this page. */
    this.follows = false;
    /** The worker, or team of workers, that was told of it. @type {unknown} */
    this.client = null;
  }
}

export class Lineup {
  constructor() {
    /** The first is the room's own show. @type {Part[]} */
    this.parts = [];
    this.lastId = 0;
  }

  get guests() {
    return this.parts.slice(1);
  }

  /** Parts whose robots are on the stage, each with its first row there. @returns {{part: Part, first: number}[]} */
  get placed() {
    let first = 0;
    return this.parts
      .filter(({ started }) => started)
      .map((part) => {
        const place = { part, first };
        first += part.show.n_envs;
        return place;
      });
  }

  /** Robots on the stage. */
  get robots() {
    return this.placed.reduce((sum, { part }) => sum + part.show.n_envs, 0);
  }

  /** One letter for each robot on the stage, or null while there is one policy. */
  get labels() {
    if (this.placed.length < 2) return null;
    return this.placed.flatMap(({ part }) => Array(part.show.n_envs).fill(this.letter(part)));
  }

  /** @param {Part} part */
  letter(part) {
    return LETTERS[this.parts.indexOf(part)] ?? "?";
  }

  /** The room shows something else. @param {Show} show */
  setFirst(show) {
    this.parts[0] = new Part(0, show);
    return this.parts[0];
  }

  /** @param {Show} show */
  add(show) {
    const part = new Part(++this.lastId, show);
    this.parts.push(part);
    return part;
  }

  /** @param {number} id */
  remove(id) {
    this.parts = this.parts.filter((part, index) => index === 0 || part.id !== id);
  }

  /** @param {number} id */
  of(id) {
    return this.parts.find((part) => part.id === id) ?? null;
  }

  /**
   * Whose robot stands in a row of the stage.
   * @param {number} row
   */
  at(row) {
    const found = this.placed.findLast(({ first }) => first <= row);
    return found ? { part: found.part, row: row - found.first } : null;
  }

  /** @param {EpisodeEnded} episode */
  count(episode) {
    this.of(episode.show ?? 0)?.tally.add(episode);
  }

  forget() {
    for (const part of this.parts) part.tally = new Tally();
  }
}
