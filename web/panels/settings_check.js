/** The checks of tabrl_py/config, in the same words, so that a bad value is refused before a worker starts. */

/** @import {Recipe, Setting, Settings, SettingValue, TaskRecord} from "../page_types" */

/**
 * A number as Python's repr writes it; whole numbers reach Python as int.
 * @param {number} x
 */
function pythonNumber(x) {
  if (Number.isNaN(x)) return "nan";
  if (!Number.isFinite(x)) return x > 0 ? "inf" : "-inf";
  if (Number.isInteger(x)) return BigInt(x).toString();
  const [mantissa = "", exponent = "0"] = x.toExponential().split("e");
  const power = Number(exponent);
  if (power >= -4 && power < 16) return String(x);
  return `${mantissa}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
}

/**
 * A number as Python's format code g writes it: six significant digits.
 * @param {number} x
 */
function pythonShort(x) {
  if (x === 0) return "0";
  const [mantissa = "", exponent = "0"] = x.toExponential(5).split("e");
  const power = Number(exponent);
  const trim = (/** @type {string} */ digits) =>
    digits.includes(".") ? digits.replace(/\.?0+$/, "") : digits;
  if (power >= -4 && power < 6) return trim(x.toFixed(5 - power));
  return `${trim(mantissa)}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
}

/**
 * @param {unknown} value
 * @returns {string}
 */
function pythonRepr(value) {
  if (typeof value === "number") return pythonNumber(value);
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return `(${value.map(pythonRepr).join(", ")}${value.length === 1 ? "," : ""})`;
  const text = String(value);
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  return quote + text.replaceAll("\\", "\\\\").replaceAll(quote, `\\${quote}`) + quote;
}

/**
 * What is wrong with the value of one setting, or "".
 * @param {Setting} setting
 * @param {string} path how the recipe names it: n_envs, algo.gamma, network.hidden
 * @param {unknown} value
 * @returns {string}
 */
function problemWith(setting, path, value) {
  if (setting.choices.length > 0) {
    if (setting.choices.includes(/** @type {string} */ (value))) return "";
    return `${path}=${pythonRepr(value)} is not known; choose one of ${setting.choices.join(", ")}`;
  }
  if (setting.type === "bool") {
    return typeof value === "boolean" ? "" : `${path}=${pythonRepr(value)} must be true or false`;
  }
  const several = setting.type === "int_list";
  if (several && !Array.isArray(value)) {
    return `${path}=${pythonRepr(value)} must be a list of whole numbers, such as [64, 32]`;
  }
  const whole = setting.type === "int" || several;
  for (const x of several ? /** @type {unknown[]} */ (value) : [value]) {
    const fits = typeof x === "number" && Number.isFinite(x) && (!whole || Number.isInteger(x));
    if (!fits) return `${path}=${pythonRepr(value)} must be ${whole ? "a whole number" : "a finite number"}`;
    if (setting.low !== null && x < setting.low) {
      return `${path}=${pythonNumber(x)} is too small; the least is ${pythonShort(setting.low)}`;
    }
    if (setting.high !== null && x > setting.high) {
      return `${path}=${pythonNumber(x)} is too large; the most is ${pythonShort(setting.high)}`;
    }
  }
  if (path === "network.hidden" && Array.isArray(value) && value.length > 4) {
    return `${path}=${pythonRepr(value)} has ${value.length} layers; the most is 4`;
  }
  return "";
}

/**
 * What is wrong between settings that are each right, or null: which setting to mark, and the words.
 * @param {Recipe} recipe
 * @returns {{path: string, problem: string}|null}
 */
