/**
 * The worker that moves the first robots starts before the rest of the page is there: the physics engine loads meanwhile.
 * index.html runs this module first; worker_client.js takes the worker over.
 */

/** @typedef {{worker: Worker, lock: string, heard: MessageEvent[], failed: ErrorEvent|null}} Early */

const LOCK = `tabrl-show-${Date.now().toString(36)}-0`;

/** @type {Early|null} */
let early = start();

/** @returns {Early|null} null where the browser has no workers or no WebAssembly; the page says so later */
function start() {
  if (typeof Worker === "undefined" || typeof WebAssembly !== "object") return null;
  /** @type {Early} */
  const started = { worker: spawn(LOCK), lock: LOCK, heard: [], failed: null };
  started.worker.onmessage = (event) => started.heard.push(event);
  started.worker.onerror = (event) => {
    event.preventDefault();
    started.failed = event;
  };
  return started;
}

/**
 * A worker that shows robots without Python.
 * @param {string} lock the Web Lock it holds for as long as it lives
 */
export function spawn(lock) {
  const url = new URL("./workers/player_worker.js", import.meta.url);
  url.search = new URLSearchParams({ role: "player", lock }).toString();
  return new Worker(url, { type: "module", name: lock });
}

/** Take over the worker that was started first; only the first who asks gets it. */
export function takeEarly() {
  const taken = early;
  early = null;
  if (taken) taken.worker.onmessage = taken.worker.onerror = null;
  return taken;
}
