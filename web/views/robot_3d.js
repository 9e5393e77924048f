/** @import {Scene} from "./scene.js" */
/** @import {Groups} from "./policy_colours.js" */
/** @import {PushForce} from "./push_drag.js" */
import { Balls } from "./balls.js";
import { Crowd } from "./crowd.js";
import { Floor } from "./floor.js";
import { FollowCamera } from "./follow_camera.js";
import { Framing } from "./framing.js";
import { Insight } from "./insight.js";
import { NextPicture } from "./next_picture.js";
import { POSE, PoseStream } from "./pose.js";
import { PushDrag } from "./push_drag.js";
import { RobotMeshes, selectionRing } from "./robot_meshes.js";
import { floorHeight, restPose } from "./scene.js";
import { SpaceHands } from "./space_hands.js";
import { describe, LOST } from "./space_words.js";
import { Stagehand } from "./stagehand.js";
import { readTheme } from "./theme.js";
import { Track } from "./track.js";

/** Blending so many robots between two frames would cost more than it smooths. */
const SMOOTH_ROBOTS = 400;

/** One robot close up, or a crowd, in three dimensions. */
export class Robot3D {
  /**
   * @param {HTMLElement} container that the view fills
   * @param {{onPush?: (push: PushForce) => void, onSelect?: (row: number) => void, reducedMotion?: boolean}} options
   * @throws {Error} when the browser gives no WebGL 2
   */
  constructor(container, { onPush = () => {}, onSelect = () => {}, reducedMotion = false }) {
    this.container = container;
    this.onSelect = onSelect;
    this.theme = readTheme(container);
    this.canvas = document.createElement("canvas");
    this.canvas.className = "space-canvas";
    this.canvas.tabIndex = 0;
    this.stagehand = new Stagehand(this.canvas, this.theme);
    container.append(this.canvas);
    this.push = new PushDrag(container, this.theme, onPush);
    // Before the camera's own listeners: a grab on the robot must not turn the camera.
    this.hands = new SpaceHands(this);
    this.view = new FollowCamera(this.canvas, reducedMotion, () => this.ask());
    this.floor = new Floor(this.theme);
    this.insight = new Insight(this.theme);
    this.balls = new Balls(this.theme);
    this.track = new Track(this.theme);
    this.stagehand.scene.add(
      this.floor.mesh,
      this.push.arrow,
      this.insight.group,
      this.balls.mesh,
      this.track.group,
    );
    this.notice = document.createElement("p");
    this.notice.className = "space-notice";
    this.notice.setAttribute("role", "status");
    this.notice.hidden = true;
    container.append(this.notice);
    /** @type {Scene|null} */
    this.scene = null;
    /** @type {RobotMeshes|null} */
    this.robots = null;
    /** @type {PoseStream|null} */
    this.stream = null;
    /** @type {Crowd|null} */
    this.crowd = null;
    /** @type {Framing|null} */
    this.framing = null;
    this.count = 1;
    /** Robots stand where they are in one world, not in a formation. */
    this.together = false;
    this.racing = false;
    /** Whether the meshes are those of the present model and number. */
    this.built = false;
    /** Row under the amber ring, in a crowd. @type {number|null} */
    this.selected = null;
    /** Row that the camera follows closely among the others. @type {number|null} */
    this.followed = null;
    /** What is drawn inside the robot looked at closely. @type {{contacts: number[], com: number[]}|null} */
    this.detail = null;
    /** Policies of the rows. @type {Groups|null} */
    this.groups = null;
    this.ring = selectionRing(this.theme);
    this.stagehand.scene.add(this.ring);
    this.running = false;
    this.next = new NextPicture(
      () => this.rest_ms,
      (now_ms) => this.draw(now_ms),
    );
    this.last_ms = 0;
    this.drawn_ms = 0;
    /** Main-thread time (ms) of the last drawn picture. */
    this.draw_ms = 0;
    /** Pictures drawn so far. */
    this.pictures = 0;
    this.width = 0;
    this.height = 0;
    /** At the edges (px), where something lies over the picture: one robot is seen between the sides, and all above the bottom. */
    this.covered = { left: 0, right: 0, bottom: 0 };
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(container);
  }

  /**
   * Show robots of a model, in their rest pose until poses come. The same model again changes nothing.
   * @param {Scene} scene
   */
  setScene(scene) {
    if (scene === this.scene) return;
    this.scene = scene;
    this.built = false;
    this.ask();
  }

