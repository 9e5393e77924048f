/**
 * The drawing of a compiled model: what wasm/models/scene.py writes for the robots of the house (tests/parity/test_own_robots.py
 * compares the two), and beyond it what robots of other people are made of. A mesh is drawn as the box about it.
 */

import { rangeOf } from "./description.js";
import { nameOf, plain, rotation, rounded } from "./numbers.js";

/** @import {MjData, MjModel} from "../../runtime/mujoco/mujoco.js" */
/** @import {Scene, SceneGeom, SceneLimb} from "../../views/scene.js" */
/** @import {Description} from "./description.js" */

/** mjtGeom, as far as it is drawn. */
const GEOMS = ["plane", "hfield", "sphere", "capsule", "ellipsoid", "cylinder", "box", "mesh", "sdf"];
const BOXED = ["mesh", "sdf"];
/** Shown by the engine's own viewer unless somebody asks for more. */
const SHOWN_GROUPS = 3;
/** A limb whose middle lies closer than this (m) to the robot's middle plane belongs to neither side. */
const SIDE_M = 0.02;
const PLAIN_RGBA = [0.5, 0.5, 0.5, 1];
const PARAMETERS = 10;
const AFFINE = 1;

/** @typedef {{geom: number, kind: string, body: number, size: number[], pos: number[], quat: number[]}} Shape a geom as it is drawn */

/**
 * @param {number[]} quat
 * @param {ArrayLike<number>} v
 */
function turned(quat, v) {
  const r = rotation(quat);
  return [0, 3, 6].map((row) => [0, 1, 2].reduce((sum, i) => sum + (r[row + i] ?? 0) * (v[i] ?? 0), 0));
}

/**
 * @param {ArrayLike<number>} array
 * @param {number} at
 * @param {number} size
 */
const part = (array, at, size) => Array.from({ length: size }, (_, i) => array[at * size + i] ?? 0);

/**
 * @param {MjModel} model
 * @param {number} geom
 * @returns {Shape}
 */
function shapeOf(model, geom) {
  const kind = GEOMS[model.geom_type[geom]] ?? "unknown";
  const shape = {
    ...{ geom, kind, body: model.geom_bodyid[geom] },
    size: part(model.geom_size, geom, 3),
    pos: part(model.geom_pos, geom, 3),
    quat: part(model.geom_quat, geom, 4),
  };
  if (!BOXED.includes(kind)) return shape;
  const box = part(model.geom_aabb, geom, 6);
  const middle = turned(shape.quat, box.slice(0, 3));
  return {
    ...shape,
    kind: "box",
    size: box.slice(3).map((half) => Math.max(half, 1e-3)),
    pos: shape.pos.map((x, i) => x + /** @type {number} */ (middle[i])),
  };
}

/**
 * The geoms that are drawn, and words for those that are not.
 * @param {MjModel} model
 */
function shapesOf(model) {
  /** @type {Shape[]} */
  const shapes = [];
  const all = Array.from({ length: model.ngeom }, (_, geom) => geom);
  const shown = (/** @type {number} */ geom) => model.geom_group[geom] < SHOWN_GROUPS;
  const dressed = new Set(all.filter(shown).map((geom) => model.geom_bodyid[geom]));
  let [meshes, left] = [0, 0];
  for (const geom of all) {
    const body = model.geom_bodyid[geom];
    if (dressed.has(body) && !shown(geom)) continue;
    const shape = shapeOf(model, geom);
    const level = Math.abs(Math.abs(/** @type {number} */ (shape.quat[0])) - 1) < 1e-6;
    if (shape.kind === "hfield" || shape.kind === "unknown" || (shape.kind === "plane" && (body || !level)))
      left++;
    else {
      if (BOXED.includes(GEOMS[model.geom_type[geom]] ?? "")) meshes++;
      shapes.push(shape);
    }
  }
  const notes = [];
  if (meshes) notes.push(meshes === 1 ? "1 mesh is drawn as a box." : `${meshes} meshes are drawn as boxes.`);
  if (left) notes.push(`${left} height fields or tilted planes are simulated, not drawn.`);
  if (model.nflex) notes.push(`${model.nflex} soft bodies (flex) are simulated, not drawn.`);
  if (model.nskin) notes.push(`${model.nskin} skins are not drawn.`);
  return { shapes, notes };
}

/**
 * @param {MjModel} model
 * @param {number} geom
 */
