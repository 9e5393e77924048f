/** @import {Scene} from "./scene.js" */
/** @import {Groups} from "./policy_colours.js" */
/** @import {Theme} from "./theme.js" */
import * as THREE from "three";
import { POSE } from "./pose.js";
import { bodyShapes, worldShape } from "./robot_parts.js";
import { floorHeight } from "./scene.js";
import { hex } from "./theme.js";

/** More robots than this are drawn coarsely, each with a round shade on the floor instead of its own shadow. */
const NEAR_ROBOTS = 100;

/** Any number of robots of one model: one instanced mesh for each body. */
export class RobotMeshes {
  /**
   * @param {Scene} scene
   * @param {Theme} theme
   * @param {number} count
   */
  constructor(scene, theme, count) {
    this.scene = scene;
    this.count = count;
    this.group = new THREE.Group();
    this.material = new THREE.MeshLambertMaterial({ vertexColors: true });
    const many = count > NEAR_ROBOTS;
    const level = many ? "far" : count > 1 ? "crowd" : "close";
    this.bodies = bodyShapes(scene, theme, level).map(({ body, geometry }) => {
      const mesh = new THREE.InstancedMesh(geometry, this.material, count);
      mesh.castShadow = !many;
      mesh.receiveShadow = !many;
      mesh.frustumCulled = false;
      mesh.instanceMatrix.setUsage(THREE.DynamicDrawUsage);
      this.group.add(mesh);
      return { body, mesh };
    });
    const world = worldShape(scene, theme);
    if (world) this.addWorld(world);
    this.matrix = new THREE.Matrix4();
    /** @type {THREE.InstancedMesh|null} */
    this.shades = null;
    const floor = floorHeight(scene);
    if (many && floor !== null) this.addShades(floor);
  }

  /** @param {number} floor (m) */
  addShades(floor) {
    const material = new THREE.MeshBasicMaterial({
      color: 0,
      transparent: true,
      opacity: 0.42,
      depthWrite: false,
    });
    const disc = new THREE.CircleGeometry(0.2 * this.scene.view.height, 14).translate(0, 0, floor + 0.012);
    this.shades = new THREE.InstancedMesh(disc, material, this.count);
    this.shades.frustumCulled = false;
    this.group.add(this.shades);
  }

  /** @param {Groups} groups policies and their colours; none: all robots have their own */
  tint({ groups, tints }) {
    // Multiplied with the shell's own colour, which is no pure white: a little more than the policy's.
    const colours = tints.map(([r, g, b]) =>
      new THREE.Color().setRGB(r / 255, g / 255, b / 255, THREE.SRGBColorSpace).multiplyScalar(1.7),
    );
    const plain = new THREE.Color(1, 1, 1);
    for (const { mesh } of this.bodies) {
      if (!mesh.instanceColor && !colours.length) continue;
      for (let row = 0; row < this.count; row++)
        mesh.setColorAt(row, colours[/** @type {number} */ (groups[row])] ?? plain);
      if (mesh.instanceColor) mesh.instanceColor.needsUpdate = true;
    }
    // A mesh that gets its first colours needs another program.
    this.material.needsUpdate = true;
  }

  /** @param {THREE.BufferGeometry} shape the part of the world that every robot has to itself, such as a rail */
  addWorld(shape) {
    const mesh = new THREE.InstancedMesh(shape, this.material, this.count);
    mesh.castShadow = true;
    mesh.frustumCulled = false;
    this.group.add(mesh);
    this.world = mesh;
  }

  /**
   * Put every robot where it is.
   * @param {Float32Array} poses count * nbody * 7
   * @param {Float32Array} offsets count * 2 (m), added to x and y
   */
  update(poses, offsets) {
    const nbody = this.scene.bodies.length;
    for (const { body, mesh } of this.bodies) {
      const out = /** @type {Float32Array} */ (mesh.instanceMatrix.array);
      for (let row = 0; row < this.count; row++)
        writeMatrix(
          poses,
          (row * nbody + body) * POSE,
          offsets[row * 2] ?? 0,
          offsets[row * 2 + 1] ?? 0,
          out,
          row * 16,
        );
      mesh.instanceMatrix.needsUpdate = true;
    }
    this.moveShades(poses, offsets);
    if (!this.world) return;
    for (let row = 0; row < this.count; row++) {
      this.world.setMatrixAt(
        row,
        this.matrix.makeTranslation(offsets[row * 2] ?? 0, offsets[row * 2 + 1] ?? 0, 0),
      );
    }
    this.world.instanceMatrix.needsUpdate = true;
  }

