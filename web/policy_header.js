/**
 * What a policy file says of itself, read without a worker: a safetensors file is an 8-byte length, a JSON header, raw tensors.
 * The worker reads the file again, in full, before it uses it; docs/formats.md describes both.
 */

import { PageError } from "./errors.js";

/** @import {Designed, PolicyFacts} from "./page_types" */

const LONGEST_HEADER = 10_000_000;
/** As many episodes as a loop may measure a fitness on. */
const MOST_SEEDS = 256;
const LARGEST_SEED = 2 ** 31;

/**
 * @param {string} what
 * @param {string} todo
 */
function refuse(what, todo = "Choose a .safetensors file that TabRL exported.") {
  return new PageError("This policy cannot be used", what, todo);
}

/**
 * @param {ArrayBuffer} bytes
 * @param {string} name of the file, for the message
 * @returns {Record<string, string>} the file's metadata
 * @throws {PageError} it is no safetensors file, or it is cut short
 */
export function readMetadata(bytes, name) {
  if (bytes.byteLength < 8)
    throw refuse(`${name} has ${bytes.byteLength} bytes; a policy file has at least 8.`);
  const length = new DataView(bytes).getBigUint64(0, true);
  if (length > LONGEST_HEADER || length < 2n)
    throw refuse(`${name} is not a safetensors file: it does not start with the length of a header.`);
  const end = 8 + Number(length);
  if (end > bytes.byteLength) {
    throw refuse(
      `${name} is cut short: its header ends at byte ${end}, the file at ${bytes.byteLength}.`,
      "Export or copy it again.",
    );
  }
  /** @type {Record<string, any>} */
  let header;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(new Uint8Array(bytes, 8, end - 8)));
  } catch {
    throw refuse(`${name} is not a safetensors file: its header is not JSON.`);
  }
  const tensors = Object.entries(header).filter(([key]) => key !== "__metadata__");
  const needed = end + Math.max(0, ...tensors.map(([, tensor]) => Number(tensor?.data_offsets?.[1] ?? 0)));
  if (needed > bytes.byteLength) {
    throw refuse(
      `${name} is cut short: its weights end at byte ${needed}, the file at ${bytes.byteLength}.`,
      "Export or copy it again.",
    );
  }
  return header.__metadata__ ?? {};
}

/**
 * The metadata of a TabRL policy as the page shows it.
 * @param {Record<string, string>} metadata
 * @param {string} name of the file, for the message
 * @returns {PolicyFacts}
 * @throws {PageError} a safetensors file of something else
 */
export function factsOf(metadata, name) {
  const task = metadata.task ?? "";
  if (!task) throw refuse(`${name} is a safetensors file, but not a TabRL policy: it names no task.`);
  const network = parsed(metadata.network) ?? {};
  const told = parsed(metadata.recipe);
  // A policy of another program has an empty one.
  const recipe = told?.algorithm ? told : null;
  return {
    task,
    layoutVersion: numberOrNull(metadata.layout_version),
    steps: Number(metadata.steps ?? 0),
    hidden: network.hidden ?? recipe?.network?.hidden ?? [],
    activation: network.activation ?? recipe?.network?.activation ?? "",
    obsSize: numberOrNull(metadata.obs_size),
    actionSize: numberOrNull(metadata.action_size),
    parameters: numberOrNull(metadata.parameters),
    // A policy that came in a link has no recipe with it.
    recipe: recipe?.task ? recipe : null,
    evaluation: parsed(metadata.evaluation),
    designed: designedOf(parsed(metadata.provenance)),
    versions: parsed(metadata.versions) ?? {},
  };
}

/**
 * How the loop that a policy comes from judged it.
 * @param {any} provenance as tabrl_py/meta/view.py writes it
 * @returns {Designed|null} null where it says nothing of that, or nothing that can be measured again
 */
function designedOf(provenance) {
  const { text, fitness, evaluation_seeds: seeds, lineage } = provenance ?? {};
  const value = Array.isArray(lineage) ? lineage[0]?.fitness : null;
  const measured = typeof fitness === "string" && Number.isFinite(value) && Array.isArray(seeds);
  if (!measured || typeof text !== "string") return null;
  const counted = seeds.length > 0 && seeds.length <= MOST_SEEDS;
  const usable = seeds.every((seed) => Number.isInteger(seed) && seed >= 0 && seed <= LARGEST_SEED);
  return counted && usable ? { text, fitness, seeds, value } : null;
}

/**
 * @param {string|undefined} text
 * @returns {any} null where there is none or it is not JSON
 */
function parsed(text) {
  try {
    return text === undefined ? null : JSON.parse(text);
  } catch {
    return null;
  }
}

/** @param {string|undefined} text */
function numberOrNull(text) {
  const value = Number(text);
  return text === undefined || Number.isNaN(value) ? null : value;
}
