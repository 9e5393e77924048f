/** The control of how many workers learn: in the form before a run, and beside its figures, where it changes a running one. */

import { cores, MOST_WORKERS, mostWorkers } from "../team.js";
import { h, setText } from "./elements.js";
import { fullCount, plural } from "./format.js";
import { algorithmWords } from "./settings_form.js";

/** @import {RunControl} from "../run_control.js" */

/** @typedef {{algorithm: string, n_envs: number}} Shared what decides how many can share a run */

export class WorkersControl {
  /**
   * @param {RunControl} run
   * @param {string} id of the slider
   */
  constructor(run, id) {
    this.run = run;
    this.input = h("input", {
      type: "range",
      id,
      min: "1",
      step: "1",
      "aria-describedby": `${id}-help`,
      oninput: () => setText(this.count, this.input.value),
      // Only where the slider comes to rest: each worker on the way would begin to load.
      onchange: () => this.run.setWorkers(Number(this.input.value)),
    });
    this.count = h("output", { class: "num", for: id });
    this.help = h("p", { class: "setting-help", id: `${id}-help` });
    this.element = h(
      "div",
      { class: "setting workers" },
      h("label", { for: id }, "Workers"),
      h("div", { class: "setting-control" }, this.input, this.count),
      this.help,
    );
  }

  /** @param {Shared} shared the run, or what the form asks for */
  update(shared) {
    if (this.input.matches(":active")) return; // it is being drawn
    const most = mostWorkers(shared);
    const value = Math.min(this.run.workers, most);
    this.input.max = String(Math.max(2, most));
    this.input.value = String(value);
    this.input.disabled = most === 1;
    setText(this.count, String(value));
    setText(this.help, helpOf(shared, most));
  }
}

/**
 * @param {Shared} shared
 * @param {number} most
 */
function helpOf({ algorithm, n_envs }, most) {
  if (most === 1) {
    const title = algorithmWords(algorithm).title;
    return mostWorkers({ algorithm, n_envs: 8 }) === 1
      ? `${title} is learned by one worker.`
      : `${fullCount(n_envs)} environments are learned by one worker; a multiple of 8 can be shared by up to 8.`;
  }
  const about =
    most < MOST_WORKERS
      ? `${fullCount(n_envs)} environments can be shared by up to ${most}, a multiple of 8 by up to 8.`
      : `This machine has ${plural(cores(), "core")}; more workers than that gain nothing.`;
  return `Workers share the robots and the learning. Raising it takes less time and never changes the result. ${about}`;
}
