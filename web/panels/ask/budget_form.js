/** What a loop may spend, and how it searches: each number with one sentence that says what raising it does. */

import { h, setText } from "../elements.js";

/**
 * @typedef {object} Field
 * @property {string} name of the brief's field
 * @property {string} label
 * @property {string} help
 * @property {number} low
 * @property {number} high
 * @property {number} value
 * @property {number} [step]
 * @property {string} [unit]
 * @property {number} [scale] what the person types times this is what the brief holds
 * @property {boolean} [whole]
 * @property {boolean} [paid] only where a language model is asked
 */

/** @type {Field[]} */
const MAIN = [
  {
    name: "members",
    label: "Members",
    help: "More rewards are tried in each generation; time grows with them beyond the cores you have.",
    low: 1,
    high: 8,
    value: 4,
    whole: true,
  },
  {
    name: "generations",
    label: "Generations",
    help: "More rounds of reading the results and designing again.",
    low: 1,
    high: 20,
    value: 3,
    whole: true,
  },
  {
    name: "steps_per_member",
    label: "Steps per member",
    help: "Longer training of each member tells good rewards from bad ones more surely.",
    low: 0.0003,
    high: 1000,
    value: 0.5,
    unit: "M",
    scale: 1e6,
    whole: true,
  },
  {
    name: "max_seconds",
    label: "Time",
    help: "The loop ends after the generation in which this time is over.",
    low: 1,
    high: 1440,
    value: 120,
    unit: "min",
    scale: 60,
  },
  {
    name: "max_tokens",
    label: "Tokens",
    help: "A hard cap on all tokens read and written; a question that might pass it is not asked.",
    low: 1,
    high: 10000,
    value: 400,
    unit: "k",
    scale: 1000,
    whole: true,
    paid: true,
  },
  {
    name: "max_usd",
    label: "Money",
    help: "A hard cap in US dollars, reserved before each question.",
    low: 0.01,
    high: 1000,
    value: 5,
    unit: "$",
    paid: true,
  },
];

/** @type {Field[]} */
const MORE = [
  {
    name: "final_seeds",
    label: "Fresh seeds at the end",
    help: "The winner is trained again from this many new seeds, so that luck shows; 0 leaves it out.",
    low: 0,
    high: 10,
    value: 3,
    whole: true,
  },
  {
    name: "final_steps",
    label: "Steps of each of them",
    help: "Longer final training lets the winner's reward show all it can.",
    low: 0.0003,
    high: 1000,
    value: 1.5,
    unit: "M",
    scale: 1e6,
    whole: true,
  },
  {
    name: "evaluation_seeds",
    label: "Episodes of each measurement",
    help: "More episodes measure each fitness more surely, and take longer.",
    low: 1,
    high: 256,
    value: 10,
    whole: true,
  },
  {
    name: "plateau",
    label: "Plateau",
    help: "The loop ends when so many generations brought nothing better; 0 never ends it so.",
    low: 0,
    high: 50,
    value: 0,
    whole: true,
  },
  {
    name: "seed",
    label: "Seed",
    help: "Another number gives other random streams; the same one gives the same loop.",
    low: 0,
    high: 2 ** 31 - 1,
    value: 0,
    whole: true,
  },
];

/**
 * @param {Field} field
 * @param {string} text
 * @returns {string} what is wrong, or ""
 */
function problemOf(field, text) {
  const value = Number(text);
  const unit = field.unit ? ` ${field.unit}` : "";
  if (text.trim() === "" || !Number.isFinite(value)) return `${field.label} must be a number`;
  if (field.whole && !field.scale && !Number.isInteger(value)) return `${field.label} must be a whole number`;
  if (value < field.low) return `${field.label} is ${value}${unit}; the least is ${field.low}${unit}`;
  if (value > field.high) return `${field.label} is ${value}${unit}; the most is ${field.high}${unit}`;
  return "";
}

