/** The inside of the robot looked at closely: contacts and weight drawn on it, its reward, joints and actuators beside it. */

import { byId, h, setText } from "./elements.js";
import { fixed, measure, NO_BREAK, plural } from "./format.js";

/** @import {Detail} from "../protocol" */
/** @import {PlayControl} from "../play_control.js" */
/** @import {Room, TaskRecord} from "../page_types" */
/** @import {Stage} from "./stage.js" */
/** @import {SceneActuator, SceneJoint} from "../views/scene.js" */

/** Numbers that change faster than this (ms) cannot be read. */
const REDRAW_MS = 90;
/** Bars of reward terms share a scale, the largest term's; it shrinks by so much at a redraw, by half in some 12 s. */
const SHRINKING = 0.995;

/** A bar from the middle to either side, with its number. */
class Bar {
  /** @param {string} name */
  constructor(name) {
    this.fill = h("span", { class: "inside-fill" });
    this.number = h("span", { class: "inside-number num" });
    this.element = h(
      "div",
      { class: "inside-row" },
      h("span", { class: "inside-name", title: name }, name),
      h("span", { class: "inside-bar", "aria-hidden": "true" }, this.fill),
      this.number,
    );
  }

  /**
   * @param {number} share -1 to 1
   * @param {string} text
   */
  set(share, text) {
    const within = Number.isFinite(share) ? Math.max(-1, Math.min(1, share)) : 0;
    this.fill.style.transform = `scaleX(${within.toFixed(3)})`;
    setText(this.number, text);
  }
}

export class Inside {
  /**
   * @param {Stage} stage
   * @param {PlayControl} play
   * @param {(task: TaskRecord) => Promise<void>} renew finds out how a reward's terms are named
   */
  constructor(stage, play, renew) {
    this.stage = stage;
    this.play = play;
    this.renew = renew;
    /** What is said of terms that have no names, by task. @type {Map<string, string>} */
    this.nameless = new Map();
    /** @type {Room} */
    this.room = "watch";
    this.open = false;
    /** The robot that the worker tells of, as asked. */
    this.asked = "";
    this.drawn_ms = 0;
    /** @type {{joint: SceneJoint, index: number, bar: Bar}[]} */
    this.joints = [];
    /** @type {{actuator: SceneActuator, index: number, bar: Bar}[]} */
    this.actuators = [];
    /** @type {{name: string, bar: Bar}[]} */
    this.terms = [];
    /** Names of the bars' terms, together; null: there are no bars yet. @type {string|null} */
    this.named = null;
    this.largest_term = 0;
    this.reward = h("span", { class: "num" });
    this.toggle = h(
      "button",
      {
        type: "button",
        class: "button",
        id: "look-inside",
        "aria-controls": "inside",
        title: "Contacts, centre of mass, reward terms, joints and actuators (i)",
        "aria-keyshortcuts": "i",
        onclick: () => this.set(!this.open),
      },
      "Inside",
    );
    this.summary = h("p", { class: "inside-summary num" });
    this.note = h("p", { class: "inside-note", role: "status", hidden: true });
    this.lists = h("div");
    this.panel = h(
      "section",
      { class: "overlay-inside", id: "inside", "aria-label": "Inside the robot", tabIndex: 0 },
      this.summary,
      this.note,
      this.lists,
    );
    byId("stage-tools").prepend(this.toggle);
    byId("stage").append(this.panel);
    const watching = new ResizeObserver(() => this.#cover());
    for (const each of [this.panel, byId("stage")]) watching.observe(each);
    stage.addEventListener("change", () => this.update());
    play.addEventListener("change", () => this.update());
    play.addEventListener("started", () => {
      // A show that has just begun knows nothing of what was asked before.
      this.asked = "";
      this.update();
    });
    play.addEventListener("detail", (event) => this.#told(/** @type {CustomEvent<Detail>} */ (event).detail));
    this.update();
  }

  /** @param {Room} room */
  setRoom(room) {
    this.room = room;
    this.update();
  }

  /** Whether the worker that shows can tell of a robot's inside. */
  get #can() {
    const { play, stage } = this;
    return this.room === "watch" && stage.spatial && stage.view.close !== null && play.client !== null;
  }

  /** @param {boolean} open */
  set(open) {
    if (!this.#can) return;
    this.open = open;
    this.update();
  }

  update() {
    const can = this.#can;
    const on = can && this.open;
    this.toggle.hidden = !can;
    this.toggle.setAttribute("aria-pressed", String(on));
    this.toggle.setAttribute("aria-expanded", String(on));
    this.panel.hidden = !on;
    this.stage.places.stage.dataset.inside = on ? "yes" : "no";
    this.#ask(on ? (this.stage.view.close ?? -1) : -1);
    if (!on) this.stage.space?.setDetail(null);
  }

  /** Have the robot seen beside the panel, at whichever side that stands. */
  #cover() {
    const { panel, stage } = this;
    const own = panel.getBoundingClientRect();
    const all = stage.places.stage.getBoundingClientRect();
    const [before, after] = [own.left - all.left, all.right - own.right];
    if (own.width === 0) stage.space?.setCovered({ left: 0, right: 0 });
    else if (before < after) stage.space?.setCovered({ left: before + own.width, right: 0 });
    else stage.space?.setCovered({ left: 0, right: after + own.width });
  }

  /**
   * Tell the worker whom to look into.
   * @param {number} row of the stage, or -1
   */
  #ask(row) {
    const { play } = this;
    const asked = `${row} ${play.started?.task_id} ${play.started?.n_envs} ${play.show?.entry.key} ${play.show?.seed}`;
    if (asked === this.asked || (row < 0 && !this.asked)) return;
    if (!play.started || !play.client) {
      this.asked = "";
      return;
    }
    this.asked = row < 0 ? "" : asked;
    this.named = null;
    play.inspect(row);
  }

