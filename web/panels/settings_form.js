/** The form of a run's settings, built from settings.json: every setting with its sentence, its limits, its way back. */

import { h, icon, setText } from "./elements.js";
import { fullCount } from "./format.js";
import { applies, problemsOf, putAt, settingsOf, valueAt } from "./settings_check.js";

/** @import {Recipe, Setting, Settings, SettingValue, TaskRecord} from "../page_types" */

/**
 * @typedef {object} Row
 * @property {Setting} setting
 * @property {HTMLElement} element
 * @property {HTMLInputElement|HTMLSelectElement} input
 * @property {HTMLButtonElement} reset
 * @property {HTMLElement} problem
 */

const ALGORITHM_WORDS = {
  ppo: { title: "PPO", help: "Careful policy steps with a learned critic. The one to start with." },
  reinforce: {
    title: "REINFORCE",
    help: "The shortest honest policy gradient. Slower; made for learning how it works.",
  },
  sac: {
    title: "SAC",
    help: "Learns from a memory of what it has done. Needs the fewest steps, and the most time for each.",
  },
  ars: {
    title: "ARS",
    help: "Tries random changes of the weights and follows the best. Simple, without gradients; needs many episodes.",
  },
};

/**
 * The words for an algorithm; an unknown one is shown by its name.
 * @param {string} name
 */
export function algorithmWords(name) {
  return (
    ALGORITHM_WORDS[/** @type {keyof typeof ALGORITHM_WORDS} */ (name)] ?? {
      title: name.toUpperCase(),
      help: "",
    }
  );
}

/**
 * The value a setting has where nobody changed it: the task's own default, else the general one.
 * @param {Setting} setting
 * @param {string} path
 * @param {TaskRecord} task
 * @param {string} algorithm
 * @returns {SettingValue}
 */
export function defaultOf(setting, path, task, algorithm) {
  return task.defaults[algorithm]?.[path] ?? setting.default;
}

export class SettingsForm {
  /**
   * @param {Settings} settings
   * @param {(problems: Map<string, string>) => void} onChange
   */
  constructor(settings, onChange) {
    this.settings = settings;
    this.onChange = onChange;
    this.algorithms = Object.keys(settings).filter((name) => name !== "run" && name !== "network");
    this.algorithm = this.algorithms[0] ?? "ppo";
    /** @type {TaskRecord|null} */
    this.task = null;
    /** What was typed, by task and algorithm, then path. @type {Map<string, Map<string, string|boolean>>} */
    this.typed = new Map();
    /** @type {Map<string, Row>} */
    this.rows = new Map();
    this.taskSettings = h("div", { class: "settings" });
    this.algorithmSettings = h("div", { class: "settings" });
    this.details = h("div", { class: "settings" });
    this.element = h("div", { class: "settings-form" });
    this.#assemble();
  }

  /** @param {TaskRecord} task */
  setTask(task) {
    this.task = task;
    this.#rebuild();
  }

  /** @param {string} algorithm */
  setAlgorithm(algorithm) {
    this.algorithm = algorithm;
    const radio = this.element.querySelector(`input[value="${CSS.escape(algorithm)}"]`);
    if (radio instanceof HTMLInputElement) radio.checked = true;
    this.#rebuild();
  }

  /** Fill the form from a recipe. @param {Recipe} recipe @param {TaskRecord} task */
  setRecipe(recipe, task) {
    this.task = task;
    const typed = new Map();
    for (const { path, setting } of settingsOf(this.settings, recipe.algorithm)) {
      const value = valueAt(recipe, path);
      const usual = defaultOf(setting, path, task, recipe.algorithm);
      if (value !== undefined && String(value) !== String(usual))
        typed.set(path, asTyped(/** @type {SettingValue} */ (value)));
    }
    this.typed.set(`${task.id} ${recipe.algorithm}`, typed);
    this.setAlgorithm(recipe.algorithm);
  }

