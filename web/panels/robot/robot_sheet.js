/** The sheet on which a robot's file becomes a task: its picture, what was found in it, the proposal, and the robots kept before. */

import { PageError } from "../../errors.js";
import { RANDOM } from "../../policy_library.js";
import { readRobotFile } from "../../robot_reader.js";
import { StickGrid } from "../../views/stick_grid.js";
import { button, focusIsLost, h, setText } from "../elements.js";
import { fullCount, measure, plural } from "../format.js";
import { RobotChoicesForm } from "./robot_choices.js";

/** @import {App} from "../../app.js" */
/** @import {OwnRobot, OwnTask, TaskRecord} from "../../page_types" */
/** @import {TaskProposed} from "../../protocol" */
/** @import {Robot} from "../../workers/robot/robot.js" */

/** Beyond this no file is read into memory; the worker's own limit is lower and says what to do. */
const LARGEST_BYTES = 64 * 1024 * 1024;
const CSS = new URL("./robot.css", import.meta.url).href;

export class RobotSheet {
  /** @param {App} app */
  constructor(app) {
    this.app = app;
    /** @type {Robot|null} */
    this.robot = null;
    /** @type {TaskProposed|null} */
    this.proposal = null;
    /** Counts what was asked for, so that an older answer is dropped. */
    this.turn = 0;
    this.file = h("input", {
      type: "file",
      class: "visually-hidden",
      id: "robot-file",
      accept: ".xml,.mjcf,.zip",
      tabIndex: -1,
      "aria-label": "Robot file",
      onchange: () => this.#chosen(),
    });
    this.status = h("p", { class: "muted", role: "status" });
    this.problem = h("p", { class: "setting-problem", role: "alert" });
    this.list = h("ul", { class: "robot-list" });
    this.canvas = h("canvas", { class: "robot-picture", role: "img", id: "robot-picture" });
    this.facts = h("dl", { class: "facts num" });
    this.notes = h("ul", { class: "robot-notes" });
    this.form = new RobotChoicesForm(() => this.#propose());
    this.choose = button("Choose a file", () => this.file.click(), {
      class: "primary",
      icon: "upload",
      id: "choose-robot",
    });
    this.start = h(
      "div",
      { class: "robot-start" },
      h(
        "p",
        { class: "muted" },
        "An MJCF file, or a .zip that holds it with its meshes and includes, up to 24 MiB. It is read in this browser and stays in it. Choose one, or drop it anywhere on the page.",
      ),
      this.choose,
      this.file,
      this.list,
    );
    this.found = h(
      "div",
      { class: "robot-found" },
      h("div", {}, this.canvas, this.facts, this.notes),
      this.form.element,
    );
    this.train = button("Train it", () => this.#use("train"), { class: "primary", id: "train-robot" });
    this.watch = button("Watch it", () => this.#use("watch"), { id: "watch-robot" });
    this.another = button("Another file", () => this.#reset());
    this.dialog = this.#dialog();
    document.head.append(h("link", { rel: "stylesheet", href: CSS }));
    document.body.append(this.dialog);
    this.grid = new StickGrid(this.canvas, { onSelect: () => {} });
    this.grid.setLayout("crowd");
    this.canvas.tabIndex = -1;
  }

  #dialog() {
    const dialog = h(
      "dialog",
      { class: "sheet robot-sheet", "aria-labelledby": "robot-title" },
      h("h2", { id: "robot-title" }, "Your own robot"),
      this.start,
      this.found,
      this.status,
      this.problem,
      h(
        "div",
        { class: "sheet-actions robot-actions" },
        this.train,
        this.watch,
        this.another,
        button("Close", () => dialog.close()),
      ),
    );
    // The page's own keys, Escape among them, mean the room behind.
    dialog.addEventListener("keydown", (event) => event.stopPropagation());
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    dialog.addEventListener("close", () => this.grid.stop());
    return dialog;
  }

  /** @param {File|null} file read at once */
  open(file) {
    this.#reset();
    if (!this.dialog.open) this.dialog.showModal();
    if (file) this.#read(file);
  }

  #reset() {
    this.turn += 1;
    this.robot = this.proposal = null;
    this.form.clear();
    setText(this.status, "");
    setText(this.problem, "");
    this.#listRobots();
    this.#arrange();
  }

  #arrange() {
    const { robot, proposal } = this;
    this.start.hidden = robot !== null;
    this.found.hidden = this.another.hidden = this.train.hidden = this.watch.hidden = robot === null;
    this.train.disabled = this.watch.disabled = proposal === null;
    this.form.enable(proposal !== null);
  }

  #listRobots() {
    const { robots } = this.app.robots;
    this.list.hidden = robots.length === 0;
    this.list.replaceChildren(...robots.map((robot) => this.#kept(robot)));
  }

  /** @param {OwnRobot} robot */
  #kept(robot) {
    const remove = async () => {
      setText(this.problem, "");
      try {
        await this.app.robots.remove(robot);
      } catch (error) {
        this.#say(error);
      }
      this.#listRobots();
      if (focusIsLost()) this.choose.focus();
    };
    return h(
      "li",
      {},
      h(
        "span",
        { class: "task-words" },
        h("span", { class: "task-title" }, robot.task.title),
        h("span", { class: "task-summary" }, robot.task.summary),
      ),
      button("Remove", remove, { title: `Forget ${robot.task.title}` }),
    );
  }

  #chosen() {
    const [file] = this.file.files ?? [];
    this.file.value = "";
    if (file) this.#read(file);
  }

