/**
 * What a loop asks of the page, carried out: rewards are tried, members train side by side, policies are judged. A result is
 * on the disk before the designer hears of it, so that nothing is trained twice.
 */

import { contactSheet } from "./contact_sheet.js";
import { PageError } from "./errors.js";
import { EvaluatorClient } from "./evaluator_client.js";
import { cores } from "./team.js";
import { TrainerPool } from "./trainer_pool.js";

/** @import {Frame, LoopCommand, Progress, ToDesigner} from "./protocol" */
/** @import {TaskRecord} from "./page_types" */
/** @import {LoopStorage} from "./ask_storage.js" */

/**
 * @typedef {object} Handlers
 * @property {(message: ToDesigner) => void} send to the designer
 * @property {(member: string, frame: Frame) => void} onFrame
 * @property {(error: unknown) => void} onBroken storage failed: the loop must rest
 */

/** Between two words about how far a training is. */
const SAY_MS = 700;
/** So many records tell the course of a training; the result has them all. */
const RECORDS_SAID = 80;

export class LoopWork {
  /**
   * @param {Map<string, TaskRecord>} tasks
   * @param {(task: TaskRecord) => Promise<string>} loadModel XML of a task's robot
   * @param {Handlers} handlers
   */
  constructor(tasks, loadModel, handlers) {
    this.tasks = tasks;
    this.handlers = handlers;
    this.evaluator = new EvaluatorClient(loadModel);
    /** The loop whose work this is, and where it is kept. @type {{id: string, storage: LoopStorage}|null} */
    this.loop = null;
    /** Member by command that is being carried out. @type {Map<string, string>} */
    this.members = new Map();
    /** When a command began, and when it was last spoken of (ms). @type {Map<string, {began: number, said: number}>} */
    this.times = new Map();
    this.pool = new TrainerPool(
      {
        onFrame: (id, frame) => this.handlers.onFrame(this.members.get(id) ?? "", frame),
        onProgress: (id, records) => this.#progress(id, records),
        onCheckpoint: (id, { checkpoint, steps }, records) =>
          this.#guard(this.loop?.storage.saveCheckpoint(this.loop.id, id, { checkpoint, steps, records })),
        onDone: (id, result) => this.#guard(this.#trained(id, result)),
        onFailed: (id, error) => this.#failed(id, error),
        onChange: () => this.#states(),
      },
      loadModel,
      cores(),
    );
  }

  /**
   * Work for a loop from here on.
   * @param {{id: string, storage: LoopStorage}} loop
   */
  begin(loop) {
    this.end();
    this.loop = loop;
  }

  /** Stop whatever is being done. */
  end() {
    this.pool.clear();
    this.members.clear();
    this.times.clear();
    this.loop = null;
  }

  /** End the workers, too. */
  close() {
    this.end();
    this.evaluator.close();
  }

  /** @param {boolean} paused */
  pause(paused) {
    this.pool.pause(paused);
  }

  /** @param {LoopCommand} command */
  async take(command) {
    const { loop } = this;
    if (!loop) return;
    const kept = await loop.storage.result(loop.id, command.id);
    if (loop !== this.loop) return;
    if (kept) {
      const { result, seconds } = kept;
      this.handlers.send({ type: "command_done", id: command.id, result, seconds });
      return;
    }
    this.members.set(command.id, command.member);
    this.times.set(command.id, { began: performance.now(), said: 0 });
    if (command.kind === "train") {
      await this.#train(command, loop);
      return;
    }
    try {
      const judges = command.kind === "evaluate";
      const result = await (judges ? this.#evaluate(command, loop) : this.#check(command));
      const { fitness, seeds, policy } = command.spec;
      if (loop === this.loop)
        await this.#done(command.id, result, judges ? { fitness, seeds, policy } : null);
    } catch (error) {
      if (loop === this.loop) this.#failed(command.id, error);
    }
  }

  /** @param {string} id of a task */
  #task(id) {
    const task = this.tasks.get(id);
    if (!task) throw new PageError("The loop's task is not known here", `This page has no task ${id}.`);
    return task;
  }