  /** The recipe as it stands in the form; its problems are in `problems()`. @returns {Recipe} */
  recipe() {
    if (!this.task) throw new Error("The form has no task yet");
    /** @type {Recipe} */
    const recipe = {
      recipe_version: 2,
      task: this.task.id,
      algorithm: this.algorithm,
      seed: 0,
      total_steps: 0,
      n_envs: 0,
      network: {},
      algo: {},
    };
    const all = settingsOf(this.settings, this.algorithm);
    for (const { path, setting } of all) {
      const typed = this.#typedNow().get(path);
      const usual = defaultOf(setting, path, this.task, this.algorithm);
      putAt(recipe, path, typed === undefined ? usual : parse(setting, typed));
    }
    // What does nothing here, and is not shown, is as usual, whatever was typed while it did something.
    for (const { path, setting } of all) {
      if (!applies(path, recipe, this.task))
        putAt(recipe, path, defaultOf(setting, path, this.task, this.algorithm));
    }
    return recipe;
  }

  /** @returns {Map<string, string>} problem by path */
  problems() {
    return this.task ? problemsOf(this.recipe(), this.settings) : new Map();
  }

  /** Show the first wrong setting, open what hides it, and put the caret there. */
  showFirstProblem() {
    const [path] = [...this.problems().keys()];
    const row = path === undefined ? undefined : this.rows.get(path);
    if (!row) return;
    const folded = row.element.closest("details");
    if (folded) folded.open = true;
    row.input.focus();
  }

  #typedNow() {
    const key = `${this.task?.id} ${this.algorithm}`;
    const typed = this.typed.get(key) ?? new Map();
    this.typed.set(key, typed);
    return typed;
  }

  #assemble() {
    const choices = this.algorithms.map((name) =>
      h(
        "label",
        {},
        h("input", {
          type: "radio",
          name: "algorithm",
          value: name,
          checked: name === this.algorithm,
          onchange: () => this.setAlgorithm(name),
        }),
        algorithmWords(name).title,
      ),
    );
    this.algorithmHelp = h("p", { class: "setting-help" });
    this.element.append(
      h("section", { class: "group", "aria-label": "Task settings" }, this.taskSettings),
      h(
        "section",
        { class: "group" },
        h("h2", { class: "group-title" }, "Algorithm"),
        h("div", { class: "segmented wide", role: "radiogroup", "aria-label": "Algorithm" }, ...choices),
        this.algorithmHelp,
        this.algorithmSettings,
      ),
      h("details", { class: "group" }, h("summary", { class: "group-title" }, "Details"), this.details),
    );
  }

  #rebuild() {
    const { task } = this;
    if (!task) return;
    this.rows.clear();
    setText(/** @type {Element} */ (this.algorithmHelp), algorithmWords(this.algorithm).help);
    const places = { task: this.taskSettings, algorithm: this.algorithmSettings, details: this.details };
    for (const place of Object.values(places)) place.replaceChildren();
    for (const { path, setting } of settingsOf(this.settings, this.algorithm)) {
      const row = this.#row(path, setting);
      this.rows.set(path, row);
      if (path === "network.hidden")
        places[setting.group].append(h("h3", { class: "settings-head" }, "Network"));
      places[setting.group].append(row.element);
    }
    this.#check();
  }

  /**
   * @param {string} path
   * @param {Setting} setting
   * @returns {Row}
   */
  #row(path, setting) {
    const id = `set-${path.replace(".", "-")}`;
    const usual = defaultOf(setting, path, /** @type {TaskRecord} */ (this.task), this.algorithm);
    const typed = this.#typedNow().get(path) ?? asTyped(usual);
    const input = makeInput(setting, id, typed);
    const problem = h("p", { class: "setting-problem", id: `${id}-problem`, role: "alert" });
    const reset = h(
      "button",
      {
        type: "button",
        class: "icon-button setting-reset",
        "aria-label": `Reset ${setting.label} to ${asText(usual)}`,
        title: `Back to ${asText(usual)}`,
        onclick: () => this.#reset(path),
      },
      icon("undo"),
    );
    input.addEventListener("input", () => this.#take(path, input));
    const element = h(
      "div",
      { class: `setting ${setting.type}`, "data-path": path },
      h(
        "label",
        { for: id },
        setting.label,
        setting.unit ? h("span", { class: "unit" }, ` ${setting.unit}`) : null,
      ),
      h("div", { class: "setting-control" }, reset, input),
      h("p", { class: "setting-help", id: `${id}-help` }, setting.help),
      problem,
    );
    input.setAttribute("aria-describedby", `${id}-help ${id}-problem`);
    return { setting, element, input, reset, problem };
  }

  /**
   * @param {string} path
   * @param {HTMLInputElement|HTMLSelectElement} input
   */
  #take(path, input) {
    const value =
      input instanceof HTMLInputElement && input.type === "checkbox" ? input.checked : input.value;
    const setting = this.rows.get(path)?.setting;
    if (!setting || !this.task) return;
    const usual = defaultOf(setting, path, this.task, this.algorithm);
    if (String(parse(setting, value)) === String(usual)) this.#typedNow().delete(path);
    else this.#typedNow().set(path, value);
    this.#check();
  }

  /** @param {string} path */
  #reset(path) {
    const row = this.rows.get(path);
    if (!row || !this.task) return;
    this.#typedNow().delete(path);
    const usual = defaultOf(row.setting, path, this.task, this.algorithm);
    if (row.input instanceof HTMLInputElement && row.input.type === "checkbox")
      row.input.checked = Boolean(usual);
    else row.input.value = String(asTyped(usual));
    row.input.focus();
    this.#check();
  }

  #check() {
    const { task } = this;
    if (!task) return;
    const recipe = this.recipe();
    const problems = problemsOf(recipe, this.settings);
    const typed = this.#typedNow();
    for (const [path, row] of this.rows) {
      row.element.hidden = !applies(path, recipe, task);
      const problem = problems.get(path) ?? "";
      setText(row.problem, problem);
      row.input.setAttribute("aria-invalid", String(problem !== ""));
      row.reset.style.visibility = typed.has(path) ? "visible" : "hidden";
      row.element.classList.toggle("changed", typed.has(path));
    }
    this.onChange(problems);
  }
}