  /** @param {File} file */
  async #read(file) {
    const turn = ++this.turn;
    this.robot = this.proposal = null;
    this.#arrange();
    setText(this.problem, "");
    setText(this.status, `Reading ${file.name}`);
    try {
      if (file.size > LARGEST_BYTES)
        throw new PageError(
          "This robot cannot be used",
          `${file.name} has ${Math.round(file.size / 2 ** 20)} MiB; a robot has at most 24 MiB.`,
          "Leave out what the robot does not need.",
        );
      const robot = await readRobotFile(file.name, await file.arrayBuffer());
      if (turn !== this.turn) return;
      this.robot = robot;
      this.form.clear(titleOf(file.name));
      this.#arrange();
      this.#show(robot);
      await this.#propose();
    } catch (error) {
      if (turn === this.turn) this.#say(error);
    }
  }

  /** @param {Robot} robot */
  #show({ description, scene, notes, steps_per_s }) {
    const { joints, actuators, sensors, mass, nbody } = description;
    this.canvas.setAttribute(
      "aria-label",
      `The robot in its first pose: ${plural(nbody - 1, "body", "bodies")}`,
    );
    this.grid.setScene(scene, 1, { dt: description.timestep });
    this.grid.resize();
    this.grid.start();
    const kinds = [...new Set(actuators.map(({ kind }) => kind))].map((kind) => KINDS[kind]);
    const facts = {
      Bodies: fullCount(nbody - 1),
      Joints: fullCount(joints.length),
      Actuators: `${actuators.length}, ${kinds.join(", ")}`,
      Sensors: fullCount(sensors.length),
      Mass: `${measure(mass, 3)} kg`,
      "Physics here": `${fullCount(steps_per_s)} steps/s`,
    };
    this.facts.replaceChildren(
      ...Object.entries(facts).map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
    );
    this.notes.replaceChildren(...notes.map((note) => h("li", {}, note)));
  }

  /** Ask for the task that the choices amount to. */
  async #propose() {
    const { robot } = this;
    if (!robot) return;
    const turn = ++this.turn;
    setText(this.problem, "");
    if (!this.proposal) setText(this.status, "Proposing a task: Python is loaded for it");
    try {
      const { description, text } = robot;
      const proposal = await this.app.ask.evaluator.proposeTask(description, this.form.choices(), text);
      if (turn !== this.turn) return;
      this.proposal = proposal;
      const task = /** @type {TaskRecord} */ (/** @type {unknown} */ (proposal.task));
      this.form.fill(/** @type {OwnTask} */ (task.own).choices, proposal.rewards);
      this.form.tell(task, description.timestep);
      this.notes.replaceChildren(...[...robot.notes, ...proposal.notes].map((note) => h("li", {}, note)));
      setText(this.status, "");
    } catch (error) {
      if (turn !== this.turn) return;
      this.proposal = null;
      this.#say(error);
    }
    this.#arrange();
    // A choice that does not suit the robot must stay within reach.
    this.form.enable(true);
  }

  /** @param {unknown} error */
  #say(error) {
    setText(this.status, "");
    if (!(error instanceof PageError)) return setText(this.problem, String(error));
    // What the engine says ends without a stop.
    const message = error.message.replace(/[^.!?:]$/, "$&.");
    setText(this.problem, `${message} ${error.todo}`.trim());
  }

  /** @param {"watch"|"train"} room */
  async #use(room) {
    const { app, robot, proposal } = this;
    if (!robot || !proposal) return;
    const task = /** @type {TaskRecord} */ (/** @type {unknown} */ (proposal.task));
    const scene = { ...robot.scene, name: task.model };
    await app.robots.add({ id: task.id, task, text: robot.text, scene, added: Date.now() });
    this.dialog.close();
    const known = app.tasks.get(task.id) ?? task;
    if (room === "watch") app.show(RANDOM, known);
    else app.trainPanel.setTask(known);
    app.enter(room);
  }
}

const KINDS = {
  position: "position targets",
  velocity: "speed targets",
  force: "torques",
  muscle: "muscles",
};

/** @param {string} file */
function titleOf(file) {
  return file
    .replace(/\.\w+$/, "")
    .replace(/[_-]+/g, " ")
    .trim()
    .slice(0, 60);
}
