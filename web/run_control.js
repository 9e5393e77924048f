/** A training run as the page drives it: its states, its newest checkpoint and policy, and the replacing of a lost worker. */

import { failure, PageError } from "./errors.js";
import { WorkerClient } from "./worker_client.js";

/** @import {Booting, CheckpointFile, Evaluated, Evaluation, Frame, FromWorker, PolicyFile, Progress, Push, Started} from "./protocol" */
/** @import {Recipe, SavedRun, TaskRecord} from "./page_types" */
/** @import {Notices} from "./errors.js" */
/** @import {RunStorage} from "./storage.js" */

/** @typedef {"idle"|"booting"|"running"|"paused"|"stopping"|"stopped"|"finished"|"failed"} State */
/** @typedef {{bytes: ArrayBuffer, steps: number}} Kept */

/** Ten episodes, always the same: what "evaluated" means everywhere on the page. */
export const EVALUATION_SEEDS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
/** A checkpoint after about this many steps: what a lost worker costs at most. */
const CHECKPOINT_STEPS = 16384;
const MOST_RECOVERIES = 3;

/** Fires "change" (state, boot, checkpoint, evaluation), "progress" (detail: Progress) and "frame" (detail: Frame). */
export class RunControl extends EventTarget {
  /** @type {State} */
  state = "idle";
  /** Of the run, in storage. */
  id = "";
  /** @type {Recipe|null} */
  recipe = null;
  /** @type {TaskRecord|null} */
  task = null;
  /** @type {Started|null} */
  started = null;
  /** @type {Frame|null} */
  frame = null;
  /** @type {Progress[]} */
  records = [];
  /** @type {Kept|null} */
  checkpoint = null;
  /** @type {Kept|null} */
  policy = null;
  /** @type {Evaluation|null} */
  evaluation = null;
  /** Steps of the policy that was last exported. */
  exportedSteps = -1;

  /**
   * @param {Notices} notices
   * @param {() => RunStorage|null} storage
   * @param {(task: TaskRecord) => Promise<string>} loadModel XML of a task's robot
   */
  constructor(notices, storage, loadModel) {
    super();
    this.notices = notices;
    this.storage = storage;
    this.loadModel = loadModel;
    /** @type {WorkerClient|null} */
    this.client = null;
    /** A worker that has trained belongs to its run; the next run takes a fresh one. */
    this.used = false;
    /** @type {Booting|null} */
    this.boot = null;
    this.visible = 64;
    this.recoveries = 0;
  }

