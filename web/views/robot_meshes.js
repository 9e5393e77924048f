/** @import {Scene} from "./scene.js" */
/** @import {Theme} from "./theme.js" */
import * as THREE from "three";
import { POSE } from "./pose.js";
import { bodyShapes, worldShape } from "./robot_parts.js";

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
    this.bodies = bodyShapes(scene, theme, count > 1 ? "crowd" : "close").map(({ body, geometry }) => {
      const mesh = new THREE.InstancedMesh(geometry, this.material, count);
      mesh.castShadow = true;
      mesh.receiveShadow = true;
      mesh.frustumCulled = false;
      mesh.instanceMatrix.setUsage(THREE.DynamicDrawUsage);
      this.group.add(mesh);
      return { body, mesh };
    });
    const world = worldShape(scene, theme);
    if (world) this.addWorld(world);
    this.matrix = new THREE.Matrix4();
    this.place = new THREE.Vector3();
    this.turn = new THREE.Quaternion();
    this.unit = new THREE.Vector3(1, 1, 1);
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
      for (let row = 0; row < this.count; row++) {
        const at = (row * nbody + body) * POSE;
        const p = (/** @type {number} */ c) => poses[at + c] ?? 0;
        this.place.set(p(0) + (offsets[row * 2] ?? 0), p(1) + (offsets[row * 2 + 1] ?? 0), p(2));
        this.turn.set(p(4), p(5), p(6), p(3));
        mesh.setMatrixAt(row, this.matrix.compose(this.place, this.turn, this.unit));
      }
      mesh.instanceMatrix.needsUpdate = true;
    }
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
   * The robot under a ray.
   * @param {THREE.Raycaster} raycaster
   * @returns {{row: number, body: number, point: THREE.Vector3}|null} point in the drawn world
   */
  pick(raycaster) {
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

  dispose() {
    for (const { mesh } of this.bodies) {
      mesh.geometry.dispose();
      mesh.dispose();
    }
    this.world?.geometry.dispose();
    this.world?.dispose();
    this.material.dispose();
    this.group.removeFromParent();
  }
}
