/** @import {Theme} from "./theme.js" */
import * as THREE from "three";
import { hex, mix } from "./theme.js";

const SIZE_M = 400;

const VERTEX = /* glsl */ `
  vWorld = (modelMatrix * vec4(transformed, 1.0)).xy;
`;

const FRAGMENT_HEAD = /* glsl */ `
  varying vec2 vWorld;
  uniform vec2 focus;
  uniform float pool;
  uniform vec3 near_colour;
  uniform vec3 far_colour;
  uniform vec3 line_colour;

  // Share of a pixel that lines of a width cover, one line every period (m): a box filter over the pixel.
  float lines(vec2 place, float period, float width) {
    vec2 pixel = fwidth(place);
    vec2 away = abs(fract(place / period + 0.5) - 0.5) * period;
    vec2 cover = clamp((0.5 * max(vec2(width), pixel) - away) / pixel + 0.5, 0.0, 1.0);
    cover *= min(vec2(1.0), width / pixel);
    // Where lines are finer than pixels they would shimmer: fade them to their mean.
    cover = mix(cover, vec2(0.0), smoothstep(0.15, 0.45, pixel / period));
    return max(cover.x, cover.y);
  }
`;

/** What three.js's shadow material draws, and the floor replaces. */
const SHADOW_ALONE = "gl_FragColor = vec4( color, opacity * ( 1.0 - getShadowMask() ) );";

const FRAGMENT = /* glsl */ `
  float lit = exp(-dot(vWorld - focus, vWorld - focus) / (pool * pool));
  vec3 ground = mix(far_colour, near_colour, lit);
  float metre = lines(vWorld, 1.0, 0.018) * 0.34;
  float ten = lines(vWorld, 10.0, 0.05) * 0.9;
  float shown = max(metre, ten) * (0.35 + 0.65 * lit);
  // A flat floor is lit alike everywhere: all that the lights change is the shadow, which keeps the sky's blue.
  vec3 light = mix(vec3(0.34, 0.37, 0.46), vec3(1.02, 1.02, 1.05), getShadowMask());
  gl_FragColor = vec4(mix(ground, line_colour, shown) * light, 1.0);
`;

/** An endless dark floor: lines every metre, stronger ones every ten, a pool of light around what is looked at. */
export class Floor {
  /** @param {Theme} theme */
  constructor(theme) {
    const colour = (/** @type {[number, number, number]} */ rgb) => ({ value: new THREE.Color(hex(rgb)) });
    this.uniforms = {
      focus: { value: new THREE.Vector2() },
      pool: { value: 6 },
      near_colour: colour(mix(theme.raised, theme.line, 0.35)),
      far_colour: colour(theme.ink),
      line_colour: colour(mix(theme.line, theme.muted, 0.55)),
    };
    this.material = new THREE.ShadowMaterial();
    this.material.transparent = false;
    this.material.onBeforeCompile = (shader) => {
      Object.assign(shader.uniforms, this.uniforms);
      shader.vertexShader = `varying vec2 vWorld;\n${shader.vertexShader.replace("#include <project_vertex>", `#include <project_vertex>\n${VERTEX}`)}`;
      if (!shader.fragmentShader.includes(SHADOW_ALONE)) {
        throw new Error("The shadow material of this three.js is not the one that the floor was written for");
      }
      shader.fragmentShader = `${FRAGMENT_HEAD}\n${shader.fragmentShader.replace(SHADOW_ALONE, FRAGMENT)}`;
    };
    this.mesh = new THREE.Mesh(new THREE.PlaneGeometry(SIZE_M, SIZE_M), this.material);
    this.mesh.receiveShadow = true;
  }

  /**
   * Keep the floor under what is looked at; its lines stay in the world.
   * @param {number} x
   * @param {number} y
   * @param {number} z height (m)
   */
  centre(x, y, z) {
    this.mesh.position.set(Math.round(x / 10) * 10, Math.round(y / 10) * 10, z);
    this.uniforms.focus.value.set(x, y);
  }

  /** @param {number} radius (m) of the pool of light */
  setPool(radius) {
    this.uniforms.pool.value = radius;
  }

  dispose() {
    this.mesh.geometry.dispose();
    this.material.dispose();
  }
}
