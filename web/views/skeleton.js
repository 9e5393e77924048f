/** @import {Scene, SceneLimb} from "./scene.js" */
import { POSE, toBody, toWorld } from "./pose.js";
import { actuatorsByBody, floorHeight, restPose } from "./scene.js";

/**
 * One stroke of a stick figure, between two points that are each fixed to a body.
 * @typedef {object} Stroke
 * @property {number} body_a
 * @property {number[]} point_a in body_a's frame
 * @property {number} body_b
 * @property {number[]} point_b in body_b's frame
 * @property {number} radius (m)
 * @property {"limb"|"ring"|"ball"} kind a ring is a head, a ball a sphere that is drawn as a disc
 * @property {{actuator: number, scale: number}[]} drives whose torque tints the stroke
 * @property {number} member the part of the robot (trunk, an arm, a leg) that is drawn in one piece
 * @property {number} bias moves the stroke's nearness, for flat robots whose sides have names but no distance
 */

/**
 * How one model is seen: an orthographic camera that looks along +y, turned by `yaw` and raised by `pitch`.
 * @typedef {object} FigureView
 * @property {number} yaw (rad)
 * @property {number} pitch (rad), 0 is a side view, pi/2 looks straight down
 * @property {number} half_width (m) of the box that the robot needs
 * @property {number} up (m) of the box above the ground line, or above the robot's middle when seen from above
 * @property {number} down (m) below it
 * @property {number} depth (m) half the robot's depth; 0 when it is flat
 * @property {number} floor world z (m)
 * @property {boolean} fixed whether the camera stays where it is
 * @property {number|null} upright_m standing height (m) of the tracked body; null when the robot has no upright pose
 */

const SLENDER = 0.62;
const SPINE = 0.75;

/**
 * The strokes that draw a robot: its limbs, and links from each joint to the limb it hangs on.
 * @param {Scene} scene
 * @returns {Stroke[]}
 */
export function skeleton(scene) {
  const drives = actuatorsByBody(scene);
  const anchors = scene.bodies.map((_, body) => jointOf(scene, body));
  const members = membersOf(scene);
  const limbs = scene.limbs.filter((limb) => limb.body > 0 && !(length(limb) > 0 && lateral(scene, limb)));
  /** @type {Stroke[]} */
  const strokes = [];
  for (const limb of limbs) {
    const round = length(limb) === 0;
    const head = round && isHead(scene, limb);
    strokes.push({
      body_a: limb.body,
      point_a: limb.from,
      body_b: limb.body,
      point_b: limb.to,
      radius: round ? limb.radius : limb.radius * SLENDER,
      kind: head ? "ring" : round ? "ball" : "limb",
      drives: drives[limb.body] ?? [],
      member: members[limb.body] ?? 0,
      bias: bias(scene, limb.body),
    });
  }
  scene.bodies.forEach((body, index) => {
    if (index === 0) return;
    const anchor = anchors[index] ?? [0, 0, 0];
    if (body.parent > 0) {
      const link = linkStroke(scene, limbs, index, body.parent, anchors, drives);
      if (link) strokes.push(link);
    }
    const own = limbs.filter((limb) => limb.body === index);
    const rootWithLimb = body.parent === 0 && own.some((limb) => length(limb) > 0);
    const places = own.map((limb) => ({ limb, point: nearest(limb.from, limb.to, anchor) }));
    if (rootWithLimb || places.some(({ limb, point }) => distance(point, anchor) <= covered(limb))) return;
    places.sort((a, b) => distance(a.point, anchor) - distance(b.point, anchor));
    const point_b = places[0]?.point;
    if (point_b) strokes.push({ ...spine(scene, index, drives), point_a: anchor, point_b });
  });
  return strokes;
}

/**
 * The link from a body's joint to the nearest place of its parent, where no limb covers it already.
 * @param {Scene} scene
 * @param {SceneLimb[]} limbs
 * @param {number} body
 * @param {number} parent
 * @param {number[][]} anchors
 * @param {{actuator: number, scale: number}[][]} drives
 * @returns {Stroke|null}
 */