  #forget() {
    this.state = "idle";
    this.id = "";
    this.recipe = null;
    this.task = null;
    this.started = null;
    this.frame = null;
    this.records = [];
    this.checkpoint = null;
    this.policy = null;
    this.evaluation = null;
    this.exportedSteps = -1;
  }

  /** Whether a worker holds the run at this moment. */
  get live() {
    return ["booting", "running", "paused", "stopping"].includes(this.state);
  }

  /** The newest record, or null. */
  get latest() {
    return this.records.at(-1) ?? null;
  }

  /** Control steps learned from so far. */
  get steps() {
    return this.latest?.steps ?? this.checkpoint?.steps ?? 0;
  }

  /** Whether the last steps are done and the worker measures what the policy does without exploration. */
  get evaluating() {
    const done = this.state === "running" && this.recipe !== null && this.steps >= this.recipe.total_steps;
    return done || this.state === "stopping";
  }

  /** Whether a reset would lose something that was learned and not exported. */
  get unsaved() {
    return this.policy !== null && this.steps > 0 && this.exportedSteps < this.policy.steps;
  }

  /** Start loading a worker before it is asked for. */
  prewarm() {
    if (this.client && !this.used) return;
    if (this.live) return;
    this.client?.close();
    this.client = this.#newClient();
  }

  /**
   * Begin a run.
   * @param {Recipe} recipe checked
   * @param {TaskRecord} task
   * @param {ArrayBuffer|null} policy weights to start from
   */
  async start(recipe, task, policy) {
    this.#forget();
    this.id = `${Date.now().toString(36)}-${Math.floor(Math.random() * 1e9).toString(36)}`;
    this.recipe = recipe;
    this.task = task;
    this.recoveries = 0;
    this.notices.close("last-run");
    await this.#launch(policy);
  }

  /** Go on with a run that was stopped, or whose worker failed, from its newest checkpoint. */
  async goOn() {
    if (!this.recipe || !this.task || this.live) return;
    this.recoveries = 0;
    this.evaluation = null;
    this.#rewind();
    await this.#launch(null);
  }

  /**
   * Take a saved run as this run, ready to go on.
   * @param {string} id
   * @param {SavedRun} saved
   * @param {TaskRecord} task
   */
  restore(id, saved, task) {
    this.#forget();
    this.id = id;
    this.recipe = saved.recipe;
    this.task = task;
    this.records = saved.records;
    this.checkpoint = { bytes: saved.checkpoint, steps: saved.steps };
    this.policy = saved.policy ? { bytes: saved.policy, steps: saved.policySteps } : null;
    this.evaluation = saved.evaluation;
    this.#enter(saved.state === "finished" ? "finished" : "stopped");
  }

  /** What there is to save, or null. @returns {SavedRun|null} */
  snapshot() {
    const { recipe, checkpoint, policy, state } = this;
    if (!recipe || !checkpoint) return null;
    const kept = state === "finished" || state === "stopped" || state === "paused" ? state : "running";
    return {
      recipe,
      state: kept,
      steps: checkpoint.steps,
      savedAt: Date.now(),
      checkpoint: checkpoint.bytes,
      policy: policy?.bytes ?? null,
      policySteps: policy?.steps ?? 0,
      evaluation: this.evaluation,
      records: this.records,
    };
  }

  pause() {
    if (this.state === "running") this.client?.send({ type: "pause" });
  }

  resume() {
    if (this.state === "paused") this.client?.send({ type: "resume" });
  }

  stop() {
    if (this.state === "booting") {
      this.client?.close();
      this.client = null;
      this.#enter(this.checkpoint ? "stopped" : "idle");
    } else if (this.live) {
      this.client?.send({ type: "stop" });
      this.#enter("stopping");
    }
  }

  /** Save the run as it is now: the page goes out of sight and may never come back. */
  async keep() {
    if (this.state !== "running" || !this.client) return;
    try {
      /** @type {CheckpointFile} */
      const file = await this.client.request({ type: "request_checkpoint" });
      if (this.state === "running") this.#keepCheckpoint(file);
    } catch {
      // A worker that cannot answer is dealt with where it is lost; the checkpoint before this one stands.
    }
  }

  /** Put the run aside; `undo` brings it back. @returns {() => void} undo */
  reset() {
    const saved = this.snapshot();
    const { id, task } = this;
    this.client?.close();
    this.client = null;
    this.#forget();
    this.#enter("idle");
    this.prewarm();
    return () => {
      if (saved && task && this.state === "idle") this.restore(id, saved, task);
    };
  }

  /** @param {Omit<Push, "type">} push */
  push(push) {
    if (this.live) this.client?.send({ type: "push", ...push });
  }

  #newClient() {
    this.used = false;
    const client = new WorkerClient("trainer", {
      onMessage: (message) => client === this.client && this.#receive(message),
      onBoot: (booting) => {
        this.boot = booting;
        this.#changed();
      },
      onLost: (error) => client === this.client && this.#lost(error),
      onQuiet: (seconds) => client === this.client && this.#quiet(seconds),
    });
    return client;
  }

  /** @param {ArrayBuffer|null} policy */
  async #launch(policy) {
    const { recipe, task } = this;
    if (!recipe || !task) return;
    this.#enter("booting");
    try {
      const model_xml = await this.loadModel(task);
      if (!this.client || this.used || this.client.state === "lost") {
        this.client?.close();
        this.client = this.#newClient();
      }
      const { client } = this;
      await client.booted;
      if (client !== this.client || this.state !== "booting") return;
      this.used = true;
      client.send({
        type: "start_training",
        recipe: /** @type {any} */ (recipe),
        task: /** @type {any} */ (task),
        model_xml,
        visible: Math.min(this.visible, recipe.n_envs),
        checkpoint: this.checkpoint?.bytes.slice(0) ?? null,
        policy: this.checkpoint ? null : (policy?.slice(0) ?? null),
        checkpoint_every_updates: Math.max(
          1,
          Math.round(CHECKPOINT_STEPS / (recipe.n_envs * Number(recipe.algo.n_steps))),
        ),
      });
    } catch (error) {
      if (this.state === "booting" && this.client?.state !== "lost") this.#failed(error);
    }
  }

  /** @param {FromWorker} message */
  #receive(message) {
    switch (message.type) {
      case "ready":
        return this.#changed();
      case "started":
        this.started = message;
        return this.#enter("running");
      case "frame":
        this.frame = message;
        this.dispatchEvent(new CustomEvent("frame", { detail: message }));
        return;
      case "progressed":
        return this.#progress(/** @type {any} */ (message.progress));
      case "checkpoint_file":
        return this.#keepCheckpoint(message);
      case "policy_file":
        return this.#keepPolicy(message);
      case "evaluated":
        this.evaluation = message.evaluation;
        return this.#changed();
      case "state_changed":
        return this.#stateChanged(message.state);
      case "failed":
        if (this.state === "booting") this.#failed(failure(message));
        else this.notices.report(failure(message), { key: "run" });
        return;
      default:
        return;
    }
  }

  /** @param {Progress} progress */
  #progress(progress) {
    this.records.push(progress);
    this.dispatchEvent(new CustomEvent("progress", { detail: progress }));
    if (!this.evaluating) return;
    this.client?.expectTraffic(false);
    this.#changed();
  }

  /** @param {CheckpointFile} message */
  #keepCheckpoint(message) {
    // Only what is behind a new checkpoint proves that the run gets further than where it broke.
    if (message.steps > (this.checkpoint?.steps ?? 0)) this.recoveries = 0;
    this.checkpoint = { bytes: message.checkpoint, steps: message.steps };
    this.#save();
    this.#changed();
  }

  /** @param {PolicyFile} message */
  #keepPolicy(message) {
    this.policy = { bytes: message.policy, steps: message.steps };
    this.#changed();
  }

  /** @param {"running"|"paused"|"finished"|"stopped"} state */
  #stateChanged(state) {
    this.#enter(state);
    if (state !== "running") this.#save();
  }

  /** Drop what the curve gained since the checkpoint: it will be learned again, bit for bit. */
  #rewind() {
    const steps = this.checkpoint?.steps ?? 0;
    this.records = this.records.filter((record) => record.steps <= steps);
    this.dispatchEvent(new CustomEvent("rewound"));
  }

  /** @param {PageError} error */
  #lost(error) {
    this.client = null;
    this.boot = null;
    if (!this.live) {
      this.#changed();
      return;
    }
    const wasPaused = this.state === "paused" || this.state === "stopping";
    const kept = this.checkpoint ? `step ${this.checkpoint.steps.toLocaleString("en-US")}` : "its start";
    if (wasPaused || this.state === "booting" || this.recoveries >= MOST_RECOVERIES) {
      this.#failed(error);
      return;
    }
    this.recoveries += 1;
    this.#rewind();
    this.notices.show({
      key: "run",
      title: "The training worker was lost and is being replaced",
      what: error.message,
      todo: `Nothing to do: training goes on from ${kept}, with the same numbers as if nothing had happened.`,
      details: error.details,
    });
    this.#launch(null);
  }

  /** @param {number} seconds */
  #quiet(seconds) {
    if (seconds === 0) {
      this.notices.close("quiet");
      return;
    }
    this.notices.show({
      key: "quiet",
      title: "The training worker does not answer",
      what: `Nothing was heard from it for ${Math.round(seconds)} s. A very large minibatch or network can take that long.`,
      todo: "Wait, or replace it: training then goes on from the newest checkpoint.",
      actions: [{ label: "Replace the worker", run: () => this.#replace() }],
    });
  }

  #replace() {
    const { client } = this;
    this.client = null;
    client?.close();
    this.#lost(new PageError("The training worker was replaced", "It did not answer."));
  }

  /** @param {unknown} error */
  #failed(error) {
    this.client?.close();
    this.client = null;
    const learned = this.checkpoint !== null;
    this.#enter(learned ? "stopped" : "failed");
    const todo =
      error instanceof PageError && error.todo ? error.todo : "Mend the cause and press Train again.";
    this.notices.report(error, {
      key: "run",
      todo: learned ? `${todo} What was learned is kept: press Continue.` : todo,
    });
    this.#save();
  }

  async #save() {
    const storage = this.storage();
    const saved = this.snapshot();
    if (!storage || !saved) return;
    try {
      await storage.saveRun(this.id, saved);
    } catch (error) {
      this.notices.report(error, { key: "storage" });
    }
  }

  /** @param {State} state */
  #enter(state) {
    this.state = state;
    this.client?.expectTraffic(state === "running");
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new CustomEvent("change"));
  }
}
