import * as THREE from "three";
import { OrbitControls } from "three/addons/controls/OrbitControls.js";

const FOV_DEG = 30;
/** Time (s) in which the camera makes up most of its lag behind the robot. */
const LAG_S = 0.25;
/** Over which the robot's speed is averaged (s): the camera goes along with it, so that a fast one is not ahead of the picture. */
const PACE_S = 0.5;
/** What moves faster than this (m/s) has not run there. */
const FASTEST = 25;
/** Coming nearer again takes longer (s): nobody is cut off meanwhile. */
const NEARER_S = 1.2;
/** It comes nearer only where it could by this much, and stays back a little more than it must, so that it rests. */
const [NEARER, SPARE] = [0.88, 1.03];
const KEY_TURN = Math.PI / 24;
const KEY_ZOOM = 1.12;

/** A camera that orbits a point by mouse, touch and keyboard, and drifts after whatever it follows. z is up. */
export class FollowCamera {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {boolean} reducedMotion
   * @param {() => void} onChange
   */
  constructor(canvas, reducedMotion, onChange) {
    this.canvas = canvas;
    this.reducedMotion = reducedMotion;
    this.camera = new THREE.PerspectiveCamera(FOV_DEG, 1, 0.05, 300);
    this.camera.up.set(0, 0, 1);
    this.controls = new OrbitControls(this.camera, canvas);
    this.controls.enableDamping = !reducedMotion;
    this.controls.dampingFactor = 0.12;
    this.controls.enablePan = false;
    this.controls.maxPolarAngle = THREE.MathUtils.degToRad(89);
    this.controls.addEventListener("change", onChange);
    this.controls.addEventListener("start", () => {
      this.touched = true;
    });
    /** Whether the user has turned the view; until then it fits itself to the stage. */
    this.touched = false;
    this.following = true;
    this.target = new THREE.Vector3();
    this.shift = new THREE.Vector3();
    /** Where the target was at the last step, and how fast it moves (m/s). */
    this.before = new THREE.Vector3();
    this.pace = new THREE.Vector3();
    this.home = { azimuth: 0, elevation: 0.2, distance: 5 };
    /** How far away (m) it stays until the user turns it. */
    this.distance = 5;
    this.tan = Math.tan(THREE.MathUtils.degToRad(FOV_DEG / 2));
    this.fresh = true;
    /** Of the picture (px), and how far to the right of its middle and above it what is looked at is seen, and is to be seen. */
    this.size = { width: 1, height: 1 };
    this.aside = { now: { right: 0, up: 0 }, wanted: { right: 0, up: 0 } };
  }

  /**
   * Where what is looked at is to be seen.
   * @param {number} right of the picture's middle (px)
   * @param {number} up above it (px)
   */
  setAside(right, up) {
    this.aside.wanted = { right, up };
  }

  /**
   * The view to return to.
   * @param {{azimuth: number, elevation: number, distance: number}} home angles (rad) from +x and the floor; m
   * @param {number} [all] the distance (m) that what is to be seen asks for at most, as far as known
   */
  setHome(home, all = home.distance) {
    this.home = home;
    this.distance = home.distance;
    this.controls.minDistance = home.distance * 0.2;
    this.controls.maxDistance = all * 4;
    if (!this.touched) this.fresh = true;
  }

  /** Whether it chooses its distance itself. */
  get fits() {
    return this.following && !this.touched;
  }

  /** @param {number} least distance (m) from which all is seen that is to be seen */
  stayBack(least) {
    const { home, distance } = this;
    if (least <= distance && least >= NEARER * distance) return;
    this.distance = Math.max(home.distance, Math.min(SPARE * least, this.controls.maxDistance));
  }

  reset() {
    const { azimuth, elevation } = this.home;
    this.controls.target.copy(this.target);
    this.camera.position
      .set(
        Math.cos(azimuth) * Math.cos(elevation),
        Math.sin(azimuth) * Math.cos(elevation),
        Math.sin(elevation),
      )
      .multiplyScalar(this.distance)
      .add(this.target);
    this.controls.update();
    this.fresh = this.touched = false;
  }

  /** Jump to the target at the next step instead of drifting there. */
  snap() {
    this.fresh = true;
  }

