/** A policy as a link, and a link as a policy file: tabrl_py/policy/link.py, of which it gives the same bytes. */

import { unwrap, wrap } from "./envelope.js";
import { fromHalf, LARGEST, toHalf } from "./halves.js";
import { LAYOUT } from "./layout.js";
import { arraySize, LinkError, pack, unpack } from "./record.js";
import { readTensors, writeTensors } from "./tensors.js";

/** @import {Values} from "./record.js" */
/** @import {Tensor} from "./tensors.js" */

/**
 * What a link needs of a task of tasks.json.
 * @typedef {object} LinkTask
 * @property {string} id
 * @property {string} model
 * @property {number} layout_version
 * @property {number} obs_size
 * @property {number} action_size
 * @property {number[]} action_low
 * @property {number[]} action_high
 */
/** @typedef {{name: string, made: string, task: string, steps: number, file: ArrayBuffer}} SharedPolicy */
/** @typedef {"int8"|"f16"} Precision */

const EPSILON = 1e-8;
/** Of normal float16: a row of weights that are all smaller says nothing and becomes zero. */
const SMALLEST = 2 ** -14;
const LEVELS = 127;
const FIELDS = LAYOUT.policy.fields;

/**
 * @param {ArrayBuffer} file of the policy
 * @param {{name: string, made?: string, precision?: Precision}} words
 * @param {ReadonlyMap<string, LinkTask>} tasks
 * @returns {Promise<string>} the fragment
 * @throws {LinkError} it does not fit in a link
 */
export async function policyLink(file, words, tasks) {
  return await wrap("policy", policyPayload(file, words, tasks));
}

/**
 * @param {string} link
 * @param {ReadonlyMap<string, LinkTask>} tasks
 * @returns {Promise<SharedPolicy>}
 * @throws {LinkError}
 */
export async function readPolicyLink(link, tasks) {
  const { kind, payload } = await unwrap(link);
  if (kind !== "policy") throw new LinkError("The link holds a recipe, not a policy.");
  return policyOf(payload, tasks);
}

/**
 * @param {ArrayBuffer} file
 * @param {{name: string, made?: string, precision?: Precision}} words
 * @param {ReadonlyMap<string, LinkTask>} tasks
 */
export function policyPayload(file, { name, made = "", precision = "int8" }, tasks) {
  const { tensors, texts } = readTensors(file);
  const task = tasks.get(texts.task ?? "");
  if (!task || task.model !== texts.model)
    throw new LinkError(
      `A link takes policies of the page's own tasks, not of ${texts.task}.`,
      "Export a file instead.",
    );
  const network = JSON.parse(texts.network ?? "{}");
  const sizes = [Number(texts.obs_size), ...network.hidden, Number(texts.action_size)];
  const layers = sizes.slice(1).map((_, l) => ({
    weight: Float64Array.from(of(tensors, `actor.${l}.weight`)),
    bias: Float64Array.from(of(tensors, `actor.${l}.bias`)),
  }));
  /** @type {Values} */
  const values = {
    task: task.id,
    name,
    made,
    layout_version: Number(texts.layout_version),
    steps: Number(texts.steps),
    sizes,
    activation: network.activation,
    layer_norm: network.layer_norm === true ? "yes" : "no",
    squash: texts.squash ?? "none",
    precision,
    normalized: "no",
    log_std: halves("log_std", of(tensors, "log_std")),
  };
  if ("obs.mean" in tensors) Object.assign(values, normalized(tensors, layers[0]));
  values.biases = halves(
    "bias",
    layers.flatMap(({ bias }) => [...bias]),
  );
  // A unit's weights lie together: the file has them as columns.
  const rows = layers.map(({ weight, bias }) => transposed(weight, weight.length / bias.length, bias.length));
  Object.assign(
    values,
    precision === "f16"
      ? {
          weights16: halves(
            "weight",
            rows.flatMap((each) => [...each]),
          ),
        }
      : levels(rows, sizes),
  );
  return pack(FIELDS, values);
}

