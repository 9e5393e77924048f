/** Reads a policy's safetensors file (docs/formats.md) for a player without Python; refuses what tabrl_py/policy refuses. */

/** @import {PlayTask} from "./play_task.js" */

const LONGEST_HEADER = 10_000_000;
const LARGEST_LAYER = 65_536;
const ACTIVATIONS = /** @type {const} */ (["tanh", "relu", "elu"]);
const AGAIN = "export it again";

/** A policy file that is damaged, foreign, of another version, or does not fit the task. */
export class PolicyFileError extends Error {
  name = "PolicyFileError";
}

/**
 * @typedef {object} PolicyData
 * @property {string} task
 * @property {string} model
 * @property {number} layoutVersion
 * @property {number} steps
 * @property {number} parameters of the actor, its log standard deviations included
 * @property {number[]} sizes units of each layer, input first
 * @property {"tanh"|"relu"|"elu"} activation
 * @property {boolean} layerNorm
 * @property {boolean} squash
 * @property {{weight: Float64Array, bias: Float64Array}[]} layers weights (in, out), row by row
 * @property {{mean: Float64Array, variance: Float64Array}|null} normalizer
 * @property {number[]} low
 * @property {number[]} high
 * @property {string} reward code that it was trained with; "" where that was the task's own reward
 */

/**
 * @param {ArrayBuffer} bytes
 * @returns {PolicyData}
 * @throws {PolicyFileError}
 */
export function readPolicy(bytes) {
  const { texts, names, take } = open(bytes);
  const network = parse(texts, "network");
  const extended = "squash" in texts || "layer_norm" in network;
  // What acts leaves alone what learning goes on from.
  const version = names.some((name) => name.startsWith("learning.")) ? "3" : extended ? "2" : "1";
  if (texts.format !== "tabrl-policy")
    throw new PolicyFileError(`the file is not a TabRL policy: its format is '${texts.format}'; ${AGAIN}`);
  if (texts.format_version !== version)
    throw new PolicyFileError(
      `the policy file has format version ${texts.format_version}, this TabRL reads ${version}; use the TabRL that made it, or train anew`,
    );
  const { hidden, activation } = network;
  const sizes = [
    parse(texts, "obs_size"),
    ...(Array.isArray(hidden) ? hidden : [null]),
    parse(texts, "action_size"),
  ];
  const sound = sizes.length <= 8 && sizes.every((n) => Number.isInteger(n) && n >= 1 && n <= LARGEST_LAYER);
  if (!sound || !ACTIVATIONS.includes(activation)) throw damaged("network", texts.network);
  const squash = texts.squash ?? "none";
  if (squash !== "none" && squash !== "tanh") throw damaged("squash", squash);
  const [inputs, outputs] = [sizes[0], sizes[sizes.length - 1]];
  const layers = sizes.slice(1).map((n, l) => ({
    weight: take(`actor.${l}.weight`, "F32", [sizes[l], n]),
    bias: take(`actor.${l}.bias`, "F32", [n]),
  }));
  const deviations = take("log_std", "F32", [outputs]);
  return {
    task: textOf(texts, "task"),
    model: textOf(texts, "model"),
    layoutVersion: parse(texts, "layout_version"),
    steps: parse(texts, "steps"),
    parameters: layers.reduce(
      (sum, { weight, bias }) => sum + weight.length + bias.length,
      deviations.length,
    ),
    sizes,
    activation,
    layerNorm: network.layer_norm === true,
    squash: squash === "tanh",
    layers,
    normalizer: take.has("obs.mean")
      ? { mean: take("obs.mean", "F64", [inputs]), variance: take("obs.var", "F64", [inputs]) }
      : null,
    low: bounds(texts, "action_low", outputs),
    high: bounds(texts, "action_high", outputs),
    reward: String(parse(texts, "recipe").reward ?? ""),
  };
}

/**
 * @param {PolicyData} policy
 * @param {PlayTask} task
 * @throws {PolicyFileError} another task, robot, observation layout, other sizes or bounds
 */
