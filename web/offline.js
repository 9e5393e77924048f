/** The page's side of service_worker.js: it is registered when nothing else is to be loaded, and a newer version is offered. */

/** @import {App} from "./app.js" */
/** @import {FromServiceWorker, ToServiceWorker} from "./service_worker_scope" */

const WORKER = new URL("service_worker.js", import.meta.url);
/** Once the first robots move and the training worker is there, so long without more: then the copy is made. */
const QUIET_MS = 2000;
const LOOK_AGAIN_MS = 3_600_000;
/** A checkpoint of the run is worth waiting for before a reload, a worker that does not answer is not. */
const KEEP_RUN_MS = 3000;

/** @param {number} ms */
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Ask the service worker for something.
 * @param {ServiceWorker} worker
 * @param {ToServiceWorker} message
 * @returns {Promise<FromServiceWorker>}
 */
function ask(worker, message) {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = (event) => {
      port1.close();
      resolve(event.data);
    };
    worker.postMessage(message, [port2]);
  });
}

/**
 * When a copy of the page costs nobody anything: the first robots move, and the workers are loaded.
 * @param {App} app
 */
async function quiet(app) {
  await new Promise((resolve) => app.play.addEventListener("frame", resolve, { once: true }));
  await pause(QUIET_MS);
  await app.run.client?.booted.catch(() => {});
  await pause(QUIET_MS);
}

/**
 * Say that a newer version is there. Nothing is reloaded but by the person.
 * @param {App} app
 * @param {ServiceWorkerRegistration} registration
 */
function offerReload(app, registration) {
  app.notices.show({
    key: "new-version",
    kind: "info",
    title: "New version: reload",
    what: app.run.live
      ? "The run goes on meanwhile; after a reload it continues from its last checkpoint."
      : "",
    actions: [{ label: "Reload", run: () => takeOver(app, registration) }],
  });
}

/**
 * Let the newer version serve the page, and reload it.
 * @param {App} app
 * @param {ServiceWorkerRegistration} registration
 */
async function takeOver(app, registration) {
  await Promise.race([app.run.keep(), pause(KEEP_RUN_MS)]);
  const { waiting } = registration;
  if (!waiting) return location.reload();
  waiting.addEventListener("statechange", () => waiting.state === "activated" && location.reload());
  const said = await ask(waiting, { type: "take_over" });
  if (said.type !== "taken_over" || said.others <= 0) return;
  app.notices.show({
    key: "new-version",
    kind: "info",
    title: "TabRL is open in another tab",
    what: "That tab is of the older version, and the two cannot be mixed.",
    todo: "Close the other tabs of TabRL, then reload.",
    actions: [{ label: "Reload", run: () => takeOver(app, registration) }],
  });
}

/**
 * @param {App} app
 * @param {ServiceWorkerRegistration} registration
 */
function watchForVersions(app, registration) {
  const follow = (/** @type {ServiceWorker|null} */ installing) =>
    installing?.addEventListener("statechange", () => {
      if (installing.state === "installed" && registration.active) offerReload(app, registration);
    });
  if (registration.waiting) offerReload(app, registration);
  follow(registration.installing);
  registration.addEventListener("updatefound", () => follow(registration.installing));
  // Without a network there is nothing newer.
  setInterval(() => registration.update().catch(() => {}), LOOK_AGAIN_MS);
}

/** @param {App} app */
function listenToTroubles(app) {
  navigator.serviceWorker.addEventListener("message", (event) => {
    /** @type {FromServiceWorker} */
    const said = event.data;
    if (said.type !== "not_kept") return;
    app.notices.show({
      key: "offline",
      kind: "info",
      title: "This browser keeps no copy of the page",
      what: "With a network everything works; without one the page may not open.",
      todo: "Free some disk space, or allow this page to store data.",
      details: `${said.name}: ${said.message}`,
    });
  });
}

/**
 * Let the browser keep the page, for visits without a network and for its isolation where the host sends no headers. The
 * page is never reloaded for that: a first visit runs without isolation, with the same results.
 * @param {App} app
 * @param {string} content the version of this page
 */
export async function keepOffline(app, content) {
  // A page inside another one is a picture of it: its visitors did not ask for a copy of everything.
  if (!navigator.serviceWorker || window.top !== window.self) return;
  listenToTroubles(app);
  await quiet(app);
  try {
    const registration = await navigator.serviceWorker.register(WORKER, { updateViaCache: "none" });
    watchForVersions(app, registration);
    const { active } = await navigator.serviceWorker.ready;
    if (!active) return;
    const said = await ask(active, { type: "adopt", content });
    if (said.type === "adopted" && !said.same && !registration.waiting) offerReload(app, registration);
    if (!savesData()) await ask(active, { type: "keep_all" });
  } catch (error) {
    // The page works as before; only its copy is missing.
    console.warn(`no copy of the page is kept: ${error}`);
  }
}

/** Whether the person asked for few bytes; then parts are kept when they are used. */
function savesData() {
  const { connection } = /** @type {{connection?: {saveData?: boolean}}} */ (navigator);
  return connection?.saveData === true;
}
