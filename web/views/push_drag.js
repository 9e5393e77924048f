/** @import {Theme} from "./theme.js" */
import * as THREE from "three";
import { POSE, toBody, toWorld } from "./pose.js";
import { hex } from "./theme.js";

/** Newtons per metre that the pointer is away from the robot: a spring. */
const STIFFNESS_N_M = 500;
const LIMIT_N = 800;
const METRES_PER_N = 1 / STIFFNESS_N_M;
const EVERY_MS = 33;

/**
 * @typedef {object} PushForce
 * @property {number} row
 * @property {number} body
 * @property {[number, number, number]} force_n world (N)
 * @property {[number, number, number]} point_m world (m), where it acts
 */

/** Pulling a robot with the pointer: a spring between the grabbed place and the pointer, drawn as an arrow. */
export class PushDrag {
  /**
   * @param {HTMLElement} container for the number beside the arrow
   * @param {Theme} theme
   * @param {(push: PushForce) => void} onPush
   */
  constructor(container, theme, onPush) {
    this.onPush = onPush;
    /** @type {{row: number, body: number, local: [number, number, number]}|null} */
    this.held = null;
    this.plane = new THREE.Plane();
    this.pointer = new THREE.Vector3();
    this.anchor = new THREE.Vector3();
    this.force = new THREE.Vector3();
    this.offset = new THREE.Vector3();
    this.sent_ms = 0;
    this.arrow = new THREE.Group();
    this.arrow.visible = false;
    const material = new THREE.MeshBasicMaterial({ color: hex(theme.accent), fog: false });
    this.shaft = new THREE.Mesh(
      new THREE.CylinderGeometry(0.014, 0.014, 1, 12).translate(0, 0.5, 0),
      material,
    );
    this.tip = new THREE.Mesh(new THREE.ConeGeometry(0.045, 0.13, 20).translate(0, 0.065, 0), material);
    this.root = new THREE.Mesh(new THREE.SphereGeometry(0.026, 16, 12), material);
    this.arrow.add(this.shaft, this.tip, this.root);
    this.label = document.createElement("div");
    this.label.className = "push-label";
    this.label.hidden = true;
    container.append(this.label);
  }

  get active() {
    return this.held !== null;
  }

  /**
   * @param {{row: number, body: number, point: THREE.Vector3}} hit in the drawn world
   * @param {Float32Array} poses
   * @param {number} nbody
   * @param {THREE.Vector3} offset of the row in the drawn world
   * @param {THREE.Camera} camera
   */
  grab(hit, poses, nbody, offset, camera) {
    this.offset.copy(offset);
    const own = hit.point.clone().sub(offset);
    const local = toBody(poses, (hit.row * nbody + hit.body) * POSE, own.toArray());
    this.held = { row: hit.row, body: hit.body, local };
    const facing = camera.getWorldDirection(new THREE.Vector3()).negate();
    this.plane.setFromNormalAndCoplanarPoint(facing, hit.point);
    this.pointer.copy(hit.point);
    this.sent_ms = 0;
  }

  /** @param {THREE.Ray} ray through the pointer */
  move(ray) {
    ray.intersectPlane(this.plane, this.pointer);
  }

  /**
   * Pull from where the grabbed place is now, and draw the arrow.
   * @param {Float32Array} poses
   * @param {number} nbody
   * @param {number} now_ms
   */
  step(poses, nbody, now_ms) {
    if (!this.held) return;
    const { row, body, local } = this.held;
    const point = [0, 0, 0];
    toWorld(poses, (row * nbody + body) * POSE, local[0], local[1], local[2], point);
    this.anchor.fromArray(point).add(this.offset);
    this.force.copy(this.pointer).sub(this.anchor).multiplyScalar(STIFFNESS_N_M).clampLength(0, LIMIT_N);
    this.draw();
    if (now_ms - this.sent_ms < EVERY_MS || this.force.length() < 1) return;
    this.sent_ms = now_ms;
    const [x = 0, y = 0, z = 0] = point;
    this.onPush({ row, body, force_n: this.force.toArray(), point_m: [x, y, z] });
  }

  draw() {
    const newtons = this.force.length();
    const long = newtons * METRES_PER_N;
    this.arrow.visible = long > 0.02;
    if (!this.arrow.visible) return;
    this.arrow.position.copy(this.anchor);
    this.arrow.quaternion.setFromUnitVectors(new THREE.Vector3(0, 1, 0), this.force.clone().normalize());
    this.shaft.scale.y = Math.max(0.01, long - 0.12);
    this.tip.position.y = this.shaft.scale.y;
    this.tip.scale.setScalar(Math.min(1, long / 0.13));
  }

  /**
   * Place the number beside the arrow's tip.
   * @param {THREE.Camera} camera
   * @param {number} width
   * @param {number} height
   */
  placeLabel(camera, width, height) {
    this.label.hidden = !this.arrow.visible;
    if (this.label.hidden) return;
    const newtons = this.force.length();
    const tip = this.force.clone().multiplyScalar(METRES_PER_N).add(this.anchor).project(camera);
    this.label.textContent = `${Math.round(newtons)} N${newtons >= LIMIT_N - 1 ? " (limit)" : ""}`;
    const x = Math.min(width - 96, Math.max(8, (tip.x * 0.5 + 0.5) * width + 14));
    const y = Math.min(height - 24, Math.max(8, (0.5 - tip.y * 0.5) * height - 12));
    this.label.style.transform = `translate(${x}px, ${y}px)`;
  }

  release() {
    this.held = null;
    this.arrow.visible = false;
    this.label.hidden = true;
  }

  dispose() {
    this.release();
    for (const mesh of [this.shaft, this.tip, this.root]) mesh.geometry.dispose();
    /** @type {THREE.Material} */ (this.shaft.material).dispose();
    this.arrow.removeFromParent();
    this.label.remove();
  }
}
