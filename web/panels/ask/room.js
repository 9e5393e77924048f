/** The room in which rewards are designed: the task on top, the members with their robots, the generations below. */

import { PageError } from "../../errors.js";
import { loadScene } from "../../views/scene.js";
import { byId, focusIsLost, h } from "../elements.js";
import { plural } from "../format.js";
import { BriefForm } from "./brief_form.js";
import { BudgetForm } from "./budget_form.js";
import { DesignerChoice } from "./designer_choice.js";
import { FitnessReview } from "./fitness_review.js";
import { Analysis, Comments, CostMeter, Judge, LedgerView } from "./inspector.js";
import { Leaderboard } from "./leaderboard.js";
import { LoopHead } from "./loop_head.js";
import { MemberCard } from "./member_card.js";
import { MemberDetail } from "./member_detail.js";
import { RoomFoot } from "./room_foot.js";
import { Timeline } from "./timeline.js";

/** @import {AnalysisDelta, Frame, LoopMember, LoopView} from "../../protocol" */
/** @import {TaskRecord} from "../../page_types" */
/** @import {LoopControl} from "../../ask_control.js" */
/** @import {Notices} from "../../errors.js" */
/** @import {Scene} from "../../views/scene.js" */
/** @import {FitnessRecord} from "./brief_form.js" */
/** @import {Format} from "../export_choice.js" */

/** What stands in the cards before anything is designed: how a loop goes. */
const LESSONS = [
  ["Rewards are designed", "Each member gets a reward of its own, as code that you can read, edit and pin."],
  ["Robots train", "Each robot is seen from its first step, beside what its reward says."],
  ["A judge measures", "Fitness comes from a judge of its own, which gets the weights and never a reward."],
  ["The results are read", "How each term went decides what is tried in the next generation."],
];

/**
 * What the room asks of the page.
 * @typedef {object} Wishes
 * @property {(member: LoopMember|undefined, policy: string) => void} watch
 * @property {(member: string, policy: string, format: Format) => void} exportPolicy
 * @property {() => void} exportLedger
 */

export class AskRoom {
  /**
   * @param {{room: HTMLElement, panel: HTMLElement}} places
   * @param {{tasks: TaskRecord[], fitness: FitnessRecord[], control: LoopControl, notices: Notices, claude: boolean, wishes: Wishes}} parts
   */
  constructor(places, { tasks, fitness, control, notices, claude, wishes }) {
    this.places = places;
    this.control = control;
    this.notices = notices;
    this.wishes = wishes;
    /** The member looked at closely. @type {string|null} */
    this.chosen = null;
    /** @type {Scene|null} */
    this.scene = null;
    this.dt = 0.02;
    /** @type {MemberCard[]} */
    this.members = [];
    this.designer = new DesignerChoice(claude, {
      onChange: () => this.#setupChanged(),
      onModels: () => this.#listModels(),
    });
    this.budget = new BudgetForm(() => this.#setupChanged());
    this.brief = new BriefForm({
      tasks,
      fitness,
      onStart: () => this.#start(),
      onChange: () => this.#setupChanged(),
    });
    this.head = new LoopHead(control, {
      watch: ({ member, policy }) => wishes.watch(this.#member(member), policy),
      exportPolicy: ({ trained, policy }, format) => wishes.exportPolicy(trained, policy, format),
    });
    const failed = (/** @type {unknown} */ error) => notices.report(error, { key: "ask" });
    this.review = new FitnessReview({ freeze: (source) => control.freeze(source), failed });
    this.cards = h("div", { class: "members" });
    this.detail = new MemberDetail({
      close: () => this.choose(null),
      open: (id) => this.choose(id),
      edit: (member, reward, pinned) => this.#edit(member, reward, pinned).catch(failed),
      branch: (id) => this.#branch(id).catch(failed),
      watch: (member) => member.policy && wishes.watch(member, member.policy),
      failed,
    });
    this.timeline = new Timeline((id) => this.choose(id));
    this.board = new Leaderboard((id) => this.choose(id));
    this.cost = new CostMeter();
    this.analysis = new Analysis();
    this.judge = new Judge(fitness);
    this.comments = new Comments((text) => control.say({ text }));
    this.ledger = new LedgerView(() => wishes.exportLedger());
    this.foot = new RoomFoot(control, {
      goOn: () => control.goOn(this.#access()),
      exportLedger: () => wishes.exportLedger(),
    });
    this.#assemble();
    this.#connect();
    this.#setScene();
    this.designer.look();
    this.update();
  }

  #assemble() {
    this.lessons = h(
      "div",
      { class: "members lessons" },
      ...LESSONS.map(([title = "", words = ""], i) =>
        h(
          "article",
          { class: "member lesson" },
          h(
            "header",
            { class: "member-head" },
            h("span", { class: "letter" }, i + 1),
            h("h3", { class: "member-name" }, title),
          ),
          h("p", { class: "muted" }, words),
        ),
      ),
    );
    this.lower = h("div", { class: "loop-lower" }, this.timeline.element, this.board.element);
    this.setup = h("div", { class: "ask-setup" }, this.designer.element, this.budget.element);
    this.running = h(
      "div",
      {},
      this.analysis.element,
      this.comments.element,
      this.cost.element,
      this.judge.element,
      this.ledger.element,
    );
    this.places.room.append(
      this.brief.element,
      this.lessons,
      this.head.element,
      this.review.element,
      this.cards,
      this.detail.element,
      this.lower,
    );
    this.places.panel.append(h("div", { class: "panel-body" }, this.setup, this.running), this.foot.element);
  }

  #connect() {
    const { control } = this;
    control.addEventListener("change", () => this.update());
    control.addEventListener("delta", (event) =>
      this.analysis.append(/** @type {CustomEvent<AnalysisDelta>} */ (event).detail),
    );
    control.addEventListener("frame", (event) => {
      const { member, frame } = /** @type {CustomEvent<{member: string, frame: Frame}>} */ (event).detail;
      this.#frame(member, frame);
    });
  }

  /**
   * @param {string} member
   * @param {Frame} frame
   */
  #frame(member, frame) {
    const { dataset } = this.places.room;
    dataset.frames = String(Number(dataset.frames ?? 0) + 1);
    if (this.chosen === member) this.detail.robot.setFrame(frame);
    else this.members.find((card) => card.member?.id === member)?.robot.setFrame(frame);
  }

