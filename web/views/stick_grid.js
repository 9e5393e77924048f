/** @import {Scene} from "./scene.js" */
/** @import {GridLayout} from "./grid_layout.js" */
import { drawCaptions, lengthWords, returnWords } from "./grid_captions.js";
import { cellAt, cellByKey, layOut } from "./grid_layout.js";
import { NextPicture } from "./next_picture.js";
import { PictureRest } from "./picture_rest.js";
import { PoseStream } from "./pose.js";
import { restPose } from "./scene.js";
import { Figure } from "./stick_figure.js";
import { css, mix, readTheme } from "./theme.js";

/**
 * What a grid draws; a Frame of the protocol with its buffers read as float32.
 * @typedef {object} GridFrame
 * @property {Float32Array} poses rows * nbody * 7
 * @property {Float32Array} torques rows * nu, actuator_force
 * @property {number[]} returns of the running episodes
 * @property {number[]} steps of the running episodes
 * @property {number[]} [balls] x, y, z (m) of each, of the one world that they and the robots are in
 */

/** More robots than this are drawn once per frame instead of being smoothed between frames. */
const SMOOTH_ROWS = 36;
const MAX_PIXEL_RATIO = 2;

/** All robots of a run on one canvas. It draws when a frame came, when its size changed or when the choice moved. */
export class StickGrid {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {{onSelect: ((row: number) => void)|null}} options null: a picture, of which nothing is chosen
   */
  constructor(canvas, { onSelect }) {
    const ctx = canvas.getContext("2d");
    if (!ctx)
      throw new Error("This browser gives no 2D canvas. Close other tabs that draw, or use another browser.");
    this.canvas = canvas;
    this.ctx = ctx;
    this.onSelect = onSelect;
    this.theme = readTheme(canvas);
    /** @type {Scene|null} */
    this.scene = null;
    /** @type {Figure|null} */
    this.figure = null;
    /** @type {PoseStream|null} */
    this.stream = null;
    /** @type {GridLayout|null} */
    this.layout = null;
    /** @type {"grid"|"crowd"} */
    this.mode = "grid";
    this.count = 0;
    this.dt = 0;
    /** Chosen row. @type {number|null} */
    this.selected = null;
    /** Row that the keyboard is on. */
    this.focused = 0;
    /** @type {number|null} */
    this.hovered = null;
    /** @type {Float32Array} */
    this.torques = new Float32Array(0);
    /** @type {number[]} */
    this.returns = [];
    /** @type {number[]} */
    this.steps = [];
    /** @type {string[]|null} */
    this.labels = null;
    this.width = 0;
    this.height = 0;
    this.running = false;
    this.rest = new PictureRest();
    this.next = new NextPicture(
      () => this.rest.wait_ms,
      (now_ms) => {
        this.rest.begin();
        const more = this.stream?.advance(performance.now()) ?? false;
        this.draw(now_ms);
        if (more) this.ask();
      },
    );
    /** Pictures drawn so far. */
    this.pictures = 0;
    /** Main-thread time (ms) of the last drawn picture. */
    this.draw_ms = 0;
    this.listeners = new AbortController();
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(canvas);
    if (onSelect) this.listen();
    else canvas.setAttribute("role", "img");
    this.resize();
  }

  /**
   * Begin to show a number of robots of a model, in their rest pose until the first frame comes.
   * @param {Scene} scene
   * @param {number} count 1 to 100
   * @param {{dt: number}} options seconds per control step
   */
  setScene(scene, count, { dt }) {
    if (!(Number.isInteger(count) && count >= 1))
      throw new Error(`count=${count} robots cannot be drawn; give 1 or more`);
    this.scene = scene;
    this.count = count;
    this.dt = dt;
    this.figure = this.makeFigure(scene);
    this.stream = new PoseStream(count, scene.bodies.length, scene.tracking_body, restPose(scene));
    this.torques = new Float32Array(count * scene.actuators.length);
    this.returns = [];
    this.steps = [];
    this.labels = null;
    this.hovered = null;
    this.focused = Math.min(this.focused, count - 1);
    if (this.selected !== null && this.selected >= count) this.selected = null;
    this.describe();
    this.place();
  }

