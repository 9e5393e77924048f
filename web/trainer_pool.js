/**
 * Members of a generation in training: each in a worker of its own, as many at once as there are cores, the rest in a queue.
 * A worker is not used for two members: what one reward did in it cannot reach another's run.
 */

import { failure, PageError } from "./errors.js";
import { WorkerClient } from "./worker_client.js";

/** @import {CheckpointFile, Failed, Frame, FromWorker, PolicyFile, Progress} from "./protocol" */
/** @import {Recipe, TaskRecord} from "./page_types" */

/**
 * @typedef {object} Job one member's training
 * @property {string} id of the command
 * @property {Recipe} recipe
 * @property {TaskRecord} task
 * @property {ArrayBuffer|null} policy weights to start from
 * @property {boolean} learning whether its policy holds what another member needs to go on learning from it
 * @property {{checkpoint: ArrayBuffer, steps: number, records: Progress[]}|null} kept from before a reload
 */
/**
 * @typedef {object} Result
 * @property {ArrayBuffer} policy
 * @property {number} steps
 * @property {Progress[]} records
 */
/**
 * @typedef {object} Handlers
 * @property {(id: string, frame: Frame) => void} onFrame
 * @property {(id: string, records: Progress[]) => void} onProgress
 * @property {(id: string, file: CheckpointFile, records: Progress[]) => void} onCheckpoint
 * @property {(id: string, result: Result) => void} onDone
 * @property {(id: string, error: PageError) => void} onFailed
 * @property {() => void} onChange which members train and which wait
 */

/** A checkpoint after about this many steps: what a lost worker or a closed page costs at most. */
const CHECKPOINT_STEPS = 32768;
/** A member's worker may be lost so often; another loss is the member's failure. */
const MOST_LOSSES = 2;

class Training {
  /** @param {Job} job */
  constructor(job) {
    this.job = job;
    /** @type {WorkerClient|null} */
    this.client = null;
    this.records = job.kept?.records ?? [];
    this.kept = job.kept;
    this.losses = 0;
    this.started = false;
    this.paused = false;
  }

  get steps() {
    return this.records.at(-1)?.steps ?? 0;
  }
}

export class TrainerPool {
  /**
   * @param {Handlers} handlers
   * @param {(task: TaskRecord) => Promise<string>} loadModel XML of a task's robot
   * @param {number} most workers at once
   */
  constructor(handlers, loadModel, most) {
    this.handlers = handlers;
    this.loadModel = loadModel;
    this.most = most;
    /** @type {Map<string, Training>} */
    this.running = new Map();
    /** @type {Training[]} */
    this.queue = [];
    this.paused = false;
  }

  /** @param {string} id */
  state(id) {
    if (this.queue.some(({ job }) => job.id === id)) return "queued";
    return this.running.get(id)?.started ? "training" : this.running.has(id) ? "booting" : "none";
  }

  /** @param {string} id @returns {number} */
  steps(id) {
    return this.running.get(id)?.steps ?? 0;
  }

  /** @param {Job} job */
  add(job) {
    if (this.state(job.id) !== "none") return;
    this.queue.push(new Training(job));
    this.#next();
  }

  /** @param {boolean} paused */
  pause(paused) {
    this.paused = paused;
    for (const training of this.running.values()) this.#holdOrGoOn(training);
    if (!paused) this.#next();
  }

  /** End every worker; what was learned since the last checkpoints is dropped. */
  clear() {
    this.queue = [];
    for (const { client } of this.running.values()) client?.close();
    this.running.clear();
    this.paused = false;
  }

  /** Drop one member's training. @param {string} id */
  drop(id) {
    this.queue = this.queue.filter(({ job }) => job.id !== id);
    this.#end(id);
  }

