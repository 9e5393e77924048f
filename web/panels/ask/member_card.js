/** One member of the generation in sight: its robot, live, above what its reward says and what its fitness is. */

import { h, iconButton, setText } from "../elements.js";
import { measure, shortCount } from "../format.js";
import { memberColour, memberLetter } from "./colours.js";
import { RobotView } from "./robot_view.js";
import { TermCurves, termNames } from "./term_curves.js";

/** @import {LoopMember, LoopView} from "../../protocol" */

/**
 * @typedef {object} CardWishes
 * @property {(id: string) => void} open the member's code beside its robot
 * @property {(id: string, thumb: -1|0|1) => void} judge
 */

/** What one sees of a member's robot. @type {Partial<Record<LoopMember["status"], string>>} */
const ACTS = {
  training: "exploring",
  evaluating: "its policy",
  evaluated: "its policy",
};

/**
 * A fitness, always with the same digits: mostly between 0 and 1.
 * @param {number|null} fitness
 */
export function fitnessWords(fitness) {
  return measure(fitness, 3);
}

/** @param {LoopMember} member */
export function statusWords(member) {
  const { status, steps, total_steps } = member;
  switch (status) {
    case "proposed":
      return "Proposed";
    case "checking":
      return "Being checked";
    case "invalid":
      return "Could not be used";
    case "queued":
      return "Waits for a core";
    case "training":
      return `Training, ${Math.floor((100 * steps) / Math.max(1, total_steps))} %`;
    case "evaluating":
      return "Being judged";
    case "evaluated":
      return `Judged after ${shortCount(steps)} steps`;
    case "failed":
      return "Failed";
    default:
      return "";
  }
}

/** Terms of a member: as measured, else as its code names them. @param {LoopMember} member */
export function termsOf(member) {
  const measured = Object.keys(member.terms);
  const written = termNames(member.reward);
  const known = written.filter((name) => measured.length === 0 || measured.includes(name));
  return [...known, ...measured.filter((name) => !known.includes(name))];
}

/**
 * A member's metrics in the order of the code that measures them.
 * @param {LoopMember} member
 * @param {string} fitness code
 * @returns {[string, number][]}
 */
export function metricsOf({ metrics }, fitness) {
  const order = termNames(fitness, "fitness");
  const place = (/** @type {string} */ name) => (order.includes(name) ? order.indexOf(name) : order.length);
  return Object.entries(metrics).sort(([a], [b]) => place(a) - place(b));
}

