/** How a run is computed, in words: how many workers learn, and with which arithmetic. */

/** @import {RunControl} from "../run_control.js" */

/** A module with one function that gives a v128: browsers without WebAssembly SIMD refuse it. */
const SIMD_MODULE = Uint8Array.of(
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0], // magic, version
  ...[1, 5, 1, 0x60, 0, 1, 0x7b], // type: () -> v128
  ...[3, 2, 1, 0], // one function of that type
  ...[10, 22, 1, 20, 0, 0xfd, 12, ...new Uint8Array(16), 11], // its body: v128.const 0
);

/** Whether this browser has the WebAssembly instructions that the compiled kernels need. */
export function hasSimd() {
  return typeof WebAssembly === "object" && WebAssembly.validate(SIMD_MODULE);
}

/**
 * @param {RunControl} run
 * @returns {string}
 */
export function arithmeticWords({ started, recipe }) {
  if (!started || !recipe) return "–";
  if (started.arithmetic === "compiled") return "compiled kernels";
  if (recipe.kernels === "numpy") return "NumPy (chosen)";
  return hasSimd() ? "NumPy" : "NumPy (this browser has no WebAssembly SIMD)";
}

/**
 * "2 learn", or on the way there "1 of 2, another loads".
 * @param {RunControl} run
 * @returns {string}
 */
export function workersWords({ learning, loading, wanted, live }) {
  if (!live) return "–";
  if (learning === wanted) return learning === 1 ? "1 learns" : `${learning} learn`;
  if (learning > wanted) return `${learning}, soon ${wanted}`;
  return `${learning} of ${wanted}${loading ? ", another loads" : ""}`;
}