function colourOf(model, geom) {
  const own = part(model.geom_rgba, geom, 4);
  const material = model.geom_matid[geom];
  const painted = own.some((x, i) => Math.fround(x) !== Math.fround(PLAIN_RGBA[i] ?? 0));
  return plain(painted || material < 0 ? own : part(model.mat_rgba, material, 4));
}

/**
 * Half the length (m) of a shape along a world axis, whose components in the shape's frame are `row`.
 * @param {Shape} shape
 * @param {number[]} row
 */
function reach({ kind, size }, row) {
  const [a = 0, b = 0] = size;
  const [x = 0, y = 0, z = 0] = row;
  if (kind === "sphere") return a;
  if (kind === "capsule") return a + b * Math.abs(z);
  if (kind === "cylinder") return a * Math.hypot(x, y) + b * Math.abs(z);
  const parts = size.map((half, i) => half * /** @type {number} */ (row[i]));
  return kind === "ellipsoid" ? Math.hypot(...parts) : parts.reduce((sum, half) => sum + Math.abs(half), 0);
}

/**
 * How far (m) the robot reaches along a world axis, in its first pose.
 * @param {Shape[]} shapes
 * @param {MjData} data
 * @param {0|2} axis
 */
function extent(shapes, data, axis) {
  let [low, high] = [Infinity, -Infinity];
  const { xpos, xquat } = data;
  for (const shape of shapes) {
    if (shape.body === 0) continue;
    const body = part(xquat, shape.body, 4);
    const middle = xpos[3 * shape.body + axis] + /** @type {number} */ (turned(body, shape.pos)[axis]);
    const [outer, inner] = [rotation(body), rotation(shape.quat)];
    const row = [0, 1, 2].map((column) =>
      [0, 1, 2].reduce((sum, i) => sum + (outer[3 * axis + i] ?? 0) * (inner[3 * i + column] ?? 0), 0),
    );
    low = Math.min(low, middle - reach(shape, row));
    high = Math.max(high, middle + reach(shape, row));
  }
  return high - low;
}

/**
 * What a position actuator does: torque = stiffness (target + scale ctrl - q) - damping dq/dt.
 * @param {MjModel} model
 * @param {number} actuator
 */
function servoOf(model, actuator) {
  const gain = part(model.actuator_gainprm, actuator, PARAMETERS);
  const bias = part(model.actuator_biasprm, actuator, PARAMETERS);
  const stiffness = -(bias[1] ?? 0);
  if (model.actuator_biastype[actuator] !== AFFINE || stiffness <= 0) return null;
  const [target, scale] = [(bias[0] ?? 0) / stiffness, (gain[0] ?? 0) / stiffness];
  const values = { target, scale, stiffness, damping: -(bias[2] ?? 0) };
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, rounded(value)]));
}

/**
 * @param {MjModel} model
 * @param {MjData} data
 */
function actuatorsOf(model, data) {
  return Array.from({ length: model.nu }, (_, actuator) => {
    const largest = (/** @type {ArrayLike<number>} */ range) =>
      Math.max(...part(range, actuator, 2).map(Math.abs));
    const gear = Math.abs(model.actuator_gear[6 * actuator]);
    const gain = Math.abs(model.actuator_gainprm[PARAMETERS * actuator]);
    const reachable = rangeOf(model.actuator_ctrlrange, actuator) ? largest(model.actuator_ctrlrange) : 1;
    const force = rangeOf(model.actuator_forcerange, actuator)
      ? gear * largest(model.actuator_forcerange)
      : gear * gain * reachable;
    const joint = model.actuator_trntype[actuator] <= 1 ? model.actuator_trnid[2 * actuator] : -1;
    const ofJoint = joint >= 0 ? nameOf(model, "joint", joint) : "";
    return {
      name: nameOf(model, "actuator", actuator) || ofJoint,
      joint,
      ctrlrange: plain(model.actuator_ctrlrange, 2 * actuator, 2),
      force: rounded(force),
      gear: rounded(gear),
      rest: joint >= 0 ? rounded(data.qpos[model.jnt_qposadr[joint]]) : 0,
      servo: servoOf(model, actuator),
    };
  });
}

/**
 * The side of a limb y metres left of the middle plane; planar robots tell legs apart by name.
 * @param {number} y
 * @param {string} name
 * @returns {SceneLimb["side"]}
 */
