/** The stage: the robots of the room in sight, as stick figures or in 3D, many or one close up. */

import { PageError } from "../errors.js";
import { loadPart } from "../requirements.js";
import { PictureRate } from "../views/picture_rate.js";
import { groupsOf } from "../views/policy_colours.js";
import { loadScene } from "../views/scene.js";
import { StickGrid } from "../views/stick_grid.js";
import { focusIsLost } from "./elements.js";
import { RoomView } from "./room_view.js";

/** @import {Frame} from "../protocol" */
/** @import {Notices} from "../errors.js" */
/** @import {Drawn} from "../recording.js" */
/** @import {Scene} from "../views/scene.js" */
/** @import {Robot3D} from "../views/robot_3d.js" */
/** @import {StickField} from "../views/stick_field.js" */
/** @import {StickWorld} from "../views/stick_world.js" */

/** So many pictures of moving robots come before the 3D view is loaded, or so much time without any. */
const FIRST_FRAMES = 3;
const PATIENCE_MS = 4000;
/** More stick figures than this are a field that a worker paints, and that can be zoomed. */
const GRID_ROBOTS = 64;
/** Over which pictures are counted. */
const FPS_MS = 1000;

/** Whether the person asked for less motion. */
const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Fires "change" when what is looked at changes, and "select" (detail: row). */
export class Stage extends EventTarget {
  /**
   * @param {{stage: HTMLElement, canvas: HTMLCanvasElement, grid: HTMLElement, space: HTMLElement}} places
   * @param {Notices} notices
   * @param {(row: number, push: {body: number, force_n: number[], point_m: number[]}) => void} onPush
   */
  constructor(places, notices, onPush) {
    super();
    this.places = places;
    this.notices = notices;
    this.onPush = onPush;
    this.grid = new StickGrid(places.canvas, { onSelect: (row) => this.#selected(row) });
    /** Loaded when there are many. @type {StickField|null} */
    this.field = null;
    /** Loaded when figures first share a world. @type {StickWorld|null} */
    this.world = null;
    /** @type {Robot3D|null} */
    this.space = null;
    /** Why there is no 3D on this machine, or "". */
    this.no3D = "";
    /** @type {RoomView} */
    this.view = new RoomView("figures");
    /** @type {Map<string, Promise<Scene>>} */
    this.scenes = new Map();
    /** Timer after which the 3D view is loaded although nothing has moved yet. */
    this.patience = 0;
    this.fps = 0;
    /** Frames of the room in sight since the page opened. */
    this.frames = 0;
    this.#countPictures();
  }

  /** Whether 3D is what is drawn now. */
  get spatial() {
    return this.space !== null && this.#wants3D();
  }

  /** What is in sight, for recordings: the canvas, and how to bring it up to date. @returns {Drawn} */
  get drawn() {
    const ground = getComputedStyle(this.places.stage).getPropertyValue("--ink").trim() || "#0e1116";
    const { space } = this;
    if (space && this.spatial)
      return { canvas: space.canvas, draw: () => space.draw(performance.now()), ground };
    const { canvas } = this.#wide && this.field ? this.field : this.#figures;
    return { canvas, draw: () => {}, ground };
  }

  /** Whether the stick figures are, or will be, a field. */
  get #wide() {
    return this.view.count > GRID_ROBOTS && !this.spatial;
  }

  /** What draws stick figures that are not a field: each in its cell, or all in their world. */
  get #figures() {
    return this.view.together && this.world ? this.world : this.grid;
  }

