/** The page's parts, connected: the two rooms, what each shows, and what its buttons do. */

import { AskDoor } from "./ask_door.js";
import { PageError } from "./errors.js";
import { LiveTraining } from "./live_training.js";
import { Curves } from "./panels/curves.js";
import { byId, focusIsLost, setText } from "./panels/elements.js";
import { shortCount } from "./panels/format.js";
import { GamepadSteering } from "./panels/gamepad.js";
import { Inside } from "./panels/inside.js";
import { RecordMenu } from "./panels/record_menu.js";
import { RoomView } from "./panels/room_view.js";
import { Stage } from "./panels/stage.js";
import { runAnnouncement, trainWords, watchWords } from "./panels/stage_words.js";
import { Steering } from "./panels/steering.js";
import { sayPace, sayRun } from "./panels/top_bar.js";
import { TrainPanel } from "./panels/train_panel.js";
import { Transport } from "./panels/transport.js";
import { WatchPanel } from "./panels/watch_panel.js";
import { PlayControl, SPEEDS } from "./play_control.js";
import { exportShown, exportTraining, importFiles } from "./policy_files.js";
import { PolicyLibrary } from "./policy_library.js";
import { fetchOwn } from "./requirements.js";
import { RobotDoor } from "./robot_door.js";
import { RunControl } from "./run_control.js";
import { ShareDoor } from "./share_door.js";

/** @import {Evaluation, Frame} from "./protocol" */
/** @import {Notices} from "./errors.js" */
/** @import {PolicyEntry, Recipe, Room, Settings, TaskRecord} from "./page_types" */
/** @import {RunStorage} from "./storage.js" */
/** @import {Actions} from "./panels/transport.js" */

/** Robots of the show that opens the page. */
export const CROWD = 12;
const PHONE = matchMedia("(max-width: 760px)");
/** Robots drawn while training; a phone's screen and processor hold fewer. */
const VISIBLE = 64;
const VISIBLE_ON_PHONE = 16;
/** A phone has as many cores as a desk's machine, and less memory: each worker takes some 150 MB. */
const WORKERS_ON_PHONE = 4;
const READOUT_MS = 500;
/** Robots whose pictures take more than they give where the processor both paints and simulates. */
const LARGE_CROWD = 64;
/** As the tabs stand. */
export const ROOMS = /** @type {const} */ (["watch", "train", "ask"]);

export class App {
  /**
   * @param {Notices} notices
   * @param {{tasks: TaskRecord[], settings: Settings, version: string, files: Set<string>}} catalogue
   * @param {RunStorage|null} storage
   */
  constructor(notices, { tasks, settings, version, files }, storage) {
    this.version = version;
    this.files = files;
    this.notices = notices;
    this.tasks = new Map(tasks.map((task) => [task.id, task]));
    this.storage = storage;
    /** @type {Map<string, Promise<string>>} */
    this.models = new Map();
    const loadModel = (/** @type {TaskRecord} */ task) => this.loadModel(task);
    this.run = new RunControl(notices, () => this.storage, loadModel);
    this.run.visible = PHONE.matches ? VISIBLE_ON_PHONE : VISIBLE;
    if (PHONE.matches) this.run.workers = Math.min(this.run.workers, WORKERS_ON_PHONE);
    this.play = new PlayControl(notices, loadModel);
    this.library = new PolicyLibrary(this.tasks, this.run);
    this.live = new LiveTraining(this.play, this.run, this.library);
    this.ask = new AskDoor(this);
    this.share = new ShareDoor(this);
    this.robots = new RobotDoor(this, tasks);
    /** @type {Room} */
    this.room = "watch";
    this.views = { watch: new RoomView("crowd"), train: new RoomView("figures") };
    this.stage = new Stage(
      {
        stage: byId("stage"),
        canvas: /** @type {HTMLCanvasElement} */ (byId("grid-canvas")),
        grid: byId("view-grid"),
        space: byId("view-3d"),
      },
      notices,
      (row, push) => (this.room === "watch" ? this.play : this.run).push({ row, steps: 4, ...push }),
    );
    this.actions = this.#actions();
    this.transport = new Transport(
      { title: byId("stage-title"), tools: byId("stage-tools"), bar: byId("transport") },
      this.stage,
      this.play,
      this.run,
      this.actions,
    );
    this.steering = new Steering(byId("steering"), this.play, this.stage);
    this.gamepad = new GamepadSteering(this.steering);
    this.inside = new Inside(this.stage, this.play, (task) => this.robots.renew(task));
    this.recordMenu = new RecordMenu(this.stage, notices, () => this.transport.shownWords);
    this.watchPanel = new WatchPanel(byId("panel-watch"), {
      tasks,
      settings,
      play: this.play,
      library: this.library,
      stage: this.stage,
      wishes: {
        show: (entry, task, more) => this.show(entry, task, more),
        importFiles: (files) => importFiles(this, files),
        exportPolicy: (format) => exportShown(this, format),
        share: () => this.share.shareShown(),
        judge: (entry, judged) => this.ask.judge(entry, judged),
      },
    });
    this.trainPanel = new TrainPanel(byId("panel-train"), {
      tasks,
      settings,
      run: this.run,
      library: this.library,
      fps: () => this.stage.fps,
      wishes: {
        start: (recipe, task, key) => this.train(recipe, task, key),
        watch: () => this.watchTraining(),
        exportPolicy: (format) => exportTraining(this, format),
        share: () => this.share.shareTraining(),
        reset: () => this.resetRun(),
        choice: (task, robots) => this.#idleRobots(task, robots),
      },
    });
    this.curves = new Curves(byId("curves"), this.run, (error) => notices.report(error, { key: "charts" }));
    this.robots.stand();
    this.#connect();
  }