/**
 * What float16 takes from the mean, the first layer's biases give back, but for what is clipped.
 * @param {Record<string, Tensor>} tensors
 * @param {{weight: Float64Array, bias: Float64Array}|undefined} first layer; its bias is changed
 */
function normalized(tensors, first) {
  const mean = of(tensors, "obs.mean");
  const std = of(tensors, "obs.var").map((v) => Math.sqrt(v + EPSILON));
  const bits = halves("obs.mean", mean);
  if (first) {
    const { weight, bias } = first;
    const change = new Float64Array(bias.length);
    bits.forEach((each, i) => {
      const shift = (fromHalf(each) - Number(mean[i])) / Number(std[i]);
      for (let j = 0; j < bias.length; j++)
        change[j] = Number(change[j]) + shift * Number(weight[i * bias.length + j]);
    });
    for (let j = 0; j < bias.length; j++) bias[j] = Number(bias[j]) + Number(change[j]);
  }
  const count = Math.min(evenRound(Number(of(tensors, "obs.count")[0])), Number.MAX_SAFE_INTEGER);
  return { normalized: "yes", obs_count: count, obs_mean: bits, obs_std: halves("obs.var", std) };
}

/**
 * Each unit's weights in 255 levels up to its largest.
 * @param {Float64Array[]} rows of each layer, (out, in)
 * @param {number[]} sizes
 */
function levels(rows, sizes) {
  /** @type {number[]} */
  const largest = [];
  const weights = new Int8Array(arraySize("weights", sizes));
  let at = 0;
  rows.forEach((layer, l) => {
    const width = Number(sizes[l]);
    for (let start = 0; start < layer.length; start += width) {
      const row = layer.subarray(start, start + width);
      const most = row.reduce((max, w) => Math.max(max, Math.abs(w)), 0);
      const [bits = 0] = halves("weight", [most < SMALLEST ? 0 : most]);
      largest.push(bits);
      const step = bits === 0 ? 0 : LEVELS / fromHalf(bits);
      for (const w of row) weights[at++] = evenRound(w * step);
    }
  });
  return { row_max: Uint16Array.from(largest), weights8: weights };
}

/** Ties to even, as NumPy's rint and Python's round. @param {number} x */
function evenRound(x) {
  const floor = Math.floor(x);
  const rest = x - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor;
}

/**
 * @param {string} name
 * @param {ArrayLike<number>} values
 */
function halves(name, values) {
  return Uint16Array.from(values, (x) => {
    if (!(Math.abs(x) <= LARGEST))
      throw new LinkError(`${name} holds ${x}, too large for a link.`, "Export a file instead.");
    return toHalf(x);
  });
}

/**
 * @param {ArrayLike<number>} matrix (rows, columns)
 * @param {number} rows
 * @param {number} columns
 */
function transposed(matrix, rows, columns) {
  const turned = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) turned[j * rows + i] = Number(matrix[i * columns + j]);
  return turned;
}

/**
 * @param {Record<string, Tensor>} tensors
 * @param {string} name
 * @returns {Float64Array|Float32Array}
 */
function of(tensors, name) {
  const tensor = tensors[name];
  if (!tensor) throw new LinkError(`The policy's file lacks the tensor ${name}.`, "Export it again.");
  return tensor;
}

/**
 * @param {Uint8Array} payload
 * @param {ReadonlyMap<string, LinkTask>} tasks
 * @returns {SharedPolicy}
 */
