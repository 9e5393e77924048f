/**
 * The Python workers that learn one policy, driven as if they were one. Training begins with the first that is ready. When
 * another is, or when one is lost, all of them begin again from the newest checkpoint: a run's numbers do not depend on how
 * many share it, so only its time changes.
 */

import { PageError } from "./errors.js";
import { MOST_WORKERS, mergeFrames, mergeStarted, mostWorkers, teamPlaces } from "./team.js";
import { WorkerClient } from "./worker_client.js";

/** @import {Booting, CheckpointFile, Failed, Frame, FromWorker, Push, Ready, Started, StartTraining, ToWorker} from "./protocol" */
/** @import {Recipe} from "./page_types" */

/**
 * @typedef {object} Handlers
 * @property {(message: FromWorker) => void} onMessage as one worker would send them
 * @property {(booting: Booting) => void} onBoot of the first worker
 * @property {(error: PageError) => void} onLost once, when no worker is left
 * @property {(seconds: number) => void} onQuiet it should be sending and is not; 0 when it is back
 * @property {(error: PageError) => void} onMemberLost training goes back to the newest checkpoint and on from there
 * @property {(error: PageError) => void} onRefused another worker could not start; it is not tried again by itself
 * @property {() => void} onChange how many learn or load
 */
/**
 * @typedef {object} Order a training that was asked for
 * @property {StartTraining} message with the newest checkpoint
 * @property {number} steps of that checkpoint
 * @property {boolean} announced whether the page was told that it has begun
 * @property {boolean} paused
 * @property {boolean} stopping
 * @property {boolean} ending its last step is done, or it is stopping: nobody joins any more
 * @property {boolean} over
 * @property {boolean} asked the checkpoint from which more or fewer go on was asked for
 */

export class WorkerGroup {
  /**
   * @param {Handlers} handlers
   * @param {number} wanted how many workers are to learn
   */
  constructor(handlers, wanted) {
    this.handlers = handlers;
    this.wanted = wanted;
    /** @type {"booting"|"ready"|"lost"|"closed"} */
    this.state = "booting";
    /** Ready or booting, oldest first. @type {WorkerClient[]} */
    this.clients = [];
    /** Those that learn, by member. @type {WorkerClient[]} */
    this.team = [];
    /** What the members said of their rows. @type {(Started|undefined)[]} */
    this.begun = [];
    /** The newest frame of each member. @type {(Frame|undefined)[]} */
    this.frames = [];
    /** How many starts a worker has not answered; what it sends before that is of an older start. @type {Map<WorkerClient, number>} */
    this.unanswered = new Map();
    /** @type {Order|null} */
    this.order = null;
    this.busy = false;
    /** The last worker that was tried could not start. */
    this.barren = false;
    /** Settles when the first worker is ready, or when none will be. @type {Promise<void>} */
    this.booted = new Promise((resolve, reject) => {
      this.settle = { resolve, reject };
    });
    // Whoever waits for it hears of a loss, and so do the handlers; nobody has to wait.
    this.booted.catch(() => {});
    this.#grow();
  }

  /** Workers that learn together at this moment. */
  get learning() {
    return this.order && !this.order.over ? this.team.length : 0;
  }

  /** Workers that are still loading. */
  get loading() {
    return this.clients.filter((client) => client.state === "booting").length;
  }

  /**
   * Send a message: to the whole team, a push to the worker whose row it is.
   * @param {ToWorker} message
   */
  send(message) {
    const { order } = this;
    if (message.type === "start_training") {
      this.#begin(message);
      return;
    }
    if (order && message.type === "pause") order.paused = true;
    if (order && message.type === "resume") order.paused = false;
    if (order && message.type === "stop") order.stopping = order.ending = true;
    if (message.type === "push") this.#ownerOf(message)?.send(message);
    else for (const client of this.team) client.send(message);
  }

  /**
   * Send a request to the first member and wait for its answer.
   * @template {import("./worker_client.js").Answer} T
   * @param {Parameters<WorkerClient["request"]>[0]} message
   * @returns {Promise<T>}
   */
  async request(message) {
    const client = this.team[0] ?? this.clients[0];
    if (!client) throw new PageError("The workers are gone", "They cannot answer any more.", "Try again.");
    return await client.request(message);
  }

  /**
   * Change how many workers learn. A running training goes on with more or fewer after its next update.
   * @param {number} wanted
   */
  setWorkers(wanted) {
    this.wanted = wanted;
    this.barren = false;
    this.#trim();
    this.#grow();
    this.handlers.onChange();
  }

