/** @import {Robot3D} from "./robot_3d.js" */
import * as THREE from "three";

/** A click moves less than this (px). */
const CLICK_PX = 6;

/** Pointer, touch and keys on the 3D view: choose a robot of a crowd, pull a single one, turn the camera. */
export class SpaceHands {
  /** @param {Robot3D} space */
  constructor(space) {
    this.space = space;
    this.listeners = new AbortController();
    this.raycaster = new THREE.Raycaster();
    this.pressed = { x: 0, y: 0 };
    this.listen();
  }

  release() {
    this.listeners.abort();
  }

  /** Whether there is one robot that can be pulled: the only one, or the followed one. */
  get holds() {
    return this.space.count === 1 || this.space.followed !== null;
  }

  listen() {
    const { canvas } = this.space;
    const options = { signal: this.listeners.signal };
    canvas.addEventListener("pointerdown", (event) => this.press(event), options);
    canvas.addEventListener("pointermove", (event) => this.drag(event), options);
    for (const type of /** @type {const} */ (["pointerup", "pointercancel"])) {
      canvas.addEventListener(type, (event) => this.letGo(event), options);
    }
    canvas.addEventListener(
      "keydown",
      (event) => {
        if (event.ctrlKey || event.metaKey || event.altKey || !this.space.view.key(event.key)) return;
        event.preventDefault();
        this.space.ask();
      },
      options,
    );
    canvas.addEventListener("webglcontextlost", (event) => this.space.setLost(event, true), options);
    canvas.addEventListener("webglcontextrestored", (event) => this.space.setLost(event, false), options);
  }

  /**
   * The robot under the pointer; a press that misses by a finger's breadth counts too.
   * @param {PointerEvent} event
   * @param {boolean} [generous]
   */
  hit(event, generous = false) {
    const reach = event.pointerType === "touch" ? 22 : 10;
    for (let ring = 0; ring <= (generous ? 8 : 0); ring++) {
      const angle = (ring * Math.PI) / 4;
      this.aimRay(event, ring ? reach * Math.cos(angle) : 0, ring ? reach * Math.sin(angle) : 0);
      const found = this.space.robots?.pick(this.raycaster);
      if (found) return found;
    }
    return null;
  }

  /**
   * @param {PointerEvent} event
   * @param {number} [aside_x] (px)
   * @param {number} [aside_y] (px)
   */
  aimRay(event, aside_x = 0, aside_y = 0) {
    const { left, top, width, height } = this.space.canvas.getBoundingClientRect();
    const x = ((event.clientX + aside_x - left) / width) * 2 - 1;
    const y = 1 - ((event.clientY + aside_y - top) / height) * 2;
    this.raycaster.setFromCamera(new THREE.Vector2(x, y), this.space.view.camera);
  }

  /** @param {PointerEvent} event */
  press(event) {
    this.pressed = { x: event.clientX, y: event.clientY };
    if (!event.isPrimary || event.button !== 0 || !this.holds || !this.space.scene || !this.space.stream)
      return;
    const hit = this.hit(event, true);
    if (!hit || (this.space.followed ?? 0) !== hit.row) return;
    const offsets = this.space.crowd?.offsets;
    const offset = new THREE.Vector3(offsets?.[2 * hit.row] ?? 0, offsets?.[2 * hit.row + 1] ?? 0, 0);
    this.space.push.grab(
      hit,
      this.space.stream.shown,
      this.space.scene.bodies.length,
      offset,
      this.space.view.camera,
    );
    this.space.view.controls.enabled = false;
    this.space.canvas.setPointerCapture(event.pointerId);
    this.space.canvas.style.cursor = "grabbing";
    this.space.ask();
  }

  /** @param {PointerEvent} event */
  drag(event) {
    if (this.space.push.active) {
      this.aimRay(event);
      this.space.push.move(this.raycaster.ray);
      this.space.ask();
    } else if (event.pointerType === "mouse" && event.buttons === 0) {
      this.space.canvas.style.cursor = this.cursor(event);
    }
  }

  /** @param {PointerEvent} event */
  cursor(event) {
    const hit = this.hit(event);
    if (!hit) return "";
    return this.holds && hit.row === (this.space.followed ?? 0) ? "grab" : "pointer";
  }

  /** @param {PointerEvent} event */
  letGo(event) {
    if (this.space.push.active) {
      this.space.push.release();
      this.space.view.controls.enabled = true;
      this.space.canvas.style.cursor = "";
      this.space.ask();
      return;
    }
    const still = Math.hypot(event.clientX - this.pressed.x, event.clientY - this.pressed.y) < CLICK_PX;
    if (event.type !== "pointerup" || !still || this.space.count === 1) return;
    const hit = this.hit(event, true);
    if (hit) this.space.onSelect(hit.row);
  }
}