function linkStroke(scene, limbs, body, parent, anchors, drives) {
  const poses = restPose(scene);
  const anchor = anchors[body] ?? [0, 0, 0];
  const joint = toBody(poses, parent * POSE, worldPoint(poses, body, anchor));
  let best = Number.POSITIVE_INFINITY;
  let place = anchors[parent] ?? [0, 0, 0];
  for (const limb of limbs) {
    if (limb.body !== parent || (length(limb) === 0 && isHead(scene, limb))) continue;
    const point = nearest(limb.from, limb.to, joint);
    const gap = distance(point, joint);
    if (gap <= covered(limb)) return null;
    if (gap >= best) continue;
    best = gap;
    place = point;
  }
  if (distance(place, joint) < 0.01) return null;
  return { ...spine(scene, parent, drives), body_a: parent, point_a: place, body_b: body, point_b: anchor };
}

/**
 * How far (m) from a limb's axis a joint may lie and still look joined to it.
 * @param {SceneLimb} limb
 */
function covered(limb) {
  return length(limb) > 0 ? limb.radius * SLENDER * 0.5 : limb.radius;
}

/**
 * @param {number[]} from
 * @param {number[]} to
 * @param {number[]} point
 * @returns {number[]} the place on the segment nearest to the point
 */
function nearest(from, to, point) {
  let along = 0;
  let square = 0;
  for (let c = 0; c < 3; c++) {
    const d = (to[c] ?? 0) - (from[c] ?? 0);
    along += d * ((point[c] ?? 0) - (from[c] ?? 0));
    square += d * d;
  }
  const share = square > 0 ? Math.min(1, Math.max(0, along / square)) : 0;
  return from.map((value, c) => value + share * ((to[c] ?? 0) - value));
}

/**
 * @param {Scene} scene
 * @param {number} body
 * @param {{actuator: number, scale: number}[][]} drives
 * @returns {Stroke}
 */
function spine(scene, body, drives) {
  const own = scene.limbs.filter((limb) => limb.body === body).map((limb) => limb.radius);
  const radius = own.length ? Math.min(...own) : 0.05;
  const zero = [0, 0, 0];
  return {
    body_a: body,
    point_a: zero,
    body_b: body,
    point_b: zero,
    radius: Math.min(radius, 0.1) * SPINE,
    kind: "limb",
    drives: drives[body] ?? [],
    member: membersOf(scene)[body] ?? 0,
    bias: bias(scene, body),
  };
}

/**
 * Unbranched chains of bodies (an arm, a leg) are members of their own; everything else is the trunk, member 0.
 * @param {Scene} scene
 * @returns {number[]} for each body the first body of its chain, or 0
 */
function membersOf(scene) {
  const children = scene.bodies.map((_, body) =>
    scene.bodies.flatMap((b, i) => (i > 0 && b.parent === body ? [i] : [])),
  );
  /** @type {(body: number) => boolean} */
  const chain = (body) => {
    const below = children[body] ?? [];
    return below.length === 0 || (below.length === 1 && chain(below[0] ?? 0));
  };
  const members = scene.bodies.map(() => 0);
  scene.bodies.forEach((body, index) => {
    if (index > 0 && chain(index)) members[index] = members[body.parent] || index;
  });
  return members;
}

/**
 * @param {Scene} scene
 * @param {number} body
 * @returns {number[]} where its first turning joint sits, in its own frame
 */
function jointOf(scene, body) {
  const joint = scene.joints.find((candidate) => candidate.body === body && candidate.type !== "free");
  return joint?.type === "slide" ? [0, 0, 0] : (joint?.pos ?? [0, 0, 0]);
}

/**
 * @param {Scene} scene
 * @param {SceneLimb} limb
 */
function isHead(scene, limb) {
  return scene.geoms.some(
    (geom) =>
      geom.body === limb.body &&
      geom.type === "sphere" &&
      /head/i.test(geom.name) &&
      distance(geom.pos, limb.from) < 1e-3,
  );
}

/**
 * A capsule that lies across the robot, such as those of a humanoid's trunk: links stand in for it.
 * @param {Scene} scene
 * @param {SceneLimb} limb
 */
function lateral(scene, limb) {
  if (limb.side !== "centre" || scene.view.axis === "xy") return false;
  const [dx = 0, dy = 0, dz = 0] = limb.to.map((value, c) => value - (limb.from[c] ?? 0));
  return Math.abs(dy) > 2 * Math.hypot(dx, dz);
}

/**
 * Robots that move in a plane have no distance between their sides: their left limbs count as the far ones.
 * @param {Scene} scene
 * @param {number} body
 */
function bias(scene, body) {
  const flat = scene.limbs.every(
    (limb) => Math.max(Math.abs(limb.from[1] ?? 0), Math.abs(limb.to[1] ?? 0)) < 0.01,
  );
  return flat && scene.limbs.some((limb) => limb.body === body && limb.side === "left") ? -1 : 0;
}

