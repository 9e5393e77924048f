/** A policy's fitness as the loop that designed its reward measured it, and measured again here on the same seeds. */

import { h, setText } from "./elements.js";
import { measure, plural } from "./format.js";

/** @import {Judged, PolicyEntry} from "../page_types" */

export class FitnessAgain {
  /** @param {(entry: PolicyEntry, judged: Judged) => Promise<number>} judge */
  constructor(judge) {
    this.judge = judge;
    this.before = h("data", { class: "num", "data-figure": "fitness-then" });
    this.now = h("data", { class: "num", "data-figure": "fitness-now" });
    this.title = h("p", { class: "setting-help" });
    this.element = h(
      "section",
      { class: "group", hidden: true },
      h("h2", { class: "group-title" }, "Fitness"),
      h(
        "dl",
        { class: "facts num" },
        h("div", {}, h("dt", {}, "In its loop"), h("dd", {}, this.before)),
        h("div", {}, h("dt", {}, "Measured again here"), h("dd", {}, this.now)),
      ),
      this.title,
    );
    /** @type {PolicyEntry|null} */
    this.entry = null;
  }

  /** @param {PolicyEntry} entry that acts */
  async update(entry) {
    if (entry === this.entry) return;
    this.entry = entry;
    const judged = entry.judged ?? null;
    this.element.hidden = judged === null;
    if (!judged) return;
    this.before.value = String(judged.value);
    setText(this.before, measure(judged.value));
    this.now.value = "";
    setText(this.now, "measuring");
    setText(this.title, `${judged.title}, on ${plural(judged.seeds.length, "fixed seed")}.`);
    try {
      const value = await this.judge(entry, judged);
      if (entry !== this.entry) return;
      this.now.value = String(value);
      setText(this.now, measure(value));
    } catch (error) {
      if (entry === this.entry) setText(this.now, error instanceof Error ? error.message : String(error));
    }
  }
}
