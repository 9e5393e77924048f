/**
 * A player without Python: physics, a policy's network, and the task's reward as a program. It takes and gives the
 * messages of tabrl_py/workers/player.py and moves the first robots of the page; what needs Python it refuses with a
 * NeedsPythonError. With `lock=NAME` it holds that Web Lock for as long as it lives.
 */

import { Evaluator } from "./evaluator.js";
import { Pace } from "./pace.js";
import { loadPhysics, loadRewards } from "./parts.js";
import { ConfigError } from "./play_task.js";
import { Show } from "./show.js";

/** @import {Failed, FromWorker, RequestEvaluation, StartPlaying, ToWorker} from "../protocol" */
/** @import {Surroundings} from "./show.js" */

const FRAME_MS = 33;
/** How long the player works before messages are let in. */
const SLICE_MS = 10;
/** Errors that are the person's mistake, or ask for Python: the worker is as good as before. */
const MENDABLE = ["ConfigError", "PolicyFileError", "ModelError", "NeedsPythonError", "RangeError"];
/** @type {Record<string, string>} */
const HINTS = {
  ConfigError: "Change the setting and start again.",
  PolicyFileError: "Choose another file, or train a new policy for this task.",
  ModelError: "Reload the page; if it stays, build it anew with ./build.sh dist.",
};
const OTHER_HINT = "This is a fault of TabRL. Start the show again.";

const lock = new URL(self.location.href).searchParams.get("lock");
const started_ms = performance.now();
/** @type {Surroundings|null} */
let surroundings = null;
/** @type {Show|null} */
let show = null;
/** @type {Pace|null} */
let pace = null;
let running = false;
/** Something is to be seen that the last frame did not show. */
let changed = false;
/** @type {Evaluator[]} */
const evaluations = [];
/** Messages that came before the physics was there. @type {ToWorker[]} */
const waiting = [];

/** @param {FromWorker} message */
function post(message) {
  const buffers = message.type === "frame" ? [message.poses, message.torques] : [];
  self.postMessage(message, { transfer: buffers });
}

/**
 * Tell the page of an error.
 * @param {unknown} thrown
 * @param {number} [id] of the request that it answers
 */
function fail(thrown, id = 0) {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const fatal = !MENDABLE.includes(error.name);
  if (fatal) surroundings = null;
  /** @type {Failed} */
  const message = {
    type: "failed",
    name: error.name,
    message: error.message,
    traceback: error.stack ?? "",
    hint: "hint" in error ? String(error.hint) : (HINTS[error.name] ?? OTHER_HINT),
    fatal,
    id,
  };
  post(message);
}

function now_s() {
  return performance.now() / 1000;
}

/** @returns {Show} */
function present() {
  if (!show) throw new ConfigError("nothing is shown yet; start playing a policy first");
  return show;
}

/**
 * @param {StartPlaying} message
 * @param {Surroundings} parts
 */
function startPlaying(message, parts) {
  // A bad message must not end what is shown.
  const next = new Show(parts, message, post);
  try {
    pace = new Pace(next.sim.dt, message.speed ?? 1, now_s());
  } catch (error) {
    next.close();
    throw error;
  }
  show?.close();
  show = next;
  running = true;
  changed = true;
  post(show.started());
}

/** @param {boolean} run */
function enter(run) {
  present();
  if (run === running) return;
  running = run;
  pace?.restart(now_s());
  post({ type: "state_changed", state: run ? "running" : "paused" });
}

/**
 * @param {ToWorker} message
 * @param {Surroundings} parts
 */
function handle(message, parts) {
  switch (message.type) {
    case "start_playing":
      return startPlaying(message, parts);
    case "set_speed":
      pace?.setSpeed(message.speed);
      return pace?.restart(now_s());
    case "pause":
      return enter(false);
    case "resume":
      return enter(true);
    case "single_step":
      enter(false);
      return step();
    case "reset_rows":
      present().reset();
      changed = true;
      return;
    case "push":
      return present().push(message);
    case "steer":
      present().steer(message);
      changed = true;
      return;
    case "inspect":
      show?.inspect(message.row);
      changed = true;
      return;
    case "request_evaluation":
      return void evaluations.push(new Evaluator(parts, message));
    default:
      throw new ConfigError(`a player cannot take ${message.type}; send it to a trainer`);
  }
}

function step() {
  present().step();
  changed = true;
}

/** The control step that is due, and one vector step of an evaluation. @returns {number|null} seconds until there is work */
function advance() {
  /** @type {number|null} */
  let wait = null;
  if (show && pace && running) {
    wait = pace.wait(now_s());
    if (wait === 0) {
      step();
      pace.stepped(now_s());
      wait = pace.wait(now_s());
    }
  }
  const [evaluator] = evaluations;
  if (evaluator) {
    const evaluation = evaluator.advance();
    if (evaluation) {
      evaluations.shift();
      evaluator.close();
      post({ type: "evaluated", id: evaluator.id, evaluation });
    }
    wait = 0;
  }
  return wait;
}

/** Messages reach the worker only between two turns of its event loop; a channel of its own makes turns at once. */
const turns = new MessageChannel();
turns.port1.onmessage = work;
let turnWaits = false;
/** @type {ReturnType<typeof setTimeout>|undefined} */
let timer;
let shown_ms = 0;

/** Go on working after the messages that wait now have been let in. */
function goOn() {
  clearTimeout(timer);
  if (turnWaits) return;
  turnWaits = true;
  turns.port2.postMessage(null);
}

function work() {
  turnWaits = false;
  if (!surroundings) return;
  try {
    const until = performance.now() + SLICE_MS;
    /** @type {number|null} */
    let wait = 0;
    while (wait === 0 && performance.now() < until) wait = advance();
    const now = performance.now();
    if (show && pace && changed && (now - shown_ms >= FRAME_MS || wait === null)) {
      shown_ms = now;
      changed = false;
      post(show.frame(running ? pace.factor : null));
    }
    if (wait === 0) goOn();
    else if (wait !== null) timer = setTimeout(goOn, 1000 * wait);
  } catch (error) {
    fail(error);
  }
}

/** @param {ToWorker} message */
function receive(message) {
  if (!surroundings) {
    waiting.push(message);
    return;
  }
  try {
    handle(message, surroundings);
  } catch (error) {
    fail(error, "id" in message ? message.id : 0);
  }
  goOn();
}

async function main() {
  if (lock && navigator.locks) navigator.locks.request(lock, () => new Promise(() => {}));
  self.addEventListener("message", (event) => receive(event.data));
  post({ type: "booting", stage: "physics", fraction: 0.2 });
  const [mujoco, programs] = await Promise.all([loadPhysics(), loadRewards()]);
  surroundings = { mujoco, programs };
  const boot_s = (performance.now() - started_ms) / 1000;
  post({ type: "ready", versions: { mujoco: mujoco.mj_versionString() }, boot_s });
  for (const message of waiting.splice(0)) receive(message);
}

main().catch(fail);