  /**
   * How many robots stand on the floor; 1 is the close view.
   * @param {number} count
   */
  setCrowd(count) {
    if (!(Number.isInteger(count) && count >= 1))
      throw new Error(`count=${count} robots cannot be drawn; give 1 or more`);
    if (count === this.count) return;
    this.count = count;
    this.selected = null;
    this.followed = null;
    this.groups = null;
    this.built = false;
    this.ask();
  }

  /**
   * @param {boolean} together whether the robots stand in one world
   * @param {boolean} racing whether each has a lane of a race
   */
  setOrder(together, racing) {
    if (together === this.together && racing === this.racing) return;
    Object.assign(this, { together, racing });
    if (this.crowd) this.crowd.racing = racing;
    this.frameHome();
    this.ask();
  }

  /** @param {Groups} groups policies of the robots, and their colours */
  setGroups(groups) {
    this.groups = groups;
    if (this.built) this.robots?.tint(groups);
    this.ask();
  }

  /** @param {{contacts: number[], com: number[]}|null} detail of the robot looked at closely, as the protocol's Detail */
  setDetail(detail) {
    if (this.detail === detail) return;
    this.detail = detail;
    this.ask();
  }

  /** @param {number|null} row of a crowd that the camera stays close to; null shows the crowd */
  followRow(row) {
    if (row === this.followed) return;
    this.followed = row;
    this.view.touched = false;
    this.frameHome();
    this.ask();
  }

  /** @param {Float32Array} pose nbody * 7 of the one robot */
  setPose(pose) {
    this.setPoses(pose);
  }

  /**
   * @param {Float32Array} poses count * nbody * 7
   * @param {number[]} [balls] x, y, z (m) of each, of the one world that they and the robots are in
   */
  setPoses(poses, balls = []) {
    this.rebuild();
    this.balls.show(balls);
    if (!this.stream || !this.scene) return;
    const stride = this.scene.bodies.length * POSE;
    if (poses.length % stride !== 0) {
      throw new Error(
        `Poses of ${poses.length} numbers do not hold whole robots of ${stride} (${this.scene.name})`,
      );
    }
    if (this.stream.frames === 0) this.view.snap();
    this.stream.push(poses, performance.now(), this.count <= SMOOTH_ROBOTS);
    this.ask();
  }

  /** @param {boolean} follow */
  setFollow(follow) {
    this.view.following = follow;
    this.ask();
  }

  /** @param {number|null} row to mark in a crowd */
  select(row) {
    this.selected = row;
    this.ask();
  }

  /**
   * Something lies over the picture's edges from now on.
   * @param {Partial<Robot3D["covered"]>} edges how much of it (px); the others stay as they are
   */
  setCovered(edges) {
    const { left, right, bottom } = { ...this.covered, ...edges };
    const { covered } = this;
    if (left === covered.left && right === covered.right && bottom === covered.bottom) return;
    this.covered = { left, right, bottom };
    this.view.setAside((left - right) / 2, bottom / 2);
    this.frameHome();
    this.ask();
  }

  resize() {
    const { clientWidth, clientHeight } = this.container;
    if (clientWidth < 1 || clientHeight < 1) return;
    if (clientWidth === this.width && clientHeight === this.height) return;
    this.width = clientWidth;
    this.height = clientHeight;
    this.stagehand.resize(this.width, this.height);
    this.view.resize(this.width, this.height);
    this.frameHome();
    if (this.running) this.draw(performance.now());
  }

  start() {
    this.running = true;
    this.ask();
  }

  stop() {
    this.running = false;
    this.push.release();
    this.next.stop();
  }

  destroy() {
    this.stop();
    this.observer.disconnect();
    this.hands.release();
    this.robots?.dispose();
    this.floor.dispose();
    for (const part of [this.insight, this.balls, this.track, this.push, this.view, this.stagehand])
      part.dispose();
    this.notice.remove();
    this.canvas.remove();
  }