export class BudgetForm {
  /** @param {() => void} onChange */
  constructor(onChange) {
    this.onChange = onChange;
    /** @type {Map<string, {field: Field, row: HTMLElement, input: HTMLInputElement, problem: HTMLElement}>} */
    this.rows = new Map();
    this.pbt = h("input", {
      type: "checkbox",
      class: "switch",
      id: "ask-pbt",
      checked: true,
      onchange: onChange,
    });
    /** Whether the person chose to narrow down or not; until then the designer decides. */
    this.narrowChosen = false;
    this.narrow = h("input", {
      type: "checkbox",
      class: "switch",
      id: "ask-narrow",
      onchange: () => {
        this.narrowChosen = true;
        onChange();
      },
    });
    this.images = h("input", { type: "checkbox", class: "switch", id: "ask-images", onchange: onChange });
    this.imagesRow = this.#switch(
      "ask-images",
      "Show it pictures",
      "The designer sees a contact sheet of each robot's gait; costs tokens.",
      this.images,
    );
    this.element = h(
      "div",
      {},
      h(
        "section",
        { class: "group" },
        h("h2", { class: "group-title" }, "Budget"),
        ...MAIN.map((field) => this.#row(field)),
      ),
      h(
        "details",
        { class: "group" },
        h("summary", { class: "group-title" }, "Details"),
        this.#switch(
          "ask-pbt",
          "Weights go on",
          "A member goes on from its parent's weights, the worst one without a parent from the best (population-based training). Off: each begins anew.",
          this.pbt,
        ),
        this.#switch(
          "ask-narrow",
          "Narrow down",
          "Each generation has half as many members as the one before and trains each for twice as long: the best learn most.",
          this.narrow,
        ),
        this.imagesRow,
        ...MORE.map((field) => this.#row(field)),
      ),
    );
  }

  /**
   * @param {string} id
   * @param {string} label
   * @param {string} help
   * @param {HTMLInputElement} input
   */
  #switch(id, label, help, input) {
    return h(
      "div",
      { class: "setting" },
      h("label", { for: id }, label),
      h("div", { class: "setting-control" }, input),
      h("p", { class: "setting-help" }, help),
    );
  }

  /** @param {Field} field */
  #row(field) {
    const id = `ask-${field.name}`;
    const input = h("input", {
      class: "field",
      id,
      inputMode: "decimal",
      value: String(field.value),
      oninput: () => this.#check(),
      "aria-describedby": `${id}-help`,
    });
    const problem = h("p", { class: "setting-problem", role: "status" });
    const row = h(
      "div",
      { class: "setting" },
      h(
        "label",
        { for: id },
        field.label,
        field.unit ? h("span", { class: "unit" }, ` ${field.unit}`) : null,
      ),
      h("div", { class: "setting-control" }, input),
      h("p", { class: "setting-help", id: `${id}-help` }, field.help),
      problem,
    );
    this.rows.set(field.name, { field, row, input, problem });
    return row;
  }

  /**
   * A search without a language model narrows down by itself: it learns nothing from more results but which are best.
   * @param {boolean} paid whether a language model is asked, so that tokens and money mean something
   */
  setPaid(paid) {
    if (!this.narrowChosen) this.narrow.checked = !paid;
    for (const { field, row } of this.rows.values()) if (field.paid) row.hidden = !paid;
    this.imagesRow.hidden = !paid;
  }

  /** How many of the numbers cannot be used. */
  get problems() {
    let count = 0;
    for (const { field, row, input } of this.rows.values())
      if (!row.hidden && problemOf(field, input.value)) count += 1;
    return count;
  }

  /** The fields of the brief. @returns {Record<string, number|boolean>} */
  get value() {
    /** @type {Record<string, number|boolean>} */
    const brief = {
      pbt: this.pbt.checked,
      narrow: this.narrow.checked,
      images: this.images.checked && !this.imagesRow.hidden,
    };
    for (const { field, row, input } of this.rows.values()) {
      if (row.hidden) continue;
      const value = Number(input.value) * (field.scale ?? 1);
      brief[field.name] = field.whole ? Math.round(value) : value;
    }
    return brief;
  }

  /** @param {string} name @param {number} value as the brief holds it */
  set(name, value) {
    const row = this.rows.get(name);
    if (!row) return;
    row.input.value = String(value / (row.field.scale ?? 1));
    this.#check();
  }

  #check() {
    for (const { field, input, problem } of this.rows.values()) {
      const words = problemOf(field, input.value);
      setText(problem, words);
      if (words) input.setAttribute("aria-invalid", "true");
      else input.removeAttribute("aria-invalid");
    }
    this.onChange();
  }
}