function sideOf(y, name) {
  if (Math.abs(y) >= SIDE_M) return y > 0 ? "left" : "right";
  return name.includes("left") ? "left" : name.includes("right") ? "right" : "centre";
}

/**
 * Half of a shape's axis, and its radius: the long axis of a round one, the longest of a box.
 * @param {Shape} shape
 */
function axisOf({ kind, size, quat }) {
  const [a = 0, b = 0] = size;
  if (kind === "sphere") return { half: [0, 0, 0], radius: a };
  if (kind === "capsule" || kind === "cylinder") return { half: turned(quat, [0, 0, b]), radius: a };
  const longest = size.indexOf(Math.max(...size));
  const radius = Math.min(...size);
  const along = size.map((half, i) => (i === longest ? Math.max(0, half - radius) : 0));
  return { half: turned(quat, along), radius };
}

/**
 * The axis of every round shape in its body's frame; of bodies that have none, those of their other shapes.
 * @param {Shape[]} shapes
 * @param {Description} description
 * @param {MjData} data
 * @returns {SceneLimb[]}
 */
function limbsOf(shapes, { bodies, root }, data) {
  const isRound = (/** @type {Shape} */ { kind }) => ["sphere", "capsule", "cylinder"].includes(kind);
  const round = new Set(shapes.filter(isRound).map(({ body }) => body));
  const drawn = shapes.filter((shape) => shape.body !== 0 && (isRound(shape) || !round.has(shape.body)));
  return drawn.map((shape) => {
    const { body, pos, quat: _ } = shape;
    const { half, radius } = axisOf(shape);
    const y =
      data.xpos[3 * body + 1] +
      /** @type {number} */ (turned(part(data.xquat, body, 4), pos)[1]) -
      data.xpos[3 * root + 1];
    return {
      body,
      from: plain(pos.map((x, i) => x - /** @type {number} */ (half[i]))),
      to: plain(pos.map((x, i) => x + /** @type {number} */ (half[i]))),
      radius: rounded(radius),
      side: sideOf(y, bodies[body]?.name ?? ""),
    };
  });
}

/**
 * How a side view looks at the robot: from above where it slides on a plane, with a camera that stays where it cannot travel.
 * @param {Description} description
 */
function viewOf({ joints, root }) {
  const own = joints.filter(({ body }) => body === root);
  const slides = own.filter(({ type, range }) => type === "slide" && range === null);
  const along = (/** @type {number} */ axis) =>
    slides.some((slide) => Math.abs(/** @type {number} */ (slide.axis[axis])) > 0.9);
  const free = own.some(({ type }) => type === "free");
  const flat = along(0) && along(1) && !along(2);
  return { axis: /** @type {"xy"|"xz"} */ (flat ? "xy" : "xz"), fixed_base: !free && !along(0) };
}

/**
 * @param {MjModel} model
 * @param {MjData} data in its first pose
 * @param {Description} description
 * @param {string} name of the drawing
 * @returns {{scene: Scene, notes: string[]}} notes: what is not drawn, or otherwise
 */
export function draw(model, data, description, name) {
  const { shapes, notes } = shapesOf(model);
  const view = viewOf(description);
  const height = extent(shapes, data, view.axis === "xy" ? 0 : 2);
  const scene = {
    name,
    timestep: rounded(model.opt.timestep),
    bodies: description.bodies.map((body, id) => ({ ...body, mass: rounded(model.body_mass[id]) })),
    geoms: shapes.map((shape) => ({
      name: nameOf(model, "geom", shape.geom),
      body: shape.body,
      type: /** @type {SceneGeom["type"]} */ (shape.kind),
      size: plain(shape.size),
      pos: plain(shape.pos),
      quat: plain(shape.quat),
      rgba: colourOf(model, shape.geom),
    })),
    joints: description.joints.map(({ name, type, body, range, axis }, id) => ({
      ...{ name, type, body, axis, range },
      pos: plain(model.jnt_pos, 3 * id, 3),
    })),
    actuators: actuatorsOf(model, data),
    limbs: limbsOf(shapes, description, data),
    rest: description.bodies.map((_, body) => [
      ...plain(data.xpos, 3 * body, 3),
      ...plain(data.xquat, 4 * body, 4),
    ]),
    tracking_body: description.root,
    view: { height: Number.isFinite(height) && height > 0 ? rounded(height) || 0.01 : 0.1, ...view },
  };
  return { scene, notes };
}
