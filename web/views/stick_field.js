/** @import {GridLayout} from "./grid_layout.js" */
/** @import {GridFrame} from "./stick_grid.js" */
/** @import {FieldOrder, FieldDrawn} from "./field_worker.js" */
/** @import {PictureRest} from "./picture_rest.js" */
/** @import {Scene} from "./scene.js" */
import { FieldHands } from "./field_hands.js";
import { FieldPainter } from "./field_painter.js";
import { layOut } from "./grid_layout.js";
import { NextPicture } from "./next_picture.js";
import { groupsOf } from "./policy_colours.js";
import { figureView, skeleton } from "./skeleton.js";
import { font, readTheme } from "./theme.js";

const MAX_PIXEL_RATIO = 2;
const BUTTON_ZOOM = 1.6;
const NO_CANVAS = "This browser gives no 2D canvas. Close other tabs that draw, or use another browser.";

/**
 * Hundreds or thousands of robots as stick figures on one canvas, with zoom. A worker paints them where the browser can hand
 * a canvas to one; the page then only passes each frame on.
 */
export class StickField {
  /**
   * @param {HTMLElement} container that the field fills
   * @param {{onSelect: (row: number) => void, rest: PictureRest}} options
   */
  constructor(container, { onSelect, rest }) {
    this.container = container;
    this.onSelect = onSelect;
    this.rest = rest;
    this.theme = readTheme(container);
    /** @type {Scene|null} */
    this.scene = null;
    /** @type {GridLayout|null} */
    this.layout = null;
    this.count = 0;
    this.dt = 0;
    /** @type {string[]|null} */
    this.labels = null;
    /** @type {number[]} */
    this.returns = [];
    /** @type {number[]} */
    this.steps = [];
    /** @type {number|null} */
    this.selected = null;
    /** @type {number|null} */
    this.hovered = null;
    this.focused = 0;
    this.zoom = 1;
    /** Edges of what is in sight, in the zoomed field (px). */
    this.left = 0;
    this.top = 0;
    this.width = 0;
    this.height = 0;
    this.running = false;
    /** What the painter does not know yet. @type {FieldOrder} */
    this.order = {};
    /** The painter is at work. */
    this.painting = false;
    this.next = new NextPicture(
      () => this.rest.wait_ms,
      () => this.send(),
    );
    this.pictures = 0;
    /** Main-thread time (ms) of the last picture, and the painter's own. */
    this.draw_ms = 0;
    this.painted_ms = 0;
    this.hands = new FieldHands(this);
    this.said = document.createElement("p");
    this.said.className = "visually-hidden";
    this.said.setAttribute("role", "status");
    this.canvas = this.newCanvas();
    container.append(this.said, this.zoomButtons());
    /** @type {Worker|null} */
    this.worker = null;
    /** @type {FieldPainter|null} */
    this.painter = null;
    if ("transferControlToOffscreen" in this.canvas) this.openWorker();
    else this.paintHere();
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(container);
    this.resize();
  }

