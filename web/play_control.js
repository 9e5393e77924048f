/**
 * A show: a policy acting without learning. Holds what is shown, its speed, its episodes, and the worker that runs it: one
 * without Python, which is there at once, or a Python worker where the first one says that it takes Python.
 */

import { failure, PageError } from "./errors.js";
import { RANDOM } from "./policy_library.js";
import { EVALUATION_SEEDS } from "./run_control.js";
import { WorkerClient } from "./worker_client.js";

/** @import {Booting, EpisodeEnded, Evaluated, Evaluation, Frame, FromWorker, Push, Started} from "./protocol" */
/** @import {PolicyEntry, Recipe, TaskRecord} from "./page_types" */
/** @import {Notices} from "./errors.js" */

/** @typedef {{entry: PolicyEntry, task: TaskRecord, n_envs: number, seed: number}} Show */
/** @typedef {"booting"|"playing"|"paused"|"failed"} State */

export const SPEEDS = [0.1, 0.25, 0.5, 1, 2, 4, 8];
/** Episodes listed one by one; older ones live on in the tally. */
const EPISODES_LISTED = 40;

/** Returns of a show's episodes, however many there were. */
class Tally {
  /** Episodes that nobody pushed. */
  count = 0;
  mean = 0;
  /** Episodes that somebody pushed; they are in no mean. */
  pushed = 0;
  /** Unpushed episodes that began from an evaluation seed: the first of each robot. @type {EpisodeEnded[]} */
  first = [];
  /** Sum of squared distances from the mean (Welford 1962). */
  #squares = 0;

  /** Population standard deviation, as numpy.std. */
  get std() {
    return Math.sqrt(this.#squares / Math.max(1, this.count));
  }

  /** @param {EpisodeEnded} episode */
  add(episode) {
    if (episode.disturbed) {
      this.pushed += 1;
      return;
    }
    if (episode.seed !== null) this.first.push(episode);
    this.count += 1;
    const before = episode.episode_return - this.mean;
    this.mean += before / this.count;
    this.#squares += before * (episode.episode_return - this.mean);
  }
}

/** @param {WorkerClient} client */
function gone(client) {
  return client.state === "lost" || client.state === "closed";
}

/** @param {unknown} error */
function needsPython(error) {
  return error instanceof PageError && error.kind === "NeedsPythonError";
}

/** Fires "change", "started", "frame" (detail: Frame), "detail" (detail: Detail) and "episode" (detail: EpisodeEnded). */
export class PlayControl extends EventTarget {
  /**
   * @param {Notices} notices
   * @param {(task: TaskRecord) => Promise<string>} loadModel XML of a task's robot
   */
  constructor(notices, loadModel) {
    super();
    this.notices = notices;
    this.loadModel = loadModel;
    /** @type {State} */
    this.state = "booting";
    /** The worker that shows. @type {WorkerClient|null} */
    this.client = null;
    /** The worker without Python. @type {WorkerClient|null} */
    this.quick = null;
    /** The Python worker, once one was needed. @type {WorkerClient|null} */
    this.python = null;
    /** Ids of the tasks that take Python. @type {Set<string>} */
    this.takesPython = new Set();
    /** @type {Booting|null} */
    this.boot = null;
    /** @type {Show|null} */
    this.show = null;
    /** The last show that really ran, to go back to. @type {Show|null} */
    this.proven = null;
    /** @type {Started|null} */
    this.started = null;
    /** @type {Frame|null} */
    this.frame = null;
    /** The newest episodes, oldest first. @type {EpisodeEnded[]} */
    this.episodes = [];
    this.tally = new Tally();
    this.speed = 1;
    /** Evaluations of this page by policy key and task. @type {Map<string, Evaluation>} */
    this.evaluations = new Map();
    this.evaluating = false;
    /** The room is out of sight: the player rests. */
    this.resting = false;
    /** It played when it went out of sight. */
    this.wake = false;
    this.losses = 0;
  }

  /** Start loading the worker. */
  prewarm() {
    this.client ??= this.#quickClient();
  }

  #quickClient() {
    if (!this.quick || gone(this.quick)) this.quick = this.#newClient("show");
    return this.quick;
  }

