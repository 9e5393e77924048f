/** One worker as the page sees it: boots, takes messages, answers requests, and tells when it is lost. */

import { CodeWatch } from "./code_watch.js";
import { spawn, takeEarly } from "./early.js";
import { failure, PageError } from "./errors.js";

/** @import {Booting, CheckpointFile, CodeTried, Evaluated, Failed, Fitness, FromDesigner, FromWorker, Models, PolicyExported, PolicyFile, PolicyRead, PolicyWritten, Ready, TaskProposed, ToDesigner, ToWorker} from "./protocol" */

/** @typedef {PolicyFile|CheckpointFile|Evaluated|Fitness|CodeTried|Models|PolicyExported|PolicyWritten|PolicyRead|TaskProposed} Answer */
/** @typedef {"request_policy"|"request_checkpoint"|"request_evaluation"|"measure_fitness"|"try_code"|"list_models"|"export_policy"|"write_policy"|"read_policy"|"propose_task"} RequestType */
/** @typedef {"trainer"|"player"|"show"|"evaluator"|"designer"} Role show: a player without Python */
/**
 * @typedef {object} Handlers
 * @property {(message: FromWorker) => void} onMessage everything that answers no request
 * @property {(booting: Booting) => void} onBoot
 * @property {(error: PageError) => void} onLost once; the worker is gone by then
 * @property {(seconds: number) => void} [onQuiet] it should be sending and is not; 0 when it is back
 */

/** A worker that runs sends frames many times a second; the longest honest silence is one large minibatch. */
export const QUIET_S = 30;
/** Loading sends a message at each stage; a slow line takes long over the largest file, a slow machine over fifty robots' one world. */
const BOOT_QUIET_S = 120;
const CHECK_MS = 1000;
/** A worker between two slices of its work answers a small question within some milliseconds. */
const ANSWER_MS = 2000;

let count = 0;

export class WorkerClient {
  /**
   * @param {Role} role
   * @param {Handlers} handlers
   */
  constructor(role, handlers) {
    this.role = role;
    this.name = role === "show" ? "worker that moves the robots" : "Python worker";
    this.handlers = handlers;
    /** @type {"booting"|"ready"|"lost"|"closed"} */
    this.state = "booting";
    /** @type {Ready|null} */
    this.ready = null;
    this.lock = `tabrl-${role}-${Date.now().toString(36)}-${++count}`;
    /** @type {Map<number, {resolve: (answer: Answer) => void, reject: (error: unknown) => void}>} */
    this.pending = new Map();
    this.nextId = 1;
    this.busy = false;
    /** It was told to start a show and has not said yet that it has. */
    this.starting = false;
    this.heard_ms = performance.now();
    this.checked_ms = this.heard_ms;
    this.quiet = false;
    this.watch = new CodeWatch((name) => this.#hangs(name));
    /** Settles when the worker can take a start message, or when it never will. @type {Promise<void>} */
    this.booted = new Promise((resolve, reject) => {
      this.settle = { resolve, reject };
    });
    // Whoever waits for it hears of a loss, and so do the handlers; nobody has to wait.
    this.booted.catch(() => {});
    this.worker = role === "show" ? this.#takeShow() : this.#spawn();
    this.timer = setInterval(() => this.#checkSilence(), CHECK_MS);
  }

  #spawn() {
    const script = this.role === "designer" ? "designer_worker.js" : "python_worker.js";
    const url = new URL(`./workers/${script}`, import.meta.url);
    url.search = new URLSearchParams({ role: this.role, lock: this.lock }).toString();
    return this.#listen(new Worker(url, { type: "module", name: this.lock }), url.pathname);
  }

  /** The worker that began with the page, with what it has said so far, or another one like it. */
  #takeShow() {
    const early = takeEarly();
    if (early) this.lock = early.lock;
    const worker = this.#listen(early?.worker ?? spawn(this.lock), "workers/player_worker.js");
    // Not before whoever makes this client knows it, and before anything else is heard.
    if (early) queueMicrotask(() => this.#catchUp(early));
    return worker;
  }

  /** @param {import("./early.js").Early} early */
  #catchUp({ worker, heard, failed }) {
    for (const { data } of heard) worker.dispatchEvent(new MessageEvent("message", { data }));
    if (failed) worker.dispatchEvent(new ErrorEvent("error", failed));
  }