export class MemberCard {
  /**
   * @param {number} index of the member in its generation
   * @param {CardWishes} wishes
   */
  constructor(index, wishes) {
    this.index = index;
    this.wishes = wishes;
    /** @type {LoopMember|null} */
    this.member = null;
    const letter = memberLetter(index);
    this.robot = new RobotView(`Robot of member ${letter}, live`);
    this.name = h("h3", { class: "member-name" });
    this.status = h("p", { class: "member-status num" });
    this.progress = h("span", {});
    this.fitness = h("data", { class: "member-fitness num" });
    this.gain = h("p", { class: "member-gain num" });
    this.metrics = h("dl", { class: "member-metrics" });
    this.terms = new TermCurves();
    this.rationale = h("p", { class: "member-rationale" });
    this.open = h(
      "button",
      { type: "button", class: "button", onclick: () => this.member && wishes.open(this.member.id) },
      "Code",
    );
    this.up = iconButton("up", `${letter} does what I meant`, () => this.#judge(1));
    this.down = iconButton("down", `${letter} does not do what I meant`, () => this.#judge(-1));
    this.element = this.#assemble(letter);
    this.empty();
  }

  /** @param {string} letter */
  #assemble(letter) {
    return h(
      "article",
      { class: "member", style: `--member: ${memberColour(this.index)}`, "aria-label": `Member ${letter}` },
      h(
        "header",
        { class: "member-head" },
        h("span", { class: "letter" }, letter),
        h("div", { class: "member-title" }, this.name, this.status),
      ),
      h("div", { class: "member-progress" }, this.progress),
      this.robot.element,
      h(
        "div",
        { class: "member-score" },
        h("div", {}, h("p", { class: "label" }, "Fitness"), this.fitness, this.gain),
        this.metrics,
      ),
      this.terms.element,
      this.rationale,
      h("footer", { class: "member-foot" }, this.open, this.up, this.down),
    );
  }

  /** Nothing is proposed yet: the card keeps its place. */
  empty() {
    this.member = null;
    this.element.dataset.status = "empty";
    setText(this.name, "");
    setText(this.status, "");
    setText(this.fitness, "–");
    setText(this.gain, "");
    setText(this.rationale, "");
    setText(this.robot.words, "");
    this.metrics.replaceChildren();
    this.terms.update([], {}, 0);
    this.progress.style.transform = "scaleX(0)";
    for (const control of [this.open, this.up, this.down]) control.disabled = true;
  }

  /**
   * @param {LoopMember} member
   * @param {LoopView} view
   * @param {boolean} live whether the designer listens
   */
  update(member, view, live) {
    const parent = view.members.find(({ id }) => id === member.parents[0]) ?? null;
    this.member = member;
    this.element.dataset.status = member.status;
    setText(this.name, member.name);
    this.name.title = member.name;
    setText(this.status, member.pinned ? `${statusWords(member)}, pinned` : statusWords(member));
    const share = member.status === "evaluated" ? 1 : member.steps / Math.max(1, member.total_steps);
    this.progress.style.transform = `scaleX(${Math.min(1, share)})`;
    this.fitness.value = member.fitness === null ? "" : String(member.fitness);
    setText(this.fitness, fitnessWords(member.fitness));
    setText(this.robot.words, ACTS[member.status] ?? "");
    setText(this.gain, gainWords(member, parent));
    this.terms.update(termsOf(member), member.terms, member.steps);
    setText(this.rationale, member.error || member.rationale);
    this.rationale.classList.toggle("bad", member.error !== "");
    this.#fillMetrics(metricsOf(member, view.fitness.source).slice(0, 2));
    this.open.disabled = false;
    this.up.disabled = this.down.disabled = !live;
    this.up.setAttribute("aria-pressed", String(member.thumb > 0));
    this.down.setAttribute("aria-pressed", String(member.thumb < 0));
  }

  /** @param {[string, number][]} shown */
  #fillMetrics(shown) {
    const key = JSON.stringify(shown);
    if (this.metrics.dataset.key === key) return;
    this.metrics.dataset.key = key;
    this.metrics.replaceChildren(
      ...shown.map(([name, value]) =>
        h("div", {}, h("dt", {}, name.replaceAll("_", " ")), h("dd", { class: "num" }, measure(value))),
      ),
    );
  }

  /** @param {-1|1} thumb pressed again, it is taken back */
  #judge(thumb) {
    if (this.member) this.wishes.judge(this.member.id, this.member.thumb === thumb ? 0 : thumb);
  }

  destroy() {
    this.robot.destroy();
    this.element.remove();
  }
}

/**
 * Where a member comes from: a generation, or the winner's final trainings.
 * @param {LoopMember} member
 */
export function originWords({ id, generation }) {
  return id.startsWith("f") ? "fresh seed" : `generation ${generation}`;
}

/**
 * How the fitness differs from that of the member it came from.
 * @param {Pick<LoopMember, "fitness">} member
 * @param {Pick<LoopMember, "fitness"|"index"|"generation">|null} parent
 */
export function gainWords(member, parent) {
  if (member.fitness === null || !parent || parent.fitness === null) return "";
  const gain = member.fitness - parent.fitness;
  const from = `${memberLetter(parent.index)}${parent.generation}`;
  return `${fitnessWords(Math.abs(gain))} ${gain >= 0 ? "above" : "below"} ${from}`;
}
