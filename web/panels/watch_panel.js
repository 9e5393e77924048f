/** The inspector of the Watch room: which policy acts in which task, its episodes, its facts, import and export. */

import { button, h, setText } from "./elements.js";
import { Episodes } from "./episodes.js";
import { evaluationView } from "./evaluation_view.js";
import { exportChoice } from "./export_choice.js";
import { FitnessAgain } from "./fitness_again.js";
import { meanAndSpread, shortCount } from "./format.js";
import { OneWorldPanel } from "./one_world_panel.js";
import { policyFacts } from "./policy_facts.js";
import { RacePanel } from "./race_panel.js";
import { SideBySide } from "./side_by_side.js";
import { TaskPicker } from "./task_picker.js";
import { WorldPanel } from "./world_panel.js";

/** @import {Judged, PolicyEntry, Settings, TaskRecord} from "../page_types" */
/** @import {PlayControl} from "../play_control.js" */
/** @import {Format} from "./export_choice.js" */
/** @import {PolicyLibrary} from "../policy_library.js" */
/** @import {Stage} from "./stage.js" */

const CROWDS = [1, 4, 12, 24, 48, 100, 250, 500, 1000, 2000, 4000];
/** Each robot of a show has the next seed. */
const LAST_SEED = 2 ** 32 - 8193;
const ORIGINS = {
  shipped: "shipped",
  training: "newest",
  imported: "imported",
  linked: "from a link",
  designed: "designed",
  random: "baseline",
};

/**
 * @typedef {object} Wishes
 * @property {(entry: PolicyEntry, task: TaskRecord, more?: {n_envs?: number, seed?: number}) => void} show
 * @property {(files: FileList|File[]) => void} importFiles
 * @property {(format: Format) => void} exportPolicy
 * @property {() => void} share
 * @property {(entry: PolicyEntry, judged: Judged) => Promise<number>} judge measure a fitness again
 */

