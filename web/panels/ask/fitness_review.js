/** The fitness that the designer proposes: read, edited if need be, and frozen before the first generation. */

import { loadPart } from "../../requirements.js";
import { button, h, setText } from "../elements.js";

/** @import {CodeProblem, LoopView} from "../../protocol" */
/** @import {CodeEditor} from "./code_editor.js" */

export class FitnessReview {
  /** @param {{freeze: (source: string) => Promise<CodeProblem[]>, failed: (error: unknown) => void}} wishes */
  constructor({ freeze, failed }) {
    this.wish = { freeze, failed };
    /** @type {CodeEditor|null} */
    this.editor = null;
    this.shown = "";
    this.sent = this.live = false;
    this.rationale = h("p", { class: "detail-rationale" });
    this.place = h("div", { class: "code-place" });
    this.problem = h("p", { class: "code-problem", role: "status" });
    this.accept = button("Judge by this", () => this.#freeze(), { class: "primary", id: "ask-freeze" });
    this.element = h(
      "section",
      { class: "detail review", hidden: true },
      h(
        "header",
        { class: "detail-head" },
        h("h3", { class: "detail-name" }, "How success will be measured"),
        h("span", { class: "code-space" }),
        this.accept,
      ),
      h(
        "div",
        { class: "review-words" },
        this.rationale,
        h(
          "p",
          { class: "muted" },
          "Members are ranked by this code and by nothing else. Read it, change what is not meant, then freeze it: no reward can move it afterwards.",
        ),
      ),
      this.place,
      this.problem,
    );
  }

  /**
   * @param {LoopView} view
   * @param {boolean} live whether the designer listens
   */
  async update({ stage, fitness, over }, live) {
    const open = stage === "judging" && !fitness.frozen && fitness.source !== "" && !over;
    this.element.hidden = !open;
    // What was taken is on its way until the view says so, or says what is wrong with it.
    if (!open || fitness.problems.length > 0) this.sent = false;
    this.live = live;
    this.#offer();
    if (!open) return;
    setText(this.rationale, fitness.rationale);
    try {
      const { CodeEditor } = await loadPart(() => import("./code_editor.js"), "The code editor");
      this.editor ??= new CodeEditor(this.place, { label: "Fitness code", onEdit: () => {} });
    } catch (error) {
      this.place.replaceChildren(h("pre", { class: "mono" }, fitness.source));
      this.shown = fitness.source;
      this.#offer();
      this.wish.failed(error);
      return;
    }
    if (this.shown !== fitness.source) {
      this.shown = fitness.source;
      this.editor.show(fitness.source);
    }
    this.#offer();
    if (fitness.problems.length > 0) this.#say(fitness.problems);
  }

  /** Nobody takes what is not in sight yet. */
  #offer() {
    this.accept.disabled = !this.live || this.sent || this.shown === "";
  }

  async #freeze() {
    this.sent = true;
    this.#offer();
    try {
      const problems = await this.wish.freeze(this.editor?.text ?? this.shown);
      this.#say(problems);
      this.sent = problems.length === 0;
    } catch (error) {
      this.sent = false;
      this.wish.failed(error);
    }
    this.#offer();
  }

  /** @param {CodeProblem[]} problems */
  #say(problems) {
    this.editor?.setProblems(problems);
    const [first] = problems;
    setText(this.problem, first ? `Line ${first.line}: ${first.message}` : "");
  }
}