export function checkFits(policy, task) {
  if (policy.task !== task.id)
    throw new PolicyFileError(
      `the policy was trained for ${policy.task}, not for ${task.id}; choose task ${policy.task}`,
    );
  if (policy.model !== task.model)
    throw new PolicyFileError(
      `the policy drives the model ${policy.model}, task ${task.id} has ${task.model}; choose task ${policy.task}`,
    );
  if (policy.layoutVersion !== task.layout_version)
    throw new PolicyFileError(
      `the policy reads layout version ${policy.layoutVersion} of the observation of ${policy.task}, this TabRL gives version ${task.layout_version}; train it anew, or use the TabRL that made it`,
    );
  /** @type {[string, unknown, unknown][]} */
  const pairs = [
    ["observation numbers", policy.sizes[0], task.obs_size],
    ["actions", policy.sizes.at(-1), task.action_size],
    ["action bounds", [policy.low, policy.high], [task.action_low, task.action_high]],
  ];
  for (const [what, has, needs] of pairs) {
    if (JSON.stringify(has) !== JSON.stringify(needs))
      throw new PolicyFileError(
        `the policy has ${what} ${has}, task ${task.id} has ${needs}; choose the task it was made for`,
      );
  }
}

/**
 * The metadata, and what takes a tensor as float64.
 * @param {ArrayBuffer} bytes
 */
function open(bytes) {
  const length = bytes.byteLength >= 8 ? Number(new DataView(bytes).getBigUint64(0, true)) : 0;
  if (length < 2 || length > LONGEST_HEADER || 8 + length > bytes.byteLength)
    throw new PolicyFileError(`the file is not a safetensors file, or it is cut short; ${AGAIN}`);
  /** @type {Record<string, any>} */
  let header;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(new Uint8Array(bytes, 8, length)));
  } catch (error) {
    throw new PolicyFileError(
      `the file is not a safetensors file: its header is not JSON (${error}); ${AGAIN}`,
    );
  }
  const data = bytes.slice(8 + length);
  /**
   * @param {string} name
   * @param {"F32"|"F64"} dtype
   * @param {number[]} shape
   */
  const take = (name, dtype, shape) => {
    const tensor = header[name];
    if (!tensor) throw new PolicyFileError(`the file lacks the tensor '${name}'; ${AGAIN}`);
    const [begin, end] = tensor.data_offsets ?? [];
    const size = shape.reduce((product, n) => product * n, dtype === "F32" ? 4 : 8);
    const fits = tensor.dtype === dtype && String(tensor.shape) === String(shape) && end - begin === size;
    if (!fits || !(begin >= 0 && begin % 4 === 0 && end <= data.byteLength))
      throw new PolicyFileError(
        `tensor '${name}' is ${tensor.dtype} (${tensor.shape}); expected ${dtype} (${shape}); ${AGAIN}`,
      );
    const part = data.slice(begin, end);
    const values = Float64Array.from(dtype === "F32" ? new Float32Array(part) : new Float64Array(part));
    if (!values.every(Number.isFinite))
      throw new PolicyFileError(
        `tensor '${name}' holds numbers that are not finite: the training broke; use an earlier file`,
      );
    return values;
  };
  const has = (/** @type {string} */ name) => name in header;
  /** @type {Record<string, string>} */
  const texts = header.__metadata__ ?? {};
  return { texts, names: Object.keys(header), take: Object.assign(take, { has }) };
}

/**
 * @param {Record<string, string>} texts
 * @param {string} key
 */
function textOf(texts, key) {
  const text = texts[key];
  if (typeof text !== "string") throw new PolicyFileError(`the file lacks the entry '${key}'; ${AGAIN}`);
  return text;
}

/**
 * @param {Record<string, string>} texts
 * @param {string} key
 * @returns {any}
 */
function parse(texts, key) {
  const text = textOf(texts, key);
  try {
    return JSON.parse(text) ?? damaged(key, text);
  } catch {
    throw damaged(key, text);
  }
}

/**
 * @param {Record<string, string>} texts
 * @param {string} key
 * @param {number} size
 * @returns {number[]}
 */
function bounds(texts, key, size) {
  const values = parse(texts, key);
  if (!Array.isArray(values) || values.length !== size || !values.every(Number.isFinite))
    throw damaged(key, texts[key]);
  return values;
}

/**
 * @param {string} key
 * @param {string|undefined} value
 */
function damaged(key, value) {
  return new PolicyFileError(`the file's entry '${key}' is damaged: ${String(value).slice(0, 80)}; ${AGAIN}`);
}
