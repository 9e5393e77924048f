/** Over the members of a running loop: the task, the stage, and at the end the winner. */

import { button, h, setText } from "../elements.js";
import { exportChoice } from "../export_choice.js";
import { plural } from "../format.js";
import { memberColour, memberLetter } from "./colours.js";
import { fitnessWords } from "./member_card.js";

/** @import {LoopView, LoopWinner} from "../../protocol" */
/** @import {LoopControl} from "../../ask_control.js" */
/** @import {Format} from "../export_choice.js" */

/** @type {[LoopView["stage"], string][]} */
const STAGES = [
  ["asking", "Design"],
  ["checking", "Check"],
  ["training", "Train"],
  ["evaluating", "Judge"],
  ["final", "Fresh seeds"],
];

/**
 * @typedef {object} WinnerWishes
 * @property {(winner: LoopWinner) => void} watch
 * @property {(winner: LoopWinner, format: Format) => void} exportPolicy
 */

export class LoopHead {
  /**
   * @param {LoopControl} control
   * @param {WinnerWishes} wishes
   */
  constructor(control, wishes) {
    this.control = control;
    this.wishes = wishes;
    this.sentence = h("h2", { class: "loop-sentence" });
    this.where = h("p", { class: "loop-where num", role: "status" });
    this.steps = h(
      "ol",
      { class: "loop-steps", "aria-label": "Stage of the loop" },
      ...STAGES.map(([, words]) => h("li", {}, words)),
    );
    this.exported = exportChoice("ask-export-format");
    this.result = h("div", { class: "loop-result", hidden: true });
    this.element = h(
      "div",
      { class: "loop-top" },
      h(
        "div",
        { class: "loop-head" },
        h("div", { class: "loop-title" }, this.sentence, this.where),
        h("div", { class: "loop-line" }, this.steps),
      ),
      this.result,
    );
  }

  /** @param {LoopView|null} view */
  update(view) {
    setText(this.sentence, view?.text || this.control.text);
    setText(this.where, this.#whereWords(view));
    const stuck = view?.state === "failed" || (view?.state === "paused" && view.reason !== "");
    this.where.classList.toggle("bad", stuck && this.control.state === "live");
    for (const [i, step] of [...this.steps.children].entries()) {
      const now =
        STAGES[i]?.[0] === view?.stage || (STAGES[i]?.[0] === "asking" && view?.stage === "judging");
      if (now && !view?.over) step.setAttribute("aria-current", "step");
      else step.removeAttribute("aria-current");
    }
    this.#updateResult(view);
  }

  /** @param {LoopView|null} view */
  #whereWords(view) {
    if (this.control.state === "booting") return this.control.loading;
    if (!view) return "";
    const generation = `Generation ${Math.min(view.generation, view.generations)} of ${view.generations}`;
    if (view.over) return sentence(view.reason) || `${generation}, done`;
    if (this.control.state === "kept") return `${generation}, at rest since the page was left`;
    if (view.state === "paused")
      return `${generation}, paused. ${view.reason ? `${sentence(view.reason)} Resume tries again.` : ""}`;
    if (view.stage === "judging") return "A fitness is proposed before the first generation";
    return view.stage === "final" ? "The winner's reward trains again from fresh seeds" : generation;
  }

  /** @param {LoopView|null} view */
  #updateResult(view) {
    const winner = view?.over ? view.winner : null;
    const member = view?.members.find(({ id }) => id === winner?.member);
    this.result.hidden = !winner || !member;
    const key = JSON.stringify(winner);
    if (!winner || !member || this.result.dataset.key === key) return;
    this.result.dataset.key = key;
    this.result.style.setProperty("--member", memberColour(member.index));
    this.result.replaceChildren(
      h("span", { class: "letter" }, memberLetter(member.index)),
      h(
        "div",
        { class: "result-words" },
        h("h3", {}, `Fittest: ${member.name}, generation ${member.generation}`),
        h("p", { class: "muted num" }, winnerWords(winner)),
      ),
      h(
        "div",
        { class: "result-buttons" },
        button("Watch it", () => this.wishes.watch(winner), {
          class: "primary large",
          icon: "play",
          id: "ask-watch",
        }),
        button("Export", () => this.wishes.exportPolicy(winner, this.exported.format()), {
          class: "large",
          icon: "download",
        }),
        this.exported.element,
      ),
    );
  }
}

/**
 * What the designer says may be the part of a sentence after a colon.
 * @param {string} words
 */
function sentence(words) {
  if (!words) return "";
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}${/[.!?]$/.test(words) ? "" : "."}`;
}

/** @param {LoopWinner} winner */
function winnerWords({ fitness, fitnesses, fitness_mean, fitness_std }) {
  const best = `Fitness ${fitnessWords(fitness)}`;
  if (fitnesses.length === 0) return best;
  const spread = fitnesses.length > 1 ? ` ± ${fitnessWords(fitness_std)}` : "";
  return `${best}. Trained again from ${plural(fitnesses.length, "fresh seed")}: ${fitnessWords(fitness_mean)}${spread}`;
}
