/** @import {Scene} from "./scene.js" */
/** @import {Crowd} from "./crowd.js" */
/** @import {FollowCamera} from "./follow_camera.js" */
/** @import {Robot3D} from "./robot_3d.js" */
/** @import {PoseStream} from "./pose.js" */
import { LANE_M } from "./crowd.js";
import { POSE, toWorld } from "./pose.js";
import { floorHeight, restPose } from "./scene.js";
import { figureView, skeleton } from "./skeleton.js";

/** Up to so many robots are each kept within the picture, wherever they go. */
const KEPT_IN = 50;
/** Of more robots than this the nearest may stand beyond the edges: all in the picture would be too small to see. */
const FORMED = 100;
/** Of half the picture's width and height, what robots may take as they begin, and while they move. */
const [BEGINNING, MOVING] = [0.93, 0.985];
/** Shells are thicker than the strokes that stand for them (m for each metre of height). */
const SHELL = 0.05;
/** Nobody stands further away than so many times the formation would: a straggler is let go. */
const FURTHEST = 2.5;
/** A robot of a crowd takes at most this share of the height. */
const TALLEST = 0.34;
/** Around a crowd the fog has swallowed everything at so many times the camera's distance. */
const FOG = 2.4;

/** @param {number} degrees */
const radians = (degrees) => (degrees * Math.PI) / 180;
const AZIMUTH = radians(-62);

/** From how far away a camera has given places within the picture. */
class Sight {
  /**
   * @param {{azimuth: number, elevation: number}} angles (rad) of the camera, from what it looks at
   * @param {number} tan of half the angle that it sees upwards
   * @param {number} aspect width by height
   * @param {number} share of half the picture that may be taken
   * @param {number} free of the picture's height, where nothing lies over it
   */
  constructor({ azimuth, elevation }, tan, aspect, share, free) {
    const [cos, sin] = [Math.cos(azimuth), Math.sin(azimuth)];
    const [cos_e, sin_e] = [Math.cos(elevation), Math.sin(elevation)];
    this.right = [-sin, cos, 0];
    this.up = [-sin_e * cos, -sin_e * sin, cos_e];
    this.towards = [cos_e * cos, cos_e * sin, sin_e];
    this.tans = [tan * aspect * share, tan * share * free];
    this.target = { x: 0, y: 0, z: 0 };
    this.distance = 0;
  }

  /** @param {{x: number, y: number, z: number}} target what the camera looks at */
  begin(target) {
    this.target = target;
    this.distance = 0;
  }

  /**
   * A ball that is to be seen whole.
   * @param {number} x
   * @param {number} y
   * @param {number} z
   * @param {number} radius
   */
  take(x, y, z, radius) {
    const { target } = this;
    const [dx, dy, dz] = [x - target.x, y - target.y, z - target.z];
    const along = (/** @type {number[]} */ [a = 0, b = 0, c = 0]) => a * dx + b * dy + c * dz;
    const nearer = along(this.towards);
    for (let axis = 0; axis < 2; axis++) {
      const tan = this.tans[axis] ?? 1;
      const aside = Math.abs(along(axis ? this.up : this.right)) + radius * Math.hypot(1, tan);
      this.distance = Math.max(this.distance, aside / tan + nearer);
    }
  }
}

/** Where the camera of the 3D view stands, and in which formation the robots of a crowd. */
export class Framing {
  /** @param {Scene} scene */
  constructor(scene) {
    this.scene = scene;
    this.strokes = skeleton(scene);
    this.shape = figureView(scene, this.strokes);
    this.tall = Math.max(scene.view.height, 0.8 * this.shape.half_width);
    this.rest = restPose(scene);
    this.place = [0, 0, 0];
    /** How a crowd is seen, and how far away at most; null: one robot is. @type {{sight: Sight, furthest: number}|null} */
    this.crowded = null;
  }

  /**
   * Choose formation and distance for the shape of the view.
   * @param {Robot3D} space
   * @param {Crowd} crowd
   */
  home(space, crowd) {
    const aspect = space.width / space.height;
    this.crowded = null;
    if (space.count === 1) this.#alone(space);
    else this.#together(space, crowd, aspect);
  }

