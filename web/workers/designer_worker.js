/**
 * The worker that runs the loop in which rewards are designed: `designer_worker.js`. It has Python and tabrl_py, no physics;
 * what Claude's SDK needs is loaded when it is first asked for. With `lock=NAME` it holds that Web Lock while it lives.
 */

import { bootPython, writeFile } from "./boot.js";
import { fetchBytes, load } from "./parts.js";
import { fatal, forPython, fromPython } from "./python_line.js";
import { loadSdk } from "./sdk.js";

/** @import {FromDesigner} from "../protocol" */
/** @import {PyodideAPI} from "../runtime/pyodide/pyodide.mjs" */

/**
 * @typedef {object} Runner tabrl_py.workers.designer.DesignerRunner
 * @property {(text: string, names: string[], buffers: Uint8Array[]) => void} receive
 * @property {() => number|undefined} advance
 */

/** What of tabrl_py only this worker needs. */
const ARCHIVE = "tabrl_design.zip";

const started_ms = performance.now();
const lock = new URL(self.location.href).searchParams.get("lock");
/** @type {Runner|null} */
let runner = null;
/** Messages that came before Python could take them. @type {Record<string, unknown>[]} */
const waiting = [];
/** @type {ReturnType<typeof setTimeout>|undefined} */
let timer;

/**
 * @param {FromDesigner} message
 * @param {Transferable[]} [transfer]
 */
function post(message, transfer = []) {
  self.postMessage(message, { transfer });
}

/** @param {unknown} thrown what ends this worker */
function fail(thrown) {
  runner = null;
  post(fatal(thrown, "Start again: a new worker goes on from the ledger."));
}

/** @param {PyodideAPI} pyodide */
function bridge(pyodide) {
  return {
    /** @param {(fraction: number, words: string) => void} say */
    loadSdk: (say) => loadSdk(pyodide, say),
    /**
     * @param {string} text JSON of a message of loop_messages.py
     * @param {string[]} names of its binary fields
     * @param {Uint8Array<ArrayBuffer>[]} buffers their bytes
     */
    post: (text, names = [], buffers = []) => post(...fromPython(text, names, buffers)),
  };
}

/** Show what is new, now and when it is time again. */
function advance() {
  clearTimeout(timer);
  try {
    const wait_s = runner?.advance() ?? undefined;
    if (wait_s !== undefined) timer = setTimeout(advance, 1000 * wait_s);
  } catch (error) {
    fail(error);
  }
}

/** @param {Record<string, unknown>} message */
function deliver(message) {
  runner?.receive(...forPython(message));
  advance();
}

/** @param {MessageEvent<Record<string, unknown>>} event */
function receive(event) {
  if (!runner) {
    waiting.push(event.data);
    return;
  }
  try {
    deliver(event.data);
  } catch (error) {
    fail(error);
  }
}

async function main() {
  if (lock && navigator.locks) navigator.locks.request(lock, () => new Promise(() => {}));
  self.addEventListener("message", receive);
  const archive = load("The designer", () => fetchBytes(`runtime/${ARCHIVE}`));
  // Awaited below; what happens to it before that is told there.
  archive.catch(() => {});
  const { pyodide, versions } = await bootPython(
    (stage, fraction) => post({ type: "booting", stage, fraction }),
    Promise.resolve(null),
  );
  writeFile(pyodide, `/${ARCHIVE}`, await archive);
  const archives = pyodide.pyimport("tabrl_py.workers.archives");
  try {
    archives.extend_package(`/${ARCHIVE}`);
  } finally {
    archives.destroy();
  }
  const designer = pyodide.pyimport("tabrl_py.workers.designer");
  try {
    runner = designer.start(bridge(pyodide));
  } finally {
    designer.destroy();
  }
  post({ type: "ready", versions, boot_s: (performance.now() - started_ms) / 1000 });
  for (const message of waiting.splice(0)) deliver(message);
}

main().catch(fail);