  /** Make the robots' meshes where model or number changed. */
  rebuild() {
    const { scene, count } = this;
    if (!scene || this.built) return;
    this.built = true;
    this.push.release();
    this.robots?.dispose();
    this.robots = new RobotMeshes(scene, this.theme, count);
    this.stagehand.scene.add(this.robots.group);
    if (this.groups) this.robots.tint(this.groups);
    this.stream = new PoseStream(count, scene.bodies.length, scene.tracking_body, restPose(scene));
    this.crowd = new Crowd(count, scene.bodies.length, scene.tracking_body, scene.view.fixed_base);
    this.crowd.racing = this.racing;
    this.framing = new Framing(scene);
    describe(this.canvas, scene, count);
    this.frameHome();
    this.view.snap();
    this.ask();
  }

  /** Choose formation and distance for the shape of the view. */
  frameHome() {
    if (this.framing && this.crowd && this.width >= 1) this.framing.home(this, this.crowd);
  }

  ask() {
    if (this.running) this.next.ask();
  }

  /** Time (ms) of the pause before the next picture, where the processor draws them. */
  get rest_ms() {
    const { software, free_ms, rest_ms } = this.stagehand;
    const left_ms = free_ms + rest_ms - performance.now();
    return software && left_ms > 4 ? left_ms : 0;
  }

  /** @param {number} now_ms */
  draw(now_ms) {
    this.rebuild();
    const { stream, robots, crowd, framing, scene } = this;
    if (!stream || !robots || !crowd || !framing || !scene || this.width < 1 || this.stagehand.lost) return;
    const began = performance.now();
    const seconds = Math.min(1, Math.max(0, (now_ms - this.last_ms) / 1000));
    this.last_ms = now_ms;
    const blending = stream.advance(began);
    // In the rest pose all would stand at one place.
    crowd.together = this.together && stream.frames > 0;
    crowd.follow(stream.shown, stream.jumped, seconds);
    stream.jumped.fill(0);
    if (this.count === 1) crowd.offsets.fill(0);
    const { offsets } = crowd;
    this.track.show(this.racing && this.count > 1 ? this.count : 0, floorHeight(scene) ?? 0);
    robots.update(stream.shown, offsets);
    framing.aim(this, stream, crowd);
    this.push.step(stream.shown, scene.bodies.length, began);
    const moving = framing.step(this, stream, crowd, seconds);
    this.placeRing(scene, stream, offsets);
    this.placeInsight(scene, stream, offsets);
    const { target } = this.view.controls;
    this.floor.centre(
      target.x,
      target.y,
      floorHeight(scene) ?? (scene.view.fixed_base ? -0.5 * scene.view.height : 0),
    );
    this.stagehand.light(target);
    this.stagehand.render(this.view.camera, now_ms);
    this.push.placeLabel(this.view.camera, this.width, this.height);
    this.drawn_ms = performance.now();
    this.draw_ms = this.drawn_ms - began;
    this.pictures += 1;
    if (blending || moving || this.push.active) this.ask();
  }

  /**
   * Draw what goes on inside at the robot as it is shown, which may still be on its way to where it is.
   * @param {Scene} scene
   * @param {PoseStream} stream
   * @param {Float32Array} offsets
   */
  placeInsight(scene, stream, offsets) {
    const row = this.followed ?? 0;
    const close = this.count === 1 || this.followed !== null;
    const [x, y] = stream.lag(row);
    this.insight.show(
      close ? this.detail : null,
      x + (offsets[2 * row] ?? 0),
      y + (offsets[2 * row + 1] ?? 0),
      floorHeight(scene),
    );
  }

  /**
   * @param {Scene} scene
   * @param {PoseStream} stream
   * @param {Float32Array} offsets
   */
  placeRing(scene, stream, offsets) {
    const row = this.followed ?? this.selected;
    this.ring.visible = row !== null && this.count > 1;
    if (row === null || !this.ring.visible) return;
    const at = (row * scene.bodies.length + scene.tracking_body) * POSE;
    const x = (stream.shown[at] ?? 0) + (offsets[row * 2] ?? 0);
    const y = (stream.shown[at + 1] ?? 0) + (offsets[row * 2 + 1] ?? 0);
    this.ring.position.set(x, y, (floorHeight(scene) ?? 0) + 0.02);
    this.ring.scale.setScalar(0.36 * scene.view.height);
  }

  /**
   * @param {Event} event
   * @param {boolean} lost
   */
  setLost(event, lost) {
    event.preventDefault();
    this.stagehand.lost = lost;
    this.notice.hidden = !lost;
    this.notice.textContent = lost ? LOST : "";
    this.ask();
  }
}