  newCanvas() {
    const canvas = document.createElement("canvas");
    canvas.className = "field-canvas";
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "application");
    this.canvas?.remove();
    this.container.prepend(canvas);
    this.hands.listen(canvas);
    return canvas;
  }

  openWorker() {
    const worker = new Worker(new URL("./field_worker.js", import.meta.url), { type: "module" });
    const canvas = this.canvas.transferControlToOffscreen();
    worker.addEventListener("message", (/** @type {MessageEvent<FieldDrawn>} */ event) =>
      this.painted(event.data.ms),
    );
    // A canvas that was handed over cannot be had back: the page goes on with another.
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      worker.terminate();
      this.worker = null;
      this.canvas = this.newCanvas();
      this.paintHere();
      this.describe();
      this.place();
    });
    worker.postMessage({ canvas }, [canvas]);
    this.painting = true;
    this.worker = worker;
  }

  /** Without a worker the page paints. */
  paintHere() {
    const ctx = this.canvas.getContext("2d", { alpha: false });
    if (!ctx) throw new Error(NO_CANVAS);
    this.painter = new FieldPainter(ctx);
    this.painting = false;
    if (this.scene) this.tellRobots();
  }

  zoomButtons() {
    const group = document.createElement("div");
    group.className = "field-zoom";
    const middle = (/** @type {number} */ factor) => this.zoomBy(factor, this.width / 2, this.height / 2);
    for (const [text, label, run] of /** @type {[string, string, () => void][]} */ ([
      ["+", "Zoom in", () => middle(BUTTON_ZOOM)],
      ["\u2212", "Zoom out", () => middle(1 / BUTTON_ZOOM)],
      ["All", "Show all robots", () => this.showAll()],
    ])) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "field-button";
      button.textContent = text;
      button.setAttribute("aria-label", label);
      button.title = label;
      button.addEventListener("click", run);
      group.append(button);
    }
    return group;
  }

  /**
   * Begin to show robots of a model, in their rest pose until the first frame comes.
   * @param {Scene} scene
   * @param {number} count
   * @param {{dt: number, labels: string[]|null}} options seconds per control step, and the policy's letter for each row
   */
  setScene(scene, count, { dt, labels }) {
    if (!(Number.isInteger(count) && count >= 1))
      throw new Error(`count=${count} robots cannot be drawn; give 1 or more`);
    const other = scene !== this.scene || count !== this.count;
    Object.assign(this, { scene, count, dt, labels, returns: [], steps: [] });
    if (other) {
      this.zoom = 1;
      this.left = this.top = 0;
      this.selected = null;
      this.focused = Math.min(this.focused, count - 1);
    }
    this.tellRobots();
    this.describe();
    this.place();
  }

  tellRobots() {
    const { scene, count, dt, theme } = this;
    if (!scene) return;
    const { groups, letters, tints } = groupsOf(this.labels, count);
    this.order.robots = {
      scene,
      count,
      dt,
      theme,
      font: font(this.container, 12, "mono"),
      tints,
      groups,
      labels: letters,
    };
    this.order.frame = undefined;
  }

  /** @param {GridFrame} frame whose arrays stay the caller's */
  setFrame({ poses, torques, returns, steps }) {
    if (!this.scene || poses.length !== this.count * this.scene.bodies.length * 7) return;
    this.returns = returns;
    this.steps = steps;
    this.order.frame = { poses, torques, returns, steps };
    this.ask();
  }

  /** @param {number|null} row */
  select(row) {
    this.selected = row !== null && row >= 0 && row < this.count ? row : null;
    if (this.selected !== null) this.focused = this.selected;
    this.look();
  }

  /** @param {number|null} row */
  hover(row) {
    if (row === this.hovered) return;
    this.hovered = row;
    this.canvas.style.cursor = row === null ? "" : "pointer";
    this.look();
  }

  /** @param {number|null} row */
  choose(row) {
    if (row === null) return;
    this.select(row);
    this.onSelect(row);
  }

  /** @param {number} row that the keyboard is on; it is brought into sight */
  focus(row) {
    this.focused = row;
    const { layout, zoom } = this;
    if (!layout) return;
    const x = (row % layout.cols) * layout.cell_width * zoom;
    const y = Math.floor(row / layout.cols) * layout.cell_height * zoom;
    this.left = Math.min(x, Math.max(this.left, x + layout.cell_width * zoom - this.width));
    this.top = Math.min(y, Math.max(this.top, y + layout.cell_height * zoom - this.height));
    this.hover(row);
    this.look();
    const label = this.labels?.[row];
    const gone = this.steps[row] === undefined ? "" : `, ${((this.steps[row] ?? 0) * this.dt).toFixed(1)} s`;
    this.said.textContent = `Robot ${row + 1}${label ? `, policy ${label}` : ""}${gone}`;
  }

  /**
   * @param {number} factor
   * @param {number} x (px) of the place that stays where it is
   * @param {number} y (px)
   */
  zoomBy(factor, x, y) {
    const { layout } = this;
    if (!layout) return;
    const most = Math.max(
      1,
      0.9 * Math.min(this.width / layout.cell_width, this.height / layout.cell_height),
    );
    const zoom = Math.min(most, Math.max(1, this.zoom * factor));
    this.left = ((this.left + x) * zoom) / this.zoom - x;
    this.top = ((this.top + y) * zoom) / this.zoom - y;
    this.zoom = zoom;
    this.look();
  }

  /**
   * @param {number} x (px)
   * @param {number} y (px)
   */
  moveBy(x, y) {
    this.left += x;
    this.top += y;
    this.look();
  }

  showAll() {
    this.zoom = 1;
    this.look();
  }

  resize() {
    const { clientWidth, clientHeight } = this.container;
    if (clientWidth < 1 || clientHeight < 1) return;
    if (clientWidth === this.width && clientHeight === this.height && this.layout) return;
    this.width = clientWidth;
    this.height = clientHeight;
    this.place();
  }

  place() {
    const { scene, count, width, height } = this;
    if (!scene || width < 1 || height < 1) return;
    this.layout = layOut(count, width, height, figureView(scene, skeleton(scene)), "grid");
    this.look();
  }

  /** Tell the painter what is in sight. */
  look() {
    const { layout, width, height, zoom } = this;
    if (!layout) return;
    this.left = Math.min(width * (zoom - 1), Math.max(0, this.left));
    this.top = Math.min(height * (zoom - 1), Math.max(0, this.top));
    this.order.view = {
      width,
      height,
      ratio: Math.min(window.devicePixelRatio || 1, MAX_PIXEL_RATIO),
      layout,
      zoom,
      x: this.left,
      y: this.top,
      selected: this.selected ?? -1,
      hovered: this.hovered ?? -1,
    };
    this.ask();
  }

  start() {
    this.running = true;
    this.ask();
  }

  stop() {
    this.running = false;
    this.next.stop();
  }

  /** One picture at a time, as soon as the page draws and the one before is done. */
  ask() {
    if (!this.running || this.painting) return;
    if (!this.order.frame && !this.order.view && !this.order.robots) return;
    this.next.ask();
  }

  send() {
    const began = performance.now();
    const { order, worker, painter } = this;
    this.order = {};
    this.rest.drawn_ms = began;
    if (worker) {
      this.painting = true;
      worker.postMessage(order);
    } else if (painter) {
      if (order.robots) painter.setRobots(order.robots);
      if (order.view) painter.setView(order.view);
      if (order.frame) painter.setFrame(order.frame);
      painter.draw();
    }
    this.draw_ms = performance.now() - began;
    if (painter) this.painted(this.draw_ms);
  }

  /** @param {number} ms */
  painted(ms) {
    this.painting = false;
    this.painted_ms = ms;
    this.pictures += 1;
    this.rest.cost(ms);
    this.ask();
  }

  describe() {
    const title = this.scene?.name.replaceAll("_", " ") ?? "";
    this.canvas.setAttribute(
      "aria-label",
      `${this.count} robots, ${title}. Arrow keys move between robots, Enter opens one, plus and minus zoom, 0 shows all.`,
    );
  }

  destroy() {
    this.stop();
    this.worker?.terminate();
    this.observer.disconnect();
    this.hands.release();
    this.container.replaceChildren();
  }
}
