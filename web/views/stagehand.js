/** @import {Theme} from "./theme.js" */
import * as THREE from "three";
import { hex } from "./theme.js";

const MAX_PIXEL_RATIO = 2;
/** Where the processor draws: the least rest between pictures, and the time (ms) that a picture may cost. */
const SOFTWARE_REST_MS = 60;
const SOFTWARE_COST_MS = 80;
/** Below this many pictures per second the resolution is lowered, step by step. */
const SLOW_FPS = 27;
const LOWEST_RATIO = 0.55;
const NO_WEBGL =
  "3D needs WebGL 2, which this browser does not give the page. Turn on hardware acceleration in its settings, or use another browser.";

/** Renderer, lights and fog: everything on the stage that is not a robot. */
export class Stagehand {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {Theme} theme
   * @throws {Error} when there is no WebGL 2
   */
  constructor(canvas, theme) {
    const software = rendersInSoftware();
    this.software = software;
    /** Time (ms) to leave to the rest of the page after a picture: a processor that draws must also compute. */
    this.rest_ms = software ? SOFTWARE_REST_MS : 0;
    /** When the page is free of the last picture, as far as known. */
    this.free_ms = 0;
    const attributes = {
      antialias: true,
      alpha: false,
      powerPreference: /** @type {const} */ ("high-performance"),
    };
    const context = /** @type {WebGL2RenderingContext|null} */ (canvas.getContext("webgl2", attributes));
    if (!context) throw new Error(NO_WEBGL);
    this.renderer = new THREE.WebGLRenderer({ canvas, context, ...attributes });
    this.renderer.shadowMap.enabled = true;
    this.renderer.shadowMap.type = THREE.PCFShadowMap;
    this.ratio = Math.min(window.devicePixelRatio || 1, software ? 0.8 : MAX_PIXEL_RATIO);
    this.renderer.setPixelRatio(this.ratio);
    this.lost = false;
    this.scene = new THREE.Scene();
    this.scene.background = new THREE.Color(hex(theme.ink));
    this.fog = new THREE.Fog(hex(theme.ink), 10, 40);
    this.scene.fog = this.fog;
    this.key = keyLight(software ? 1024 : 2048);
    const sky = new THREE.HemisphereLight(0x9fc0e8, 0x2a2622, 1.35);
    this.rim = new THREE.DirectionalLight(0x8fb8ff, 1.9);
    this.scene.add(this.key, this.key.target, sky, this.rim, this.rim.target);
    this.slow = 0;
    this.last_ms = 0;
    this.size = { width: 1, height: 1 };
  }

  /**
   * @param {number} shadow (m) around what is looked at
   * @param {number} sight (m) at which the fog has swallowed everything
   */
  setReach(shadow, sight) {
    const camera = this.key.shadow.camera;
    camera.left = camera.bottom = -shadow;
    camera.right = camera.top = shadow;
    camera.near = 0.5;
    camera.far = 8 * shadow + 10;
    camera.updateProjectionMatrix();
    // A little more than a texel of the shadow map, or round limbs shade themselves in stripes.
    this.key.shadow.normalBias = 0.01 + (2.5 * shadow) / this.key.shadow.mapSize.width;
    this.reach = shadow;
    this.setSight(sight);
  }

  /** @param {number} sight (m) at which the fog has swallowed everything */
  setSight(sight) {
    this.fog.near = 0.42 * sight;
    this.fog.far = sight;
  }

  /** @param {THREE.Vector3} target what the lights are turned to */
  light(target) {
    const far = 2.2 * (this.reach ?? 3);
    // In whole steps of a shadow texel would be finer; a tenth of a metre is enough to keep edges from crawling.
    const x = Math.round(target.x * 10) / 10;
    const y = Math.round(target.y * 10) / 10;
    this.key.target.position.set(x, y, target.z);
    this.key.position.set(x - 0.35 * far, y - 0.55 * far, target.z + 1.2 * far);
    this.rim.target.position.set(x, y, target.z);
    this.rim.position.set(x - 2 * far, y + 3 * far, target.z + far);
  }

  /**
   * @param {THREE.Camera} camera
   * @param {number} now_ms
   */
  render(camera, now_ms) {
    const began = performance.now();
    // Not where the ratio is lowered: a new resolution empties the canvas, which stays black until it is drawn.
    if (this.renderer.getPixelRatio() !== this.ratio) this.renderer.setPixelRatio(this.ratio);
    this.renderer.render(this.scene, camera);
    const gap = now_ms - this.last_ms;
    this.last_ms = now_ms;
    // Where the processor draws, the page waits for the picture after this frame: a timer tells for how long.
    if (this.software) {
      this.free_ms = performance.now() + this.rest_ms;
      setTimeout(() => this.rest(performance.now() - began), 0);
    } else if (gap < 1000) this.adapt(gap > 1000 / SLOW_FPS);
  }

  /** @param {number} cost_ms of a picture, drawn by the processor; the page gets as long to itself */
  rest(cost_ms) {
    this.rest_ms = Math.min(1000, Math.max(SOFTWARE_REST_MS, 0.5 * (this.rest_ms + cost_ms)));
    this.free_ms = performance.now();
    this.adapt(cost_ms > SOFTWARE_COST_MS);
  }

  /** @param {boolean} slow whether the last picture took too long; many such lower the resolution */
  adapt(slow) {
    this.slow = slow ? this.slow + 1 : Math.max(0, this.slow - 2);
    if (this.slow < (this.software ? 8 : 40) || this.ratio <= LOWEST_RATIO) return;
    this.slow = 0;
    this.ratio = Math.max(LOWEST_RATIO, this.ratio * 0.8);
  }

  /**
   * @param {number} width
   * @param {number} height
   */
  resize(width, height) {
    this.size = { width, height };
    this.renderer.setSize(width, height, false);
  }

  dispose() {
    this.key.shadow.map?.dispose();
    this.renderer.dispose();
  }
}

/** @param {number} texels */
function keyLight(texels) {
  const key = new THREE.DirectionalLight(0xfff1dd, 3.1);
  key.castShadow = true;
  key.shadow.mapSize.set(texels, texels);
  key.shadow.radius = 2.5;
  key.shadow.bias = -0.0004;
  return key;
}

/** Whether WebGL runs on the processor: then smoothing edges would cost several pictures per second. */
function rendersInSoftware() {
  const probe = /** @type {WebGL2RenderingContext|null} */ (
    document.createElement("canvas").getContext("webgl2")
  );
  if (!probe) throw new Error(NO_WEBGL);
  const info = probe.getExtension("WEBGL_debug_renderer_info");
  const name = String(probe.getParameter(info ? info.UNMASKED_RENDERER_WEBGL : probe.RENDERER));
  probe.getExtension("WEBGL_lose_context")?.loseContext();
  return /swiftshader|llvmpipe|software|basic render/i.test(name);
}
