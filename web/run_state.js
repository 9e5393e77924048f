/** A training run as the page knows it: its recipe, its curve, its newest checkpoint, policy and evaluation. */

/** @import {CheckpointFile, Evaluation, Frame, Progress, Started} from "./protocol" */
/** @import {Recipe, SavedRun, TaskRecord} from "./page_types" */

/** @typedef {"idle"|"booting"|"running"|"paused"|"stopping"|"stopped"|"finished"|"failed"} State */
/** @typedef {{bytes: ArrayBuffer, steps: number}} Kept */

/** Fires "change" (state, boot, checkpoint, evaluation), "progress" (detail: Progress), "frame" (detail: Frame) and "rewound". */
export class RunState extends EventTarget {
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

  /** Be the run that nobody has started. */
  forget() {
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

  /** Whether workers hold the run at this moment. */
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

  /**
   * Take a saved run as this run; its state is the caller's to set.
   * @param {string} id
   * @param {SavedRun} saved
   * @param {TaskRecord} task
   */
  load(id, saved, task) {
    this.forget();
    this.id = id;
    this.recipe = saved.recipe;
    this.task = task;
    this.records = saved.records;
    this.checkpoint = { bytes: saved.checkpoint, steps: saved.steps };
    this.policy = saved.policy ? { bytes: saved.policy, steps: saved.policySteps } : null;
    this.evaluation = saved.evaluation;
  }

  /**
   * Keep a checkpoint as the newest.
   * @param {CheckpointFile} file
   * @returns {boolean} whether it is further on than the one before
   */
  takeCheckpoint({ checkpoint, steps }) {
    const further = steps > (this.checkpoint?.steps ?? 0);
    this.checkpoint = { bytes: checkpoint, steps };
    return further;
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

  /** Drop what the curve gained since the checkpoint: it will be learned again, bit for bit. */
  rewind() {
    const steps = this.checkpoint?.steps ?? 0;
    this.records = this.records.filter((record) => record.steps <= steps);
    this.dispatchEvent(new CustomEvent("rewound"));
  }

  changed() {
    this.dispatchEvent(new CustomEvent("change"));
  }
}