  /**
   * Say whether frames ought to be coming. The members go in step, so the first one's silence is that of all.
   * @param {boolean} busy
   */
  expectTraffic(busy) {
    this.busy = busy;
    for (const [member, client] of this.team.entries()) client.expectTraffic(busy && member === 0);
  }

  /** Replace the members that do not answer. */
  async replaceSilent() {
    const asked = this.team.slice();
    const answered = await Promise.all(asked.map((client) => client.answers()));
    const error = new PageError("The worker was replaced", "It did not answer.");
    if (!answered.includes(false)) this.#restart();
    for (const [member, client] of asked.entries()) if (!answered[member]) client.lose(error);
  }

  /** End all workers. */
  close() {
    this.#end("closed", new PageError("The workers were closed", "They are not needed any more."));
  }

  /** How many workers there ought to be now. */
  get #limit() {
    const { order } = this;
    const recipe = /** @type {Recipe|undefined} */ (order && !order.over ? order.message.recipe : undefined);
    return Math.max(1, Math.min(this.wanted, recipe ? mostWorkers(recipe) : MOST_WORKERS));
  }

  /** Boot the next worker that is wanted; one at a time, so that it does not hold up the one before. */
  #grow() {
    if (this.state === "lost" || this.state === "closed" || this.barren) return;
    if (this.clients.length < this.#limit && this.loading === 0) this.clients.push(this.#newClient());
  }

  /** Close workers that are not wanted and do not learn. */
  #trim() {
    const learning = this.order && !this.order.over ? this.team : [];
    const others = this.clients.filter((client) => !learning.includes(client));
    const kept = new Set([...learning, ...others].slice(0, Math.max(learning.length, this.#limit)));
    for (const client of this.clients) if (!kept.has(client)) client.close();
    this.clients = this.clients.filter((client) => kept.has(client));
  }

  #newClient() {
    const client = new WorkerClient("trainer", {
      onMessage: (message) => this.#receive(client, message),
      onBoot: (booting) => this.state === "booting" && this.handlers.onBoot(booting),
      onLost: (error) => this.#lost(client, error),
      onQuiet: (seconds) => client === this.team[0] && this.handlers.onQuiet(seconds),
    });
    return client;
  }

  /** @param {StartTraining} message */
  #begin(message) {
    this.order = {
      message,
      steps: 0,
      announced: false,
      paused: false,
      stopping: false,
      ending: false,
      over: false,
      asked: false,
    };
    this.barren = false;
    this.#restart();
    this.#grow();
  }

  /** Those that would learn if training began now. */
  #eligible() {
    return this.clients.filter((client) => client.state === "ready").slice(0, this.#limit);
  }

  /** Let all who can begin from the newest checkpoint; where nobody can, the next that is ready will. */
  #restart() {
    const { order } = this;
    if (!order) return;
    const team = this.#eligible();
    for (const client of this.team) client.expectTraffic(false);
    this.team = team;
    this.begun = team.map(() => undefined);
    this.frames = team.map(() => undefined);
    order.ending = order.stopping || order.steps >= Number(order.message.recipe.total_steps);
    for (const [member, place] of (team.length ? teamPlaces(team.length) : []).entries()) {
      const client = /** @type {WorkerClient} */ (team[member]);
      this.unanswered.set(client, (this.unanswered.get(client) ?? 0) + 1);
      const start = { ...order.message, members: team.length, member, team: place };
      client.send(start, place.ports?.filter((port) => port !== null) ?? []);
      if (order.paused) client.send({ type: "pause" });
      if (order.stopping) client.send({ type: "stop" });
    }
    this.team[0]?.expectTraffic(this.busy);
    this.#trim();
    this.handlers.onChange();
  }

  /**
   * Where the team is not the one it ought to be, get a checkpoint of this moment, between two updates, and begin again
   * from there.
   */
  async #reform() {
    const { order } = this;
    const settled = () => order !== this.order || order?.ending || same(this.#eligible(), this.team);
    if (!order || order.asked || settled()) return;
    order.asked = true;
    /** @type {Promise<CheckpointFile>} */
    const asked = this.request({ type: "request_checkpoint" });
    // A worker that cannot answer is dealt with where it is lost.
    const file = await asked.catch(() => null);
    order.asked = false;
    if (!file || settled()) return;
    this.#keep(order, file);
    this.handlers.onMessage({ ...file, id: 0 });
    this.#restart();
  }

  /**
   * @param {Order} order
   * @param {CheckpointFile} file
   */
  #keep(order, file) {
    order.message = { ...order.message, checkpoint: file.checkpoint, policy: null };
    order.steps = file.steps;
  }

  /**
   * @param {WorkerClient} client
   * @param {FromWorker} message
   */
  #receive(client, message) {
    const member = this.team.indexOf(client);
    if (message.type === "ready") this.#ready(message);
    else if (message.type === "started") this.#started(client, message);
    else if (member < 0) return;
    else if (this.unanswered.get(client)) {
      if (message.type === "failed") this.#refused(client, message);
    } else if (message.type === "frame") this.#frame(member, message);
    else if (message.type === "failed") this.handlers.onMessage(message);
    else if (member === 0) this.#report(message);
  }

  /** What the first member says of the run. @param {FromWorker} message */
  #report(message) {
    const { order } = this;
    if (!order) return;
    if (message.type === "checkpoint_file") this.#keep(order, message);
    if (message.type === "state_changed" && (message.state === "finished" || message.state === "stopped"))
      order.over = order.ending = true;
    if (message.type === "progressed" && message.progress.steps >= Number(order.message.recipe.total_steps))
      order.ending = true;
    this.handlers.onMessage(message);
    if (message.type === "progressed") this.#reform();
  }

  /** @param {Ready} message */
  #ready(message) {
    this.barren = false;
    if (this.state === "booting") {
      this.state = "ready";
      this.settle?.resolve();
      this.handlers.onMessage(message);
    }
    if (this.order && !this.order.over && this.team.length === 0) this.#restart();
    this.#grow();
    this.handlers.onChange();
  }

  /**
   * @param {WorkerClient} client
   * @param {Started} message
   */
  #started(client, message) {
    const left = (this.unanswered.get(client) ?? 1) - 1;
    this.unanswered.set(client, left);
    const member = this.team.indexOf(client);
    const { order } = this;
    if (left > 0 || member < 0 || !order) return;
    this.begun[member] = message;
    const begun = this.begun.filter((each) => each !== undefined);
    if (begun.length < this.team.length || order.announced) return;
    order.announced = true;
    this.handlers.onMessage(mergeStarted(begun, Number(order.message.recipe.n_envs)));
  }

  /**
   * A member's newest rows; shown, with those of the others, when the first rows are new.
   * @param {number} member
   * @param {Frame} frame
   */
  #frame(member, frame) {
    this.frames[member] = frame;
    if (this.begun.includes(undefined)) return;
    const watched = this.begun.flatMap((each, k) => (each?.rows.length ? [k] : []));
    const frames = watched.map((k) => this.frames[k]).filter((each) => each !== undefined);
    if (member === watched[0] && frames.length === watched.length)
      this.handlers.onMessage(mergeFrames(frames));
  }

  /** @param {Push} push */
  #ownerOf(push) {
    return this.team.find((_, member) => this.begun[member]?.rows.includes(push.row));
  }

  /**
   * A member cannot begin. At first that is the run's fault, and the page is told; later, the member's.
   * @param {WorkerClient} client
   * @param {Failed} failed
   */
  #refused(client, failed) {
    if (!this.order?.announced) this.handlers.onMessage(failed);
    else client.lose(new PageError("The worker could not go on", failed.message, failed.hint));
  }

  /**
   * @param {WorkerClient} client
   * @param {PageError} error
   */
  #lost(client, error) {
    const member = this.team.indexOf(client);
    const { order } = this;
    this.clients = this.clients.filter((each) => each !== client);
    this.unanswered.delete(client);
    if (this.clients.length === 0) {
      this.#end("lost", error);
      return;
    }
    const learning = order !== null && !order.over && member >= 0;
    if (!client.ready) {
      this.barren = true;
      this.handlers.onRefused(error);
    } else if (learning && !(order.ending && member > 0)) {
      this.handlers.onMemberLost(error);
      if (this.state !== "ready") return;
      this.#restart();
    }
    this.#grow();
    this.handlers.onChange();
  }

  /**
   * @param {"lost"|"closed"} state
   * @param {PageError} error
   */
  #end(state, error) {
    if (this.state === "lost" || this.state === "closed") return;
    this.state = state;
    for (const client of this.clients) client.close();
    this.clients = [];
    this.team = [];
    this.settle?.reject(error);
    if (state === "lost") this.handlers.onLost(error);
  }
}

/**
 * @param {WorkerClient[]} a
 * @param {WorkerClient[]} b
 */
function same(a, b) {
  return a.length === b.length && a.every((each, k) => each === b[k]);
}
