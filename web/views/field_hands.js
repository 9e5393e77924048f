/** @import {StickField} from "./stick_field.js" */
import { cellAt, cellByKey } from "./grid_layout.js";

/** A click moves less than this (px). */
const CLICK_PX = 6;
const WHEEL_ZOOM = 0.0016;
const KEY_ZOOM = 1.3;

/** Pointer, touch, wheel and keys on a field of robots: zoom, move about, choose one. */
export class FieldHands {
  /** @param {StickField} field */
  constructor(field) {
    this.field = field;
    this.listeners = new AbortController();
    /** Where each finger is. @type {Map<number, {x: number, y: number}>} */
    this.fingers = new Map();
    this.moved = 0;
  }

  release() {
    this.listeners.abort();
  }

  /** @param {HTMLCanvasElement} canvas */
  listen(canvas) {
    this.release();
    this.listeners = new AbortController();
    const options = { signal: this.listeners.signal };
    canvas.addEventListener("pointerdown", (event) => this.press(event), options);
    canvas.addEventListener("pointermove", (event) => this.move(event), options);
    for (const type of /** @type {const} */ (["pointerup", "pointercancel"]))
      canvas.addEventListener(type, (event) => this.lift(event), options);
    canvas.addEventListener("pointerleave", () => this.field.hover(null), options);
    canvas.addEventListener("keydown", (event) => this.key(event), options);
    canvas.addEventListener("wheel", (event) => this.wheel(event), { ...options, passive: false });
  }

  /**
   * The robot at a place of the canvas.
   * @param {number} x (px)
   * @param {number} y (px)
   */
  at(x, y) {
    const { layout, zoom, count, left, top } = this.field;
    return layout ? cellAt(layout, count, (x + left) / zoom, (y + top) / zoom) : null;
  }

  /** @param {WheelEvent} event */
  wheel(event) {
    event.preventDefault();
    const step = event.deltaMode === 0 ? event.deltaY : event.deltaY * 30;
    this.field.zoomBy(Math.exp(-step * WHEEL_ZOOM * (event.ctrlKey ? 4 : 1)), event.offsetX, event.offsetY);
  }

  /** @param {PointerEvent} event */
  press(event) {
    if (event.button !== 0) return;
    if (this.fingers.size === 0) this.moved = 0;
    this.fingers.set(event.pointerId, { x: event.offsetX, y: event.offsetY });
    /** @type {HTMLCanvasElement} */ (event.target).setPointerCapture(event.pointerId);
  }

  /** @param {PointerEvent} event */
  move(event) {
    const finger = this.fingers.get(event.pointerId);
    const now = { x: event.offsetX, y: event.offsetY };
    if (!finger) {
      if (event.pointerType === "mouse") this.field.hover(this.at(now.x, now.y));
      return;
    }
    const other = [...this.fingers].find(([id]) => id !== event.pointerId)?.[1];
    this.fingers.set(event.pointerId, now);
    this.moved += Math.hypot(now.x - finger.x, now.y - finger.y);
    if (other) {
      const before = Math.hypot(finger.x - other.x, finger.y - other.y);
      const after = Math.hypot(now.x - other.x, now.y - other.y);
      this.field.moveBy((finger.x - now.x) / 2, (finger.y - now.y) / 2);
      if (before > 8 && after > 8)
        this.field.zoomBy(after / before, (now.x + other.x) / 2, (now.y + other.y) / 2);
    } else if (this.moved > CLICK_PX) this.field.moveBy(finger.x - now.x, finger.y - now.y);
  }

  /** @param {PointerEvent} event */
  lift(event) {
    if (!this.fingers.delete(event.pointerId) || this.fingers.size > 0) return;
    if (event.type === "pointerup" && this.moved <= CLICK_PX)
      this.field.choose(this.at(event.offsetX, event.offsetY));
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const { field } = this;
    if (!field.layout || event.ctrlKey || event.metaKey || event.altKey) return;
    const [x, y] = [field.width / 2, field.height / 2];
    if (event.key === "Enter" || event.key === " ") field.choose(field.focused);
    else if (event.key === "+" || event.key === "=") field.zoomBy(KEY_ZOOM, x, y);
    else if (event.key === "-") field.zoomBy(1 / KEY_ZOOM, x, y);
    else if (event.key === "0") field.showAll();
    else {
      const to = cellByKey(field.layout, field.count, field.focused, event.key);
      if (to === null) return;
      field.focus(to);
    }
    event.preventDefault();
    event.stopPropagation();
  }
}