  /**
   * Make the bars, when it is known of what.
   * @param {SceneJoint[]} joints
   * @param {SceneActuator[]} actuators
   * @param {string[]} terms
   */
  #fill(joints, actuators, terms) {
    this.largest_term = 0;
    this.terms = terms.map((name) => ({ name, bar: new Bar(words(name)) }));
    this.joints = joints.flatMap((joint, index) =>
      joint.type === "hinge" || joint.type === "slide"
        ? [{ joint, index, bar: new Bar(words(joint.name)) }]
        : [],
    );
    this.actuators = actuators.map((actuator, index) => ({
      actuator,
      index,
      bar: new Bar(words(actuator.name)),
    }));
    const reward = h("h3", { class: "inside-title" }, "Reward of the last step", this.reward);
    this.lists.replaceChildren(
      ...(terms.length ? [reward, ...this.terms.map(({ bar }) => bar.element)] : []),
      h("h3", { class: "inside-title" }, "Joints"),
      ...this.joints.map(({ bar }) => bar.element),
      h("h3", { class: "inside-title" }, "Actuators, share of their limit"),
      ...this.actuators.map(({ bar }) => bar.element),
    );
  }

  /** @param {Detail} detail */
  #told(detail) {
    if (!this.asked || detail.row !== this.stage.view.close) return;
    this.stage.space?.setDetail(detail);
    const now = performance.now();
    if (now - this.drawn_ms < REDRAW_MS) return;
    this.drawn_ms = now;
    let upward = 0;
    for (let at = 5; at < detail.contacts.length; at += 6) upward += detail.contacts[at] ?? 0;
    const touching = detail.contacts.length / 6;
    setText(
      this.summary,
      `${plural(touching, "contact")}, ${fixed(upward, 0)}${NO_BREAK}N up; centre of mass ${fixed(detail.com[2] ?? 0, 2)}${NO_BREAK}m high`,
    );
    const { scene } = this.stage.view;
    const named = Object.keys(detail.terms).join("\n");
    if (scene && named !== this.named) {
      this.named = named;
      this.#fill(scene.joints, scene.actuators, Object.keys(detail.terms));
    }
    this.#showTerms(detail.terms);
    this.#sayWhyNoTerms(named === "" ? (this.play.show?.task ?? null) : null);
    for (const { joint, index, bar } of this.joints) {
      const value = detail.joints[index] ?? 0;
      const [low = -Math.PI, high = Math.PI] = joint.range ?? [];
      const middle = (low + high) / 2;
      const share = (2 * (value - middle)) / Math.max(1e-6, high - low);
      bar.set(
        share,
        joint.type === "slide" ? `${fixed(value, 2)} m` : `${fixed((value * 180) / Math.PI, 0)}\u00b0`,
      );
    }
    for (const { actuator, index, bar } of this.actuators) {
      const torque = (detail.actuator_force[index] ?? 0) * (actuator.gear ?? 1);
      const unit = scene?.joints[actuator.joint]?.type === "slide" ? "N" : "N m";
      bar.set(actuator.force > 0 ? torque / actuator.force : 0, `${fixed(torque, 0)} ${unit}`);
    }
  }

  /**
   * A robot that an earlier version kept has a reward whose terms have no names; they are found out once.
   * @param {TaskRecord|null} task without terms
   */
  #sayWhyNoTerms(task) {
    const program = task?.own?.program;
    const nameless = Boolean(program && !program.some(([name]) => name === "term"));
    this.note.hidden = !nameless;
    if (!task || !nameless) return;
    if (!this.nameless.has(task.id)) this.#findTerms(task);
    setText(this.note, this.nameless.get(task.id) ?? "");
  }

  /** @param {TaskRecord} task */
  async #findTerms(task) {
    this.nameless.set(
      task.id,
      "An earlier version kept this robot; what its reward is made of is being read.",
    );
    try {
      await this.renew(task);
      if (this.play.show?.task === task) this.play.oneWorld.regroup();
    } catch (error) {
      const { message, todo = "" } = /** @type {{message: string, todo?: string}} */ (error);
      this.nameless.set(task.id, `${message} ${todo}`.trim());
    }
  }

  /** @param {Record<string, number>} terms weighted; null where a number is not finite */
  #showTerms(terms) {
    const sizes = Object.values(terms).map((value) => Math.abs(value));
    this.largest_term = Math.max(SHRINKING * this.largest_term, ...sizes.filter(Number.isFinite));
    const digits = this.largest_term >= 100 ? 1 : this.largest_term >= 10 ? 2 : 3;
    const text = (/** @type {number} */ value) => measure(value, digits);
    let sum = 0;
    for (const { name, bar } of this.terms) {
      const value = terms[name] ?? Number.NaN;
      sum += value;
      bar.set(value / this.largest_term, text(value));
    }
    setText(this.reward, text(sum));
  }
}

/** @param {string} name of a part, as the model has it */
function words(name) {
  return name.replaceAll("_", " ");
}
