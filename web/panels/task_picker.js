/** Choosing a task: what is chosen stays in sight with its sentence, the others open beneath it by group. */

import { h, icon, setText } from "./elements.js";

/** @import {TaskRecord} from "../page_types" */

export class TaskPicker {
  /**
   * @param {TaskRecord[]} tasks
   * @param {string} name of the radio group, unique in the page
   * @param {(task: TaskRecord) => void} onPick
   */
  constructor(tasks, name, onPick) {
    this.tasks = tasks;
    this.name = name;
    this.onPick = onPick;
    this.title = h("span", { class: "task-title" });
    this.summary = h("span", { class: "task-summary" });
    this.opener = h(
      "button",
      {
        type: "button",
        class: "task-now",
        "aria-expanded": "false",
        onclick: () => this.#open(this.list.hidden === true),
      },
      h("span", { class: "task-words" }, this.title, this.summary),
      icon("chevron"),
    );
    this.list = h("div", { class: "task-list", hidden: true });
    this.#fill();
    this.element = h("div", { class: "task-picker" }, this.opener, this.list);
    this.element.addEventListener("keydown", (event) => this.#key(event));
  }

  /** @param {TaskRecord} task */
  show(task) {
    setText(this.title, task.title);
    setText(this.summary, task.summary);
    this.#check(task.id);
  }

  /** @param {boolean} on */
  #open(on) {
    this.list.hidden = !on;
    this.opener.setAttribute("aria-expanded", String(on));
    const chosen = this.list.querySelector("input:checked");
    if (on && chosen instanceof HTMLElement) chosen.focus();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (this.list.hidden || (event.key !== "Escape" && event.key !== "Enter")) return;
    if (event.target === this.opener && event.key === "Enter") return;
    event.preventDefault();
    event.stopPropagation();
    this.#open(false);
    this.opener.focus();
  }

  /** List the tasks anew: one came or went. */
  refill() {
    const chosen = this.list.querySelector("input:checked");
    this.#fill();
    if (chosen instanceof HTMLInputElement) this.#check(chosen.value);
  }

  /** @param {string} id */
  #check(id) {
    const radio = this.list.querySelector(`input[value="${CSS.escape(id)}"]`);
    if (radio instanceof HTMLInputElement) radio.checked = true;
  }

  #fill() {
    this.list.replaceChildren();
    /** @type {Map<string, TaskRecord[]>} */
    const groups = new Map();
    for (const task of this.tasks) groups.set(task.group, [...(groups.get(task.group) ?? []), task]);
    for (const [group, tasks] of groups) {
      this.list.append(h("fieldset", {}, h("legend", {}, group), ...tasks.map((task) => this.#choice(task))));
    }
  }

  /** @param {TaskRecord} task */
  #choice(task) {
    const pick = () => {
      this.show(task);
      this.onPick(task);
    };
    return h(
      "label",
      { class: "task-choice", onpointerup: () => setTimeout(() => this.#open(false)) },
      h("input", { type: "radio", name: this.name, value: task.id, onchange: pick }),
      h(
        "span",
        { class: "task-words" },
        h("span", { class: "task-title" }, task.title),
        h("span", { class: "task-summary" }, task.summary),
      ),
    );
  }
}
