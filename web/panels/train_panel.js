/** The inspector of the Train room: task, algorithm and settings before a run; progress, recipe and results during and after. */

import { button, h, setText } from "./elements.js";
import { evaluationView } from "./evaluation_view.js";
import { exportChoice } from "./export_choice.js";
import { plural, shortCount } from "./format.js";
import { recipeView } from "./recipe_view.js";
import { RunStats } from "./run_stats.js";
import { SettingsForm } from "./settings_form.js";
import { bootWords } from "./stage_words.js";
import { TaskPicker } from "./task_picker.js";
import { WorkersControl } from "./workers_control.js";

/** @import {Recipe, Settings, TaskRecord} from "../page_types" */
/** @import {Evaluation} from "../protocol" */
/** @import {PolicyLibrary} from "../policy_library.js" */
/** @import {RunControl} from "../run_control.js" */
/** @import {Format} from "./export_choice.js" */

/**
 * What the panel asks of the page.
 * @typedef {object} Wishes
 * @property {(recipe: Recipe, task: TaskRecord, policyKey: string) => void} start
 * @property {() => void} watch this run's policy
 * @property {(format: Format) => void} exportPolicy
 * @property {() => void} share the run or its policy
 * @property {() => void} reset
 * @property {(task: TaskRecord, robots: number) => void} choice the task or number of robots in the form changed
 */

const WORDS = {
  idle: "Ready",
  booting: "Loading",
  running: "Training",
  paused: "Paused",
  stopping: "Stopping",
  stopped: "Stopped",
  finished: "Finished",
  failed: "Could not start",
};

export class TrainPanel {
  /**
   * @param {HTMLElement} place
   * @param {{tasks: TaskRecord[], settings: Settings, run: RunControl, library: PolicyLibrary, fps: () => number, wishes: Wishes}} parts
   */
  constructor(place, { tasks, settings, run, library, fps, wishes }) {
    this.place = place;
    this.tasks = tasks;
    this.settings = settings;
    this.run = run;
    this.library = library;
    this.wishes = wishes;
    this.task = /** @type {TaskRecord} */ (tasks[0]);
    this.asking = false;
    /** The last number of robots in the form that can be drawn. */
    this.sensible = 1;
    /** @type {Evaluation|null} */
    this.baseline = null;
    this.picker = new TaskPicker(tasks, "train-task", (task) => this.setTask(task));
    this.form = new SettingsForm(settings, (problems) => this.#checked(problems));
    this.stats = new RunStats(run, fps);
    /** How many workers: of the run to come, and of the one that runs. */
    this.workers = { next: new WorkersControl(run, "workers"), now: new WorkersControl(run, "workers-now") };
    this.exported = exportChoice("train-export-format");
    this.startFrom = h("select", { class: "select", id: "start-from" });
    this.setup = h("div", { class: "setup" });
    this.running = h("div", { class: "running" });
    this.heading = h("h2", { class: "run-title" });
    this.stateWord = h("span", { class: "run-state" });
    this.recipe = h("div");
    /** @type {Recipe|null} */
    this.recipeShown = null;
    this.results = h("div", { class: "results" });
    this.note = h("p", { class: "foot-note", role: "status" });
    this.buttons = h("div", { class: "foot-buttons" });
    this.#assemble(place);
    this.setTask(this.task);
    run.addEventListener("change", () => this.update());
    run.addEventListener("progress", () => this.stats.update());
    library.addEventListener("change", () => this.#fillStart());
    this.update();
  }

  /** @param {HTMLElement} place */
  #assemble(place) {
    this.form.taskSettings.after(
      h(
        "div",
        { class: "setting choice" },
        h("label", { for: "start-from" }, "Start from"),
        h("div", { class: "setting-control" }, this.startFrom),
        h(
          "p",
          { class: "setting-help" },
          "Fresh weights know nothing; a policy of the same robot goes on from what it knows.",
        ),
      ),
      this.workers.next.element,
    );
    this.setup.append(
      h(
        "section",
        { class: "group open-end" },
        h("h2", { class: "group-title" }, "Task"),
        this.picker.element,
      ),
      this.form.element,
    );
    this.running.append(
      h("div", { class: "run-head" }, this.heading, this.stateWord),
      this.stats.element,
      h("div", { class: "run-control" }, this.workers.now.element),
      this.results,
      this.recipe,
    );
    place.append(
      h("div", { class: "panel-body" }, this.setup, this.running),
      h("div", { class: "panel-foot" }, this.note, this.buttons),
    );
  }

  /** @param {TaskRecord} task */
  setTask(task) {
    this.task = task;
    this.picker.show(task);
    this.form.setTask(task);
    this.#fillStart();
    this.#choice();
  }

  /** @param {Evaluation|null} baseline of the run's task */
  setBaseline(baseline) {
    this.baseline = baseline;
    this.#fillResults();
  }

  /** Robots the form asks for, as far as it makes sense. */
  get robots() {
    const wanted = this.form.recipe().n_envs;
    if (Number.isInteger(wanted) && wanted >= 1 && wanted <= 4096) this.sensible = wanted;
    return this.sensible;
  }

  #choice() {
    this.workers.next.update({ algorithm: this.form.algorithm, n_envs: this.robots });
    if (!this.shown) this.wishes.choice(this.task, this.robots);
  }

