/**
 * The Python worker: `python_worker.js?role=trainer|player|evaluator`. Boots, hands messages to tabrl_py.workers, and runs its
 * advance() in slices, letting messages in between them. With `lock=NAME` it holds that Web Lock for as long as it lives.
 */

import { boot, kernelsOf } from "./boot.js";
import { joinTeam } from "./exchange.js";
import { fatal, forPython, fromPython } from "./python_line.js";
import { PythonSim } from "./python_sim.js";
import { seal } from "./seal.js";
import { Turns } from "./turns.js";

/** @import {FromWorker} from "../protocol" */
/** @import {TeamPlace} from "../page_types" */
/** @import {Exchange} from "./exchange.js" */
/** @import {Kernel} from "./strides.js" */
/** @import {MainModule} from "../runtime/mujoco/mujoco.js" */
/** @import {PyodideAPI} from "../runtime/pyodide/pyodide.mjs" */

/**
 * @typedef {object} Runner tabrl_py.workers.host.Runner
 * @property {(text: string, names: string[], buffers: Uint8Array[]) => void} receive
 * @property {() => number|undefined} advance
 * @property {() => void} publish
 */

/** How long Python works before messages are let in. */
const SLICE_MS = 10;

const started_ms = performance.now();
const parameters = new URL(self.location.href).searchParams;
const role = parameters.get("role");
/** Between two frames at the least: smooth where robots are watched, sparing where they learn. */
const FRAME_MS = role === "trainer" ? 90 : 33;
const lock = parameters.get("lock");
/** The one line to the page: once the worker is sealed, only this module has it. */
const send = self.postMessage.bind(self);
/** @type {Runner|null} */
let runner = null;
/** What ties this worker to the others that learn the same policy, or null. @type {Exchange|null} */
let exchange = null;
/** Messages that came before Python could take them. @type {Record<string, unknown>[]} */
const waiting = [];

/**
 * @param {FromWorker} message
 * @param {Transferable[]} [transfer]
 */
function post(message, transfer = []) {
  send(message, { transfer });
}

/**
 * Tell the page of an error that ends this worker.
 * @param {unknown} thrown
 */
function fail(thrown) {
  runner = null;
  post(fatal(thrown, "Start again: a new worker goes on from the last checkpoint."));
}

/**
 * @param {MainModule} mujoco
 * @param {(number: number) => Kernel} kernelAt
 */
function bridge(mujoco, kernelAt) {
  return {
    /** @param {[xml: string, task: string, nEnvs: number]} given */
    createSim: (...given) => new PythonSim(mujoco, ...given, kernelAt),
    /**
     * @param {boolean} running
     * @param {string} name
     */
    codeRuns: (running, name) => post({ type: "code_runs", running, function: name }),
    /** The exchange of the newest start_training; undefined, which is None there, where this worker learns alone. */
    team: () => exchange ?? undefined,
    /**
     * @param {string} text JSON of a message of protocol.py
     * @param {string[]} names of its binary fields
     * @param {Uint8Array<ArrayBuffer>[]} buffers their bytes
     */
    post: (text, names = [], buffers = []) => post(...fromPython(text, names, buffers)),
  };
}

/**
 * @param {PyodideAPI} pyodide
 * @param {MainModule} mujoco
 * @returns {Runner}
 */
function startRole(pyodide, mujoco) {
  const workers = pyodide.pyimport("tabrl_py.workers.start");
  try {
    return workers.start(role, bridge(mujoco, kernelsOf(pyodide)));
  } finally {
    workers.destroy();
  }
}

/**
 * A training that starts takes its place in a team; what the team before it still sends goes nowhere.
 * @param {Record<string, unknown>} message loses its field `team`, which is not for Python
 */
function takePlace(message) {
  exchange?.close();
  exchange = null;
  const place = /** @type {TeamPlace|undefined} */ (message.team);
  delete message.team;
  exchange = joinTeam(place, () => turns.goOn());
}

/** @param {Record<string, unknown>} message */
function deliver(message) {
  if (message.type === "start_training") takePlace(message);
  runner?.receive(...forPython(message));
}

const turns = new Turns(work);
let shown_ms = 0;

function work() {
  if (!runner) return;
  try {
    const until = performance.now() + SLICE_MS;
    /** @type {number|undefined} */
    let wait_s = 0;
    while (wait_s === 0 && performance.now() < until) wait_s = runner.advance() ?? undefined;
    const now = performance.now();
    if (now - shown_ms >= FRAME_MS || wait_s === undefined) {
      shown_ms = now;
      runner.publish();
    }
    if (wait_s === 0) turns.goOn();
    else if (wait_s !== undefined) turns.goOnIn(wait_s);
  } catch (error) {
    fail(error);
  }
}

/** @param {MessageEvent<Record<string, unknown>>} event */
function receive(event) {
  if (!runner) {
    waiting.push(event.data);
    return;
  }
  try {
    deliver(event.data);
    turns.goOn();
  } catch (error) {
    fail(error);
  }
}

async function main() {
  if (role !== "trainer" && role !== "player" && role !== "evaluator")
    throw new Error(`role=${role} is not known; use trainer, player or evaluator`);
  if (lock && navigator.locks) navigator.locks.request(lock, () => new Promise(() => {}));
  self.addEventListener("message", receive);
  const { pyodide, mujoco, versions } = await boot((stage, fraction) =>
    post({ type: "booting", stage, fraction }),
  );
  const begun = startRole(pyodide, mujoco);
  seal(pyodide);
  runner = begun;
  post({ type: "ready", versions, boot_s: (performance.now() - started_ms) / 1000 });
  for (const message of waiting.splice(0)) deliver(message);
  turns.goOn();
}

main().catch(fail);