  #wants3D() {
    return this.no3D === "" && (this.view.mode === "crowd" || this.view.close !== null);
  }

  /**
   * Show another room's robots.
   * @param {RoomView} view
   */
  async look(view) {
    this.view = view;
    await this.#draw();
  }

  /**
   * Set a room's robots: their model and number. They stand in their first pose until a frame comes.
   * @param {RoomView} view
   * @param {string} model
   * @param {number} count
   * @param {number} dt seconds per control step
   */
  async setRobots(view, model, count, dt) {
    const scene = await this.#scene(model);
    if (view.scene !== scene) view.close = view.selected = null;
    if (view.close !== null && view.close >= count) view.close = null;
    if (view.selected !== null && view.selected >= count) view.selected = null;
    Object.assign(view, { scene, count, dt, frame: null });
    if (view === this.view) await this.#draw();
  }

  /**
   * @param {RoomView} view
   * @param {Frame} frame
   */
  setFrame(view, frame) {
    view.frame = {
      poses: new Float32Array(frame.poses),
      torques: new Float32Array(frame.torques),
      returns: frame.returns,
      steps: frame.steps,
      balls: frame.balls ?? [],
    };
    if (view !== this.view) return;
    this.places.stage.dataset.frames = String(++this.frames);
    this.places.stage.dataset.balls = String(view.frame.balls.length / 3);
    this.#put();
    if (this.frames === FIRST_FRAMES) this.#open3D();
  }

  /** @param {"crowd"|"figures"} mode */
  async setMode(mode) {
    this.view.mode = mode;
    this.view.close = null;
    await this.#draw();
  }

  /**
   * Look closely at one robot, or back at all with null.
   * @param {number|null} row
   */
  async lookAt(row) {
    this.view.close = this.no3D ? null : row;
    this.view.selected = row ?? this.view.selected;
    await this.#draw();
  }

  /** @param {boolean} others whether the others stay in sight around the one looked at closely */
  async setOthers(others) {
    this.view.others = others;
    await this.#draw();
  }

  /** One step back: from the close view to all robots, then to none chosen. */
  back() {
    if (this.view.close !== null) {
      this.lookAt(null);
    } else if (this.view.selected !== null) {
      this.view.selected = null;
      for (const each of [this.grid, this.field, this.world]) each?.select(null);
      this.space?.select(null);
      this.#changed();
    }
  }

  /** @param {boolean} racing */
  async setRacing(racing) {
    if (this.view.racing === racing) return;
    this.view.racing = racing;
    await this.#draw();
  }

  /** @param {boolean} follow */
  setFollow(follow) {
    this.view.follow = follow;
    this.space?.setFollow(follow);
    this.#changed();
  }

  /**
   * A push sideways on the robot's trunk, as strong as half its weight; along its track where it cannot leave it.
   * @param {Scene} scene
   * @param {number} row
   * @param {Float32Array} poses
   */
  sidePush(scene, row, poses) {
    const body = scene.tracking_body;
    const at = (row * scene.bodies.length + body) * 7;
    const mass = scene.bodies.reduce((sum, each) => sum + each.mass, 0);
    const free = scene.joints.some((joint) => joint.type === "free");
    const newtons = Math.round(mass * 9.81 * (free ? 0.8 : 0.5));
    const sign = row % 2 === 0 ? 1 : -1;
    const point_m = [poses[at] ?? 0, poses[at + 1] ?? 0, poses[at + 2] ?? 0];
    return { body, force_n: free ? [0, sign * newtons, 0] : [sign * newtons, 0, 0], point_m };
  }

  /** Push the chosen robot, or all when none is chosen. @returns {string} what was done */
  pushChosen() {
    const { scene, frame, count, close, selected } = this.view;
    if (!scene || !frame) return "";
    const chosen = close ?? selected;
    const rows = chosen === null ? Array.from({ length: count }, (_, row) => row) : [chosen];
    let newtons = 0;
    for (const row of rows) {
      const push = this.sidePush(scene, row, frame.poses);
      newtons = Math.hypot(...push.force_n);
      this.onPush(row, push);
    }
    const whom = chosen === null ? `${rows.length} robots` : `robot ${chosen + 1}`;
    return `Pushed ${whom} with ${newtons} N`;
  }

  /** @param {number} row */
  #selected(row) {
    this.view.selected = row;
    this.dispatchEvent(new CustomEvent("select", { detail: row }));
    this.lookAt(row);
  }

  /** @param {string} model */
  #scene(model) {
    const found =
      this.scenes.get(model) ?? loadScene(new URL(`../models/${model}.scene.json`, import.meta.url));
    this.scenes.set(model, found);
    found.catch(() => this.scenes.delete(model));
    return found;
  }

  /** Bring what is on screen to what the view says. */
  async #draw() {
    const { view } = this;
    const held = this.places.stage.contains(document.activeElement);
    // The first robots move as figures, which are there at once; the 3D view is loaded while they do.
    if (this.frames >= FIRST_FRAMES) await this.#load3D();
    else this.patience ||= setTimeout(() => this.#open3D(), PATIENCE_MS);
    if (this.#wide) await this.#loadField();
    else if (view.together && !this.spatial) await this.#loadWorld();
    if (view !== this.view) return;
    const { spatial } = this;
    this.places.stage.dataset.drawn = spatial ? "space" : "figures";
    this.places.grid.hidden = spatial;
    this.places.space.hidden = !spatial;
    const field = this.#wide ? this.field : null;
    const figures = spatial || field ? null : this.#figures;
    if (this.field) this.field.container.hidden = field === null;
    if (!field) this.field?.stop();
    for (const each of [this.grid, this.world]) {
      if (each) each.canvas.hidden = each !== figures;
      if (each !== figures) each?.stop();
    }
    if (!spatial) this.space?.stop();
    const { scene } = view;
    if (scene && spatial && this.space) this.#place3D(this.space, scene);
    if (scene && field) {
      field.setScene(scene, view.count, { dt: view.dt, labels: view.labels });
      field.select(view.selected);
      field.resize();
      field.start();
    } else if (scene && figures) {
      figures.setScene(scene, view.count, { dt: view.dt });
      figures.setLabels(view.labels?.length === view.count ? view.labels : null);
      figures.select(view.selected);
      figures.resize();
      figures.start();
    }
    this.#put();
    this.#changed();
    // The figure or the button that led here has gone; what is drawn now takes its keys.
    if (held && focusIsLost()) this.drawn.canvas.focus({ preventScroll: true });
  }

  /**
   * @param {Robot3D} space
   * @param {Scene} scene
   */
  #place3D(space, scene) {
    const { view } = this;
    space.setScene(scene);
    const crowd = view.close === null || view.others || view.together;
    space.setOrder(view.together, view.racing && !view.together);
    space.setCrowd(crowd ? view.count : 1);
    if (crowd) space.setGroups(groupsOf(view.labels, view.count));
    space.followRow(crowd ? view.close : null);
    space.select(view.close === null ? view.selected : null);
    space.setFollow(view.follow);
    space.resize();
    space.start();
  }

  /** Hand the newest frame to what is on screen. */
  #put() {
    const { frame, scene, close } = this.view;
    // A frame of the robots before these may still be on its way.
    if (!frame || !scene || frame.poses.length !== this.view.count * scene.bodies.length * 7) return;
    // What draws them may still have others, while its own part is loaded.
    const drawing = this.#wide ? this.field : this.spatial ? this.space : this.#figures;
    if (drawing?.scene !== scene) return;
    if (this.#wide) this.field?.setFrame(frame);
    else if (!this.spatial) this.#figures.setFrame(frame);
    else if (close === null || this.view.others || this.view.together)
      this.space?.setPoses(frame.poses, frame.balls);
    else {
      const stride = scene.bodies.length * 7;
      this.space?.setPose(frame.poses.subarray(close * stride, (close + 1) * stride));
    }
  }

  /** Load the field the first time there are many figures. */
  async #loadField() {
    if (this.field) return;
    const { StickField } = await loadPart(() => import("../views/stick_field.js"), "The field of robots");
    if (this.field) return;
    const place = document.createElement("div");
    place.className = "stage-view";
    this.places.grid.append(place);
    this.field = new StickField(place, { onSelect: (row) => this.#selected(row), rest: this.grid.rest });
  }

  /** Load the picture of one world the first time that figures share one. */
  async #loadWorld() {
    if (this.world) return;
    const { StickWorld } = await loadPart(
      () => import("../views/stick_world.js"),
      "The world of stick figures",
    );
    if (this.world) return;
    const canvas = document.createElement("canvas");
    canvas.id = "world-canvas";
    this.places.grid.append(canvas);
    this.world = new StickWorld(canvas, { onSelect: (row) => this.#selected(row), reducedMotion: calm() });
    this.world.rest = this.grid.rest;
  }

  /** Draw in 3D as soon as it is loaded, where that is wanted. */
  async #open3D() {
    if (this.space || !this.#wants3D()) return;
    await this.#load3D();
    await this.#draw();
  }

  /** Load the 3D view the first time it is wanted; without WebGL the stick figures stay. */
  async #load3D() {
    if (this.space || !this.#wants3D()) return;
    try {
      const { Robot3D } = await loadPart(() => import("../views/robot_3d.js"), "The 3D view");
      if (this.space) return;
      this.space = new Robot3D(this.places.space, {
        onPush: (push) => this.onPush(this.view.close ?? this.view.selected ?? 0, push),
        onSelect: (row) => this.#selected(row),
        reducedMotion: calm(),
      });
    } catch (error) {
      this.no3D = String(error);
      const lost =
        error instanceof PageError
          ? error
          : new PageError(
              "3D is not available here",
              "This browser gives the page no WebGL, so robots are drawn as stick figures.",
              "Nothing is lost by it. To see 3D, allow hardware acceleration in the browser's settings and reload.",
            );
      lost.details ||= this.no3D;
      this.notices.report(lost, { key: "webgl", kind: "info" });
    }
  }

  #changed() {
    this.dispatchEvent(new CustomEvent("change"));
  }

  /** Pictures drawn per second, by whichever view is in sight. */
  #countPictures() {
    const rate = new PictureRate(performance.now());
    setInterval(() => {
      const views = [this.grid, this.field, this.world, this.space];
      const pictures = views.reduce((sum, each) => sum + (each?.pictures ?? 0), 0);
      this.fps = rate.count(pictures, performance.now());
      this.places.stage.dataset.pictures = String(pictures);
    }, FPS_MS);
  }
}
