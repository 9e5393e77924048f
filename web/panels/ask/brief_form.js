/** The task in the person's own words, as large as a search box, with examples; the robot and what judges it. */

import { button, h, setText } from "../elements.js";

/** @import {TaskRecord} from "../../page_types" */

/**
 * @typedef {object} Example
 * @property {string} text
 * @property {string} task id of the robot's task
 * @property {string} fitness name of a built-in fitness
 */

/**
 * @typedef {object} FitnessRecord one way to judge, as the build writes it
 * @property {string} id
 * @property {string} title
 * @property {string} words
 * @property {string} source
 * @property {string[]} own ids of the tasks that are about this
 * @property {string[]} tasks ids of the tasks whose robot it can judge
 */

/** @type {Example[]} */
const EXAMPLES = [
  { text: "Walk forward with long, calm steps", task: "humanoid-walk", fitness: "humanoid-walk" },
  { text: "Run as fast as it can", task: "humanoid-run", fitness: "humanoid-run" },
  { text: "Hop on the right leg", task: "humanoid-stand", fitness: "humanoid-hop" },
  { text: "Stand still and upright", task: "humanoid-stand", fitness: "humanoid-stand" },
  { text: "Get up from the floor", task: "humanoid-getup", fitness: "humanoid-getup" },
];

/** The fitness is not chosen but proposed by the designer, shown, and frozen before the first generation. */
export const PROPOSED = "proposed";

export class BriefForm {
  /**
   * @param {{tasks: TaskRecord[], fitness: FitnessRecord[], onStart: () => void, onChange: () => void}} parts
   */
  constructor({ tasks, fitness, onStart, onChange }) {
    this.tasks = tasks.filter((task) => fitness.some((each) => each.tasks.includes(task.id)));
    this.fitness = fitness;
    this.onChange = onChange;
    /** The designer can write a fitness; the built-in one cannot. */
    this.canPropose = false;
    this.ready = true;
    this.text = h("textarea", {
      class: "brief-text",
      id: "brief-text",
      rows: 1,
      maxLength: 2000,
      placeholder: "Walk forward with long, calm steps",
      oninput: () => this.#changed(),
      onkeydown: (/** @type {KeyboardEvent} */ event) => {
        if (event.key !== "Enter" || event.shiftKey) return;
        event.preventDefault();
        if (!this.start.disabled) onStart();
      },
    });
    this.start = button("Design rewards", onStart, { class: "primary large", id: "ask-start" });
    this.robot = h(
      "select",
      { class: "select", id: "ask-task", onchange: () => this.#robotChanged() },
      ...this.tasks.map((task) => h("option", { value: task.id }, `${task.group}: ${task.title}`)),
    );
    this.judge = h("select", { class: "select", id: "ask-fitness", onchange: () => this.#changed() });
    this.judgeWords = h("p", { class: "brief-help" });
    this.examples = h(
      "div",
      { class: "brief-examples", role: "group", "aria-label": "Examples" },
      ...EXAMPLES.filter((example) => this.tasks.some((task) => task.id === example.task)).map((example) =>
        h("button", { type: "button", class: "chip", onclick: () => this.take(example) }, example.text),
      ),
    );
    this.robot.value = this.tasks.find(({ id }) => id === EXAMPLES[0]?.task)?.id ?? this.robot.value;
    this.element = this.#assemble();
    this.#robotChanged();
  }

  #assemble() {
    return h(
      "div",
      { class: "brief" },
      h("label", { class: "brief-question", for: "brief-text" }, "What should the robot do?"),
      h("div", { class: "brief-box" }, this.text, this.start),
      this.examples,
      h(
        "div",
        { class: "brief-choices" },
        h("label", { for: "ask-task" }, "Robot and its first states"),
        this.robot,
        h("label", { for: "ask-fitness" }, "Judged by"),
        this.judge,
      ),
      this.judgeWords,
    );
  }

  /** @param {Example} example */
  take(example) {
    this.text.value = example.text;
    this.robot.value = example.task;
    this.#robotChanged();
    this.judge.value = example.fitness;
    this.#changed();
    this.text.focus();
  }

  /** @returns {TaskRecord|undefined} */
  get task() {
    return this.tasks.find((task) => task.id === this.robot.value);
  }

  /** @param {boolean} ready whether everything but the sentence is there */
  setReady(ready) {
    this.ready = ready;
    this.start.disabled = !ready || this.text.value.trim() === "";
  }

  /** @param {boolean} can whether the designer can propose a fitness of its own */
  setCanPropose(can) {
    if (can === this.canPropose) return;
    this.canPropose = can;
    this.#robotChanged(true);
  }

  /** What the form says. */
  get value() {
    return { text: this.text.value.trim(), task: this.robot.value, fitness: this.judge.value };
  }

  /** @param {boolean} [keep] the judge that was chosen, where it fits */
  #robotChanged(keep = false) {
    const before = this.judge.value;
    const fitting = this.fitness.filter((each) => each.tasks.includes(this.robot.value));
    this.judge.replaceChildren(
      ...fitting.map((each) => h("option", { value: each.id }, each.title)),
      ...(this.canPropose ? [h("option", { value: PROPOSED }, "A fitness the designer proposes")] : []),
    );
    const own = fitting.find((each) => each.own.includes(this.robot.value));
    const kept = [...this.judge.options].some((option) => option.value === before);
    this.judge.value = kept && keep ? before : (own?.id ?? this.judge.options[0]?.value ?? "");
    this.#changed();
  }

  /** The box grows with its lines, also in browsers that cannot do it by themselves. */
  #grow() {
    if (CSS.supports("field-sizing", "content")) return;
    const lines = this.text.value.split("\n").length + Math.floor(this.text.value.length / 60);
    this.text.rows = Math.min(6, lines);
  }

  #changed() {
    this.#grow();
    this.setReady(this.ready);
    const chosen = this.fitness.find((each) => each.id === this.judge.value);
    setText(
      this.judgeWords,
      chosen
        ? `${chosen.words} No reward can change how it is measured.`
        : "The designer writes it first; you read and edit it, and it is frozen before the first generation.",
    );
    this.onChange();
  }
}
