/**
 * Workers without Python that share the robots of a room: the rows of a show lie in as many workers as they need, and several
 * shows stand beside each other. To whoever owns it the team is one worker; what it hears of the members' rows it puts together.
 */

import { WorkerClient } from "./worker_client.js";

/** @import {Disturb, Frame, FromWorker, Push, StartPlaying, Throw, ToWorker} from "./protocol" */
/** @import {Handlers} from "./worker_client.js" */

/** @typedef {StartPlaying & {type: "start_playing"}} Start */
/**
 * @typedef {object} Slice neighbouring rows of a show in one worker
 * @property {number} member
 * @property {number} first
 * @property {number} count
 * @property {Extract<FromWorker, {type: "started"}>|null} started
 * @property {Frame|null} frame the newest
 */
/** @typedef {{start: Start, slices: Slice[]}} Play */

/** A worker takes so many robots before the next one is started: twelve, at eight times real time, are work for one. */
const ROWS_PER_WORKER = 16;
/** Frames of at most so many robots are handed on this often (ms): putting those of thousands together takes the page's time. */
const FRAMES = /** @type {const} */ ([
  [128, 33],
  [1500, 66],
  [Number.POSITIVE_INFINITY, 200],
]);

export class ShowTeam {
  /**
   * The first worker starts at once, others when there are rows for them.
   * @param {Handlers} handlers
   * @param {number} most workers
   */
  constructor(handlers, most) {
    this.handlers = handlers;
    this.most = most;
    /** @type {"booting"|"ready"|"lost"|"closed"} */
    this.state = "booting";
    /** @type {WorkerClient[]} */
    this.members = [];
    /** By their numbers. @type {Map<number, Play>} */
    this.plays = new Map();
    /** @type {(Disturb & {type: "disturb"})|null} */
    this.world = null;
    this.busy = false;
    this.sent_ms = 0;
    /** @type {ReturnType<typeof setTimeout>|undefined} */
    this.timer = undefined;
    this.booted = this.#member(0).booted;
  }

  get ready() {
    return this.members[0]?.ready ?? null;
  }

  /** Rows of all shows. */
  get rows() {
    return [...this.plays.values()].reduce((sum, { start }) => sum + start.n_envs, 0);
  }

  /** Workers that have rows. */
  get workers() {
    return this.members.filter((_, member) => this.#load(member) > 0).length;
  }

  /** Physics steps of all robots since the members began with them, as far as frames have told. */
  get physicsSteps() {
    let sum = 0;
    for (const { start, slices } of this.plays.values()) {
      const skip = /** @type {{frame_skip: number}} */ (/** @type {unknown} */ (start.task)).frame_skip;
      for (const { count, started, frame } of slices)
        if (started && frame) sum += Math.round(frame.sim_s / started.dt) * skip * count;
    }
    return sum;
  }

  /** @param {ToWorker} message */
  send(message) {
    switch (message.type) {
      case "start_playing":
        this.#start(message);
        return;
      case "stop_playing":
        return this.#stop(message.show);
      case "swap_policy":
        for (const { member, started } of this.plays.get(message.show)?.slices ?? [])
          if (started) this.members[member]?.send(message);
        return;
      case "push":
      case "throw":
        return this.#push(message);
      case "disturb":
        this.world = message;
        for (const member of this.members) member.send(message);
        return;
      default:
        for (const [k, member] of this.members.entries()) if (this.#load(k) > 0) member.send(message);
    }
  }

  /**
   * @template {import("./worker_client.js").Answer} T
   * @param {Parameters<WorkerClient["request"]>[0]} message
   * @returns {Promise<T>}
   */
  request(message) {
    return this.#member(0).request(message);
  }

  /** @param {boolean} busy */
  expectTraffic(busy) {
    this.busy = busy;
    for (const [k, member] of this.members.entries()) member.expectTraffic(busy && this.#load(k) > 0);
  }

  close() {
    this.#end("closed");
  }

  /** @param {"lost"|"closed"} state */
  #end(state) {
    if (this.state === "lost" || this.state === "closed") return;
    this.state = state;
    clearTimeout(this.timer);
    for (const member of this.members) member.close();
  }

  /**
   * @param {number} index
   * @returns {WorkerClient}
   */
  #member(index) {
    const found = this.members[index];
    if (found) return found;
    const member = new WorkerClient("show", {
      onMessage: (message) => this.#receive(index, message),
      onBoot: (booting) => index === 0 && this.handlers.onBoot(booting),
      onLost: (error) => {
        this.#end("lost");
        this.handlers.onLost(error);
      },
      onQuiet: (seconds) => this.handlers.onQuiet?.(seconds),
    });
    this.members[index] = member;
    if (this.world) member.send(this.world);
    return member;
  }

  /**
   * Rows of a member.
   * @param {number} member
   * @param {number} [but] rows of this show do not count
   */
  #load(member, but = -1) {
    let sum = 0;
    for (const [id, { slices }] of this.plays) {
      for (const slice of slices) if (id !== but && slice.member === member) sum += slice.count;
    }
    return sum;
  }