  /**
   * @param {string|null} name sha256
   * @param {{id: string, storage: LoopStorage}} loop
   */
  async #policy(name, loop) {
    if (name === null) return null;
    const policy = await loop.storage.policy(loop.id, name);
    if (!policy)
      throw new PageError("A policy of the loop is missing", `The browser does not have ${name} any more.`);
    return policy;
  }

  /**
   * @param {LoopCommand} command
   * @param {{id: string, storage: LoopStorage}} loop
   */
  async #train({ id, spec }, loop) {
    try {
      const task = this.#task(spec.recipe.task);
      const policy = await this.#policy(spec.policy, loop);
      const kept = (await loop.storage.checkpoint(loop.id, id)) ?? null;
      const { recipe, learning } = spec;
      if (loop === this.loop) this.pool.add({ id, recipe, task, policy, learning, kept });
    } catch (error) {
      if (loop === this.loop) this.#failed(id, error);
    }
  }

  /** @param {LoopCommand} command */
  async #check({ spec }) {
    const tried = await this.evaluator.tryCode(spec.source, this.#task(spec.task), spec.function);
    return { problems: tried.problems, total: tried.total, terms: tried.terms };
  }

  /**
   * @param {LoopCommand} command
   * @param {{id: string, storage: LoopStorage}} loop
   */
  async #evaluate({ id, spec }, loop) {
    this.handlers.send({ type: "command_progress", id, status: "evaluating" });
    const task = this.#task(spec.task);
    const policy = /** @type {ArrayBuffer} */ (await this.#policy(spec.policy, loop));
    const { fitness, per_seed, metrics, lengths, falls } = await this.evaluator.measure(
      policy,
      task,
      spec.fitness,
      spec.seeds,
    );
    const result = { fitness, per_seed, metrics, lengths, falls };
    if (!spec.image) return result;
    const { loadModel } = this.pool;
    return { ...result, ...(await contactSheet({ policy, task, seed: spec.seeds[0], loadModel })) };
  }

  /**
   * @param {string} id
   * @param {import("./trainer_pool.js").Result} result
   */
  async #trained(id, { policy, steps, records }) {
    const { loop } = this;
    if (!loop) return;
    const name = await loop.storage.savePolicy(loop.id, policy);
    if (loop === this.loop) await this.#done(id, { policy: name, steps, records });
  }

  /**
   * @param {string} id
   * @param {Record<string, unknown>} result
   * @param {{fitness: string, seeds: number[], policy: string}|null} [judged]
   */
  async #done(id, result, judged = null) {
    const { loop } = this;
    const began = this.times.get(id)?.began ?? performance.now();
    const seconds = Math.round(performance.now() - began) / 1000;
    this.times.delete(id);
    if (!loop) return;
    await loop.storage.saveResult(loop.id, id, { result, seconds, judged });
    if (loop === this.loop) this.handlers.send({ type: "command_done", id, result, seconds });
  }

  /**
   * @param {string} id
   * @param {unknown} error
   */
  #failed(id, error) {
    this.times.delete(id);
    const words = error instanceof PageError ? `${error.title}: ${error.message}` : String(error);
    this.handlers.send({ type: "command_failed", id, error: words });
  }

  /**
   * @param {string} id
   * @param {Progress[]} records
   */
  #progress(id, records) {
    const times = this.times.get(id);
    const now = performance.now();
    if (!times || now - times.said < SAY_MS) return;
    times.said = now;
    const every = Math.max(1, Math.ceil(records.length / RECORDS_SAID));
    this.handlers.send({
      type: "command_progress",
      id,
      status: "training",
      steps: records.at(-1)?.steps ?? 0,
      records: /** @type {any} */ (records.filter((_, i) => (records.length - 1 - i) % every === 0)),
    });
  }

  /** Who trains and who waits. */
  #states() {
    for (const id of this.times.keys()) {
      const state = this.pool.state(id);
      if (state === "queued" || state === "training")
        this.handlers.send({ type: "command_progress", id, status: state, steps: this.pool.steps(id) });
    }
  }

  /** What cannot be kept stops the loop. @param {Promise<unknown>|undefined} writing */
  #guard(writing) {
    writing?.catch((error) => this.handlers.onBroken(error));
  }
}