  /** @param {Robot3D} space */
  #alone({ view, stagehand, floor, width, height, covered }) {
    const { shape, tall } = this;
    const aspect = Math.max(1, width - covered.left - covered.right) / height;
    const flat = this.scene.view.axis === "xy";
    const across = view.distanceFor((2 * shape.half_width) / aspect, 0.62);
    const free = 1 - covered.bottom / height;
    const distance = flat ? across : Math.max(across, view.distanceFor(tall, 0.46 * free));
    view.setHome({ azimuth: AZIMUTH, elevation: radians(flat ? 40 : 11), distance });
    stagehand.setReach(3 * tall, 3 * distance);
    floor.setPool(4.5 * tall);
  }

  /**
   * @param {Robot3D} space
   * @param {Crowd} crowd
   * @param {number} aspect
   */
  #together(space, crowd, aspect) {
    const { view, stagehand, floor, count, followed, together, racing } = space;
    const free = 1 - space.covered.bottom / space.height;
    // Many stand behind each other: only from higher up is each of them seen.
    const elevation = radians(followed !== null ? 24 : count > FORMED ? 28 : 12);
    const near = view.distanceFor(this.tall, TALLEST * free);
    const sight = (/** @type {number} */ share) =>
      new Sight({ azimuth: AZIMUTH, elevation }, view.tan, aspect, share, free);
    const formed = this.#form(crowd, sight(BEGINNING), view, aspect);
    const all = Math.max(near, racing ? view.distanceFor((count * LANE_M) / aspect, 0.9) : formed);
    // Robots that are where they are may stand closer than the formation.
    const distance = followed !== null || ((together || racing) && count <= KEPT_IN) ? near : all;
    view.setHome({ azimuth: AZIMUTH, elevation, distance }, Math.max(distance, all));
    if (followed === null && count <= KEPT_IN)
      this.crowded = { sight: sight(MOVING), furthest: FURTHEST * all };
    const extent = Math.max(crowd.extent.across, crowd.extent.deep);
    stagehand.setReach(0.62 * extent, (count > FORMED ? 4 : FOG) * all);
    floor.setPool(0.75 * extent);
  }

  /**
   * Form the crowd so that its robots are seen as large as possible.
   * @param {Crowd} crowd
   * @param {Sight} sight
   * @param {FollowCamera} view
   * @param {number} aspect
   * @returns {number} how far away (m) the camera stands then
   */
  #form(crowd, sight, view, aspect) {
    const { shape, tall } = this;
    const across = Math.max(1.25 * tall, 2.3 * shape.half_width);
    const deep = Math.max(1.15 * tall, 2.2 * shape.depth);
    const usual = Math.ceil(Math.sqrt(crowd.count * Math.min(3, Math.max(0.7, aspect * 0.85))));
    if (crowd.count > FORMED) {
      crowd.form(usual, across, deep, AZIMUTH);
      return view.distanceFor((usual * across) / aspect, aspect < 1 ? 1.12 : 0.9);
    }
    let [best, least] = [usual, Number.POSITIVE_INFINITY];
    for (const columns of [usual, usual - 1, usual + 1]) {
      if (columns < 1 || columns > crowd.count) continue;
      crowd.form(columns, across, deep, AZIMUTH);
      const distance = this.#formed(crowd, sight);
      if (distance >= least) continue;
      [best, least] = [columns, distance];
    }
    crowd.form(best, across, deep, AZIMUTH);
    return least;
  }

  /**
   * @param {Crowd} crowd in formation
   * @param {Sight} sight
   * @returns {number} from how far away (m) all robots are seen, as they begin
   */
  #formed({ slots, count, fixed, tracked }, sight) {
    const at = tracked * POSE;
    const [x, y] = fixed ? [0, 0] : [this.rest[at] ?? 0, this.rest[at + 1] ?? 0];
    sight.begin({ x: 0, y: 0, z: this.#middle });
    for (let row = 0; row < count; row++)
      this.#take(sight, this.rest, 0, (slots[row * 2] ?? 0) - x, (slots[row * 2 + 1] ?? 0) - y);
    return sight.distance;
  }

  /**
   * Have a robot within the picture.
   * @param {Sight} sight
   * @param {Float32Array} poses
   * @param {number} row
   * @param {number} shift_x (m)
   * @param {number} shift_y (m)
   */
  #take(sight, poses, row, shift_x, shift_y) {
    const { place, scene } = this;
    const start = row * scene.bodies.length;
    const shell = SHELL * this.tall;
    for (const { body_a, point_a, body_b, point_b, radius } of this.strokes) {
      for (let end = 0; end < 2; end++) {
        const [x = 0, y = 0, z = 0] = end ? point_b : point_a;
        toWorld(poses, (start + (end ? body_b : body_a)) * POSE, x, y, z, place);
        sight.take((place[0] ?? 0) + shift_x, (place[1] ?? 0) + shift_y, place[2] ?? 0, radius + shell);
      }
    }
  }

  /** Height (m) at which one robot is looked at. */
  get #up() {
    const { view } = this.scene;
    return view.fixed_base
      ? 0.4 * view.height
      : (floorHeight(this.scene) ?? 0) + 0.52 * Math.min(view.height, 1.6);
  }

  /** Height (m) at which a crowd is looked at. */
  get #middle() {
    return 0.8 * this.#up;
  }

  /**
   * Tell the camera where to look.
   * @param {Robot3D} space
   * @param {PoseStream} stream
   * @param {Crowd} crowd
   */
  aim({ view, count, followed }, stream, crowd) {
    const { scene } = this;
    const { offsets } = crowd;
    const row = count > 1 ? followed : 0;
    if (row === null) view.target.set(crowd.focus.x, crowd.focus.y, this.#middle);
    else {
      const still = count === 1 && scene.view.fixed_base;
      const at = (row * scene.bodies.length + scene.tracking_body) * POSE;
      const x = still ? 0 : (stream.shown[at] ?? 0) + (offsets[row * 2] ?? 0);
      const y = still ? 0 : (stream.shown[at + 1] ?? 0) + (offsets[row * 2 + 1] ?? 0);
      const flat = count === 1 && scene.view.axis === "xy";
      view.target.set(x, y, flat ? (floorHeight(scene) ?? 0) : this.#up);
    }
  }

  /**
   * Turn the camera towards where it looks, as near as all robots allow.
   * @param {Robot3D} space
   * @param {PoseStream} stream
   * @param {Crowd} crowd
   * @param {number} seconds since the last time
   * @returns {boolean} whether it still moves
   */
  step({ view, stagehand, count }, stream, crowd, seconds) {
    if (!this.crowded) return view.step(seconds);
    const { sight, furthest } = this.crowded;
    const moving = view.step(seconds, (target) => {
      sight.begin(target);
      // Who comes in at another side does so at once: the camera has to be there before.
      for (let row = 0; row < count; row++)
        for (const [x, y] of crowd.places(row)) this.#take(sight, stream.shown, row, x, y);
      return Math.min(furthest, sight.distance);
    });
    stagehand.setSight(FOG * view.distance);
    return moving;
  }
}
