/** @import {Theme} from "./theme.js" */
import * as THREE from "three";
import { LANE_M } from "./crowd.js";
import { hex } from "./theme.js";

/** A run of 20 s is shorter than this, whoever runs. */
const LENGTH_M = 80;
const BEHIND_M = 1;
const MARKS_M = 5;
const [THIN_M, THICK_M] = [0.03, 0.12];
/** Above the floor, which it must not flicker through. */
const ABOVE_M = 0.006;

/** The lanes of a race, its start line, and a mark every 5 m. */
export class Track {
  /** @param {Theme} theme */
  constructor(theme) {
    this.group = new THREE.Group();
    this.group.visible = false;
    this.lines = new THREE.MeshBasicMaterial({ color: hex(theme.text), transparent: true, opacity: 0.22 });
    this.start = new THREE.MeshBasicMaterial({ color: hex(theme.accent) });
    this.lanes = 0;
  }

  /**
   * @param {number} lanes 0: there is no race
   * @param {number} floor (m)
   */
  show(lanes, floor) {
    this.group.visible = lanes > 0;
    this.group.position.z = floor + ABOVE_M;
    if (lanes === this.lanes) return;
    this.lanes = lanes;
    this.clear();
    if (!lanes) return;
    const half = (lanes * LANE_M) / 2;
    const middle = LENGTH_M / 2 - BEHIND_M;
    for (let lane = 0; lane <= lanes; lane++)
      this.strip(this.lines, LENGTH_M, THIN_M, middle, lane * LANE_M - half);
    for (let x = MARKS_M; x < LENGTH_M - BEHIND_M; x += MARKS_M)
      this.strip(this.lines, THIN_M, 2 * half, x, 0);
    this.strip(this.start, THICK_M, 2 * half, 0, 0);
  }

  /**
   * @param {THREE.Material} material
   * @param {number} long (m) along x
   * @param {number} wide (m) along y
   * @param {number} x of its middle
   * @param {number} y
   */
  strip(material, long, wide, x, y) {
    this.group.add(new THREE.Mesh(new THREE.PlaneGeometry(long, wide).translate(x, y, 0), material));
  }

  clear() {
    for (const mesh of this.group.children) if (mesh instanceof THREE.Mesh) mesh.geometry.dispose();
    this.group.clear();
  }

  dispose() {
    this.clear();
    this.lines.dispose();
    this.start.dispose();
  }
}
