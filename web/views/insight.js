/** @import {Theme} from "./theme.js" */
import * as THREE from "three";
import { hex } from "./theme.js";

/** Contacts drawn at most. */
const MOST = 64;
/** A force arrow is this long for each newton: a humanoid's weight, some 400 N, is an arrow of a metre. */
const METRES_PER_N = 1 / 400;
const LONGEST_M = 1.2;
const FORCE = 0x6bd6c8;

/** What a robot touches, with which force, and where its weight is: drawn through the robot, for they lie inside it. */
export class Insight {
  /** @param {Theme} theme */
  constructor(theme) {
    this.group = new THREE.Group();
    this.group.visible = false;
    const over = { depthTest: false, fog: false, transparent: true };
    this.force = new THREE.MeshBasicMaterial({ ...over, color: FORCE });
    this.weight = new THREE.MeshBasicMaterial({ ...over, color: hex(theme.bad) });
    const cylinder = new THREE.CylinderGeometry(0.009, 0.009, 1, 8).translate(0, 0.5, 0);
    this.shafts = this.many(cylinder, this.force);
    this.tips = this.many(new THREE.ConeGeometry(0.03, 0.08, 12).translate(0, 0.04, 0), this.force);
    this.points = this.many(new THREE.SphereGeometry(0.018, 10, 8), this.force);
    this.ball = new THREE.Mesh(new THREE.SphereGeometry(0.04, 18, 12), this.weight);
    this.plumb = new THREE.Mesh(cylinder.clone().rotateX(-Math.PI / 2), this.weight);
    this.spot = new THREE.Mesh(new THREE.RingGeometry(0.045, 0.06, 32), this.weight);
    for (const mesh of [this.ball, this.plumb, this.spot]) this.group.add(mesh);
    for (const mesh of this.group.children) mesh.renderOrder = 10;
    this.matrix = new THREE.Matrix4();
    this.turn = new THREE.Quaternion();
    this.up = new THREE.Vector3(0, 1, 0);
  }

  /**
   * @param {THREE.BufferGeometry} geometry
   * @param {THREE.Material} material
   */
  many(geometry, material) {
    const mesh = new THREE.InstancedMesh(geometry, material, MOST);
    mesh.count = 0;
    mesh.frustumCulled = false;
    this.group.add(mesh);
    return mesh;
  }

  /**
   * @param {{contacts: number[], com: number[]}|null} detail as the protocol's Detail; null hides all
   * @param {number} x (m) of the robot's own world in the drawn one
   * @param {number} y
   * @param {number|null} floor (m)
   */
  show(detail, x, y, floor) {
    this.group.visible = detail !== null;
    if (!detail) return;
    this.group.position.set(x, y, 0);
    const count = Math.min(MOST, Math.floor(detail.contacts.length / 6));
    const place = new THREE.Vector3();
    const force = new THREE.Vector3();
    const size = new THREE.Vector3();
    for (let i = 0; i < count; i++) {
      place.fromArray(detail.contacts, 6 * i);
      force.fromArray(detail.contacts, 6 * i + 3);
      const long = Math.min(LONGEST_M, force.length() * METRES_PER_N);
      this.turn.setFromUnitVectors(this.up, long > 0 ? force.clone().normalize() : this.up);
      this.points.setMatrixAt(i, this.matrix.makeTranslation(place.x, place.y, place.z));
      this.matrix.compose(place, this.turn, size.set(1, Math.max(1e-3, long), 1));
      this.shafts.setMatrixAt(i, this.matrix);
      const tip = place.clone().addScaledVector(force.normalize(), long);
      const share = Math.min(1, long / 0.1);
      this.matrix.compose(tip, this.turn, size.set(share, share, share));
      this.tips.setMatrixAt(i, this.matrix);
    }
    for (const mesh of [this.points, this.shafts, this.tips]) {
      mesh.count = count;
      mesh.instanceMatrix.needsUpdate = true;
    }
    const [cx = 0, cy = 0, cz = 0] = detail.com;
    const ground = floor ?? 0;
    this.ball.position.set(cx, cy, cz);
    this.plumb.position.set(cx, cy, cz);
    // The plumb line hangs: its own length points down.
    this.plumb.scale.set(0.5, 0.5, Math.max(1e-3, cz - ground));
    this.spot.position.set(cx, cy, ground + 0.01);
    this.plumb.visible = this.spot.visible = floor !== null;
  }

  dispose() {
    for (const mesh of [this.shafts, this.tips, this.points, this.ball, this.plumb, this.spot])
      mesh.geometry.dispose();
    for (const mesh of [this.shafts, this.tips, this.points]) mesh.dispose();
    this.force.dispose();
    this.weight.dispose();
  }
}