  /** @param {Scene} scene */
  makeFigure(scene) {
    return new Figure(scene, this.theme);
  }

  /** @param {GridFrame} frame */
  setFrame({ poses, torques, returns, steps }) {
    if (!this.stream || !this.scene) return;
    const stride = this.scene.bodies.length * 7;
    if (poses.length % stride !== 0) {
      throw new Error(
        `A frame of ${poses.length} numbers does not hold whole robots of ${stride} (${this.scene.name})`,
      );
    }
    const before = this.steps;
    const restarted = (/** @type {number} */ row) => (steps[row] ?? 0) < (before[row] ?? 0);
    this.stream.push(poses, performance.now(), this.count <= SMOOTH_ROWS, restarted);
    this.torques = torques;
    this.returns = returns;
    this.steps = steps;
    this.ask();
  }

  /** @param {string[]|null} labels one short text per row, such as "A"; null shows row numbers */
  setLabels(labels) {
    this.labels = labels;
    this.describe();
    this.ask();
  }

  /** @param {"grid"|"crowd"} mode a crowd stands side by side without captions */
  setLayout(mode) {
    this.mode = mode;
    this.place();
  }

  /** @param {number|null} row */
  select(row) {
    this.selected = row !== null && row >= 0 && row < this.count ? row : null;
    if (this.selected !== null) this.focused = this.selected;
    this.announce();
    this.ask();
  }

  resize() {
    const ratio = Math.min(window.devicePixelRatio || 1, MAX_PIXEL_RATIO);
    this.width = this.canvas.clientWidth;
    this.height = this.canvas.clientHeight;
    const wide = Math.round(this.width * ratio);
    const high = Math.round(this.height * ratio);
    if (this.canvas.width === wide && this.canvas.height === high && this.layout) return;
    this.canvas.width = wide;
    this.canvas.height = high;
    this.place();
    if (this.running) this.draw(performance.now());
  }

  start() {
    this.running = true;
    this.ask();
  }

  stop() {
    this.running = false;
    this.next.stop();
  }

  destroy() {
    this.stop();
    this.observer.disconnect();
    this.listeners.abort();
    this.canvas.replaceChildren();
  }

  place() {
    if (!this.figure || this.width < 1 || this.height < 1) return;
    this.layout = layOut(this.count, this.width, this.height, this.figure.view, this.mode);
    this.ask();
  }

  ask() {
    if (this.running) this.next.ask();
  }

  /** @param {number} _now_ms */
  draw(_now_ms) {
    const { ctx, layout, figure, stream } = this;
    if (!layout || !figure || !stream || this.width < 1) return;
    const began = performance.now();
    const ratio = this.canvas.width / this.width;
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    ctx.clearRect(0, 0, this.width, this.height);
    ctx.lineCap = "round";
    ctx.lineJoin = "round";
    for (let row = 0; row < this.count; row++) {
      const left = (row % layout.cols) * layout.cell_width;
      const top = Math.floor(row / layout.cols) * layout.cell_height;
      if (row === this.hovered || row === this.selected) this.drawFrame(row, left, top, layout);
    }
    const half = layout.cell_width / 2;
    const margin = this.mode === "crowd" ? 0 : Math.min(10, half * 0.12);
    for (let row = 0; row < this.count; row++) {
      const left = (row % layout.cols) * layout.cell_width;
      const top = Math.floor(row / layout.cols) * layout.cell_height;
      figure.project(stream.shown, row);
      ctx.setTransform(ratio, 0, 0, ratio, (left + half) * ratio, (top + layout.ground) * ratio);
      const cell = { left: margin - half, right: half - margin, top: 6 - layout.ground, bottom: 0 };
      cell.bottom = cell.top + layout.cell_height - 12 - (layout.captions ? 24 : 0);
      figure.drawFloor(ctx, layout.scale, cell);
      figure.draw(ctx, layout.scale, this.torques, row, figure.sunk(stream.shown, row));
    }
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    if (layout.captions) drawCaptions(this, layout);
    this.draw_ms = performance.now() - began;
    this.pictures += 1;
  }

