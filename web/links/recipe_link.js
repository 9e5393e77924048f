/** A recipe as a link, and back: tabrl_py/policy/link.py, of which it gives the same bytes. Its reward stays a text. */

import { problemsOf, putAt, settingsOf, valueAt } from "../panels/settings_check.js";
import { unwrap, wrap } from "./envelope.js";
import { LAYOUT } from "./layout.js";
import { damaged, LinkError, pack, unpack } from "./record.js";

/** @import {Recipe, Settings, SettingValue} from "../page_types" */

/** @typedef {{name: string, made: string, recipe: Recipe}} SharedRecipe */

const FIELDS = LAYOUT.recipe.fields;
const UPDATE = "Open it with the page that made it.";

/**
 * What a link needs to know of the page.
 * @typedef {object} Known
 * @property {ReadonlyMap<string, unknown>} tasks by id
 * @property {Settings} settings
 */

/**
 * @param {Recipe} recipe
 * @param {{name: string, made?: string}} words
 * @param {Known} known
 * @returns {Promise<string>} the fragment
 * @throws {LinkError} it does not fit in a link
 */
export async function recipeLink(recipe, words, known) {
  return await wrap("recipe", recipePayload(recipe, words, known));
}

/**
 * @param {string} link
 * @param {Known} known
 * @returns {Promise<SharedRecipe>}
 * @throws {LinkError}
 */
export async function readRecipeLink(link, known) {
  const { kind, payload } = await unwrap(link);
  if (kind !== "recipe") throw new LinkError("The link holds a policy, not a recipe.");
  return recipeOf(payload, known);
}

/**
 * @param {Recipe} recipe
 * @param {{name: string, made?: string}} words
 * @param {Known} known
 */
export function recipePayload(recipe, { name, made = "" }, { tasks, settings }) {
  if (!tasks.has(recipe.task))
    throw new LinkError(
      `A link takes recipes of the page's own tasks, not of ${recipe.task}.`,
      "Copy the recipe as text instead.",
    );
  return pack(FIELDS, {
    task: recipe.task,
    name,
    made,
    recipe_version: recipe.recipe_version ?? LAYOUT.recipe_versions.at(-1),
    algorithm: recipe.algorithm,
    settings: settingsOf(settings, recipe.algorithm).map(({ path, setting }) => ({
      path,
      type: setting.type,
      value: valueAt(recipe, path) ?? setting.default,
    })),
    reward: recipe.reward ?? "",
  });
}

/**
 * @param {Uint8Array} payload
 * @param {Known} known
 * @returns {SharedRecipe}
 */
export function recipeOf(payload, { tasks, settings }) {
  const values = unpack(FIELDS, payload);
  const { task, algorithm, recipe_version, reward } = values;
  if (!tasks.has(task))
    throw new LinkError(`The link is for the task ${task}, which this page does not have.`, UPDATE);
  if (!LAYOUT.recipe_versions.some((each) => each === recipe_version))
    throw new LinkError(
      `The link's recipe has version ${recipe_version}, this page reads ${LAYOUT.recipe_versions.join(", ")}.`,
      UPDATE,
    );
  if (!Object.hasOwn(settings, algorithm) || algorithm === "run" || algorithm === "network")
    throw new LinkError(`The link's algorithm is ${algorithm}, which this page does not have.`, UPDATE);
  /** @type {Recipe} */
  const recipe = {
    recipe_version,
    task,
    algorithm,
    seed: 0,
    total_steps: 0,
    n_envs: 0,
    reward,
    network: {},
    algo: {},
  };
  /** @type {Map<string, SettingValue>} */
  const given = new Map();
  for (const { path, value } of values.settings) given.set(path, value);
  for (const { path, setting } of settingsOf(settings, algorithm)) {
    putAt(recipe, path, given.get(path) ?? setting.default);
    given.delete(path);
  }
  for (const path of given.keys()) throw damaged("a setting", path);
  for (const problem of problemsOf(recipe, settings).values())
    throw new LinkError(`The link's recipe cannot run: ${problem}.`);
  return { name: values.name, made: values.made, recipe };
}
