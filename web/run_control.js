/** A training run as the page drives it: starts, pauses and stops it, keeps what its workers report, and mends their loss. */

import { failure, PageError } from "./errors.js";
import { RunState } from "./run_state.js";
import { cores, MOST_WORKERS, mostWorkers } from "./team.js";
import { WorkerGroup } from "./worker_group.js";

/** @import {Booting, CheckpointFile, FromWorker, PolicyFile, Progress, Push} from "./protocol" */
/** @import {Recipe, SavedRun, TaskRecord} from "./page_types" */
/** @import {Notices} from "./errors.js" */
/** @import {State} from "./run_state.js" */
/** @import {RunStorage} from "./storage.js" */

/** Ten episodes, always the same: what "evaluated" means everywhere on the page. */
export const EVALUATION_SEEDS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
/** A checkpoint after about this many steps: what a lost worker costs at most. */
const CHECKPOINT_STEPS = 16384;
const MOST_RECOVERIES = 3;
/** A reward that does not come back does so again: one new worker shows that it was not the machine. */
const MOST_HANGS = 1;

export class RunControl extends RunState {
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
    /** @type {WorkerGroup|null} */
    this.client = null;
    /** Workers that have trained belong to their run; the next run takes fresh ones. */
    this.used = false;
    /** @type {Booting|null} */
    this.boot = null;
    this.visible = 64;
    this.recoveries = 0;
    /** How many workers are to learn, as far as a run can be shared by so many. */
    this.workers = Math.min(cores(), MOST_WORKERS);
  }

  /** Workers that learn at this moment. */
  get learning() {
    return this.client?.learning ?? 0;
  }

  /** Workers that are still loading. */
  get loading() {
    return this.client?.loading ?? 0;
  }

  /** How many workers the run will have when all are there. */
  get wanted() {
    return Math.min(this.workers, this.recipe ? mostWorkers(this.recipe) : MOST_WORKERS);
  }

  /** @param {number} workers */
  setWorkers(workers) {
    this.workers = workers;
    this.client?.setWorkers(workers);
    this.changed();
  }

  /** Start loading workers before they are asked for. Those of a stopped run stay: it may go on. */
  prewarm() {
    if (this.live || (this.client && (!this.used || this.state === "stopped"))) return;
    this.#dismiss();
    this.client = this.#newClient();
  }

  /**
   * Begin a run.
   * @param {Recipe} recipe checked
   * @param {TaskRecord} task
   * @param {ArrayBuffer|null} policy weights to start from
   */
  async start(recipe, task, policy) {
    this.forget();
    this.id = `${Date.now().toString(36)}-${Math.floor(Math.random() * 1e9).toString(36)}`;
    this.recipe = recipe;
    this.task = task;
    this.recoveries = 0;
    this.notices.close("last-run");
    if (this.used) this.#dismiss();
    await this.#launch(policy);
  }

  /** Go on with a run that was stopped, or whose worker failed, from its newest checkpoint. */
  async goOn() {
    if (!this.recipe || !this.task || this.live) return;
    this.recoveries = 0;
    this.evaluation = null;
    this.rewind();
    await this.#launch(null);
  }

  /**
   * Take a saved run as this run, ready to go on.
   * @param {string} id
   * @param {SavedRun} saved
   * @param {TaskRecord} task
   */
  restore(id, saved, task) {
    this.load(id, saved, task);
    this.#enter(saved.state === "finished" ? "finished" : "stopped");
  }

  pause() {
    if (this.state === "running") this.client?.send({ type: "pause" });
  }

  resume() {
    if (this.state === "paused") this.client?.send({ type: "resume" });
  }

  stop() {
    if (this.state === "booting") {
      this.#dismiss();
      this.#enter(this.checkpoint ? "stopped" : "idle");
    } else if (this.live) {
      this.client?.send({ type: "stop" });
      this.#enter("stopping");
    }
  }

  /** Save the run as it is now: the page goes out of sight and may never come back. */
  async keep() {
    if (this.state !== "running" || !this.client) return;
    /** @type {Promise<CheckpointFile>} */
    const asked = this.client.request({ type: "request_checkpoint" });
    // A worker that cannot answer is dealt with where it is lost; the checkpoint before this one stands.
    const file = await asked.catch(() => null);
    if (file && this.state === "running") this.#keepCheckpoint(file);
  }

  /** Put the run aside; `undo` brings it back. @returns {() => void} undo */
  reset() {
    const saved = this.snapshot();
    const { id, task } = this;
    this.#dismiss();
    this.forget();
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
    const present = () => client === this.client;
    const client = new WorkerGroup(
      {
        onMessage: (message) => present() && this.#receive(message),
        onBoot: (booting) => {
          this.boot = booting;
          this.changed();
        },
        onLost: (error) => present() && this.#lost(error),
        onQuiet: (seconds) => present() && this.#quiet(seconds),
        onMemberLost: (error) => present() && this.#memberLost(error),
        onRefused: (error) => present() && this.#refused(error),
        onChange: () => present() && this.changed(),
      },
      this.workers,
    );
    return client;
  }

  /** @param {ArrayBuffer|null} policy */
  async #launch(policy) {
    const { recipe, task } = this;
    if (!recipe || !task) return;
    this.#enter("booting");
    try {
      const model_xml = await this.loadModel(task);
      if (this.client?.state === "lost") this.#dismiss();
      this.client ??= this.#newClient();
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
        checkpoint: this.checkpoint?.bytes ?? null,
        policy: this.checkpoint ? null : policy,
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
        return this.changed();
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
        return this.takePolicy(message);
      case "evaluated":
        this.evaluation = message.evaluation;
        return this.changed();
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
    this.changed();
  }

  /** @param {CheckpointFile} message */
  #keepCheckpoint(message) {
    // Only what is behind a new checkpoint proves that the run gets further than where it broke.
    if (this.takeCheckpoint(message)) this.recoveries = 0;
    this.#save();
    this.changed();
  }

  /** @param {PolicyFile} message */
  takePolicy(message) {
    this.policy = { bytes: message.policy, steps: message.steps };
    this.changed();
  }

  /** @param {"running"|"paused"|"finished"|"stopped"} state */
  #stateChanged(state) {
    this.#enter(state);
    if (state !== "running") this.#save();
  }

  /** No worker is left. @param {PageError} error */
  #lost(error) {
    this.client = null;
    this.boot = null;
    if (!this.live) {
      this.changed();
      return;
    }
    const resting = this.state === "paused" || this.state === "stopping" || this.state === "booting";
    if (resting || !this.#recover(error)) this.#failed(error);
    else this.#launch(null);
  }

  /** The others go on from the newest checkpoint by themselves. @param {PageError} error */
  #memberLost(error) {
    if (!this.#recover(error)) this.#failed(error);
  }

  /**
   * Count a loss, and go back to the newest checkpoint unless there were too many in a row.
   * @param {PageError} error
   */
  #recover(error) {
    const hangs = error instanceof PageError && error.kind === "CodeHangs";
    if (this.recoveries >= (hangs ? MOST_HANGS : MOST_RECOVERIES)) return false;
    this.recoveries += 1;
    this.rewind();
    const kept = this.checkpoint ? `step ${this.checkpoint.steps.toLocaleString("en-US")}` : "its start";
    this.notices.show({
      key: "run",
      title: "A training worker was lost and is being replaced",
      what: error.message,
      todo: `Nothing to do: training goes on from ${kept}, with the same numbers as if nothing had happened.`,
      details: error.details,
    });
    return true;
  }

  /** @param {PageError} error */
  #refused(error) {
    const learn = this.learning ? ` Training goes on with ${this.learning}.` : "";
    this.notices.show({
      key: "workers",
      kind: "info",
      title: "Another training worker could not start",
      what: error.message,
      todo: `The result is the same with fewer; only the time differs.${learn}`,
      details: error.details,
    });
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
      actions: [{ label: "Replace the worker", run: () => this.client?.replaceSilent() }],
    });
  }

  /** End the workers. */
  #dismiss() {
    this.client?.close();
    this.client = null;
  }

  /** @param {unknown} error */
  #failed(error) {
    this.#dismiss();
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
    this.changed();
  }
}