function problemBetween(recipe) {
  const n_steps = Number(recipe.algo.n_steps);
  const batch = recipe.n_envs * n_steps;
  if (batch > 1_048_576) {
    const problem = `n_envs=${recipe.n_envs} x n_steps=${n_steps} = ${batch} samples per update do not fit in memory; the most is 1048576`;
    return { path: "n_envs", problem };
  }
  const minibatch = Number(recipe.algo.minibatch_size);
  if (recipe.algorithm === "ppo" && minibatch > batch) {
    const problem = `algo.minibatch_size=${minibatch} is more than the n_envs*n_steps=${batch} samples of a rollout; lower it to ${batch} or raise n_steps`;
    return { path: "algo.minibatch_size", problem };
  }
  if (recipe.algorithm === "sac") return sacProblem(recipe, batch);
  if (recipe.algorithm === "ars") return arsProblem(recipe);
  return null;
}

/**
 * @param {Recipe} recipe
 * @param {number} batch
 */
function sacProblem({ algo }, batch) {
  if (batch <= Number(algo.buffer_size)) return null;
  const problem = `algo.buffer_size=${algo.buffer_size} is less than the n_envs*n_steps=${batch} steps between learning; raise it or lower n_steps`;
  return { path: "algo.buffer_size", problem };
}

/** @param {Recipe} recipe */
function arsProblem({ algo, n_envs }) {
  const directions = Number(algo.n_directions);
  if (Number(algo.top_directions) > directions) {
    const problem = `algo.top_directions=${algo.top_directions} is more than n_directions=${directions}; lower it to ${directions}`;
    return { path: "algo.top_directions", problem };
  }
  if (n_envs > 2 * directions) {
    const problem = `n_envs=${n_envs} is more than the 2*n_directions=${2 * directions} episodes of an update; lower it to ${2 * directions} or raise n_directions`;
    return { path: "n_envs", problem };
  }
  return null;
}

/**
 * Every problem of a recipe by the path of the setting it belongs to.
 * @param {Recipe} recipe
 * @param {Settings} settings
 * @returns {Map<string, string>}
 */
export function problemsOf(recipe, settings) {
  /** @type {Map<string, string>} */
  const problems = new Map();
  for (const { path, setting } of settingsOf(settings, recipe.algorithm)) {
    const problem = problemWith(setting, path, valueAt(recipe, path));
    if (problem) problems.set(path, problem);
  }
  if (problems.size === 0) {
    const between = problemBetween(recipe);
    if (between) problems.set(between.path, between.problem);
  }
  return problems;
}

/**
 * Whether a setting does anything in a run of a task, as the other settings are.
 * @param {string} path
 * @param {Recipe} recipe
 * @param {TaskRecord} task
 */
export function applies(path, recipe, task) {
  switch (path) {
    case "randomize":
      return (task.randomization ?? []).length > 0;
    case "algo.symmetry":
      return Boolean(task.mirror);
    case "algo.lr_final":
      return recipe.algo.lr_schedule === "linear";
    case "algo.final_log_std":
      return recipe.algo.exploration === "annealed";
    case "algo.target_entropy":
      return recipe.algo.temperature === "automatic";
    default:
      return true;
  }
}

/**
 * The settings that a run with this algorithm has, with the path each has in the recipe.
 * @param {Settings} settings
 * @param {string} algorithm
 * @returns {{path: string, setting: Setting}[]}
 */
export function settingsOf(settings, algorithm) {
  const list = (/** @type {string} */ name, /** @type {string} */ prefix) =>
    (settings[name] ?? []).map((setting) => ({ path: prefix + setting.name, setting }));
  return [...list("run", ""), ...list(algorithm, "algo."), ...list("network", "network.")];
}

/**
 * @param {Recipe} recipe
 * @param {string} path
 * @returns {unknown}
 */
export function valueAt(recipe, path) {
  const [first = "", second] = path.split(".");
  const value = Reflect.get(recipe, first);
  return second === undefined ? value : Reflect.get(/** @type {object} */ (value ?? {}), second);
}

/**
 * @param {Recipe} recipe
 * @param {string} path
 * @param {SettingValue} value
 */
export function putAt(recipe, path, value) {
  const [first = "", second] = path.split(".");
  if (second === undefined) Reflect.set(recipe, first, value);
  else Reflect.set(Reflect.get(recipe, first), second, value);
}
