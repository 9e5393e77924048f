/**
 * A player without Python: physics, a policy's network, and the task's reward as a program. It takes and gives the
 * messages of tabrl_py/workers/player.py and moves the first robots of the page; what needs Python it refuses with a
 * NeedsPythonError. With `lock=NAME` it holds that Web Lock for as long as it lives.
 */

import { Evaluator } from "./evaluator.js";
import { load, loadPhysics, loadRewards } from "./parts.js";
import { ConfigError } from "./play_task.js";
import { Shows } from "./shows.js";
import { Turns } from "./turns.js";

/** @import {Failed, FromWorker, ToWorker} from "../protocol" */
/** @import {Surroundings} from "./show.js" */

/** How long the player works before messages are let in. */
const SLICE_MS = 10;
/** Errors that are the person's mistake, or ask for Python: the worker is as good as before. */
const MENDABLE = [
  "TogetherError",
  "ConfigError",
  "PolicyFileError",
  "ModelError",
  "NeedsPythonError",
  "RangeError",
];
/** @type {Record<string, string>} */
const HINTS = {
  ConfigError: "Change the setting and start again.",
  TogetherError: "Each robot has a world of its own again.",
  PolicyFileError: "Choose another file, or train a new policy for this task.",
  ModelError: "Reload the page; if it stays, build it anew with ./build.sh dist.",
};
const OTHER_HINT = "This is a fault of TabRL. Start the show again.";

const lock = new URL(self.location.href).searchParams.get("lock");
const started_ms = performance.now();
/** @type {Surroundings|null} */
let surroundings = null;
const shows = new Shows(post, now_s);
/** @type {Evaluator[]} */
const evaluations = [];
/** Messages that came while something was loaded; null: none has to wait. @type {ToWorker[]|null} */
let waiting = [];

/** @param {FromWorker} message */
function post(message) {
  const buffers = message.type === "frame" ? [message.poses, message.torques] : [];
  self.postMessage(message, { transfer: buffers });
}

/**
 * Tell the page of an error.
 * @param {unknown} thrown
 * @param {ToWorker} [asked] what the page had asked for
 */
function fail(thrown, asked) {
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
    id: asked && "id" in asked ? asked.id : 0,
    show: asked?.type === "start_playing" ? (asked.show ?? 0) : -1,
  };
  post(message);
}

function now_s() {
  return performance.now() / 1000;
}

/**
 * @param {ToWorker} message
 * @param {Surroundings} parts
 */
function handle(message, parts) {
  switch (message.type) {
    case "start_playing":
      return shows.start(message, parts);
    case "stop_playing":
      return shows.stop(message.show);
    case "swap_policy":
      return shows.of(message.show).swap(message.policy);
    case "set_speed":
      return shows.setSpeed(message.speed);
    case "pause":
      return shows.run(false);
    case "resume":
      return shows.run(true);
    case "single_step":
      return shows.singleStep();
    case "reset_rows":
      return shows.reset();
    case "push":
      return shows.of(message.show ?? 0).push(message);
    case "steer":
      return shows.steer(message);
    case "disturb":
      return shows.disturb(message);
    case "throw":
      return shows.throwAt(message);
    case "inspect":
      return shows.inspect(message);
    case "request_evaluation":
      return void evaluations.push(new Evaluator(parts, message));
    default:
      throw new ConfigError(`a player cannot take ${message.type}; send it to a trainer`);
  }
}

/** Rows that are due, and one vector step of an evaluation. @returns {number|null} seconds until there is work */
function advance() {
  let wait = shows.advance();
  const [evaluator] = evaluations;
  if (evaluator) {
    evaluate(evaluator);
    wait = 0;
  }
  return wait;
}

/** One vector step of the first evaluation; whoever asked for it hears of its end and of its errors. @param {Evaluator} evaluator */
function evaluate(evaluator) {
  const { message } = evaluator;
  try {
    const evaluation = evaluator.advance();
    if (!evaluation) return;
    post({ type: "evaluated", id: message.id, evaluation });
  } catch (error) {
    fail(error, message);
  }
  evaluations.shift();
  evaluator.close();
}

const turns = new Turns(work);

function work() {
  if (!surroundings) return;
  try {
    const until = performance.now() + SLICE_MS;
    /** @type {number|null} */
    let wait = 0;
    while (wait === 0 && performance.now() < until) wait = advance();
    shows.publish(wait === null);
    if (wait === 0) turns.goOn();
    else if (wait !== null) turns.goOnIn(wait);
  } catch (error) {
    fail(error);
  }
}

/** @param {ToWorker} message */
function receive(message) {
  if (waiting) {
    waiting.push(message);
    return;
  }
  if (!surroundings) return;
  if (shows.lacks(message)) {
    waiting = [message];
    load("The world of all robots", () => shows.fetchLacking())
      .catch(fail)
      .then(release);
    return;
  }
  try {
    handle(message, surroundings);
  } catch (error) {
    fail(error, message);
  }
  turns.goOn();
}

/** What was waited for is there. */
function release() {
  const messages = waiting ?? [];
  waiting = null;
  for (const message of messages) receive(message);
}

async function main() {
  if (lock && navigator.locks) navigator.locks.request(lock, () => new Promise(() => {}));
  self.addEventListener("message", (event) => receive(event.data));
  post({ type: "booting", stage: "physics", fraction: 0.2 });
  const [mujoco, programs] = await Promise.all([loadPhysics(), loadRewards()]);
  surroundings = { mujoco, programs };
  const boot_s = (performance.now() - started_ms) / 1000;
  post({ type: "ready", versions: { mujoco: mujoco.mj_versionString() }, boot_s });
  release();
}

main().catch((error) => fail(error));
