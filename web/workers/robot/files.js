/** A robot's files: which of them is the model, and what can be said against them before the engine is asked. */

import { packModel } from "../model_text.js";
import { isArchive, LARGEST_BYTES, unpack } from "./archive.js";
import { mebibytes, RobotRefused, shortName } from "./refusal.js";

/** Endings of what the engine may read, as in tabrl_py/sim/robot_file.py; other files are passed over. */
const READ = /\.(xml|mjcf|stl|obj|msh|png|bin|hf|skn|ktx)$/i;
const MODEL = /\.(xml|mjcf)$/i;
const HIDDEN = /(^|\/)(\.(?!\.)|__MACOSX)/;
const MOST_BODIES = 2000;
const COMMENT = /<!--[\s\S]*?-->/g;
const INCLUDED = /<include\b[^>]*?\bfile\s*=\s*["']([^"']*)["']/g;
const FILES = /\b(?:file\w*|meshdir|texturedir|assetdir)\s*=\s*["']([^"']*)["']/g;
/** A path that leaves the folder of the robot: absolute, of a drive or an address, or upwards. */
const OUTSIDE = /^(?:[/\\]|[a-z]+:)|(?:^|[/\\])\.\.(?:[/\\]|$)/i;

/**
 * @param {string} name
 * @param {Uint8Array} bytes
 */
function textOf(name, bytes) {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new RobotRefused(`${shortName(name)} is not text in UTF-8.`, "Save it as UTF-8, or drop a .zip.");
  }
}

/**
 * The name of the first element of a text, or "".
 * @param {string} text
 */
function rootOf(text) {
  const head = text
    .slice(0, 100_000)
    .replace(COMMENT, "")
    .replace(/<[?!][^>]*>/g, "");
  return /^\s*<([\w:.-]+)/.exec(head)?.[1] ?? "";
}

/**
 * What is wrong with a model's text, as far as text tells.
 * @param {string} name
 * @param {string} text
 */
function checkText(name, text) {
  if (/<!ENTITY/i.test(text))
    throw new RobotRefused(`${name} declares XML entities, which are not read.`, "Write their values out.");
  const root = rootOf(text);
  if (root === "robot")
    throw new RobotRefused(
      `${name} is a URDF, which has no actuators.`,
      "Convert it to MJCF, add <actuator> to it, and drop that.",
    );
  if (root === "")
    throw new RobotRefused(`${name} is not XML.`, "Drop an MJCF file: XML whose first element is <mujoco>.");
  if (root !== "mujoco")
    throw new RobotRefused(
      `${name} is XML, but its first element is <${shortName(root)}>, not <mujoco>.`,
      "Drop an MJCF file.",
    );
  const plain = text.replace(COMMENT, "");
  const bodies = plain.split("<body").length - 1;
  if (bodies > MOST_BODIES)
    throw new RobotRefused(
      `${name} has ${bodies} bodies; at most ${MOST_BODIES} are read.`,
      "Drop a smaller model.",
    );
  const plugin = /<plugin\b[^>]*?\bplugin\s*=\s*["']([^"']*)/.exec(plain)?.[1];
  if (plugin !== undefined)
    throw new RobotRefused(
      `${name} needs the engine's plugin ${shortName(plugin)}; the engine in the page has none.`,
      "Take the plugin out of the model.",
    );
  for (const [, path = ""] of plain.matchAll(FILES)) {
    if (OUTSIDE.test(path))
      throw new RobotRefused(
        `${name} reads ${shortName(path)}, which is outside its folder.`,
        "Put the file beside the model, name it by a relative path, and drop both as a .zip.",
      );
  }
}

/** @param {string} path */
const fileName = (path) => path.slice(path.lastIndexOf("/") + 1);

/**
 * The model of an archive: one that no other includes, nearest to the top, `scene` before others.
 * @param {string} name of the archive
 * @param {Map<string, Uint8Array>} files
 */
function mainOf(name, files) {
  const models = [...files.keys()].filter((path) => MODEL.test(path));
  const texts = new Map(
    models.map((path) => [
      path,
      textOf(path, /** @type {Uint8Array} */ (files.get(path))).replace(COMMENT, ""),
    ]),
  );
  const included = new Set(
    [...texts.values()].flatMap((text) =>
      [...text.matchAll(INCLUDED)].map(([, path = ""]) => fileName(path)),
    ),
  );
  const tops = models.filter(
    (path) => rootOf(texts.get(path) ?? "") === "mujoco" && !included.has(fileName(path)),
  );
  const order = (/** @type {string} */ path) =>
    `${String(path.split("/").length).padStart(3, "0")} ${fileName(path).startsWith("scene") ? 0 : 1} ${path}`;
  const [main] = tops.sort((a, b) => (order(a) < order(b) ? -1 : 1));
  if (main === undefined)
    throw new RobotRefused(
      models.length
        ? `Every model in ${name} is included by another, or is not MJCF.`
        : `${name} holds no model (.xml).`,
      "Put the MJCF file into the zip, with its meshes beside it.",
    );
  return { main, others: tops.filter((path) => path !== main) };
}

/**
 * A dropped file as the text of a model.
 * @param {string} name
 * @param {Uint8Array} bytes
 * @returns {Promise<{text: string, main: string, others: string[]}>} others: models that were not taken
 * @throws {RobotRefused}
 */
export async function readFiles(name, bytes) {
  if (bytes.length === 0)
    throw new RobotRefused(`${name} is empty.`, "Drop an MJCF file or a .zip with one.");
  if (bytes.length > LARGEST_BYTES)
    throw new RobotRefused(
      `${name} has ${mebibytes(bytes.length)}; a robot has at most ${mebibytes(LARGEST_BYTES)}.`,
      "Leave out what the robot does not need, or use coarser meshes.",
    );
  if (!isArchive(bytes)) {
    const text = textOf(name, bytes);
    checkText(name, text);
    return { text, main: name, others: [] };
  }
  const found = await unpack(name, bytes, (path) => READ.test(path) && !HIDDEN.test(path));
  for (const path of found.keys()) {
    if (OUTSIDE.test(path) || !/^[ -~]+$/.test(path) || path.includes("\\"))
      throw new RobotRefused(
        `${name} holds ${shortName(path)}, whose path is not a plain relative one of ASCII letters.`,
        "Rename the file and make the zip again.",
      );
  }
  const { main, others } = mainOf(name, found);
  const folder = main.slice(0, main.length - fileName(main).length);
  /** @type {Map<string, Uint8Array>} */
  const files = new Map();
  for (const [path, data] of found) {
    if (path.startsWith(folder) && path !== main) files.set(path.slice(folder.length), data);
  }
  const xml = textOf(main, /** @type {Uint8Array} */ (found.get(main)));
  checkText(main, xml);
  for (const [path, data] of files) if (MODEL.test(path)) checkInclude(path, textOf(path, data));
  return { text: packModel(xml, files), main, others };
}

/**
 * What a model includes may begin with any element; models that are not read may be wrong.
 * @param {string} path
 * @param {string} text
 */
function checkInclude(path, text) {
  if (rootOf(text).startsWith("mujoco")) checkText(path, text.replace("<mujocoinclude", "<mujoco"));
}
