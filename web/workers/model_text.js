/** A robot's model as one text: MJCF, or JSON that holds the MJCF with the files it reads. tabrl_py/sim/model_text.py is the same. */

/** @import {MainModule, MjModel} from "../runtime/mujoco/mujoco.js" */

/** @typedef {{xml: string, files: Record<string, string>}} Packed files in base64, by path relative to the MJCF */

/**
 * @param {string} base64
 * @returns {Uint8Array<ArrayBuffer>}
 */
function bytesOf(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** @param {Uint8Array} bytes */
function base64Of(bytes) {
  const PIECE = 0x8000;
  let text = "";
  for (let at = 0; at < bytes.length; at += PIECE)
    text += String.fromCharCode(...bytes.subarray(at, at + PIECE));
  return btoa(text);
}

/**
 * The text of a model; equal parts give equal texts.
 * @param {string} xml
 * @param {Map<string, Uint8Array>} files by path relative to the MJCF
 */
export function packModel(xml, files) {
  if (files.size === 0) return xml;
  const paths = [...files.keys()].sort();
  const packed = paths.map((path) => [path, base64Of(/** @type {Uint8Array} */ (files.get(path)))]);
  return JSON.stringify({ xml, files: Object.fromEntries(packed) });
}

/**
 * Compile a model's text.
 * @param {MainModule} mujoco
 * @param {string} text
 * @returns {MjModel}
 * @throws {Error} in the engine's own words
 */
export function compileText(mujoco, text) {
  if (!text.startsWith("{")) return mujoco.MjModel.from_xml_string(text);
  /** @type {Packed} */
  const { xml, files } = JSON.parse(text);
  const folder = new mujoco.MjVFS();
  try {
    for (const [path, data] of Object.entries(files)) folder.addBuffer(path, bytesOf(data));
    return mujoco.MjModel.from_xml_string(xml, folder);
  } finally {
    folder.delete();
  }
}