  /**
   * The quiet field of the robot under the pointer, and the outline of the chosen one.
   * @param {number} row
   * @param {number} left
   * @param {number} top
   * @param {GridLayout} layout
   */
  drawFrame(row, left, top, layout) {
    const { ctx, theme } = this;
    const chosen = row === this.selected;
    ctx.beginPath();
    ctx.roundRect(left + 2, top + 2, layout.cell_width - 4, layout.cell_height - 4, 10);
    ctx.fillStyle = css(mix(theme.ink, theme.surface, chosen ? 0.6 : 1));
    ctx.fill();
    if (!chosen) return;
    ctx.lineWidth = 1.5;
    ctx.strokeStyle = css(theme.accent);
    ctx.stroke();
  }

  listen() {
    const { canvas } = this;
    const { signal } = this.listeners;
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "listbox");
    const at = (/** @type {MouseEvent} */ event) => this.rowAt(event.offsetX, event.offsetY);
    const hover = (/** @type {number|null} */ row) => {
      if (row === this.hovered) return;
      this.hovered = row;
      canvas.style.cursor = row === null ? "" : "pointer";
      this.ask();
    };
    canvas.addEventListener(
      "pointermove",
      (event) => hover(event.pointerType === "mouse" ? at(event) : null),
      { signal },
    );
    canvas.addEventListener("pointerleave", () => hover(null), { signal });
    canvas.addEventListener("click", (event) => this.choose(at(event)), { signal });
    canvas.addEventListener("blur", () => hover(null), { signal });
    canvas.addEventListener(
      "keydown",
      (event) => {
        if (event.ctrlKey || event.metaKey || event.altKey) return;
        if (event.key === "Enter" || event.key === " ") this.choose(this.focused);
        else {
          const to = this.rowByKey(event.key);
          if (to === null) return;
          this.focused = to;
          this.announce();
          hover(to);
        }
        event.preventDefault();
      },
      { signal },
    );
  }

  /**
   * @param {number} x (px)
   * @param {number} y (px)
   * @returns {number|null} the robot there
   */
  rowAt(x, y) {
    return this.layout && cellAt(this.layout, this.count, x, y);
  }

  /**
   * @param {string} key KeyboardEvent.key
   * @returns {number|null} the robot that it moves to, or null when it moves nowhere
   */
  rowByKey(key) {
    return this.layout && cellByKey(this.layout, this.count, this.focused, key);
  }

  /** @param {number|null} row */
  choose(row) {
    if (row === null) return;
    this.select(row);
    this.onSelect?.(row);
  }

  /** Elements inside a canvas are not drawn, but assistive technology reads them. */
  describe() {
    if (!this.onSelect) return;
    const title = this.scene?.name.replaceAll("_", " ") ?? "";
    this.canvas.setAttribute(
      "aria-label",
      `${this.count} ${this.count === 1 ? "robot" : "robots"}, ${title}. Arrow keys move between robots, Enter opens one.`,
    );
    const base = this.canvas.id || "robots";
    this.canvas.replaceChildren(
      ...Array.from({ length: this.count }, (_, row) => {
        const option = document.createElement("div");
        option.id = `${base}-${row}`;
        option.setAttribute("role", "option");
        option.textContent = `Robot ${this.labels?.[row] ?? row + 1}`;
        return option;
      }),
    );
    this.announce();
  }

  announce() {
    const options = this.canvas.children;
    for (let row = 0; row < options.length; row++) {
      options[row]?.setAttribute("aria-selected", String(row === this.selected));
    }
    const current = options[this.focused];
    if (current) {
      const caption =
        this.steps[this.focused] === undefined
          ? ""
          : `, return ${returnWords(this.returns[this.focused], false)}, ${lengthWords(this.steps[this.focused], this.dt)}`;
      current.textContent = `Robot ${this.labels?.[this.focused] ?? this.focused + 1}${caption}`;
      this.canvas.setAttribute("aria-activedescendant", current.id);
    }
  }
}