export function policyOf(payload, tasks) {
  const values = unpack(FIELDS, payload);
  const task = tasks.get(values.task);
  if (!task)
    throw new LinkError(
      `The link is for the task ${values.task}, which this page does not have.`,
      "Update the page.",
    );
  const { sizes, layout_version } = values;
  if (sizes[0] !== task.obs_size || sizes.at(-1) !== task.action_size)
    throw new LinkError(
      `The link's policy takes ${sizes[0]} numbers and gives ${sizes.at(-1)}; the task ${task.id} has ${task.obs_size} and ${task.action_size}.`,
    );
  if (layout_version !== task.layout_version)
    throw new LinkError(
      `The link's policy reads version ${layout_version} of what the robot senses, this page gives version ${task.layout_version}.`,
      "Open it with the page that made it.",
    );
  return {
    name: values.name,
    made: values.made,
    task: task.id,
    steps: values.steps,
    file: writeTensors(tensorsOf(values), textsOf(values, task)),
  };
}

/**
 * @param {Values} values
 * @returns {Record<string, {shape: number[], values: Tensor}>}
 */
function tensorsOf(values) {
  const { sizes } = values;
  /** @type {Record<string, {shape: number[], values: Tensor}>} */
  const tensors = {
    log_std: { shape: [sizes.at(-1)], values: Float32Array.from(values.log_std, fromHalf) },
  };
  let [weight, unit] = [0, 0];
  for (const [l, n_out] of sizes.slice(1).entries()) {
    const n_in = sizes[l];
    const row = (/** @type {number} */ j) => weights(values, weight + j * n_in, unit + j, n_in);
    const flat = new Float32Array(n_in * n_out);
    for (let j = 0; j < n_out; j++) {
      for (const [i, w] of row(j).entries()) flat[i * n_out + j] = w;
    }
    const bias = Float32Array.from(values.biases.subarray(unit, unit + n_out), fromHalf);
    tensors[`actor.${l}.weight`] = { shape: [n_in, n_out], values: flat };
    tensors[`actor.${l}.bias`] = { shape: [n_out], values: bias };
    weight += n_in * n_out;
    unit += n_out;
  }
  if (values.normalized === "yes") {
    const std = Float64Array.from(values.obs_std, fromHalf);
    if (std.some((s) => s < Math.sqrt(EPSILON)))
      throw new LinkError(`The link is damaged: obs_std cannot be ${Math.min(...std)}.`);
    tensors["obs.mean"] = { shape: [sizes[0]], values: Float64Array.from(values.obs_mean, fromHalf) };
    tensors["obs.var"] = { shape: [sizes[0]], values: std.map((s) => Math.max(s * s - EPSILON, 0)) };
    tensors["obs.count"] = { shape: [1], values: Float64Array.of(values.obs_count) };
  }
  return tensors;
}

/**
 * One unit's weights.
 * @param {Values} values
 * @param {number} at of the first of them
 * @param {number} unit
 * @param {number} n_in
 * @returns {number[]}
 */
function weights(values, at, unit, n_in) {
  if (values.precision === "f16") return Array.from(values.weights16.subarray(at, at + n_in), fromHalf);
  const most = fromHalf(values.row_max[unit]);
  if (most < 0) throw new LinkError(`The link is damaged: row_max cannot be ${most}.`);
  return Array.from(values.weights8.subarray(at, at + n_in), (level) => (level * most) / LEVELS);
}

/**
 * @param {Values} values
 * @param {LinkTask} task
 * @returns {Record<string, string>}
 */
function textsOf(values, task) {
  const norm = values.layer_norm === "yes";
  const network = { activation: values.activation, hidden: values.sizes.slice(1, -1) };
  const extended = norm || values.squash !== "none";
  const parameters = arraySize("weights", values.sizes) + arraySize("units", values.sizes) + task.action_size;
  return {
    format: "tabrl-policy",
    format_version: extended ? "2" : "1",
    task: task.id,
    model: task.model,
    layout_version: String(task.layout_version),
    obs_size: String(task.obs_size),
    action_size: String(task.action_size),
    parameters: String(parameters),
    steps: String(values.steps),
    network: JSON.stringify(norm ? { ...network, layer_norm: true } : network),
    action_low: JSON.stringify(task.action_low),
    action_high: JSON.stringify(task.action_high),
    recipe: "{}",
    versions: "{}",
    ...(values.squash === "none" ? {} : { squash: values.squash }),
  };
}
