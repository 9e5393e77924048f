/** One member closely: its robot, live, beside its reward's code, with what changed, its settings and where it came from. */

import { loadPart } from "../../requirements.js";
import { button, h, iconButton, setText } from "../elements.js";
import { measure } from "../format.js";
import { memberColour, memberLetter, termColour } from "./colours.js";
import { fitnessWords, metricsOf, originWords, statusWords, termsOf } from "./member_card.js";
import { RobotView } from "./robot_view.js";
import { TermCurves } from "./term_curves.js";

/** @import {LoopMember, LoopView} from "../../protocol" */
/** @import {CodeEditor, Problem} from "./code_editor.js" */

/**
 * @typedef {object} DetailWishes
 * @property {() => void} close
 * @property {(id: string) => void} open another member
 * @property {(member: LoopMember, reward: string, pinned: boolean) => void} edit
 * @property {(id: string) => void} branch go on from this member
 * @property {(member: LoopMember) => void} watch
 * @property {(error: unknown) => void} failed
 */

export class MemberDetail {
  /** @param {DetailWishes} wishes */
  constructor(wishes) {
    this.wishes = wishes;
    /** @type {LoopMember|null} */
    this.member = null;
    /** @type {LoopMember|null} */
    this.parent = null;
    /** The text as the person left it, until it is sent or dropped. @type {string|null} */
    this.edited = null;
    this.comparing = false;
    /** @type {CodeEditor|null} */
    this.editor = null;
    this.robot = new RobotView("Robot of this member, live");
    this.tabs = h("div", { class: "detail-tabs", role: "group", "aria-label": "Members of this generation" });
    this.heading = h("h2", { class: "detail-name" });
    this.status = h("p", { class: "member-status num" });
    this.facts = h("dl", { class: "facts" });
    this.terms = new TermCurves();
    this.rationale = h("p", { class: "detail-rationale" });
    this.lineage = h("p", { class: "muted" });
    this.settings = h("table", { class: "board detail-settings" });
    this.place = h("div", { class: "code-place" });
    this.problem = h("p", { class: "code-problem", role: "status" });
    this.bar = h("div", { class: "code-bar" });
    this.element = this.#assemble();
  }

