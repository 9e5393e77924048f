/** A robot's gait on one picture: the same robot at equal times, side by side, for a designer that can see. */

import { failure } from "./errors.js";
import { loadScene } from "./views/scene.js";
import { StickGrid } from "./views/stick_grid.js";
import { WorkerClient } from "./worker_client.js";

/** @import {Frame} from "./protocol" */
/** @import {TaskRecord} from "./page_types" */

const PICTURES = 12;
/** Simulated time between two of them (s): a step of a walk is about half a second. */
const EVERY_S = 0.2;
const WIDTH = 960;
const HEIGHT = 480;

/**
 * @typedef {object} Subject what acts, in which episode
 * @property {ArrayBuffer} policy
 * @property {TaskRecord} task
 * @property {number} seed of the evaluation whose first state it begins with
 * @property {(task: TaskRecord) => Promise<string>} loadModel
 */

/**
 * Frames of an episode at equal times.
 * @param {Subject} subject
 * @param {number} dt seconds per control step
 * @returns {Promise<Frame[]>}
 */
async function frames({ policy, task, seed, loadModel }, dt) {
  /** @type {Frame[]} */
  const taken = [];
  const every = Math.max(1, Math.round(EVERY_S / dt));
  return await new Promise((resolve, reject) => {
    const client = new WorkerClient("show", {
      onMessage: (message) => {
        if (message.type === "frame" && (message.steps[0] ?? 0) >= taken.length * every) taken.push(message);
        if (message.type === "failed") reject(failure(message));
        else if (taken.length === PICTURES || (message.type === "episode_ended" && taken.length > 0))
          resolve(taken);
        else return;
        client.close();
      },
      onBoot: () => {},
      onLost: reject,
    });
    Promise.all([loadModel(task), client.booted])
      .then(([model_xml]) => {
        client.send({
          type: "start_playing",
          task: /** @type {any} */ (task),
          model_xml,
          policy: policy.slice(0),
          n_envs: 1,
          seed,
          deterministic: true,
          speed: 1,
          only_seen: true,
        });
      })
      .catch((error) => {
        client.close();
        reject(error);
      });
  });
}

/**
 * The picture on the page's own dark ground, which a drawing by itself lacks.
 * @param {HTMLCanvasElement} drawn
 */
function onInk(drawn) {
  const sheet = document.createElement("canvas");
  sheet.width = drawn.width;
  sheet.height = drawn.height;
  const ctx = /** @type {CanvasRenderingContext2D} */ (sheet.getContext("2d"));
  ctx.fillStyle = getComputedStyle(document.body).backgroundColor;
  ctx.fillRect(0, 0, sheet.width, sheet.height);
  ctx.drawImage(drawn, 0, 0);
  return sheet.toDataURL("image/png");
}

/**
 * @param {Subject} subject
 * @returns {Promise<{image: string, image_type: string}>} base64 and its media type
 */
export async function contactSheet(subject) {
  const { task } = subject;
  const scene = await loadScene(new URL(`./models/${task.model}.scene.json`, import.meta.url));
  const dt = scene.timestep * task.frame_skip;
  const taken = await frames(subject, dt);
  const canvas = document.createElement("canvas");
  canvas.className = "contact-sheet";
  canvas.style.cssText = `position: fixed; left: -9999px; width: ${WIDTH}px; height: ${HEIGHT}px`;
  document.body.append(canvas);
  const grid = new StickGrid(canvas, { onSelect: null });
  try {
    grid.setScene(scene, taken.length, { dt });
    grid.setLabels(taken.map((frame) => `${((frame.steps[0] ?? 0) * dt).toFixed(1)} s`));
    const stacked = new Float32Array(taken.flatMap((frame) => [...new Float32Array(frame.poses)]));
    grid.setFrame({
      poses: stacked,
      torques: new Float32Array(taken.length * scene.actuators.length),
      returns: [],
      steps: [],
    });
    grid.stream?.advance(performance.now() + 1000);
    grid.draw(performance.now());
    const url = onInk(canvas);
    return { image: url.slice(url.indexOf(",") + 1), image_type: "image/png" };
  } finally {
    grid.destroy();
    canvas.remove();
  }
}
