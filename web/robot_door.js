/** The way in for robots that people bring: known to the page like those it ships, kept by the browser, read when one is dropped. */

import { PageError } from "./errors.js";
import { button, h } from "./panels/elements.js";
import { loadPart } from "./requirements.js";
import { keepScene } from "./views/scene.js";

/** @import {App} from "./app.js" */
/** @import {OwnRobot, TaskRecord} from "./page_types" */
/** @import {RobotSheet} from "./panels/robot/robot_sheet.js" */
/** @import {RobotStorage} from "./robot_storage.js" */

const MODEL = /\.(xml|mjcf|urdf)$/i;
const ARCHIVE = /\.zip$/i;
/** The list of an archive's files lies at its end. */
const LIST_BYTES = 256 * 1024;

export class RobotDoor {
  /**
   * @param {App} app
   * @param {TaskRecord[]} tasks the list that the pickers show
   */
  constructor(app, tasks) {
    this.app = app;
    this.tasks = tasks;
    /** @type {OwnRobot[]} */
    this.robots = [];
    /** @type {Promise<RobotStorage>|null} */
    this.storage = null;
    /** @type {Promise<RobotSheet>|null} */
    this.sheet = null;
  }

  /** Put the button under the tasks of both rooms. */
  stand() {
    const { watchPanel, trainPanel } = this.app;
    for (const [room, { picker }] of Object.entries({ watch: watchPanel, train: trainPanel })) {
      const own = button("Bring your own robot", () => this.open(), {
        icon: "upload",
        id: `own-robot-${room}`,
      });
      own.title = "An MJCF file, or a .zip with its meshes; or drop it on the page";
      picker.element.after(h("div", { class: "row" }, own));
    }
  }

  /** Make the robots known that were kept; a browser that keeps nothing has none. */
  async restore() {
    try {
      for (const robot of await (await this.#store()).all()) this.know(robot);
    } catch (error) {
      if (!(error instanceof PageError)) throw error;
    }
  }

  #store() {
    this.storage ??= loadPart(() => import("./robot_storage.js"), "What keeps robots").then(
      ({ RobotStorage }) => RobotStorage.open(),
    );
    return this.storage;
  }

  /**
   * The file among some that is a robot, or null.
   * @param {File[]} files
   */
  async among(files) {
    for (const file of files) {
      if (MODEL.test(file.name)) return file;
      if (!ARCHIVE.test(file.name)) continue;
      const list = new TextDecoder("latin1").decode(
        await file.slice(Math.max(0, file.size - LIST_BYTES)).arrayBuffer(),
      );
      if (/\.(xml|mjcf)PK|\.(xml|mjcf)[^ -~]/i.test(list) && !list.includes("policy.pth")) return file;
    }
    return null;
  }

  /**
   * Open the sheet on which robots come and go.
   * @param {File|null} [file] read at once
   */
  async open(file = null) {
    try {
      this.sheet ??= loadPart(() => import("./panels/robot/robot_sheet.js"), "What reads robots").then(
        ({ RobotSheet }) => new RobotSheet(this.app),
      );
      this.sheet.catch(() => {
        this.sheet = null;
      });
      (await this.sheet).open(file);
    } catch (error) {
      this.app.notices.report(error, { key: "robot" });
    }
  }

  /**
   * Make a robot known to the page, as if it had been shipped.
   * @param {OwnRobot} robot
   */
  know(robot) {
    const { app, tasks } = this;
    const { task, scene, text } = robot;
    keepScene({ ...scene, name: task.model });
    app.models.set(`models/${task.model}.xml`, Promise.resolve(text));
    if (app.tasks.has(task.id)) return;
    this.robots.push(robot);
    app.tasks.set(task.id, task);
    tasks.push(task);
    this.#refill();
  }

  /**
   * Make a robot known and keep it.
   * @param {OwnRobot} robot
   */
  async add(robot) {
    this.know(robot);
    await this.#keep(robot);
  }

  /**
   * Give a robot that an earlier version kept the names of its reward's terms.
   * @param {TaskRecord} task
   * @throws {PageError} its task is not the one that this version proposes
   */
  async renew(task) {
    const robot = this.robots.find((each) => each.task.id === task.id);
    const { own } = robot?.task ?? {};
    if (!robot || !own) return;
    const { evaluator } = this.app.ask;
    const proposal = await evaluator.proposeTask(own.description, own.choices, robot.text);
    const made = /** @type {TaskRecord} */ (/** @type {unknown} */ (proposal.task));
    // The name has a hash of all that the task is.
    if (made.id !== task.id)
      throw new PageError(
        "The terms of its reward have no names",
        "An earlier version kept this robot; this one proposes another task for it.",
        "Bring its file again to see what its reward is made of.",
      );
    own.program = made.own?.program ?? null;
    await this.#keep(robot);
  }

  /** @param {OwnRobot} robot */
  async #keep(robot) {
    try {
      await (await this.#store()).save(robot);
    } catch (error) {
      this.app.notices.report(error, { key: "robot", kind: "info" });
    }
  }

  /**
   * Forget a robot.
   * @param {OwnRobot} robot
   * @throws {PageError} it is in use
   */
  async remove(robot) {
    const { app, tasks } = this;
    const { id, title } = robot.task;
    if (app.run.task?.id === id)
      throw new PageError(
        "This robot cannot be removed",
        `The run in Train is that of ${title}.`,
        "Reset the run first.",
      );
    if (app.play.show?.task.id === id) {
      const [first] = app.library.shipped;
      const task = app.tasks.get(first?.task ?? "");
      if (first && task) app.show(first, task);
    }
    if (app.trainPanel.task.id === id) app.trainPanel.setTask(/** @type {TaskRecord} */ (tasks[0]));
    app.tasks.delete(id);
    tasks.splice(
      tasks.findIndex((task) => task.id === id),
      1,
    );
    this.robots = this.robots.filter((other) => other !== robot);
    this.#refill();
    await (await this.#store()).remove(id);
  }

  #refill() {
    for (const { picker } of [this.app.watchPanel, this.app.trainPanel]) picker.refill();
  }
}