  /** @param {TaskRecord} task */
  loadModel(task) {
    const path = `models/${task.model}.xml`;
    const found = this.models.get(path) ?? fetchOwn(path).then((response) => response.text());
    this.models.set(path, found);
    found.catch(() => this.models.delete(path));
    return found;
  }

  /**
   * Show a policy acting.
   * @param {PolicyEntry} entry
   * @param {TaskRecord} task
   * @param {{n_envs?: number, seed?: number}} [more]
   */
  show(entry, task, more = {}) {
    const before = this.play.show;
    const show = {
      entry,
      task,
      n_envs: more.n_envs ?? before?.n_envs ?? CROWD,
      seed: more.seed ?? before?.seed ?? 0,
    };
    const dt = this.views.watch.dt;
    this.stage
      .setRobots(this.views.watch, task.model, show.n_envs, dt)
      .catch((error) => this.sceneFailed(error));
    this.play.play(show);
  }

  /**
   * @param {Recipe} recipe
   * @param {TaskRecord} task
   * @param {string} key of the policy to start from, or "": fresh weights
   */
  async train(recipe, task, key) {
    this.notices.close("run");
    try {
      const entry = this.library.entries.find((each) => each.key === key);
      if (entry && !this.library.fits(entry, task)) {
        const own = this.tasks.get(entry.task ?? "")?.title ?? entry.task;
        throw new PageError(
          "This policy cannot be used",
          `${entry.title} was made for ${own}; its senses and actions are not those of ${task.title}.`,
          "Start from fresh weights, or choose the task it was made for.",
        );
      }
      await this.run.start(recipe, task, (await entry?.load()) ?? null);
    } catch (error) {
      this.notices.report(error, { key: "run" });
    }
  }

  watchTraining() {
    const { training } = this.library;
    const task = training && this.tasks.get(training.task ?? "");
    if (!training || !task) return;
    this.show(training, task);
    const [first] = this.play.lineup.parts;
    if (first) first.follows = this.run.live;
    this.enter("watch");
  }

  resetRun() {
    const steps = this.run.steps;
    const undo = this.run.reset();
    if (steps === 0) return;
    this.notices.show({
      key: "run",
      kind: "info",
      title: `${shortCount(steps)} steps of learning were put aside`,
      what: "They are kept until the next run saves its first checkpoint.",
      actions: [{ label: "Undo", run: undo }],
    });
  }

  /** @param {Room} room */
  enter(room) {
    if (room === this.room && document.body.dataset.entered) return;
    document.body.dataset.entered = "yes";
    const held = !focusIsLost();
    this.room = room;
    document.body.dataset.room = room;
    for (const name of ROOMS) {
      const tab = byId(`tab-${name}`);
      tab.setAttribute("aria-selected", String(name === room));
      tab.tabIndex = name === room ? 0 : -1;
      byId(`panel-${name}`).hidden = name !== room;
    }
    this.play.rest(room !== "watch");
    this.transport.setRoom(room);
    this.steering.setRoom(room);
    this.inside.setRoom(room);
    this.ask.rest(room !== "ask");
    if (room === "ask") this.ask.open();
    else this.stage.look(this.views[room]);
    if (room === "train") {
      this.run.prewarm();
      this.curves.open();
    }
    this.words();
    this.readout();
    // What led here is in the other room.
    if (held && focusIsLost()) byId(`tab-${room}`).focus();
  }

  /** Bring title, state and readouts up to date. */
  words() {
    const { play, run, room, trainPanel } = this;
    sayRun(run, room);
    if (room === "ask") return;
    const words =
      room === "watch"
        ? watchWords(play, this.watchPanel.world.motors)
        : trainWords(run, trainPanel.task.title, trainPanel.robots);
    const task = room === "watch" ? play.show?.task : trainPanel.shown ? run.task : trainPanel.task;
    const { close } = this.stage.view;
    const line = close === null ? words.line : `robot ${close + 1} · ${words.line}`;
    this.transport.say(task?.group ?? "", words.name, line);
    const bar = byId("boot-line");
    bar.hidden = words.loading === null;
    /** @type {HTMLElement} */ (bar.firstElementChild).style.transform = `scaleX(${words.loading ?? 0})`;
  }