export class WatchPanel {
  /**
   * @param {HTMLElement} place
   * @param {{tasks: TaskRecord[], settings: Settings, play: PlayControl, library: PolicyLibrary, stage: Stage, wishes: Wishes}} parts
   */
  constructor(place, { tasks, settings, play, library, stage, wishes }) {
    this.place = place;
    this.settings = settings;
    this.play = play;
    this.library = library;
    this.wishes = wishes;
    this.picker = new TaskPicker(tasks, "watch-task", (task) => this.#pickTask(task));
    this.episodes = new Episodes(play);
    this.beside = new SideBySide(play, library, stage);
    this.race = new RacePanel(play, stage);
    this.world = new WorldPanel(play, stage);
    this.together = new OneWorldPanel(play, stage);
    this.policies = h("div", { class: "policies", role: "radiogroup", "aria-label": "Policy" });
    this.file = h("input", {
      type: "file",
      class: "visually-hidden",
      id: "policy-file",
      accept: ".safetensors,.onnx,.zip,.pkl",
      multiple: true,
      tabIndex: -1,
      "aria-label": "Policy file",
      onchange: () => this.#files(),
    });
    this.choice = exportChoice("export-format");
    this.exporter = button("Export", () => wishes.exportPolicy(this.choice.format()), { icon: "download" });
    this.sharer = button("Copy link", wishes.share, { icon: "copy", id: "share-shown" });
    this.crowd = h(
      "select",
      { class: "select", id: "show-count", onchange: () => this.#again() },
      ...CROWDS.map((count) => h("option", { value: String(count) }, String(count))),
    );
    this.seed = h("input", {
      class: "field num",
      id: "show-seed",
      type: "text",
      inputMode: "numeric",
      autocomplete: "off",
      value: "0",
      onchange: () => this.#again(),
    });
    this.seedProblem = h("p", { class: "setting-problem", id: "show-seed-problem", role: "alert" });
    this.seed.setAttribute("aria-describedby", "show-seed-problem");
    this.evaluate = button("Evaluate on 10 seeds", () => play.evaluateShow());
    this.reported = h("div", { class: "results" });
    this.fitness = new FitnessAgain(wishes.judge);
    this.facts = h("div");
    this.#assemble(place);
    play.addEventListener("change", () => this.update());
    library.addEventListener("change", () => this.#fillPolicies());
  }

  /** @param {HTMLElement} place */
  #assemble(place) {
    place.append(
      h(
        "div",
        { class: "panel-body" },
        h("section", { class: "group" }, h("h2", { class: "group-title" }, "Task"), this.picker.element),
        h(
          "section",
          { class: "group" },
          h("h2", { class: "group-title" }, "Policy"),
          this.policies,
          h(
            "div",
            { class: "row" },
            button("Import", () => this.file.click(), {
              icon: "upload",
              title:
                "A .safetensors or .onnx file, or a PPO .zip of Stable-Baselines3 (with its VecNormalize .pkl); or drop it on the page",
            }),
            this.sharer,
            this.file,
          ),
          h("div", { class: "row" }, this.exporter, this.choice.element),
        ),
        h(
          "section",
          { class: "group" },
          h("h2", { class: "group-title" }, "Show"),
          h(
            "div",
            { class: "pair" },
            h("label", { for: "show-count" }, "Robots"),
            this.crowd,
            h("label", { for: "show-seed" }, "First seed"),
            this.seed,
          ),
          this.seedProblem,
        ),
        this.beside.element,
        this.race.element,
        this.together.element,
        this.world.element,
        h(
          "section",
          { class: "group" },
          h("h2", { class: "group-title" }, "Episodes"),
          this.episodes.element,
          h("div", { class: "row" }, this.evaluate),
          this.reported,
        ),
        this.fitness.element,
        h("section", { class: "group" }, h("h2", { class: "group-title" }, "About this policy"), this.facts),
      ),
    );
  }

  update() {
    const { show, state } = this.play;
    this.place.dataset.state = state;
    this.place.dataset.task = this.play.started?.task_id ?? "";
    if (!show) return;
    this.picker.show(show.task);
    const { crowd, seed, evaluate, exporter } = this;
    crowd.value = String(show.n_envs);
    if (document.activeElement !== seed) seed.value = String(show.seed);
    exporter.disabled = this.sharer.disabled = show.entry.origin === "random";
    exporter.title = exporter.disabled ? "Random actions have no file" : "Download the policy";
    evaluate.disabled = this.play.evaluating || state === "booting";
    setText(evaluate, this.play.evaluating ? "Evaluating" : "Evaluate on 10 seeds");
    this.#fillPolicies();
    this.#fillReported();
    this.fitness.update(show.entry);
  }

  #fillPolicies() {
    const { show } = this.play;
    const policies = this.policies;
    if (!show) return;
    const entries = this.library.fitting(show.task);
    const shown =
      entries.find((entry) => entry.key === show.entry.key) ??
      (show.entry.origin === "training" ? show.entry : null);
    if (shown && !entries.includes(shown)) entries.unshift(shown);
    const key = `${show.task.id} ${show.entry.key} ${entries.map((entry) => `${entry.key}${entry.facts ? "+" : ""}`).join(" ")}`;
    if (policies.dataset.key === key) return;
    policies.dataset.key = key;
    const focused = policies.contains(document.activeElement);
    policies.replaceChildren(...entries.map((entry) => this.#choice(entry, show.entry.key, show.task)));
    const checked = policies.querySelector("input:checked");
    if (focused && checked instanceof HTMLElement) checked.focus();
    this.facts.replaceChildren(policyFacts(show.entry, this.library.tasks, this.settings));
  }

  /**
   * @param {PolicyEntry} entry
   * @param {string} chosen key
   * @param {TaskRecord} task
   */
  #choice(entry, chosen, task) {
    const facts = entry.facts;
    const other =
      entry.task !== null && entry.task !== task.id
        ? `, made for ${this.library.tasks.get(entry.task)?.title ?? entry.task}`
        : "";
    const about = facts
      ? `${shortCount(facts.steps)} steps${facts.evaluation ? `, return ${meanAndSpread(facts.evaluation.return_mean, facts.evaluation.return_std)}` : ""}${other}`
      : entry.origin === "random"
        ? "uniform over the action range"
        : other.slice(2) || "read when shown";
    return h(
      "label",
      { class: "policy" },
      h("input", {
        type: "radio",
        name: "policy",
        value: entry.key,
        checked: entry.key === chosen,
        onchange: () => this.wishes.show(entry, task),
      }),
      h(
        "span",
        { class: "policy-words" },
        h("span", { class: "policy-title" }, entry.title),
        h("span", { class: "policy-about num" }, about),
      ),
      h("span", { class: "tag" }, ORIGINS[entry.origin]),
    );
  }

  #fillReported() {
    const { play } = this;
    const reported = play.show?.entry.facts?.evaluation ?? null;
    const here = play.evaluation;
    const place = this.reported;
    const key = `${play.show?.entry.key} ${play.show?.task.id} ${reported?.return_mean} ${here?.return_mean}`;
    if (place.dataset.key === key) return;
    place.dataset.key = key;
    const canFall = (play.show?.task.healthy.length ?? 0) > 0;
    const own = play.show?.entry.task === play.show?.task.id;
    const success = play.show?.task.success?.words;
    place.replaceChildren(
      ...(here ? [evaluationView("Evaluated here", here, canFall, success)] : []),
      ...(reported && own ? [evaluationView("Reported by its training", reported, canFall, success)] : []),
    );
  }

  /** A task was picked: its best known policy plays, or random actions where there is none. @param {TaskRecord} task */
  #pickTask(task) {
    const [entry] = this.library.fitting(task);
    if (entry) this.wishes.show(entry, task);
  }

  #again() {
    const { show } = this.play;
    const { seed, seedProblem, crowd } = this;
    const text = seed.value.trim();
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    const wrong = !(value >= 0 && value <= LAST_SEED);
    setText(seedProblem, wrong ? `seed=${text} must be a whole number from 0 to ${LAST_SEED}` : "");
    seed.setAttribute("aria-invalid", String(wrong));
    if (show && !wrong) this.wishes.show(show.entry, show.task, { n_envs: Number(crowd.value), seed: value });
  }

  #files() {
    const { file } = this;
    if (file.files?.length) this.wishes.importFiles(file.files);
    file.value = "";
  }
}