  /** @param {string} id */
  #member(id) {
    return this.control.view?.members.find((member) => member.id === id);
  }

  /** Look closely at a member, or with null at all of them. @param {string|null} id */
  choose(id) {
    const held = this.places.room.contains(document.activeElement);
    const before = this.chosen;
    this.chosen = id;
    this.control.look(id);
    this.update();
    this.places.room.scrollTop = 0;
    if (!held || !focusIsLost()) return;
    // The button that led here has gone; back among the members the one that led away has not.
    const card = this.members.find(({ member }) => member?.id === before) ?? this.members[0];
    (id === null ? card?.open : byId("ask-back"))?.focus();
  }

  update() {
    const { control, places } = this;
    const setup = control.state === "setup";
    const view = setup ? null : control.view;
    places.room.dataset.state = control.state;
    places.room.dataset.stage = view?.stage ?? "";
    places.room.dataset.over = String(view?.over ?? false);
    for (const part of [this.brief.element, this.lessons, this.budget.element])
      if (part) part.hidden = !setup;
    if (this.setup) this.setup.hidden = !setup && !this.#asksTheWay();
    for (const part of [this.head.element, this.lower, this.running]) if (part) part.hidden = setup;
    const chosen = view?.members.find(({ id }) => id === this.chosen) ?? null;
    this.cards.hidden = setup || chosen !== null;
    this.detail.element.hidden = chosen === null;
    this.foot.say(this.#lack());
    if (setup) {
      this.chosen = null;
      this.review.element.hidden = true;
      return;
    }
    this.head.update(view);
    this.#setScene();
    this.#updateCards(view);
    if (view) this.#updateView(view, chosen);
  }

  /**
   * @param {LoopView} view
   * @param {LoopMember|null} chosen
   */
  #updateView(view, chosen) {
    const live = this.control.state === "live" && !view.over;
    this.review.update(view, live);
    if (chosen) this.detail.update(chosen, view, live);
    this.timeline.update(view.members, view.generations, this.chosen);
    this.board.update(view, this.chosen);
    this.cost.update(view);
    this.analysis.update(view);
    this.judge.update(view);
    this.comments.update(view);
    this.ledger.update(this.control.lines);
  }

  /** @param {LoopView|null} view */
  #updateCards(view) {
    const now = view?.members.filter(({ generation }) => generation === view.generation) ?? [];
    const members = view?.size ?? Number(this.control.record?.brief.members ?? 1);
    const count =
      view?.stage === "final" || view?.stage === "done" ? now.length : Math.max(now.length, members);
    while (this.members.length > count) this.members.pop()?.destroy();
    while (this.members.length < count) this.#addCard();
    for (const [index, card] of this.members.entries()) {
      const member = now.find((each) => each.index === index);
      if (!view || !member) card.empty();
      else card.update(member, view, this.control.state === "live" && !view.over);
    }
  }

  #addCard() {
    const card = new MemberCard(this.members.length, {
      open: (id) => this.choose(id),
      judge: (id, thumb) => this.control.say({ member: id, thumb }),
    });
    this.members.push(card);
    this.cards.append(card.element);
    if (this.scene) card.robot.setScene(this.scene, this.dt);
  }

  /**
   * A person's code is checked and tried before the loop hears of it; what is wrong stands at its line.
   * @param {LoopMember} member
   * @param {string} reward
   * @param {boolean} pinned
   */
  async #edit(member, reward, pinned) {
    const problems = await this.control.edit(member, reward, pinned);
    if (this.chosen === member.id) this.detail.answered(problems);
  }

  /** Design on from a member; a loop that rests goes on for it. @param {string} id */
  async #branch(id) {
    const { control } = this;
    const lack = control.state === "kept" ? this.#lack() : "";
    if (lack)
      throw new PageError("The designer of this loop cannot be asked", lack, "Choose how it is reached.");
    await control.goOn(this.#access());
    control.branch(id);
    this.choose(null);
  }

  /**
   * Whether the person is asked how the designer is reached: a key and a relay's address are not kept, so a loop that goes on
   * after a reload lacks them.
   */
  #asksTheWay() {
    const { state, view, record } = this.control;
    const mayGoOn = state === "kept" && (!view?.over || this.chosen !== null);
    return this.designer.goOnWith(mayGoOn ? String(record?.brief.designer) : "");
  }

  /** How the designer of the loop at hand is reached. */
  #access() {
    const claude = this.control.record?.brief.designer === "claude";
    return claude ? this.designer.access : { base_url: "", key: null };
  }

  async #listModels() {
    const { designer } = this;
    designer.sayModels("Loading what speaks to Claude; this takes some seconds once.");
    try {
      const { models, default: preferred } = await this.control.listModels(designer.access);
      designer.setModels(models, preferred);
    } catch (error) {
      designer.sayModels(error instanceof Error ? error.message : String(error));
    }
  }

  #setupChanged() {
    if (!this.foot) return; // the forms check themselves once before the room is whole
    const paid = this.designer.way !== "builtin";
    this.budget.setPaid(paid);
    this.brief.setCanPropose(paid);
    this.brief.setReady(this.#lack() === "");
    this.#setScene();
    this.update();
  }

  /** What keeps a loop from starting, or "". */
  #lack() {
    const { state, record } = this.control;
    if (state !== "setup" && record?.brief.designer !== "claude") return "";
    if (!this.designer.ready) return this.designer.lack;
    if (state !== "setup") return "";
    const count = this.budget.problems;
    return count > 0 ? `${plural(count, "number")} cannot be used; see the words in red.` : "";
  }

  #start() {
    this.chosen = null;
    const brief = { ...this.brief.value, ...this.budget.value, ...this.designer.value };
    this.control.start(brief, this.designer.access);
  }

  /** The robot that stands in the cards. */
  async #setScene() {
    const task = this.control.task ?? this.brief.task;
    if (!task || this.scene?.name === task.model) return;
    try {
      const scene = await loadScene(new URL(`../../models/${task.model}.scene.json`, import.meta.url));
      this.scene = scene;
      this.dt = scene.timestep * task.frame_skip;
      const robots = [this.detail.robot, ...this.members.map((card) => card.robot)];
      for (const robot of robots) robot.setScene(scene, this.dt);
    } catch (error) {
      this.notices.report(error, { key: "scene" });
    }
  }
}