  /**
   * @param {Float32Array} poses
   * @param {Float32Array} offsets
   */
  moveShades(poses, offsets) {
    const { shades, scene } = this;
    if (!shades) return;
    const out = /** @type {Float32Array} */ (shades.instanceMatrix.array);
    for (let row = 0; row < this.count; row++) {
      const from = (row * scene.bodies.length + scene.tracking_body) * POSE;
      const at = row * 16;
      out[at] = out[at + 5] = out[at + 10] = out[at + 15] = 1;
      out[at + 12] = (poses[from] ?? 0) + (offsets[row * 2] ?? 0);
      out[at + 13] = (poses[from + 1] ?? 0) + (offsets[row * 2 + 1] ?? 0);
    }
    shades.instanceMatrix.needsUpdate = true;
  }

  /**
   * The robot under a ray.
   * @param {THREE.Raycaster} raycaster
   * @returns {{row: number, body: number, point: THREE.Vector3}|null} point in the drawn world
   */
  pick(raycaster) {
    if (this.count > NEAR_ROBOTS) return this.pickRoughly(raycaster.ray);
    let best = null;
    let nearest = Number.POSITIVE_INFINITY;
    for (const { body, mesh } of this.bodies) {
      mesh.boundingSphere = null;
      for (const hit of raycaster.intersectObject(mesh, false)) {
        if (hit.distance >= nearest || hit.instanceId === undefined) continue;
        nearest = hit.distance;
        best = { row: hit.instanceId, body, point: hit.point.clone() };
      }
    }
    return best;
  }

  /**
   * The robot whose bodies' middles come nearest to a ray: exact hits of thousands of bodies take too long for a pointer.
   * @param {THREE.Ray} ray
   * @returns {{row: number, body: number, point: THREE.Vector3}|null}
   */
  pickRoughly(ray) {
    const reach = 0.09 * this.scene.view.height;
    const point = new THREE.Vector3();
    let best = null;
    let nearest = Number.POSITIVE_INFINITY;
    for (const { body, mesh } of this.bodies) {
      const { array } = mesh.instanceMatrix;
      for (let row = 0; row < this.count; row++) {
        point.fromArray(array, row * 16 + 12);
        if (ray.distanceSqToPoint(point) > reach * reach) continue;
        const away = point.distanceToSquared(ray.origin);
        if (away >= nearest) continue;
        nearest = away;
        best = { row, body, point: point.clone() };
      }
    }
    return best;
  }

  dispose() {
    for (const { mesh } of this.bodies) {
      mesh.geometry.dispose();
      mesh.dispose();
    }
    this.shades?.geometry.dispose();
    this.shades?.dispose();
    this.world?.geometry.dispose();
    this.world?.dispose();
    this.material.dispose();
    this.group.removeFromParent();
  }
}

/**
 * The matrix of a body: rotation from its quaternion, then its place.
 * @param {Float32Array} poses
 * @param {number} from offset of the body's 7 numbers
 * @param {number} shift_x (m)
 * @param {number} shift_y (m)
 * @param {Float32Array} out
 * @param {number} at offset of the 16 numbers, column by column
 */
function writeMatrix(poses, from, shift_x, shift_y, out, at) {
  const w = poses[from + 3] ?? 1;
  const x = poses[from + 4] ?? 0;
  const y = poses[from + 5] ?? 0;
  const z = poses[from + 6] ?? 0;
  out[at] = 1 - 2 * (y * y + z * z);
  out[at + 1] = 2 * (x * y + w * z);
  out[at + 2] = 2 * (x * z - w * y);
  out[at + 4] = 2 * (x * y - w * z);
  out[at + 5] = 1 - 2 * (x * x + z * z);
  out[at + 6] = 2 * (y * z + w * x);
  out[at + 8] = 2 * (x * z + w * y);
  out[at + 9] = 2 * (y * z - w * x);
  out[at + 10] = 1 - 2 * (x * x + y * y);
  out[at + 12] = (poses[from] ?? 0) + shift_x;
  out[at + 13] = (poses[from + 1] ?? 0) + shift_y;
  out[at + 14] = poses[from + 2] ?? 0;
  out[at + 15] = 1;
}

/**
 * The ring on the floor around a chosen robot.
 * @param {Theme} theme
 */
export function selectionRing(theme) {
  const material = new THREE.MeshBasicMaterial({ color: hex(theme.accent), transparent: true, opacity: 0.9 });
  const ring = new THREE.Mesh(new THREE.RingGeometry(0.91, 1, 64), material);
  ring.visible = false;
  return ring;
}