  #next() {
    while (!this.paused && this.running.size < this.most) {
      const training = this.queue.shift();
      if (!training) break;
      this.running.set(training.job.id, training);
      this.#begin(training);
    }
    this.handlers.onChange();
  }

  /** @param {Training} training */
  async #begin(training) {
    const { job } = training;
    const present = () => this.running.get(job.id) === training && training.client === client;
    const client = new WorkerClient("trainer", {
      onMessage: (message) => present() && this.#receive(training, message),
      onBoot: () => {},
      onLost: (error) => present() && this.#lost(training, error),
      onQuiet: (seconds) => {
        if (seconds > 0)
          client.lose(
            new PageError("A member's worker stopped answering", `Nothing for ${Math.round(seconds)} s.`),
          );
      },
    });
    training.client = client;
    training.started = false;
    try {
      const [model_xml] = await Promise.all([this.loadModel(job.task), client.booted]);
      if (present()) this.#start(training, client, model_xml);
    } catch (error) {
      if (client.state !== "lost" && present()) this.#failed(training, asPageError(error));
    }
  }

  /**
   * @param {Training} training
   * @param {WorkerClient} client
   * @param {string} model_xml
   */
  #start({ job, kept }, client, model_xml) {
    const { recipe, task, policy, learning } = job;
    const perUpdate = recipe.n_envs * Number(recipe.algo.n_steps ?? 1);
    client.send({
      type: "start_training",
      recipe: /** @type {any} */ (recipe),
      task: /** @type {any} */ (task),
      model_xml,
      visible: 1,
      checkpoint: kept?.checkpoint ?? null,
      policy: kept ? null : policy,
      checkpoint_every_updates: Math.max(1, Math.round(CHECKPOINT_STEPS / perUpdate)),
      learning,
    });
  }

  /**
   * @param {Training} training
   * @param {FromWorker} message
   */
  #receive(training, message) {
    const { job } = training;
    switch (message.type) {
      case "started":
        training.started = true;
        training.client?.expectTraffic(true);
        this.#holdOrGoOn(training);
        return this.handlers.onChange();
      case "frame":
        return this.handlers.onFrame(job.id, message);
      case "progressed":
        training.records.push(/** @type {any} */ (message.progress));
        return this.handlers.onProgress(job.id, training.records);
      case "checkpoint_file":
        training.kept = {
          checkpoint: message.checkpoint,
          steps: message.steps,
          records: training.records.filter(({ steps }) => steps <= message.steps),
        };
        return this.handlers.onCheckpoint(job.id, message, training.kept.records);
      case "policy_file":
        return this.#policy(training, message);
      case "failed":
        return this.#failed(training, failure(message));
      default:
        return;
    }
  }

  /**
   * The file with all steps in it ends the training: what follows is the trainer's own evaluation, by the reward, which
   * nobody here asks for.
   * @param {Training} training
   * @param {PolicyFile} file
   */
  #policy({ job, records }, file) {
    if (file.steps < job.recipe.total_steps) return;
    this.#end(job.id);
    this.handlers.onDone(job.id, { policy: file.policy, steps: file.steps, records });
    this.#next();
  }

  /** @param {Training} training */
  #holdOrGoOn(training) {
    const { client, started } = training;
    if (!started || training.paused === this.paused) return;
    training.paused = this.paused;
    client?.expectTraffic(!this.paused);
    client?.send({ type: this.paused ? "pause" : "resume" });
  }

  /**
   * @param {Training} training
   * @param {PageError} error
   */
  #lost(training, error) {
    training.losses += 1;
    training.paused = false;
    training.records = training.kept?.records.slice() ?? [];
    if (training.losses > MOST_LOSSES || error.kind === "CodeHangs") this.#failed(training, error);
    else this.#begin(training);
  }

  /**
   * @param {Training} training
   * @param {PageError} error
   */
  #failed({ job }, error) {
    this.#end(job.id);
    this.handlers.onFailed(job.id, error);
    this.#next();
  }

  /** @param {string} id */
  #end(id) {
    this.running.get(id)?.client?.close();
    this.running.delete(id);
  }
}

/** @param {unknown} error */
function asPageError(error) {
  return error instanceof PageError ? error : new PageError("A member could not be trained", String(error));
}