  /** @param {Start} message */
  async #start(message) {
    const id = message.show ?? 0;
    const slices = this.#slice(message.n_envs, id, Boolean(message.together));
    const before = this.plays.get(id)?.slices ?? [];
    for (const { member, started } of before) {
      if (started && !slices.some((slice) => slice.member === member))
        this.members[member]?.send({ type: "stop_playing", show: id });
    }
    /** @type {Play} */
    const play = { start: message, slices };
    this.plays.set(id, play);
    // A worker that is lost says so by itself.
    await Promise.all(slices.map(({ member }) => this.#member(member).booted)).catch(() => {});
    if (this.plays.get(id) !== play || this.state === "lost" || this.state === "closed") return;
    for (const { member, first, count } of slices)
      this.members[member]?.send({ ...message, n_envs: count, first_row: first });
    this.expectTraffic(this.busy);
  }

  /**
   * Cut a show's rows into equal parts, for the workers that have least to do.
   * @param {number} rows
   * @param {number} id
   * @param {boolean} together whether they share a world, which lies in the first worker
   * @returns {Slice[]}
   */
  #slice(rows, id, together) {
    if (together) return [{ member: 0, first: 0, count: rows, started: null, frame: null }];
    const parts = Math.min(this.most, Math.ceil(rows / ROWS_PER_WORKER));
    const members = Array.from({ length: this.most }, (_, member) => member)
      .sort((a, b) => this.#load(a, id) - this.#load(b, id) || a - b)
      .slice(0, parts)
      .sort((a, b) => a - b);
    const at = (/** @type {number} */ part) => Math.round((part * rows) / parts);
    return members.map((member, part) => ({
      member,
      first: at(part),
      count: at(part + 1) - at(part),
      started: null,
      frame: null,
    }));
  }

  /** @param {number} id */
  #stop(id) {
    const play = this.plays.get(id);
    if (!play) return;
    this.plays.delete(id);
    for (const { member, started } of play.slices)
      if (started) this.members[member]?.send({ type: "stop_playing", show: id });
    this.expectTraffic(this.busy);
    // Whoever stays is seen again, even if nothing moves.
    this.timer ??= setTimeout(() => this.#show(), this.#every_ms);
  }

  /** How often frames are handed on (ms). */
  get #every_ms() {
    let rows = 0;
    for (const { start } of this.plays.values()) rows += start.n_envs;
    return (FRAMES.find(([most]) => rows <= most) ?? FRAMES[2])[1];
  }

