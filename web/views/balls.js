/** @import {Theme} from "./theme.js" */
import * as THREE from "three";
import { hex } from "./theme.js";

/** As workers/shared_model.js makes them. */
const RADIUS_M = 0.12;
const MOST = 16;

/** Balls that were thrown. */
export class Balls {
  /** @param {Theme} theme */
  constructor(theme) {
    this.material = new THREE.MeshLambertMaterial({ color: hex(theme.accent) });
    this.mesh = new THREE.InstancedMesh(new THREE.SphereGeometry(RADIUS_M, 20, 14), this.material, MOST);
    this.mesh.count = 0;
    this.mesh.castShadow = true;
    this.mesh.frustumCulled = false;
    this.matrix = new THREE.Matrix4();
  }

  /** @param {number[]} places x, y, z (m) of each */
  show(places) {
    const count = Math.min(MOST, Math.floor(places.length / 3));
    for (let ball = 0; ball < count; ball++) {
      const [x = 0, y = 0, z = 0] = places.slice(3 * ball, 3 * ball + 3);
      this.mesh.setMatrixAt(ball, this.matrix.makeTranslation(x, y, z));
    }
    this.mesh.count = count;
    this.mesh.instanceMatrix.needsUpdate = true;
  }

  dispose() {
    this.mesh.geometry.dispose();
    this.mesh.dispose();
    this.material.dispose();
  }
}