/**
 * @param {Setting} setting
 * @param {string} id
 * @param {string|boolean} typed
 * @returns {HTMLInputElement|HTMLSelectElement}
 */
function makeInput(setting, id, typed) {
  if (setting.type === "bool") {
    return h("input", { type: "checkbox", role: "switch", class: "switch", id, checked: Boolean(typed) });
  }
  if (setting.choices.length > 0) {
    const options = setting.choices.map((choice) =>
      h("option", { value: choice, selected: choice === typed }, choice),
    );
    return h("select", { class: "select", id }, ...options);
  }
  const mode = setting.type === "int" ? "numeric" : setting.type === "float" ? "decimal" : "text";
  return h("input", {
    type: "text",
    class: "field num",
    id,
    inputMode: mode,
    autocomplete: "off",
    spellcheck: false,
    value: String(typed),
  });
}

/**
 * What a value looks like in its input.
 * @param {SettingValue} value
 * @returns {string|boolean}
 */
function asTyped(value) {
  if (typeof value === "boolean") return value;
  if (typeof value === "number" && Number.isInteger(value) && value >= 100_000) return fullCount(value);
  return Array.isArray(value) ? value.join(", ") : String(value);
}

/** @param {SettingValue} value */
function asText(value) {
  if (typeof value === "boolean") return value ? "on" : "off";
  return String(asTyped(value));
}

/**
 * The value that was typed, or the text itself where it is no number, so that the check can name it.
 * @param {Setting} setting
 * @param {string|boolean} typed
 * @returns {SettingValue}
 */
export function parse(setting, typed) {
  if (typeof typed === "boolean" || setting.choices.length > 0) return typed;
  if (setting.type === "int_list") {
    const parts = typed.split(/[\s,;x×→]+/).filter((part) => part !== "");
    const numbers = parts.map(number);
    return numbers.every((x) => typeof x === "number") ? /** @type {number[]} */ (numbers) : typed;
  }
  return number(typed);
}

/**
 * @param {string} text
 * @returns {number|string}
 */
function number(text) {
  const plain = text.trim().replaceAll("_", "").replace(/^\+/, "");
  const grouped = /^-?\d{1,3}(,\d{3})+$/.test(plain) ? plain.replaceAll(",", "") : plain;
  return /^-?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(grouped) ? Number(grouped) : text;
}