  /** @param {(Push & {type: "push"})|(Throw & {type: "throw"})} message its row is one of the show's */
  #push(message) {
    const slices = this.plays.get(message.show ?? 0)?.slices ?? [];
    const slice = slices.find(({ first, count }) => message.row >= first && message.row < first + count);
    if (slice?.started) this.members[slice.member]?.send(message);
  }

  /**
   * @param {number} index of the member
   * @param {FromWorker} message
   */
  #receive(index, message) {
    switch (message.type) {
      case "ready":
        if (index !== 0) return;
        this.state = "ready";
        return this.handlers.onMessage(message);
      case "started":
        return this.#started(index, message);
      case "frame":
        return this.#frame(index, message);
      case "state_changed":
        // All hear the same; the one that moves the first rows speaks for them.
        if (this.plays.get(0)?.slices[0]?.member === index) this.handlers.onMessage(message);
        return;
      case "failed":
        if (message.show !== undefined && message.show >= 0) this.#refused(message.show, message);
        else this.handlers.onMessage(message);
        return;
      case "detail":
      case "episode_ended":
        if (!this.#sliceOf(index, message.show ?? 0)?.started) return;
        return this.handlers.onMessage(message);
      default:
        this.handlers.onMessage(message);
    }
  }

  /**
   * @param {number} member
   * @param {number} id
   */
  #sliceOf(member, id) {
    return this.plays.get(id)?.slices.find((slice) => slice.member === member);
  }

  /**
   * A show that one member refuses ends with all; the page hears of it once.
   * @param {number} id
   * @param {Extract<FromWorker, {type: "failed"}>} message
   */
  #refused(id, message) {
    const play = this.plays.get(id);
    // What was refused together has begun apart meanwhile.
    if (!play || (message.name === "TogetherError" && !play.start.together)) return;
    this.#stop(id);
    this.handlers.onMessage(message);
  }

  /**
   * @param {number} index
   * @param {Extract<FromWorker, {type: "started"}>} message
   */
  #started(index, message) {
    const id = message.show ?? 0;
    const play = this.plays.get(id);
    const slice = this.#sliceOf(index, id);
    // What a show that was replaced meanwhile still says is of no use.
    if (!play || !slice || slice.first !== message.rows[0] || slice.count !== message.n_envs) {
      if (!slice) this.members[index]?.send({ type: "stop_playing", show: id });
      return;
    }
    slice.started = message;
    slice.frame = null;
    if (!play.slices.every(({ started }) => started)) return;
    const rows = Array.from({ length: play.start.n_envs }, (_, row) => row);
    this.handlers.onMessage({ ...message, n_envs: rows.length, rows });
  }

  /**
   * @param {number} index
   * @param {Frame} frame
   */
  #frame(index, frame) {
    const slice = this.#sliceOf(index, frame.show ?? 0);
    if (!slice?.started) return;
    slice.frame = frame;
    const due_ms = this.sent_ms + this.#every_ms - performance.now();
    if (due_ms <= 0) this.#show();
    else this.timer ??= setTimeout(() => this.#show(), due_ms);
  }

  /** Hand on the newest of all rows, show after show. */
  #show() {
    clearTimeout(this.timer);
    this.timer = undefined;
    const ids = [...this.plays.keys()].sort((a, b) => a - b);
    const slices = ids.flatMap((id) => /** @type {Play} */ (this.plays.get(id)).slices);
    const frames = slices.flatMap(({ frame }) => (frame ? [frame] : []));
    const [head] = frames;
    if (!head || frames.length < slices.length) return;
    this.sent_ms = performance.now();
    const led = (this.plays.get(0)?.slices ?? []).flatMap(({ frame }) => frame?.commands ?? []);
    this.handlers.onMessage(
      frames.length === 1
        ? { ...head, type: "frame" }
        : {
            type: "frame",
            poses: joined(frames.map(({ poses }) => poses)),
            torques: joined(frames.map(({ torques }) => torques)),
            returns: frames.flatMap(({ returns }) => returns),
            steps: frames.flatMap(({ steps }) => steps),
            sim_s: head.sim_s,
            real_time_factor: this.#factor(slices),
            commands: led,
            show: 0,
            balls: frames.flatMap(({ balls }) => balls ?? []),
          },
    );
  }

  /**
   * Simulated seconds per second of the robots on average.
   * @param {Slice[]} slices
   */
  #factor(slices) {
    let [sum, rows] = [0, 0];
    for (const { frame, count } of slices) {
      const factor = frame?.real_time_factor ?? null;
      if (factor === null) continue;
      sum += factor * count;
      rows += count;
    }
    return rows ? sum / rows : null;
  }
}

/**
 * @param {(ArrayBuffer|Uint8Array)[]} parts buffers of float32
 * @returns {ArrayBuffer}
 */
function joined(parts) {
  const bytes = parts.map((part) => new Uint8Array(part));
  const all = new Uint8Array(bytes.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const each of bytes) {
    all.set(each, at);
    at += each.length;
  }
  return all.buffer;
}
