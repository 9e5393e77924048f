/** Numbers and names of a compiled model as they are written down. */

/** @import {MjModel} from "../../runtime/mujoco/mujoco.js" */

/** Where the names of things begin in the model's text of all names. */
const NAMES = /** @type {const} */ ({
  body: "name_bodyadr",
  joint: "name_jntadr",
  geom: "name_geomadr",
  actuator: "name_actuatoradr",
  sensor: "name_sensoradr",
});
const DIGITS = 6;
const LONGEST_NAME = 60;

/** Six digits, no minus zero: the same text on every machine. @param {number} x */
export function rounded(x) {
  return Number(x.toFixed(DIGITS)) + 0;
}

/**
 * @param {ArrayLike<number>} values
 * @param {number} [start]
 * @param {number} [size]
 */
export function plain(values, start = 0, size = values.length) {
  return Array.from({ length: size }, (_, i) => rounded(/** @type {number} */ (values[start + i])));
}

/**
 * The name of a thing, "" where it has none; mj_id2name of the wasm build has something else for those.
 * @param {MjModel} model
 * @param {keyof typeof NAMES} kind
 * @param {number} id
 */
export function nameOf(model, kind, id) {
  const { names } = model;
  const from = model[NAMES[kind]][id];
  let to = from;
  while (to < names.length && names[to] !== 0) to++;
  const text = new TextDecoder().decode(Uint8Array.from(names.subarray(from, to)));
  return [...text].slice(0, LONGEST_NAME).join("");
}

/**
 * A quaternion's rotation, row by row.
 * @param {ArrayLike<number>} q w x y z, of length 1
 * @returns {number[]} (9,)
 */
export function rotation(q) {
  const [w = 1, x = 0, y = 0, z = 0] = Array.from(q);
  return [
    ...[1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
    ...[2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
    ...[2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
  ];
}