/** @param {SceneLimb} limb */
function length(limb) {
  return distance(limb.from, limb.to);
}

/**
 * @param {number[]} a
 * @param {number[]} b
 */
function distance(a, b) {
  return Math.hypot((a[0] ?? 0) - (b[0] ?? 0), (a[1] ?? 0) - (b[1] ?? 0), (a[2] ?? 0) - (b[2] ?? 0));
}

const SIDE_YAW = (28 * Math.PI) / 180;
const OBLIQUE = { yaw: (32 * Math.PI) / 180, pitch: (34 * Math.PI) / 180 };

/**
 * Choose how to look at a robot: flat robots from the side, upright ones a little from the front, broad ones
 * (wider than high) from above at an angle, swimmers from the top.
 * @param {Scene} scene
 * @param {Stroke[]} strokes
 * @returns {FigureView}
 */
export function figureView(scene, strokes) {
  const poses = restPose(scene);
  const points = strokes.flatMap((stroke) => [
    worldPoint(poses, stroke.body_a, stroke.point_a),
    worldPoint(poses, stroke.body_b, stroke.point_b),
  ]);
  const span = (/** @type {number} */ axis) => {
    const values = points.map((point) => point[axis] ?? 0);
    return [Math.min(...values), Math.max(...values)];
  };
  const [y0 = 0, y1 = 0] = span(1);
  const [z0 = 0, z1 = 0] = span(2);
  const height = scene.view.height;
  const fixed = scene.view.fixed_base;
  const flat = y1 - y0 < 0.02;
  let yaw = flat || fixed ? 0 : SIDE_YAW;
  let pitch = 0;
  if (scene.view.axis === "xy") {
    yaw = 0;
    pitch = Math.PI / 2;
  } else if (y1 - y0 > 1.6 * (z1 - z0) && y1 - y0 > 1) {
    ({ yaw, pitch } = OBLIQUE);
  }
  const turned = points.map(([x = 0, y = 0, z = 0]) => [
    x * Math.cos(yaw) + y * Math.sin(yaw),
    z * Math.cos(pitch) + (y * Math.cos(yaw) - x * Math.sin(yaw)) * Math.sin(pitch),
  ]);
  const mean_u = turned.reduce((sum, [u = 0]) => sum + u, 0) / turned.length;
  const reach = 1.12 * Math.max(...turned.map(([u = 0]) => Math.abs(u - mean_u)));
  const thick = Math.max(...strokes.map((stroke) => stroke.radius));
  const floor = fixed ? 0 : (floorHeight(scene) ?? z0);
  const tracked_m = (poses[scene.tracking_body * POSE + 2] ?? 0) - floor;
  const view = { yaw, pitch, depth: flat ? 0 : (y1 - y0) / 2, floor, fixed };
  const upright_m = tracked_m > 0.55 * height && pitch === 0 && !fixed ? tracked_m : null;
  if (pitch > 0) {
    const middle =
      points.reduce((sum, [x = 0, y = 0]) => sum + y * Math.cos(yaw) - x * Math.sin(yaw), 0) / points.length;
    const v = turned.map(([, value = 0]) => value - middle * Math.sin(pitch) - floor * Math.cos(pitch));
    const half = Math.max(0.58 * (Math.max(...v) - Math.min(...v)) + thick, 0.42 * reach);
    const lift = (Math.max(...v) + Math.min(...v)) / 2;
    return { ...view, half_width: reach + thick, up: half + lift, down: half - lift, upright_m: null };
  }
  const half_width = fixed ? railReach(scene) : Math.max(reach + thick, 0.42 * height);
  const up = Math.max(z1 - floor + thick, fixed ? 0 : height) * 1.08;
  return { ...view, half_width, up, down: fixed ? 0.2 : 0, upright_m };
}

/** @param {Scene} scene @returns {number} half the length (m) of the rail, or of the robot's reach without one */
export function railReach(scene) {
  const rail = scene.geoms.find((geom) => geom.body === 0 && geom.type === "capsule");
  return rail ? (rail.size[1] ?? 1) + (rail.size[0] ?? 0) : scene.view.height;
}

/**
 * @param {Float32Array} poses
 * @param {number} body
 * @param {number[]} point
 */
function worldPoint(poses, body, point) {
  const out = [0, 0, 0];
  toWorld(poses, body * POSE, point[0] ?? 0, point[1] ?? 0, point[2] ?? 0, out);
  return out;
}
