/** A robot's gait on one picture: the same robot at equal times, side by side, for a designer that can see. */

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
 * Frames of a policy's first episode at equal times.
 * @param {ArrayBuffer} policy
 * @param {TaskRecord} task
 * @param {(task: TaskRecord) => Promise<string>} loadModel
 * @param {number} dt seconds per control step
 * @returns {Promise<Frame[]>}
 */
async function frames(policy, task, loadModel, dt) {
  /** @type {Frame[]} */
  const taken = [];
  const every = Math.max(1, Math.round(EVERY_S / dt));
  return await new Promise((resolve, reject) => {
    const client = new WorkerClient("show", {
      onMessage: (message) => {
        if (message.type !== "frame") return;
        const due = taken.length * every;
        const steps = message.steps[0] ?? 0;
        const over = steps < (taken.at(-1)?.steps[0] ?? 0);
        if (steps >= due && !over) taken.push(message);
        if (!over && taken.length < PICTURES) return;
        client.close();
        resolve(taken);
      },
      onBoot: () => {},
      onLost: reject,
    });
    Promise.all([loadModel(task), client.booted]).then(([model_xml]) => {
      client.send({
        type: "start_playing",
        task: /** @type {any} */ (task),
        model_xml,
        policy: policy.slice(0),
        n_envs: 1,
        seed: 0,
        deterministic: true,
        speed: 1,
      });
    }, reject);
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
 * @param {ArrayBuffer} policy
 * @param {TaskRecord} task
 * @param {(task: TaskRecord) => Promise<string>} loadModel
 * @returns {Promise<{image: string, image_type: string}>} base64 and its media type
 */
export async function contactSheet(policy, task, loadModel) {
  const scene = await loadScene(new URL(`./models/${task.model}.scene.json`, import.meta.url));
  const dt = scene.timestep * task.frame_skip;
  const taken = await frames(policy, task, loadModel, dt);
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
