/** @import {Scene, SceneGeom} from "./scene.js" */
/** @import {Theme} from "./theme.js" */
import * as THREE from "three";
import { POSE } from "./pose.js";
import { restPose } from "./scene.js";
import { skeleton } from "./skeleton.js";
import { hex, mix } from "./theme.js";

const SHELL = 0xd8d0c4;
const GRAPHITE = 0x3b424c;
/** Vertex colours above 1 stay bright in the shade: the visor reads as lit. */
const GLOW = 1.5;

/** How finely round shapes are cut: a robot close up, one of a crowd, one of hundreds. */
const DETAIL = {
  close: { around: 28, along: 18, cap: 8 },
  crowd: { around: 14, along: 8, cap: 4 },
  far: { around: 6, along: 4, cap: 1 },
};

/** @typedef {{around: number, along: number, cap: number}} Detail */

/**
 * One body of a robot: its own geoms, and the struts and joint caps that hold it together, as one shape.
 * @typedef {object} BodyShape
 * @property {number} body
 * @property {THREE.BufferGeometry} geometry
 */

/**
 * The shapes of a model's moving bodies, coloured by vertex.
 * @param {Scene} scene
 * @param {Theme} theme
 * @param {keyof typeof DETAIL} level
 * @returns {BodyShape[]}
 */
export function bodyShapes(scene, theme, level) {
  const detail = DETAIL[level];
  const shapes = [];
  for (let body = 1; body < scene.bodies.length; body++) {
    const pieces = scene.geoms
      .filter((geom) => geom.body === body && geom.rgba[3] !== 0)
      .map((geom) => place(geomShape(geom, detail), geom.pos, geom.quat, shellColour(scene, geom)));
    pieces.push(
      ...struts(scene, body, detail),
      ...(level === "far" ? [] : [...jointCaps(scene, body, detail), ...visors(scene, body, theme)]),
    );
    if (pieces.length) shapes.push({ body, geometry: merge(pieces) });
  }
  return shapes;
}

/**
 * What belongs to the world and is not the floor, such as the rail of a pendulum.
 * @param {Scene} scene
 * @param {Theme} theme
 * @returns {THREE.BufferGeometry|null}
 */
export function worldShape(scene, theme) {
  const pieces = scene.geoms
    .filter((geom) => geom.body === 0 && geom.type !== "plane")
    .map((geom) =>
      place(geomShape(geom, DETAIL.crowd), geom.pos, geom.quat, hex(mix(theme.line, theme.muted, 0.35))),
    );
  return pieces.length ? merge(pieces) : null;
}

/**
 * @param {SceneGeom} geom
 * @param {Detail} detail
 * @returns {THREE.BufferGeometry} in the geom's own frame
 */
function geomShape(geom, { around, along, cap }) {
  const [a = 0.05, b = 0.05, c = 0.05] = geom.size;
  switch (geom.type) {
    case "sphere":
      return new THREE.SphereGeometry(a, around, along);
    case "capsule":
      return new THREE.CapsuleGeometry(a, 2 * b, cap, around).rotateX(Math.PI / 2);
    case "cylinder":
      return new THREE.CylinderGeometry(a, a, 2 * b, around).rotateX(Math.PI / 2);
    case "ellipsoid":
      return new THREE.SphereGeometry(1, around, along).scale(a, b, c);
    case "box":
      return new THREE.BoxGeometry(2 * a, 2 * b, 2 * c);
    default:
      throw new Error(`A robot's geom "${geom.name}" has type ${geom.type}, which cannot be drawn`);
  }
}

/**
 * Hands, feet and carts are graphite, everything else the light shell.
 * @param {Scene} scene
 * @param {SceneGeom} geom
 */
function shellColour(scene, geom) {
  const leaf = !scene.bodies.some((body, index) => index > 0 && body.parent === geom.body);
  const inner = scene.bodies[geom.body]?.parent !== 0;
  const extremity = leaf && inner && !/head|pole|arm/i.test(geom.name);
  const hand = /hand|foot/i.test(geom.name);
  return extremity || hand || /cart/i.test(geom.name) ? GRAPHITE : SHELL;
}

/**
 * Links between a joint and the limb it hangs on, such as a neck or an ankle.
 * @param {Scene} scene
 * @param {number} body
 * @param {Detail} detail
 */
function struts(scene, body, detail) {
  const own = skeleton(scene).filter(
    (stroke) =>
      stroke.body_a === body &&
      stroke.kind === "limb" &&
      !isLimb(scene, body, stroke.point_a, stroke.point_b),
  );
  const poses = restPose(scene);
  return own.map((stroke) => {
    const from = new THREE.Vector3().fromArray(stroke.point_a);
    const to = new THREE.Vector3().fromArray(stroke.point_b);
    if (stroke.body_b !== body) {
      to.applyMatrix4(bodyMatrix(poses, stroke.body_b)).applyMatrix4(bodyMatrix(poses, body).invert());
    }
    return capsule(from, to, stroke.radius * 0.75, GRAPHITE, detail);
  });
}

