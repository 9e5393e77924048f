/** A run's settings as a sentence and, folded, as JSON to copy. */

import { button, h } from "./elements.js";
import { fullCount, plural } from "./format.js";
import { applies, settingsOf, valueAt } from "./settings_check.js";
import { algorithmWords, defaultOf } from "./settings_form.js";

/** @import {Recipe, Settings, TaskRecord} from "../page_types" */

/**
 * What a recipe does, in one sentence.
 * @param {Recipe} recipe
 * @param {TaskRecord|undefined} task
 */
function recipeSentence(recipe, task) {
  const hidden = /** @type {number[]} */ (recipe.network.hidden ?? []);
  const ends = task ? [task.obs_size, ...hidden, task.action_size] : hidden;
  const layers = ends.length ? `, network ${ends.join("–")} ${recipe.network.activation ?? ""}` : "";
  const robots = plural(recipe.n_envs, "robot");
  return `${algorithmWords(recipe.algorithm).title} with ${robots} for ${fullCount(recipe.total_steps)} steps, seed ${recipe.seed}${layers}.`;
}

/**
 * Only what differs from the task's defaults.
 * @param {Recipe} recipe
 * @param {TaskRecord|undefined} task
 * @param {Settings} settings
 */
function changes(recipe, task, settings) {
  if (!task) return [];
  return settingsOf(settings, recipe.algorithm).flatMap(({ path, setting }) => {
    const value = valueAt(recipe, path);
    if (!applies(path, recipe, task)) return [];
    return String(value) === String(defaultOf(setting, path, task, recipe.algorithm))
      ? []
      : [`${setting.label} ${typeof value === "number" && value >= 100_000 ? fullCount(value) : value}`];
  });
}

/**
 * @param {Recipe} recipe
 * @param {TaskRecord|undefined} task
 * @param {Settings} settings
 * @returns {HTMLElement}
 */
export function recipeView(recipe, task, settings) {
  const json = JSON.stringify(recipe, null, 2).replace(/\[[\s\d,]+\]/g, (list) =>
    list.replace(/\s+/g, "").replaceAll(",", ", "),
  );
  const changed = changes(recipe, task, settings);
  const copy = button("Copy", () => copyText(json, copy), { icon: "copy", class: "quiet" });
  return h(
    "div",
    { class: "recipe" },
    h("p", {}, recipeSentence(recipe, task)),
    changed.length ? h("p", { class: "muted" }, `Changed from the defaults: ${changed.join(", ")}.`) : null,
    h(
      "details",
      {},
      h("summary", {}, "Recipe"),
      h(
        "div",
        { class: "recipe-json" },
        copy,
        h("pre", { class: "mono", tabIndex: 0, "aria-label": "Recipe as JSON" }, json),
      ),
    ),
  );
}

/**
 * @param {string} text
 * @param {HTMLButtonElement} copy says for a moment what happened
 */
async function copyText(text, copy) {
  const label = /** @type {Text} */ (copy.lastChild);
  try {
    await navigator.clipboard.writeText(text);
    label.data = "Copied";
  } catch {
    label.data = "Select and copy by hand";
  }
  setTimeout(() => {
    label.data = "Copy";
  }, 1500);
}
