/** The strip of charts: its head (x axis, fold) and the charts themselves, loaded when first wanted. */

import { loadPart } from "../requirements.js";
import { h, icon } from "./elements.js";
import { meanOf } from "./format.js";

/** @import {Evaluation, Progress} from "../protocol" */
/** @import {Charts} from "../views/charts.js" */
/** @import {RunControl} from "../run_control.js" */

const FOLDED = "tabrl.curves.folded";

export class Curves {
  /**
   * @param {HTMLElement} place
   * @param {RunControl} run
   * @param {(error: unknown) => void} onError
   */
  constructor(place, run, onError) {
    this.place = place;
    this.run = run;
    this.onError = onError;
    /** @type {Charts|null} */
    this.charts = null;
    /** @type {Evaluation|null} */
    this.baseline = null;
    this.shownRun = "";
    this.fold = h(
      "button",
      {
        type: "button",
        class: "button quiet curves-fold",
        "aria-controls": "curves-body",
        onclick: () => this.#setFolded(!this.folded),
      },
      icon("chevron"),
      "Curves",
    );
    this.body = h("div", { class: "curves-body", id: "curves-body" });
    this.#assemble();
    run.addEventListener("change", () => this.#follow());
    run.addEventListener("rewound", () => this.charts?.load(run.records));
    run.addEventListener("progress", (event) =>
      this.#append(/** @type {CustomEvent<Progress>} */ (event).detail),
    );
  }

  #assemble() {
    const axis = (/** @type {"steps"|"time"} */ name, /** @type {string} */ label) =>
      h(
        "label",
        {},
        h("input", {
          type: "radio",
          name: "x-axis",
          value: name,
          checked: name === "steps",
          onchange: () => this.charts?.setXAxis(name),
        }),
        label,
      );
    this.place.append(
      h(
        "div",
        { class: "curves-head" },
        this.fold,
        h(
          "div",
          { class: "segmented small", role: "radiogroup", "aria-label": "Horizontal axis" },
          axis("steps", "Steps"),
          axis("time", "Time"),
        ),
      ),
      this.body,
    );
    this.#setFolded(localStorage.getItem(FOLDED) === "yes");
  }

  get folded() {
    return this.place.classList.contains("folded");
  }

  /** @param {boolean} folded */
  #setFolded(folded) {
    this.place.classList.toggle("folded", folded);
    this.fold.setAttribute("aria-expanded", String(!folded));
    localStorage.setItem(FOLDED, folded ? "yes" : "no");
    if (!folded) this.charts?.resize();
  }

  /** Load the charts; called when the Train room is first entered. */
  async open() {
    if (this.charts) {
      this.charts.resize();
      return;
    }
    try {
      const { Charts } = await loadPart(() => import("../views/charts.js"), "The charts");
      if (this.charts) return;
      this.charts = new Charts(this.body);
      this.#baseline();
      this.charts.load(this.run.records);
      this.shownRun = this.run.id;
    } catch (error) {
      this.onError(error);
    }
  }

  /** @param {Evaluation|null} baseline of the random policy */
  setBaseline(baseline) {
    this.baseline = baseline;
    this.#baseline();
  }

  #baseline() {
    const { baseline } = this;
    this.charts?.setBaseline(
      baseline && {
        return_mean: baseline.return_mean,
        length_mean: meanOf(baseline.lengths),
        fall_rate: meanOf(baseline.terminated.map(Number)),
      },
    );
  }

  #follow() {
    const { run } = this;
    if (run.id === this.shownRun) return;
    this.shownRun = run.id;
    this.charts?.reset();
    if (run.records.length > 0) this.charts?.load(run.records);
  }

  /** @param {Progress} progress */
  #append(progress) {
    this.charts?.append(progress);
  }
}
