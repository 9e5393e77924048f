/** Pictures of the stage as files: a film, a short clip that loops, a sheet of pictures side by side. */

import { animatedPng } from "./animated_png.js";

/** @typedef {{name: string, blob: Blob}} Recorded */
/**
 * @typedef {object} Course
 * @property {AbortSignal} signal ends it early; what is there by then is dropped, of a film it is kept
 * @property {(share: number) => void} onProgress 0 to 1
 */

/** The longest film (s): it is held in memory until it is saved. */
export const FILM_S = 60;
export const CLIP_S = 3;
const CLIP_FPS = 12;
/** Width (px) of a clip's pictures: a clip is sent to people, and PNG does not compress from picture to picture. */
const CLIP_WIDTH = 480;
const SHEET_PICTURES = 12;
const SHEET_COLUMNS = 4;
const SHEET_EVERY_MS = 250;
const SHEET_WIDTH = 1920;
const FILM_TYPES = ["video/webm;codecs=vp9", "video/webm;codecs=vp8", "video/webm", "video/mp4"];

/** Why this browser makes no films, or "". */
export function noFilm() {
  if (!("MediaRecorder" in globalThis) || !("captureStream" in HTMLCanvasElement.prototype))
    return "This browser cannot record a canvas. Save a clip or a sheet, or use Chrome, Edge or Firefox.";
  return filmType() ? "" : "This browser records no film format that the page knows.";
}

function filmType() {
  return FILM_TYPES.find((type) => MediaRecorder.isTypeSupported(type)) ?? "";
}

/**
 * A name that says what the file shows and when it was made.
 * @param {string} what task and policy, as shown
 * @param {string} ending
 * @param {Date} when
 */
export function fileName(what, ending, when) {
  const plain = what
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "")
    .slice(0, 60);
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  const day = `${when.getFullYear()}${two(when.getMonth() + 1)}${two(when.getDate())}`;
  return `tabrl-${plain || "robots"}-${day}-${two(when.getHours())}${two(when.getMinutes())}${two(when.getSeconds())}.${ending}`;
}

/**
 * Record the canvas until it is stopped, or for FILM_S.
 * @param {HTMLCanvasElement} canvas
 * @param {Course} course
 * @returns {Promise<Blob>}
 * @throws {Error} the browser cannot, or recorded nothing
 */
export async function film(canvas, { signal, onProgress }) {
  const missing = noFilm();
  if (missing) throw new Error(missing);
  const stream = canvas.captureStream(30);
  const recorder = new MediaRecorder(stream, { mimeType: filmType(), videoBitsPerSecond: 6_000_000 });
  /** @type {Blob[]} */
  const parts = [];
  recorder.addEventListener("dataavailable", ({ data }) => data.size && parts.push(data));
  const stopped = new Promise((resolve, reject) => {
    recorder.addEventListener("stop", resolve);
    recorder.addEventListener("error", (event) =>
      reject(new Error(`The recorder gave up: ${"error" in event ? event.error : "no reason given"}`)),
    );
  });
  const began = performance.now();
  const stop = () => recorder.state !== "inactive" && recorder.stop();
  const clock = setInterval(() => {
    const share = (performance.now() - began) / (1000 * FILM_S);
    onProgress(Math.min(1, share));
    if (share >= 1) stop();
  }, 200);
  signal.addEventListener("abort", stop);
  try {
    recorder.start(500);
    if (signal.aborted) stop();
    await stopped;
  } finally {
    clearInterval(clock);
    signal.removeEventListener("abort", stop);
    for (const track of stream.getTracks()) track.stop();
  }
  const blob = new Blob(parts, { type: recorder.mimeType.split(";")[0] ?? "video/webm" });
  if (blob.size === 0)
    throw new Error("The recording is empty: nothing was drawn. Let the robots move, then record.");
  return blob;
}

/**
 * Wait, or be told to stop.
 * @param {number} ms
 * @param {AbortSignal} signal
 */
function pause(ms, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
    if (signal.aborted) reject(signal.reason);
  });
}