  /** Drawing leaves the cores to learning, and to the physics of a large crowd that cannot hold its speed. */
  #spare() {
    const { play, run, room, stage } = this;
    const factor = play.state === "playing" ? (play.frame?.real_time_factor ?? null) : null;
    const behind = factor !== null && factor < 0.9 * play.speed;
    const crowd = room === "watch" && play.lineup.robots > LARGE_CROWD;
    const much = run.state === "running" || (crowd && behind);
    stage.grid.rest.spare(much ? "much" : behind ? "some" : "none");
  }

  /** The measured speed in the top bar, and the figures of a run. */
  readout() {
    this.#spare();
    sayPace(this.room, this.play, this.run);
    if (this.room === "train" && this.run.state === "running") this.trainPanel.stats.update();
  }

  /** Measure what random actions reach in a run's task, once per task, reward and browser. @param {TaskRecord} task */
  async measureBaseline(task) {
    const { recipe } = this.run;
    const key = `${task.id} ${task.layout_version} ${this.version}${recipe?.reward ?? ""}`;
    /** @type {Evaluation|undefined} */
    let found;
    try {
      found = await this.storage?.baseline(key);
      if (!found) {
        found = await this.play.evaluate(null, task, recipe);
        await this.storage?.saveBaseline(key, found);
      }
    } catch (error) {
      if (!found) this.notices.report(error, { key: "baseline" });
    }
    if (this.run.task !== task || !found) return;
    this.curves.setBaseline(found);
    this.trainPanel.setBaseline(found);
  }

  /** @param {Error} error whose message already says what to do */
  sceneFailed(error) {
    this.notices.show({ key: "scene", title: "The robot cannot be drawn", what: error.message });
  }

  #connect() {
    const { play, run, stage, views } = this;
    for (const source of [play, stage]) source.addEventListener("change", () => this.words());
    play.addEventListener("started", () => this.#started("watch"));
    play.addEventListener("lineup", () => this.#started("watch"));
    play.addEventListener("frame", (event) => {
      stage.setFrame(views.watch, /** @type {CustomEvent<Frame>} */ (event).detail);
      sayPace(this.room, play, run);
    });
    run.addEventListener("frame", (event) =>
      stage.setFrame(views.train, /** @type {CustomEvent<Frame>} */ (event).detail),
    );
    run.addEventListener("progress", () => this.words());
    let state = run.state;
    let evaluated = run.evaluation;
    let started = run.started;
    run.addEventListener("change", () => {
      if (run.state !== state || run.evaluation !== evaluated) {
        state = run.state;
        this.#spare();
        evaluated = run.evaluation;
        setText(byId("live"), runAnnouncement(run));
      }
      if (run.started !== started) {
        started = run.started;
        if (started) this.#started("train");
      }
      this.words();
    });
    setInterval(() => this.readout(), READOUT_MS);
    document.addEventListener("visibilitychange", () => document.hidden && run.keep());
  }

  /**
   * A show or a run begins: its robots take the stage, and a run is compared with random actions.
   * @param {"watch"|"train"} room
   */
  #started(room) {
    const { started, task } =
      room === "watch" ? { started: this.play.started, task: this.play.show?.task } : this.run;
    if (!started || !task) return;
    const { lineup } = this.play;
    this.views.watch.labels = lineup.labels;
    if (room === "watch") this.views.watch.together = this.play.oneWorld.on;
    const robots = room === "watch" ? lineup.robots : started.rows.length;
    this.stage
      .setRobots(this.views[room], task.model, robots, started.dt)
      .catch((error) => this.sceneFailed(error));
    if (room === "train") this.measureBaseline(task);
  }

  /**
   * @param {TaskRecord} task
   * @param {number} robots
   */
  #idleRobots(task, robots) {
    const view = this.views.train;
    const count = Math.min(robots, this.run.visible);
    if (view.scene?.name === task.model && view.count === count) return;
    this.stage.setRobots(view, task.model, count, view.dt).catch((error) => this.sceneFailed(error));
    if (this.transport && this.trainPanel) this.words();
  }

  /** @returns {Actions} */
  #actions() {
    const { play, run } = this;
    const watch = () => this.room === "watch";
    return {
      playOrPause: () => {
        if (watch()) play.state === "playing" ? play.pause() : play.resume();
        else run.state === "running" ? run.pause() : run.resume();
      },
      step: () => watch() && play.step(),
      faster: (by) => {
        if (watch()) play.setSpeed(SPEEDS[SPEEDS.indexOf(play.speed) + by] ?? play.speed);
      },
      reset: () => watch() && play.reset(),
      push: () => {
        const said = this.stage.pushChosen();
        if (said) setText(byId("live"), said);
      },
      follow: () => this.stage.setFollow(!this.stage.view.follow),
      back: () => this.stage.back(),
      train: () => this.enter("train"),
    };
  }
}
