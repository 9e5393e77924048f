/**
 * A show: a policy acting without learning. Holds what is shown, its speed, its episodes, and the worker that runs it: one
 * without Python, which is there at once, or a Python worker where the first one says that it takes Python.
 */

import { failure, PageError } from "./errors.js";
import { Guests } from "./guests.js";
import { Lineup } from "./lineup.js";
import { OneWorld } from "./one_world.js";
import { needsPython, PlayWorkers } from "./play_workers.js";
import { RANDOM } from "./policy_library.js";
import { Tally } from "./tally.js";

/** @import {Detail, Disturb, EpisodeEnded, Frame, FromWorker, Push, Started} from "./protocol" */
/** @import {TaskRecord} from "./page_types" */
/** @import {Notices} from "./errors.js" */
/** @import {Part, Show} from "./lineup.js" */
/** @import {ShowTeam} from "./show_team.js" */
/** @import {WorkerClient} from "./worker_client.js" */

/** @typedef {Required<Omit<Disturb, "type">>} World */
/** @typedef {"booting"|"playing"|"paused"|"failed"} State */

export const SPEEDS = [0.1, 0.25, 0.5, 1, 2, 4, 8];
/** Episodes listed one by one; older ones live on in the tally. */
const EPISODES_LISTED = 40;
/** The world as the models have it. @type {World} */
export const PLAIN_WORLD = { slope: 0, friction: 1, gravity: 1, motor: -1 };

const NO_EPISODES = new Tally();

/**
 * Fires "change", "started", "lineup", "frame" (detail: Frame), "episode" (detail: EpisodeEnded of the first policy) and
 * "ended" and "detail" (detail: Detail; of any, its row counted on the stage).
 */
export class PlayControl extends PlayWorkers {
  /**
   * @param {Notices} notices
   * @param {(task: TaskRecord) => Promise<string>} loadModel XML of a task's robot
   */
  constructor(notices, loadModel) {
    super(notices, loadModel);
    this.guests = new Guests(this);
    /** @type {State} */
    this.state = "booting";
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
    this.lineup = new Lineup();
    this.oneWorld = new OneWorld(this);
    this.world = PLAIN_WORLD;
    this.speed = 1;
    /** The room is out of sight: the player rests. */
    this.resting = false;
    /** It played when it went out of sight. */
    this.wake = false;
    this.losses = 0;
  }

  /** What the episodes of the first policy came to. */
  get tally() {
    return this.lineup.parts[0]?.tally ?? NO_EPISODES;
  }

  /**
   * Show a policy. What ran before is kept to go back to when this one does not fit.
   * @param {Show} show
   */
  async play(show) {
    const client = this.clientFor(show);
    this.show = show;
    this.started = null;
    this.frame = null;
    const part = this.lineup.setFirst(show);
    for (const guest of this.lineup.guests)
      if (client !== this.quick || guest.show.task.model !== show.task.model) this.guests.leave(guest.id);
    if (client !== this.quick) {
      this.quick?.send({ type: "disturb", ...PLAIN_WORLD });
      this.world = PLAIN_WORLD;
    } else if (this.world !== PLAIN_WORLD && !this.quick?.world) {
      this.disturb(this.world);
    }
    if (this.oneWorld.obstacle) this.oneWorld.on = false;
    this.#forgetEpisodes();
    this.#enter("booting");
    try {
      await this.startPart(part, client);
      if (this.show !== show) return;
      for (const guest of this.lineup.guests)
        if (guest.client !== client || this.oneWorld.on) this.guests.join(guest);
    } catch (error) {
      if (this.show === show && this.client?.state !== "lost" && this.state !== "failed") this.#failed(error);
    }
  }

  /**
   * Send a part's show to whoever moves it, unless something else has taken its place meanwhile.
   * @param {Part} part
   * @param {WorkerClient|ShowTeam} client
   */
  async startPart(part, client) {
    const { show } = part;
    const [policy, model_xml] = await Promise.all([show.entry.load(), this.loadModel(show.task)]);
    await client.booted;
    if (client !== this.client || !this.lineup.parts.includes(part) || part.show !== show) return;
    part.client = client;
    client.send({
      type: "start_playing",
      task: /** @type {any} */ (show.task),
      model_xml,
      policy: policy?.slice(0) ?? null,
      n_envs: show.n_envs,
      seed: show.seed,
      deterministic: true,
      speed: this.speed,
      show: part.id,
      running: part.id === 0 || this.state === "playing" || this.started === null,
      ...this.oneWorld.place(part),
    });
  }