  #fillStart() {
    const select = this.startFrom;
    const before = select.value;
    const entries = this.library.entries;
    select.replaceChildren(
      h("option", { value: "" }, "Fresh weights"),
      ...entries.map((entry) => {
        const steps = entry.facts ? `, ${shortCount(entry.facts.steps)} steps` : "";
        const other = this.library.fits(entry, this.task)
          ? ""
          : ` (${this.library.tasks.get(entry.task ?? "")?.title ?? entry.task})`;
        return h("option", { value: entry.key }, `${entry.title}${steps}${other}`);
      }),
    );
    select.value = entries.some((entry) => entry.key === before) ? before : "";
    select.disabled = entries.length === 0;
  }

  /** @param {Map<string, string>} problems */
  #checked(problems) {
    if (!this.note) return; // the form checks itself once before the panel is whole
    if (!this.shown)
      setText(
        this.note,
        problems.size ? `${plural(problems.size, "setting")} cannot run; see the words in red.` : "",
      );
    this.note.classList.toggle("bad", problems.size > 0 && !this.shown);
    this.#choice();
  }

  /** Whether a run, rather than the form, is what the panel shows. */
  get shown() {
    return this.run.recipe !== null && this.run.state !== "idle" && this.run.state !== "failed";
  }

  update() {
    const { run } = this;
    const { setup, running, heading, stateWord } = this;
    this.place.dataset.state = run.evaluating ? "evaluating" : run.state;
    setup.hidden = this.shown;
    running.hidden = !this.shown;
    setText(heading, run.task?.title ?? "");
    setText(stateWord, run.evaluating ? "Evaluating" : WORDS[run.state]);
    stateWord.dataset.state = run.state;
    if (run.recipe !== this.recipeShown) {
      this.recipeShown = run.recipe;
      if (run.recipe && run.task) this.#takeRecipe(run.recipe, run.task);
      this.recipe.replaceChildren(
        ...(run.recipe ? [recipeView(run.recipe, run.task ?? undefined, this.settings)] : []),
      );
    }
    this.stats.update();
    this.#updateWorkers();
    this.#fillResults();
    this.#fillFoot();
  }

  #updateWorkers() {
    const { run, workers } = this;
    workers.next.update({ algorithm: this.form.algorithm, n_envs: this.robots });
    if (run.recipe) workers.now.update(run.recipe);
    workers.now.element.hidden = !run.live || run.evaluating;
  }

  /**
   * The form keeps what ran, so that the next run starts from it.
   * @param {Recipe} recipe
   * @param {TaskRecord} task
   */
  #takeRecipe(recipe, task) {
    this.task = task;
    this.picker.show(task);
    this.form.setRecipe(recipe, task);
  }

  #fillResults() {
    const { run, baseline, results } = this;
    const key = `${run.id} ${run.evaluation?.return_mean} ${run.evaluating} ${baseline?.return_mean}`;
    if (results.dataset.key === key) return;
    results.dataset.key = key;
    const canFall = (run.task?.healthy.length ?? 0) > 0;
    const success = run.task?.success?.words;
    results.replaceChildren(
      ...(run.evaluation
        ? [evaluationView("Deterministic policy, 10 seeds", run.evaluation, canFall, success)]
        : []),
      ...(run.evaluating
        ? [h("p", { class: "muted" }, "Evaluating the deterministic policy on 10 seeds")]
        : []),
      ...(baseline ? [evaluationView("Random policy, 10 seeds", baseline, canFall, success)] : []),
    );
  }

  #fillFoot() {
    const { run, buttons, note } = this;
    if (run.state === "booting") setText(note, bootWords(run.boot));
    const key = `${run.evaluating ? "evaluating" : run.state} ${this.asking} ${run.policy !== null} ${run.checkpoint !== null}`;
    if (buttons.dataset.key === key) return;
    buttons.dataset.key = key;
    note.classList.remove("bad");
    const focused = buttons.contains(document.activeElement);
    if (this.asking) {
      setText(note, `Reset puts aside ${shortCount(run.steps)} steps of learning that were not exported.`);
      buttons.replaceChildren(
        button("Reset", () => this.#reset(), { class: "large" }),
        button("Keep", () => this.#ask(false), { class: "large" }),
      );
    } else {
      if (run.state !== "booting") setText(note, "");
      buttons.replaceChildren(...this.#footButtons());
    }
    if (focused) buttons.querySelector("button")?.focus();
  }

  #footButtons() {
    const { run, wishes } = this;
    const large = { class: "large" };
    const primary = { class: "primary large" };
    const more = run.policy
      ? [
          button("Watch this policy", wishes.watch, run.state === "finished" ? primary : large),
          button("Export", () => wishes.exportPolicy(this.exported.format()), large),
          this.exported.element,
          button("Copy link", wishes.share, large),
        ]
      : [];
    if (run.evaluating) return [button("Evaluating", () => {}, { class: "large", disabled: true })];
    switch (run.state) {
      case "booting":
        return [button("Cancel", () => run.stop(), large)];
      case "running":
        return [button("Pause", () => run.pause(), primary), button("Stop", () => run.stop(), large)];
      case "paused":
        return [
          button("Resume", () => run.resume(), primary),
          button("Stop", () => run.stop(), large),
          ...more,
        ];
      case "stopped":
        return [
          button("Continue", () => run.goOn(), primary),
          ...more,
          button("Reset", () => this.#ask(true), large),
        ];
      case "finished":
        return [...more, button("Reset", () => this.#ask(true), large)];
      default:
        return [button("Train", () => this.start(), { ...primary, id: "train" })];
    }
  }

  /** Start with what the form says, or show what is wrong with it. */
  start() {
    if (this.form.problems().size > 0) {
      this.form.showFirstProblem();
      return;
    }
    this.wishes.start(this.form.recipe(), this.task, this.startFrom.value);
  }

  /** @param {boolean} on */
  #ask(on) {
    if (on && !this.run.unsaved) {
      this.#reset();
      return;
    }
    this.asking = on;
    this.#fillFoot();
  }

  #reset() {
    this.asking = false;
    this.wishes.reset();
  }
}
