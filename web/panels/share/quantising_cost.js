/** What a policy loses in a link: the fitness of the original and of what the link holds, measured on the same seeds. */

import { policyOf, policyPayload } from "../../links/policy_link.js";
import { EVALUATION_SEEDS } from "../../run_control.js";
import { h, setText } from "../elements.js";
import { measure } from "../format.js";

/** @import {App} from "../../app.js" */
/** @import {Precision} from "../../links/policy_link.js" */
/** @import {PolicyEntry} from "../../page_types" */

/** @typedef {{before: number, after: number}} Cost */

export class QuantisingCost {
  /**
   * @param {App} app
   * @param {() => void} changed
   */
  constructor(app, changed) {
    this.app = app;
    this.changed = changed;
    this.measuring = false;
    /** Measured or being measured, by policy and precision. @type {Map<string, Promise<Cost>>} */
    this.known = new Map();
    this.key = "";
    this.before = h("data", { class: "num", "data-figure": "fitness-before" });
    this.after = h("data", { class: "num", "data-figure": "fitness-after" });
    this.words = h("p", { class: "setting-help", role: "status" });
    this.element = h(
      "div",
      {},
      h(
        "dl",
        { class: "facts num" },
        h("div", {}, h("dt", {}, "Fitness of the original"), h("dd", {}, this.before)),
        h("div", {}, h("dt", {}, "Fitness from the link"), h("dd", {}, this.after)),
      ),
      this.words,
    );
  }

  /**
   * @param {PolicyEntry} entry
   * @param {ArrayBuffer} file
   * @param {Precision} precision
   */
  async measure(entry, file, precision) {
    const key = `${entry.key} ${precision}`;
    if (key === this.key) return;
    this.key = key;
    this.measuring = true;
    this.#say("measuring", "measuring", "The judge runs both on 10 fixed seeds.");
    this.changed();
    const asked = this.known.get(key) ?? this.#ask(entry, file, precision);
    this.known.set(key, asked);
    try {
      const { before, after } = await asked;
      if (key !== this.key) return;
      this.before.value = String(before);
      this.after.value = String(after);
      const share = before === 0 ? 0 : (100 * (after - before)) / Math.abs(before);
      const change = `${share < 0 ? "−" : "+"}${Math.abs(share).toFixed(1)} %`;
      this.#say(measure(before), `${measure(after)} (${change})`, "Mean over 10 fixed seeds.");
    } catch (error) {
      this.known.delete(key);
      if (key !== this.key) return;
      const why = error instanceof Error ? error.message : String(error);
      this.#say("not measured", "not measured", `The fitness could not be measured: ${why}`);
      this.key = "";
    }
    this.measuring = false;
    this.changed();
  }

  /**
   * @param {PolicyEntry} entry
   * @param {ArrayBuffer} file
   * @param {Precision} precision
   * @returns {Promise<Cost>}
   */
  async #ask(entry, file, precision) {
    const { ask, library, tasks } = this.app;
    const task = tasks.get(entry.task ?? "");
    if (!task) throw new Error("its task is not known here.");
    const shared = policyOf(
      policyPayload(file, { name: "", precision }, library.linkTasks),
      library.linkTasks,
    );
    const [before, after] = await Promise.all(
      [file, shared.file].map((each) => ask.evaluator.measure(each, task, "", EVALUATION_SEEDS)),
    );
    return { before: Number(before?.fitness), after: Number(after?.fitness) };
  }

  /**
   * @param {string} before
   * @param {string} after
   * @param {string} words
   */
  #say(before, after, words) {
    setText(this.before, before);
    setText(this.after, after);
    setText(this.words, words);
  }
}