  /** Whether other policies can join, and the world be changed: in workers without Python. */
  get canShare() {
    return this.client !== null && this.client === this.quick;
  }

  /** @param {World} world for every robot */
  disturb(world) {
    if (!this.canShare) return;
    this.world = world;
    this.client?.send({ type: "disturb", ...world });
    this.changed();
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
    this.changed();
  }

  /** @param {number} speed simulated seconds per second */
  setSpeed(speed) {
    this.speed = speed;
    this.client?.send({ type: "set_speed", speed });
    this.changed();
  }

  /** @param {Omit<Push, "type"|"show">} push its row is one of the stage's */
  push(push) {
    const at = this.lineup.at(push.row);
    if (at) this.client?.send({ type: "push", ...push, row: at.row, show: at.part.id });
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
    const { show, evaluating } = this;
    if (!show || evaluating) return;
    this.evaluating = true;
    this.changed();
    try {
      const recipe = show.entry.facts?.recipe;
      const evaluation = await this.evaluate(await show.entry.load(), show.task, recipe);
      this.evaluations.set(`${show.entry.key} ${show.task.id}`, evaluation);
    } catch (error) {
      this.notices.report(error, { key: "play" });
    }
    this.evaluating = false;
    this.changed();
  }

  /** The evaluation made here of what is shown, or null. */
  get evaluation() {
    return this.show ? (this.evaluations.get(`${this.show.entry.key} ${this.show.task.id}`) ?? null) : null;
  }

  #forgetEpisodes() {
    this.episodes = [];
    this.lineup.forget();
  }

  /** @param {FromWorker} message */
  receive(message) {
    switch (message.type) {
      case "ready":
        this.boot = null;
        return this.changed();
      case "started":
        if (message.show) return this.guests.joined(message.show);
        this.started = message;
        /** @type {Part} */ (this.lineup.parts[0]).started = true;
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
        this.#tellOf("detail", message);
        return;
      case "episode_ended":
        this.lineup.count(message);
        this.#tellOf("ended", message);
        if (!message.show) this.episodes.push(message);
        if (this.episodes.length > EPISODES_LISTED) this.episodes.shift();
        this.dispatchEvent(new CustomEvent("episode", { detail: message }));
        return;
      case "state_changed":
        return this.#enter(message.state === "running" ? "playing" : "paused");
      case "failed":
        if (message.name === "TogetherError") this.oneWorld.refused(message);
        else if (message.show !== undefined && message.show > 0)
          this.guests.refused(message.show, failure(message));
        else if (needsPython(failure(message)) && this.show) {
          this.takesPython.add(this.show.task.id);
          this.play(this.show);
        } else if (this.state === "booting") this.#failed(failure(message));
        else this.notices.report(failure(message), { key: "play" });
        return;
      default:
        return;
    }
  }

  /**
   * Pass on what a worker says of a robot, with its row on the stage.
   * @param {"ended"|"detail"} name
   * @param {EpisodeEnded|Detail} message
   */
  #tellOf(name, message) {
    const place = this.lineup.placed.find(({ part }) => part.id === (message.show ?? 0));
    if (!place) return;
    const detail = { ...message, row: place.first + message.row };
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  /** Look into a robot on the stage, or into none with -1. @param {number} row */
  inspect(row) {
    const at = this.lineup.at(row);
    this.client?.send({ type: "inspect", row: at?.row ?? -1, show: at?.part.id ?? 0 });
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
  lost(error) {
    const { client, show } = this;
    const booted = client?.ready !== null;
    this.client = null;
    this.boot = null;
    this.notices.close("play-quiet");
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

  /** @param {number} seconds of silence; 0: it is back */
  quiet(seconds) {
    if (seconds === 0) {
      this.notices.close("play-quiet");
      return;
    }
    this.notices.show({
      key: "play-quiet",
      title: "The worker that moves the robots does not answer",
      what: `Nothing was heard from it for ${Math.round(seconds)} s.`,
      todo: "Wait, or replace it.",
      actions: [
        {
          label: "Replace the worker",
          run: () => {
            this.client?.close();
            this.client = null;
            this.notices.close("play-quiet");
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
    this.changed();
  }

  changed() {
    this.dispatchEvent(new CustomEvent("change"));
  }
}