  #assemble() {
    this.code = h("button", { type: "button", onclick: () => this.#compare(false) }, "Code");
    this.changes = h("button", { type: "button", onclick: () => this.#compare(true) }, "Changes");
    this.pin = iconButton("pin", "Keep this reward as it is in the next generation", () => this.#pin());
    this.send = button("Use this code", () => this.#send(), { class: "primary" });
    this.drop = button("Undo edits", () => this.#drop());
    this.branch = button("Branch from here", () => this.member && this.wishes.branch(this.member.id), {
      icon: "branch",
    });
    this.watch = button("Watch it", () => this.member && this.wishes.watch(this.member), { icon: "play" });
    this.bar.append(
      h("div", { class: "segmented small", role: "group", "aria-label": "View" }, this.code, this.changes),
      this.pin,
      h("span", { class: "code-space" }),
      this.drop,
      this.send,
    );
    return h(
      "div",
      { class: "detail" },
      h(
        "header",
        { class: "detail-head" },
        button("All members", () => this.wishes.close(), { icon: "back", class: "quiet", id: "ask-back" }),
        this.tabs,
        h("span", { class: "code-space" }),
        this.watch,
        this.branch,
      ),
      h(
        "div",
        { class: "detail-body" },
        h(
          "div",
          { class: "detail-robot" },
          h("div", { class: "detail-title" }, this.heading, this.status),
          this.robot.element,
          this.terms.element,
          this.facts,
        ),
        h("div", { class: "detail-code" }, this.bar, this.place, this.problem),
      ),
      h(
        "div",
        { class: "detail-more" },
        h("div", {}, h("h3", { class: "ask-title" }, "Why"), this.rationale, this.lineage),
        h("div", {}, h("h3", { class: "ask-title" }, "Settings"), this.settings),
      ),
    );
  }

  /**
   * @param {LoopMember} member
   * @param {LoopView} view
   * @param {boolean} live whether the designer listens
   */
  update(member, view, live) {
    if (this.member?.id !== member.id) {
      this.edited = null;
      this.comparing = false;
      this.problem.textContent = "";
    }
    this.member = member;
    this.parent = view.members.find((each) => each.id === member.parents[0]) ?? null;
    this.element.style.setProperty("--member", memberColour(member.index));
    setText(this.heading, member.name);
    setText(this.status, statusWords(member));
    this.terms.update(termsOf(member), member.terms, member.steps);
    setText(this.rationale, member.rationale);
    setText(this.lineage, this.#lineageWords());
    this.#fillTabs(view);
    this.#fillFacts(member, view);
    this.#fillSettings(member);
    this.#fillCode(member);
    this.#fillBar(live);
  }

  #lineageWords() {
    const { member, parent } = this;
    if (!member) return "";
    const origin = member.by_person ? "Written by you. " : "";
    if (!parent) return `${origin}A first proposal.`;
    const weights = member.from_policy ? " It goes on from that member's weights." : "";
    return `${origin}Comes from ${memberLetter(parent.index)} of generation ${parent.generation}, ${parent.name}.${weights}`;
  }

  /** @param {LoopView} view */
  #fillTabs(view) {
    const { member } = this;
    const siblings = view.members.filter((each) => each.generation === member?.generation);
    const key = `${siblings.map(({ id }) => id)} ${member?.id}`;
    if (this.tabs.dataset.key === key) return;
    this.tabs.dataset.key = key;
    this.tabs.replaceChildren(
      ...siblings.map((each) =>
        h(
          "button",
          {
            type: "button",
            class: "letter",
            style: `--member: ${memberColour(each.index)}`,
            "aria-pressed": String(each.id === member?.id),
            title: each.name,
            onclick: () => this.wishes.open(each.id),
          },
          memberLetter(each.index),
        ),
      ),
      h("span", { class: "label" }, member ? originWords(member) : ""),
    );
  }

  /**
   * @param {LoopMember} member
   * @param {LoopView} view
   */
  #fillFacts(member, view) {
    const facts = [
      ["fitness", fitnessWords(member.fitness)],
      ["spread over seeds", fitnessWords(member.fitness_std)],
      ...metricsOf(member, view.fitness.source).map(([name, value]) => [
        name.replaceAll("_", " "),
        measure(value),
      ]),
    ];
    const key = JSON.stringify(facts);
    if (this.facts.dataset.key === key) return;
    this.facts.dataset.key = key;
    this.facts.replaceChildren(
      ...facts.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", { class: "num" }, value))),
    );
  }

  /** @param {LoopMember} member */
  #fillSettings(member) {
    const before = this.parent?.hyperparameters ?? {};
    const key = JSON.stringify([member.hyperparameters, before]);
    if (this.settings.dataset.key === key) return;
    this.settings.dataset.key = key;
    const rows = Object.entries(member.hyperparameters).map(([name, value]) => {
      const old = before[name];
      const changed = old !== undefined && old !== value;
      return h(
        "tr",
        { class: changed ? "changed" : "" },
        h("th", { scope: "row" }, name.replaceAll("_", " ")),
        h("td", { class: "num" }, settingWords(value)),
        h("td", { class: "num muted" }, changed ? `was ${settingWords(old)}` : ""),
      );
    });
    this.settings.replaceChildren(
      ...(rows.length ? rows : [h("tr", {}, h("td", { class: "muted" }, "The task's own settings."))]),
    );
  }

  /** @param {LoopMember} member */
  async #fillCode(member) {
    try {
      if (!this.editor) {
        const { CodeEditor } = await loadPart(() => import("./code_editor.js"), "The code editor");
        this.editor ??= new CodeEditor(this.place, {
          label: "Reward code",
          onEdit: () => this.#changed(),
        });
      }
    } catch (error) {
      this.place.replaceChildren(h("pre", { class: "mono" }, member.reward));
      this.wishes.failed(error);
      return;
    }
    const now = this.member;
    if (!now) return;
    const { editor } = this;
    const key = JSON.stringify([now.id, now.reward, termsOf(now), now.problems]);
    if (this.place.dataset.key !== key) {
      this.place.dataset.key = key;
      if (this.edited === null) editor.show(now.reward);
      editor.setTerms(termsOf(now).map((name, i) => ({ name, colour: termColour(i) })));
      this.showProblems(now.problems);
    }
    this.#applyCompare();
  }

  /** @param {Problem[]} problems of the text in the editor */
  showProblems(problems) {
    this.editor?.setProblems(problems);
    const [first] = problems;
    setText(this.problem, first ? `Line ${first.line}: ${first.message}` : "");
  }

  /** @param {boolean} live */
  #fillBar(live) {
    const { member, code, changes, pin } = this;
    if (!member || !code || !changes || !pin || !this.send || !this.drop) return;
    code.setAttribute("aria-pressed", String(!this.comparing));
    changes.setAttribute("aria-pressed", String(this.comparing));
    changes.disabled = this.parent === null;
    pin.setAttribute("aria-pressed", String(member.pinned));
    pin.disabled = !live;
    const edited = this.edited !== null && this.edited !== member.reward;
    this.send.hidden = this.drop.hidden = !edited;
    this.send.disabled = !live;
    if (this.branch) this.branch.disabled = member.fitness === null;
    if (this.watch) this.watch.disabled = member.policy === null;
  }

  /** @param {boolean} comparing */
  #compare(comparing) {
    this.comparing = comparing;
    this.#applyCompare();
    this.code?.setAttribute("aria-pressed", String(!comparing));
    this.changes?.setAttribute("aria-pressed", String(comparing));
  }

  #applyCompare() {
    const original = this.comparing && this.parent ? this.parent.reward : null;
    const key = String(original);
    if (!this.editor || this.place.dataset.original === key) return;
    this.place.dataset.original = key;
    this.editor.compare(original);
  }

  #changed() {
    const { editor, member } = this;
    if (!editor || !member) return;
    this.edited = editor.text;
    const differs = this.edited !== member.reward;
    if (this.send && this.drop) this.send.hidden = this.drop.hidden = !differs;
  }

  #pin() {
    const { member } = this;
    if (member) this.wishes.edit(member, member.reward, !member.pinned);
  }

  #send() {
    const { member, edited } = this;
    if (member && edited !== null) this.wishes.edit(member, edited, true);
  }

  /**
   * The code that was sent has been checked: it is the member's from the next generation on, or its problems are shown.
   * @param {Problem[]} problems
   */
  answered(problems) {
    this.showProblems(problems);
    if (problems.length > 0) return;
    this.edited = null;
    this.place.dataset.key = "";
  }

  #drop() {
    if (!this.member || !this.editor) return;
    this.edited = null;
    this.editor.show(this.member.reward);
    this.showProblems(this.member.problems);
    if (this.send && this.drop) this.send.hidden = this.drop.hidden = true;
  }
}

/** @param {unknown} value */
function settingWords(value) {
  if (typeof value === "number") return String(Number(value.toPrecision(4)));
  return Array.isArray(value) ? value.join(", ") : String(value);
}