  /**
   * @param {Worker} worker
   * @param {string} path of its script
   */
  #listen(worker, path) {
    const { name } = this;
    worker.addEventListener("message", (event) => this.#receive(event.data));
    worker.addEventListener("messageerror", () =>
      this.#lose("A message of the worker could not be read", "The browser could not unpack it."),
    );
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      this.#lose(
        this.state === "booting" ? `The ${name} could not start` : `The ${name} crashed`,
        event.message || `${path} did not load; the server may lack this file.`,
        event.filename ? `${event.filename}:${event.lineno}` : "",
      );
    });
    return worker;
  }

  /**
   * Send a message. Buffers in `transfer` are gone from the page afterwards.
   * @param {ToWorker|ToDesigner} message
   * @param {Transferable[]} [transfer]
   */
  send(message, transfer = []) {
    if (this.state === "lost" || this.state === "closed") return;
    if (message.type === "start_playing") this.starting = true;
    this.worker.postMessage(message, transfer);
  }

  /**
   * Send a request and wait for its answer.
   * @template {Answer} T
   * @param {Extract<ToWorker|ToDesigner, {type: RequestType}> extends infer M ? M extends {id: number} ? Omit<M, "id"> : never : never} message
   * @returns {Promise<T>}
   */
  request(message) {
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      if (this.state === "lost" || this.state === "closed") {
        reject(new PageError("The worker is gone", "It cannot answer any more.", "Try again."));
        return;
      }
      this.pending.set(id, { resolve: /** @type {(answer: Answer) => void} */ (resolve), reject });
      this.send(/** @type {ToWorker|ToDesigner} */ ({ ...message, id }));
    });
  }

  /**
   * Say whether the worker ought to be sending frames, so that its silence means something.
   * @param {boolean} busy
   */
  expectTraffic(busy) {
    this.busy = busy;
    this.heard_ms = performance.now();
    if (!busy) this.#setQuiet(false);
  }

  /** Whether the trainer answers a small question soon; one that refuses it has answered. @returns {Promise<boolean>} */
  async answers() {
    const said = () => true;
    const answer = this.request({ type: "request_policy" }).then(said, said);
    const late = new Promise((resolve) => setTimeout(() => resolve(false), ANSWER_MS));
    return await Promise.race([answer, late]);
  }

  /** End the worker as one that was lost. @param {PageError} error */
  lose(error) {
    this.#end("lost", error);
  }

  /** End the worker; pending requests fail. */
  close() {
    this.#end("closed", new PageError("The worker was closed", "It was replaced or is not needed any more."));
  }

  /** @param {FromWorker|FromDesigner} message */
  #receive(message) {
    this.heard_ms = performance.now();
    this.#setQuiet(false);
    if (message.type === "started" || message.type === "failed") this.starting = false;
    if (message.type === "booting") {
      this.handlers.onBoot(message);
    } else if (message.type === "ready") {
      this.state = "ready";
      this.ready = message;
      this.#watchLock();
      this.settle?.resolve();
      this.handlers.onMessage(message);
    } else if (message.type === "code_runs") {
      this.watch.note(message.running, message.function);
    } else if (message.type === "failed") {
      this.#fail(message);
    } else if ("id" in message && typeof message.id === "number" && message.id !== 0) {
      this.pending.get(message.id)?.resolve(/** @type {Answer} */ (message));
      this.pending.delete(message.id);
    } else {
      this.handlers.onMessage(/** @type {FromWorker} */ (message));
    }
  }

  /** @param {Failed} failed */
  #fail(failed) {
    const error = failure(failed);
    const waiting = this.pending.get(failed.id);
    // The end rejects whatever waits, the failed request too.
    if (failed.fatal) this.#end("lost", error);
    else if (waiting) waiting.reject(error);
    else this.handlers.onMessage(failed);
    this.pending.delete(failed.id);
  }

  /** @param {string} name of the function that does not come back */
  #hangs(name) {
    const error = new PageError(
      `The ${name} code does not come back`,
      `A call of ${name} did not end within a second and a half; its worker was ended, others go on.`,
      `Change the ${name} code so that it computes less.`,
    );
    error.kind = "CodeHangs";
    this.#end("lost", error);
  }

  /**
   * @param {string} title
   * @param {string} what
   * @param {string} [details]
   */
  #lose(title, what, details = "") {
    const error = new PageError(
      title,
      what,
      "Check that the server has every file of the page, then reload it.",
    );
    error.details = details;
    this.#end("lost", error);
  }

  /**
   * @param {"lost"|"closed"} state
   * @param {PageError} error
   */
  #end(state, error) {
    if (this.state === "lost" || this.state === "closed") return;
    this.state = state;
    clearInterval(this.timer);
    this.watch.end();
    this.worker.terminate();
    this.settle?.reject(error);
    for (const { reject } of this.pending.values()) reject(error);
    this.pending.clear();
    if (state === "lost") this.handlers.onLost(error);
  }

  /** The worker holds a lock for as long as it lives; when the page gets it, the worker is dead. */
  async #watchLock() {
    if (!navigator.locks) return;
    const { held = [] } = await navigator.locks.query();
    if (!held.some((lock) => lock.name === this.lock)) return;
    await navigator.locks.request(this.lock, () => {});
    this.#lose(`The ${this.name} ended`, "The browser ended it, perhaps for want of memory.");
  }

  #checkSilence() {
    const now = performance.now();
    // While the page itself stood still, asleep or busy, what the worker sent could not be heard.
    this.heard_ms += Math.max(0, now - this.checked_ms - 2 * CHECK_MS);
    this.checked_ms = now;
    const seconds = (now - this.heard_ms) / 1000;
    if (this.state === "booting" && seconds > BOOT_QUIET_S) {
      this.#lose(
        `The ${this.name} did not finish loading`,
        `Nothing was heard from it for ${BOOT_QUIET_S} s.`,
      );
    } else if (this.busy && seconds > (this.starting ? BOOT_QUIET_S : QUIET_S)) {
      this.#setQuiet(true, seconds);
    }
  }

  /**
   * @param {boolean} quiet
   * @param {number} [seconds]
   */
  #setQuiet(quiet, seconds = 0) {
    if (quiet === this.quiet) return;
    this.quiet = quiet;
    this.handlers.onQuiet?.(quiet ? seconds : 0);
  }
}