/**
 * The canvas as it is when it has just been drawn; WebGL forgets its picture afterwards.
 * @param {HTMLCanvasElement} canvas
 * @param {CanvasRenderingContext2D} ctx
 * @param {string} ground colour behind
 * @param {[number, number, number, number]} place left, top, width, height
 * @param {() => void} draw draws the canvas at once
 */
function copyTo(canvas, ctx, ground, place, draw) {
  draw();
  ctx.fillStyle = ground;
  ctx.fillRect(...place);
  ctx.drawImage(canvas, ...place);
}

/**
 * @param {number} width
 * @param {number} height
 */
function page(width, height) {
  const sheet = document.createElement("canvas");
  sheet.width = width;
  sheet.height = height;
  const ctx = sheet.getContext("2d", { alpha: false });
  if (!ctx) throw new Error("This browser gives no 2D canvas. Close other tabs that draw, then try again.");
  ctx.imageSmoothingQuality = "high";
  return { sheet, ctx };
}

/** @param {HTMLCanvasElement} canvas @returns {Promise<Blob>} */
function png(canvas) {
  return new Promise((resolve, reject) =>
    canvas.toBlob(
      (blob) => (blob ? resolve(blob) : reject(new Error("The browser made no picture of the canvas"))),
      "image/png",
    ),
  );
}

/**
 * What is drawn, how, and on which ground.
 * @typedef {object} Drawn
 * @property {HTMLCanvasElement} canvas
 * @property {() => void} draw
 * @property {string} ground
 */

/**
 * A clip of CLIP_S seconds that loops.
 * @param {Drawn} drawn
 * @param {Course} course
 * @returns {Promise<Blob>} an animated PNG
 * @throws {DOMException} AbortError: it was cancelled
 */
export async function clip({ canvas, draw, ground }, { signal, onProgress }) {
  const width = Math.min(CLIP_WIDTH, canvas.width);
  const height = Math.max(1, Math.round((width * canvas.height) / Math.max(1, canvas.width)));
  const { sheet, ctx } = page(width, height);
  const pictures = [];
  const count = CLIP_S * CLIP_FPS;
  const began = performance.now();
  for (let i = 0; i < count; i++) {
    await pause(Math.max(0, began + (1000 * i) / CLIP_FPS - performance.now()), signal);
    copyTo(canvas, ctx, ground, [0, 0, width, height], draw);
    pictures.push(new Uint8Array(await (await png(sheet)).arrayBuffer()));
    onProgress((i + 1) / count);
  }
  // Where pictures took longer than planned, they are shown for as long as they took: the robots keep their speed.
  const each_ms = (performance.now() - began) / count;
  const file = animatedPng(pictures, each_ms);
  return new Blob([/** @type {Uint8Array<ArrayBuffer>} */ (file)], { type: "image/png" });
}

/**
 * The stage at equal times, side by side.
 * @param {Drawn} drawn
 * @param {Course} course
 * @returns {Promise<Blob>} a PNG
 * @throws {DOMException} AbortError: it was cancelled
 */
export async function sheetOf({ canvas, draw, ground }, { signal, onProgress }) {
  const wide = Math.round(SHEET_WIDTH / SHEET_COLUMNS);
  const high = Math.max(1, Math.round((wide * canvas.height) / Math.max(1, canvas.width)));
  const { sheet, ctx } = page(SHEET_WIDTH, high * Math.ceil(SHEET_PICTURES / SHEET_COLUMNS));
  ctx.font = "500 16px system-ui, sans-serif";
  ctx.textBaseline = "top";
  const began = performance.now();
  for (let i = 0; i < SHEET_PICTURES; i++) {
    await pause(Math.max(0, began + SHEET_EVERY_MS * i - performance.now()), signal);
    const seconds = (performance.now() - began) / 1000;
    const left = (i % SHEET_COLUMNS) * wide;
    const top = Math.floor(i / SHEET_COLUMNS) * high;
    copyTo(canvas, ctx, ground, [left, top, wide, high], draw);
    ctx.fillStyle = "#9aa7b5";
    ctx.fillText(`${seconds.toFixed(2)} s`, left + 12, top + 10);
    onProgress((i + 1) / SHEET_PICTURES);
  }
  return png(sheet);
}