  #pythonClient() {
    if (!this.python || gone(this.python)) this.python = this.#newClient("player");
    return this.python;
  }

  /**
   * Whether only Python can play this: it says so of some tasks, and of rewards that are written as code.
   * @param {TaskRecord} task
   * @param {Recipe|null|undefined} recipe of the policy
   */
  #needsPython(task, recipe) {
    return this.takesPython.has(task.id) || Boolean(recipe?.reward);
  }

  /**
   * Let the worker that can show something show it; the other one rests.
   * @param {Show} show
   */
  #clientFor(show) {
    const python = this.#needsPython(show.task, show.entry.facts?.recipe);
    const client = python ? this.#pythonClient() : this.#quickClient();
    if (client !== this.client && this.client?.state === "ready") {
      this.client.send({ type: "pause" });
      this.client.expectTraffic(false);
    }
    this.client = client;
    if (client.state === "ready") this.boot = null;
    return client;
  }

  /**
   * Show a policy. What ran before is kept to go back to when this one does not fit.
   * @param {Show} show
   */
  async play(show) {
    const client = this.#clientFor(show);
    this.show = show;
    this.started = null;
    this.frame = null;
    this.#forgetEpisodes();
    this.#enter("booting");
    try {
      const [policy, model_xml] = await Promise.all([show.entry.load(), this.loadModel(show.task)]);
      await client.booted;
      if (this.show !== show || client !== this.client) return;
      client.send({
        type: "start_playing",
        task: /** @type {any} */ (show.task),
        model_xml,
        policy: policy?.slice(0) ?? null,
        n_envs: show.n_envs,
        seed: show.seed,
        deterministic: true,
        speed: this.speed,
      });
    } catch (error) {
      if (this.show === show && this.client?.state !== "lost" && this.state !== "failed") this.#failed(error);
    }
  }

  pause() {
    if (this.state === "playing") this.client?.send({ type: "pause" });
  }

  resume() {
    if (this.state === "paused") this.client?.send({ type: "resume" });
    else if (this.state === "failed" && this.show) this.play(this.show);
  }

  /** One control step of a paused show. */
  step() {
    if (this.state === "playing") this.pause();
    if (this.state === "playing" || this.state === "paused") this.client?.send({ type: "single_step" });
  }

  reset() {
    this.#forgetEpisodes();
    this.client?.send({ type: "reset_rows" });
    this.#changed();
  }

  /** @param {number} speed simulated seconds per second */
  setSpeed(speed) {
    this.speed = speed;
    this.client?.send({ type: "set_speed", speed });
    this.#changed();
  }

  /** @param {Omit<Push, "type">} push */
  push(push) {
    this.client?.send({ type: "push", ...push });
  }

  /**
   * Give every robot a command, or with none let the task draw them again.
   * @param {number[]} command as the task's CommandRecord says
   */
  steer(command) {
    if (this.state === "playing" || this.state === "paused") this.client?.send({ type: "steer", command });
  }

  /**
   * The room goes out of sight, or comes back.
   * @param {boolean} resting
   */
  rest(resting) {
    if (this.resting === resting) return;
    this.resting = resting;
    if (resting && this.state === "playing") {
      this.wake = true;
      this.pause();
    } else if (!resting && this.wake) {
      this.wake = false;
      // A show that is only starting plays when it has started.
      if (this.state !== "booting") this.client?.send({ type: "resume" });
    }
  }

  /**
   * Evaluate what is shown on the fixed seeds.
   * @returns {Promise<void>}
   */
  async evaluateShow() {
    const { show } = this;
    if (!show || this.evaluating) return;
    this.evaluating = true;
    this.#changed();
    try {
      const recipe = show.entry.facts?.recipe;
      const evaluation = await this.evaluate(await show.entry.load(), show.task, recipe);
      this.evaluations.set(`${show.entry.key} ${show.task.id}`, evaluation);
    } catch (error) {
      this.notices.report(error, { key: "play" });
    }
    this.evaluating = false;
    this.#changed();
  }

  /**
   * @param {ArrayBuffer|null} policy null: the random policy
   * @param {TaskRecord} task
   * @param {Recipe|null} [recipe] whose reward counts; of the policy, where there is one
   * @returns {Promise<Evaluation>}
   */
  async evaluate(policy, task, recipe = null) {
    const model_xml = await this.loadModel(task);
    const python = this.#needsPython(task, recipe);
    const client = python ? this.#pythonClient() : this.#quickClient();
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

  /** The evaluation made here of what is shown, or null. */
  get evaluation() {
    return this.show ? (this.evaluations.get(`${this.show.entry.key} ${this.show.task.id}`) ?? null) : null;
  }

  #forgetEpisodes() {
    this.episodes = [];
    this.tally = new Tally();
  }

  /** @param {"show"|"player"} role */
  #newClient(role) {
    /** @type {WorkerClient} */
    const client = new WorkerClient(role, {
      onMessage: (message) => client === this.client && this.#receive(message),
      onBoot: (booting) => {
        if (client !== this.client) return;
        this.boot = booting;
        this.#changed();
      },
      onLost: (error) => client === this.client && this.#lost(error),
      onQuiet: (seconds) => client === this.client && seconds > 0 && this.#quiet(),
    });
    return client;
  }

  /** @param {FromWorker} message */
  #receive(message) {
    switch (message.type) {
      case "ready":
        this.boot = null;
        return this.#changed();
      case "started":
        this.started = message;
        this.proven = this.show;
        this.losses = 0;
        this.#enter("playing");
        this.dispatchEvent(new CustomEvent("started"));
        if (this.resting) {
          this.wake = true;
          this.pause();
        }
        return;
      case "frame":
        this.frame = message;
        this.dispatchEvent(new CustomEvent("frame", { detail: message }));
        return;
      case "detail":
        this.dispatchEvent(new CustomEvent("detail", { detail: message }));
        return;
      case "episode_ended":
        this.tally.add(message);
        this.episodes.push(message);
        if (this.episodes.length > EPISODES_LISTED) this.episodes.shift();
        this.dispatchEvent(new CustomEvent("episode", { detail: message }));
        return;
      case "state_changed":
        return this.#enter(message.state === "running" ? "playing" : "paused");
      case "failed":
        if (needsPython(failure(message)) && this.show) {
          this.takesPython.add(this.show.task.id);
          this.play(this.show);
        } else if (this.state === "booting") this.#failed(failure(message));
        else this.notices.report(failure(message), { key: "play" });
        return;
      default:
        return;
    }
  }

  /** The show did not start or broke: say so, and go back to one that runs. @param {unknown} error */
  #failed(error) {
    const { proven, show } = this;
    const refused = error instanceof PageError && error.kind === "PolicyFileError";
    const random = refused && show && show.entry !== RANDOM ? { ...show, entry: RANDOM } : null;
    const back = proven && proven !== show ? proven : random;
    const done = error instanceof PageError && error.todo ? error.todo : "Choose another policy or robot.";
    this.notices.report(error, {
      key: "play",
      todo: back
        ? `${done} ${back === random ? "Random actions play meanwhile." : `${back.entry.title} plays on.`}`
        : done,
    });
    if (back) this.play(back);
    else this.#enter("failed");
  }

  /** @param {PageError} error */
  #lost(error) {
    const booted = this.client?.ready !== null;
    this.client = null;
    this.boot = null;
    const { show } = this;
    if (booted && show && this.losses < 2) {
      this.losses += 1;
      this.notices.show({
        key: "play",
        title: "The worker that moves the robots was lost and is being replaced",
        what: error.message,
        todo: "Nothing to do: the show starts again by itself.",
        details: error.details,
      });
      this.play(show);
      return;
    }
    this.#enter("failed");
    this.notices.report(error, {
      key: "play",
      actions: show ? [{ label: "Try again", run: () => this.play(show) }] : [],
    });
  }

  #quiet() {
    this.notices.show({
      key: "play",
      title: "The worker that moves the robots does not answer",
      what: "Nothing was heard from it for half a minute.",
      todo: "Wait, or replace it.",
      actions: [
        {
          label: "Replace the worker",
          run: () => {
            this.client?.close();
            this.client = null;
            if (this.show) this.play(this.show);
          },
        },
      ],
    });
  }

  /** @param {State} state */
  #enter(state) {
    this.state = state;
    this.client?.expectTraffic(state === "playing");
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new CustomEvent("change"));
  }
}
