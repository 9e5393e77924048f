/** What is known about a policy: task, training, architecture, the return it reports, its recipe. */

import { h } from "./elements.js";
import { fullCount, meanAndSpread } from "./format.js";
import { recipeView } from "./recipe_view.js";
import { algorithmWords } from "./settings_form.js";

/** @import {PolicyEntry, Settings, TaskRecord} from "../page_types" */

/**
 * @param {PolicyEntry} entry
 * @param {Map<string, TaskRecord>} tasks
 * @param {Settings} settings
 * @returns {HTMLElement}
 */
export function policyFacts(entry, tasks, settings) {
  const { facts } = entry;
  if (!facts) {
    const words =
      entry.origin === "random"
        ? "Every action is drawn at random. It is the baseline that training has to beat; open Train to beat it."
        : "The file is being read.";
    return h("p", { class: "muted" }, words);
  }
  const task = tasks.get(facts.task);
  /** @type {[string, string][]} */
  const rows = [["Made for", task?.title ?? facts.task]];
  if (entry.made) rows.push(["How, says its link", entry.made]);
  if (facts.designed) rows.push(["Reward designed for", facts.designed.text]);
  if (facts.recipe) rows.push(["Learned with", algorithmWords(facts.recipe.algorithm).title]);
  rows.push(["Trained for", `${fullCount(facts.steps)} steps`]);
  const layers = [facts.obsSize, ...facts.hidden, facts.actionSize].filter((size) => size !== null);
  if (layers.length > 0) rows.push(["Network", `${layers.join("–")} ${facts.activation}`]);
  if (facts.parameters) rows.push(["Parameters", fullCount(facts.parameters)]);
  if (facts.evaluation) {
    rows.push(["Reported return", meanAndSpread(facts.evaluation.return_mean, facts.evaluation.return_std)]);
  }
  return h(
    "div",
    {},
    h(
      "dl",
      { class: "facts num" },
      ...rows.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
    ),
    facts.recipe ? recipeView(facts.recipe, task, settings) : null,
  );
}