/**
 * @param {Scene} scene
 * @param {number} body
 * @param {number[]} from
 * @param {number[]} to
 */
function isLimb(scene, body, from, to) {
  return scene.limbs.some((limb) => limb.body === body && limb.from === from && limb.to === to);
}

/**
 * Dark spheres where a limb turns.
 * @param {Scene} scene
 * @param {number} body
 * @param {Detail} detail
 */
function jointCaps(scene, body, { around, along }) {
  const radii = scene.limbs
    .filter((limb) => limb.body === body && limb.side !== "centre")
    .map((limb) => limb.radius);
  const joint = scene.joints.find((candidate) => candidate.body === body && candidate.type === "hinge");
  if (!joint || radii.length === 0) return [];
  const cap = new THREE.SphereGeometry(Math.max(...radii) * 1.04, around, along);
  return [place(cap, joint.pos, [1, 0, 0, 0], GRAPHITE)];
}

/**
 * A dark face plate with an amber line: it shows which way a head looks.
 * @param {Scene} scene
 * @param {number} body
 * @param {Theme} theme
 */
function visors(scene, body, theme) {
  return scene.geoms
    .filter((geom) => geom.body === body && geom.type === "sphere" && /head/i.test(geom.name))
    .flatMap((geom) => {
      const radius = geom.size[0] ?? 0.09;
      // A patch of a sphere about its x axis; three.js spheres have their pole along y.
      const patch = (
        /** @type {number} */ r,
        /** @type {number} */ wide,
        /** @type {number} */ from,
        /** @type {number} */ high,
      ) =>
        new THREE.SphereGeometry(r, 20, 6, Math.PI - wide / 2, wide, from, high)
          .rotateX(Math.PI / 2)
          .rotateZ(0);
      const plate = patch(radius * 1.02, 2.3, 1.12, 0.62);
      const line = patch(radius * 1.05, 1.7, 1.39, 0.1);
      return [
        place(plate, geom.pos, geom.quat, 0x14181e),
        place(line, geom.pos, geom.quat, hex(theme.accent), GLOW),
      ];
    });
}

/**
 * @param {THREE.Vector3} from
 * @param {THREE.Vector3} to
 * @param {number} radius
 * @param {number} colour
 * @param {Detail} detail
 */
function capsule(from, to, radius, colour, { around, cap }) {
  const axis = to.clone().sub(from);
  const turn = new THREE.Quaternion().setFromUnitVectors(
    new THREE.Vector3(0, 1, 0),
    axis.clone().normalize(),
  );
  const shape = new THREE.CapsuleGeometry(radius, axis.length(), cap, around).applyQuaternion(turn);
  const middle = from.clone().lerp(to, 0.5);
  return place(shape, middle.toArray(), [1, 0, 0, 0], colour);
}

/**
 * Move a shape to a place in its body's frame and colour its vertices.
 * @param {THREE.BufferGeometry} shape
 * @param {number[]} pos
 * @param {number[]} quat w x y z
 * @param {number} colour
 * @param {number} [gain]
 */
function place(shape, pos, quat, colour, gain = 1) {
  const [w = 1, x = 0, y = 0, z = 0] = quat;
  shape.applyQuaternion(new THREE.Quaternion(x, y, z, w)).translate(pos[0] ?? 0, pos[1] ?? 0, pos[2] ?? 0);
  const rgb = new THREE.Color(colour).multiplyScalar(gain);
  const count = shape.getAttribute("position").count;
  const colours = new Float32Array(count * 3);
  for (let i = 0; i < count; i++) rgb.toArray(colours, i * 3);
  shape.setAttribute("color", new THREE.BufferAttribute(colours, 3));
  return shape;
}

/**
 * @param {THREE.BufferGeometry[]} pieces indexed, with position, normal and color
 * @returns {THREE.BufferGeometry}
 */
function merge(pieces) {
  const merged = new THREE.BufferGeometry();
  for (const name of ["position", "normal", "color"]) {
    const arrays = pieces.map((piece) => piece.getAttribute(name).array);
    const joined = new Float32Array(arrays.reduce((sum, array) => sum + array.length, 0));
    let at = 0;
    for (const array of arrays) {
      joined.set(array, at);
      at += array.length;
    }
    merged.setAttribute(name, new THREE.BufferAttribute(joined, 3));
  }
  /** @type {number[]} */
  const index = [];
  let first = 0;
  for (const piece of pieces) {
    for (const i of piece.getIndex()?.array ?? []) index.push(i + first);
    first += piece.getAttribute("position").count;
    piece.dispose();
  }
  merged.setIndex(index);
  return merged;
}

/**
 * @param {Float32Array} poses
 * @param {number} body
 */
function bodyMatrix(poses, body) {
  const at = body * POSE;
  const p = (/** @type {number} */ c) => poses[at + c] ?? 0;
  const turn = new THREE.Quaternion(p(4), p(5), p(6), p(3));
  return new THREE.Matrix4().compose(new THREE.Vector3(p(0), p(1), p(2)), turn, new THREE.Vector3(1, 1, 1));
}
