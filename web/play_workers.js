/** The workers that can show policies: those without Python, which are there at once, and one with Python where it takes that. */

import { PageError } from "./errors.js";
import { EVALUATION_SEEDS } from "./run_control.js";
import { ShowTeam } from "./show_team.js";
import { cores } from "./team.js";
import { WorkerClient } from "./worker_client.js";

/** @import {Booting, Evaluated, Evaluation, FromWorker} from "./protocol" */
/** @import {Recipe, TaskRecord} from "./page_types" */
/** @import {Notices} from "./errors.js" */
/** @import {Show} from "./lineup.js" */
/** @import {Handlers} from "./worker_client.js" */

/** More workers than this would only share a phone's or a desk's memory; each takes some 60 MB. */
const MOST_WORKERS = 8;

/** @param {WorkerClient|ShowTeam} client */
function gone(client) {
  return client.state === "lost" || client.state === "closed";
}

/** @param {unknown} error */
export function needsPython(error) {
  return error instanceof PageError && error.kind === "NeedsPythonError";
}

export class PlayWorkers extends EventTarget {
  /** What shows: one of the next two. @type {WorkerClient|ShowTeam|null} */
  client = null;
  /** The workers without Python. @type {ShowTeam|null} */
  quick = null;
  /** The Python worker, once one was needed. @type {WorkerClient|null} */
  python = null;
  /** Ids of the tasks that take Python. @type {Set<string>} */
  takesPython = new Set();
  /** @type {Booting|null} */
  boot = null;
  /** Evaluations of this page by policy key and task. @type {Map<string, Evaluation>} */
  evaluations = new Map();
  evaluating = false;

  /**
   * @param {Notices} notices
   * @param {(task: TaskRecord) => Promise<string>} loadModel XML of a task's robot
   */
  constructor(notices, loadModel) {
    super();
    this.notices = notices;
    this.loadModel = loadModel;
  }

  /** Start loading the worker. */
  prewarm() {
    this.client ??= this.quickClient();
  }

  quickClient() {
    if (!this.quick || gone(this.quick)) {
      const most = Math.min(cores(), MOST_WORKERS);
      /** @type {ShowTeam} */
      const team = new ShowTeam(
        this.handlers(() => team),
        most,
      );
      this.quick = team;
    }
    return this.quick;
  }

  pythonClient() {
    if (!this.python || gone(this.python)) {
      /** @type {WorkerClient} */
      const client = new WorkerClient(
        "player",
        this.handlers(() => client),
      );
      this.python = client;
    }
    return this.python;
  }

  /**
   * Whether only Python can play this: it says so of some tasks, and of rewards that are written as code.
   * @param {TaskRecord} task
   * @param {Recipe|null|undefined} recipe of the policy
   */
  needsPython(task, recipe) {
    return this.takesPython.has(task.id) || Boolean(recipe?.reward);
  }

  /**
   * Let the worker that can show something show it; the other one rests.
   * @param {Show} show
   */
  clientFor(show) {
    const python = this.needsPython(show.task, show.entry.facts?.recipe);
    const client = python ? this.pythonClient() : this.quickClient();
    if (client !== this.client && this.client?.state === "ready") {
      this.client.send({ type: "pause" });
      this.client.expectTraffic(false);
    }
    this.client = client;
    if (client.state === "ready") this.boot = null;
    return client;
  }

  /**
   * @param {ArrayBuffer|null} policy null: the random policy
   * @param {TaskRecord} task
   * @param {Recipe|null} [recipe] whose reward counts; of the policy, where there is one
   * @returns {Promise<Evaluation>}
   */
  async evaluate(policy, task, recipe = null) {
    const model_xml = await this.loadModel(task);
    const python = this.needsPython(task, recipe);
    const client = python ? this.pythonClient() : this.quickClient();
    await client.booted;
    try {
      /** @type {Evaluated} */
      const answer = await client.request({
        type: "request_evaluation",
        policy: policy?.slice(0) ?? null,
        task: /** @type {any} */ (task),
        model_xml,
        seeds: EVALUATION_SEEDS,
        reward: policy ? "" : (recipe?.reward ?? ""),
      });
      return /** @type {any} */ (answer.evaluation);
    } catch (error) {
      if (!needsPython(error) || python) throw error;
      this.takesPython.add(task.id);
      return await this.evaluate(policy, task, recipe);
    }
  }

  /**
   * @param {() => WorkerClient|ShowTeam} me whose handlers they are
   * @returns {Handlers}
   */
  handlers(me) {
    return {
      onMessage: (message) => me() === this.client && this.receive(message),
      onBoot: (booting) => {
        if (this.client && me() !== this.client) return;
        this.boot = booting;
        this.changed();
      },
      onLost: (error) => me() === this.client && this.lost(error),
      onQuiet: (seconds) => me() === this.client && this.quiet(seconds),
    };
  }

  /** @param {FromWorker} _message of the worker that shows */
  receive(_message) {}

  /** The worker that shows is gone. @param {PageError} _error */
  lost(_error) {}

  /** The worker that shows does not answer, or does again. @param {number} _seconds of silence; 0: it is back */
  quiet(_seconds) {}

  changed() {
    this.dispatchEvent(new CustomEvent("change"));
  }
}