  /**
   * @param {number} seconds since the last step
   * @param {(target: THREE.Vector3) => number} [least] the distance (m) from which all is seen that is to be seen, where the
   *   camera looks at this; without it the distance at home is
   * @returns {boolean} whether the camera still moves
   */
  step(seconds, least) {
    const { fresh } = this;
    if (fresh) this.reset();
    this.measurePace(seconds, fresh);
    let lag = 0;
    if (this.following) {
      this.shift.copy(this.target).sub(this.controls.target);
      lag = this.shift.length();
      // A robot that starts anew far away is not chased across the floor.
      const share = this.reducedMotion || lag > 4 * this.home.distance ? 1 : 1 - Math.exp(-seconds / LAG_S);
      this.shift.multiplyScalar(share);
      // A crowd is kept within the picture as it is; one robot would run out of it.
      if (!least) this.shift.addScaledVector(this.pace, (1 - share) * seconds);
      this.controls.target.add(this.shift);
      this.camera.position.add(this.shift);
    }
    if (least && this.fits) this.stayBack(least(this.controls.target));
    const gap = this.fits ? this.approach(seconds, fresh || this.reducedMotion) : 0;
    const aside = this.stepAside(seconds, fresh || this.reducedMotion);
    return this.controls.update() || lag > 1e-3 || Math.abs(gap) > 1e-3 || aside > 0.3;
  }

  /**
   * @param {number} seconds since the last step
   * @param {boolean} fresh whether the target is another one
   */
  measurePace(seconds, fresh) {
    const { shift, before, pace, target } = this;
    shift.copy(target).sub(before);
    before.copy(target);
    if (fresh) pace.set(0, 0, 0);
    if (fresh || seconds <= 0 || shift.length() > FASTEST * seconds) return;
    pace.lerp(shift.divideScalar(seconds), 1 - Math.exp(-seconds / PACE_S));
  }

  /**
   * Move the middle of the view to where it is wanted.
   * @param {number} seconds
   * @param {boolean} jump whether at once
   * @returns {number} how far (px) it was from there
   */
  stepAside(seconds, jump) {
    const { aside, size } = this;
    const { now, wanted } = aside;
    const [right, up] = [wanted.right - now.right, wanted.up - now.up];
    const gap = Math.hypot(right, up);
    if (gap === 0) return 0;
    const share = jump || gap < 0.3 ? 1 : 1 - Math.exp(-seconds / LAG_S);
    aside.now = share === 1 ? { ...wanted } : { right: now.right + share * right, up: now.up + share * up };
    this.resize(size.width, size.height);
    return gap;
  }

  /**
   * Go to the distance that it stays at.
   * @param {number} seconds
   * @param {boolean} jump whether at once
   * @returns {number} how far (m) it was from there
   */
  approach(seconds, jump) {
    this.shift.copy(this.camera.position).sub(this.controls.target);
    const radius = this.shift.length();
    const gap = this.distance - radius;
    const share = jump ? 1 : 1 - Math.exp(-seconds / (gap > 0 ? LAG_S : NEARER_S));
    this.camera.position.addScaledVector(this.shift, (share * gap) / radius);
    return gap;
  }

  /**
   * @param {string} key KeyboardEvent.key
   * @returns {boolean} whether the key means something here
   */
  key(key) {
    /** @type {Record<string, [number, number, number]>} */
    const moves = {
      ArrowLeft: [-KEY_TURN, 0, 1],
      ArrowRight: [KEY_TURN, 0, 1],
      ArrowUp: [0, -KEY_TURN, 1],
      ArrowDown: [0, KEY_TURN, 1],
      "+": [0, 0, 1 / KEY_ZOOM],
      "=": [0, 0, 1 / KEY_ZOOM],
      "-": [0, 0, KEY_ZOOM],
    };
    if (key === "Home") {
      this.reset();
      return true;
    }
    const move = moves[key];
    if (!move) return false;
    this.touched = true;
    const offset = this.camera.position.clone().sub(this.controls.target);
    const radius = THREE.MathUtils.clamp(
      offset.length() * move[2],
      this.controls.minDistance,
      this.controls.maxDistance,
    );
    const azimuth = Math.atan2(offset.y, offset.x) + move[0];
    const polar = Math.acos(offset.z / offset.length()) + move[1];
    const safe = THREE.MathUtils.clamp(polar, 0.05, this.controls.maxPolarAngle);
    offset.set(Math.sin(safe) * Math.cos(azimuth), Math.sin(safe) * Math.sin(azimuth), Math.cos(safe));
    this.camera.position.copy(this.controls.target).addScaledVector(offset, radius);
    this.controls.update();
    return true;
  }

  /**
   * @param {number} width
   * @param {number} height
   */
  resize(width, height) {
    this.size = { width, height: Math.max(1, height) };
    const { right, up } = this.aside.now;
    this.camera.setViewOffset(width, this.size.height, -right, up, width, this.size.height);
  }

  /**
   * How far away something fills a share of the view's height.
   * @param {number} height (m)
   * @param {number} share
   */
  distanceFor(height, share) {
    return height / (2 * share * this.tan);
  }

  dispose() {
    this.controls.dispose();
  }
}
