/**
 * Keeps one whole version of the page, so that it opens without a network, and isolates it where its host does not.
 *
 * The build writes the version below: the fingerprint of all files in build.json. A version is kept in a cache of its own,
 * every file checked against its sha256, and serves pages only when it is complete; until then the older one does. The large
 * parts that Python needs come when they are first used, or all at once when the page asks for it.
 *
 * A classic script: it runs apart from the page, in every browser that knows service workers.
 */

/** @import {Asked, BuildRecord, Fetching, FromServiceWorker, Scope} from "./service_worker_scope" */

/** `content` of the build.json that belongs to this file. */
const VERSION = "the build writes it here";
const RECORD = "build.json";
/** What a first visit can do without. */
const LATER = ["runtime/pyodide/", "runtime/sdk/", "runtime/tabrl_design.zip", "wheels/"];
const LANES = 6;
/** What the isolation of a page takes. A host that sends it keeps its own words. */
const ISOLATION = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "same-origin",
};
/** Headers that are true of the kept bytes: they are not compressed any more, and have no age. */
const KEPT_HEADERS = [
  ...["Content-Type", "Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy"],
  ...Object.keys(ISOLATION),
];

const scope = /** @type {Scope} */ (/** @type {unknown} */ (self));
const HOME = scope.registration.scope;
/** Pages of other folders of the same host have caches of their own beside these. */
const OURS = `tabrl ${HOME} `;
const NAME = OURS + VERSION;

/** The host's file is not the one that belongs to this version. */
class OtherVersion extends Error {
  name = "OtherVersion";
}

/** @param {string} path */
const isLater = (path) => LATER.some((start) => path.startsWith(start));

/** @type {Promise<BuildRecord|null>|null} */
let reading = null;

/** What this version consists of, once it is complete. @returns {Promise<BuildRecord|null>} */
function readRecord() {
  reading ??= (async () => {
    const kept = await (await caches.open(NAME)).match(RECORD);
    return kept ? await kept.json() : null;
  })();
  const again = () => {
    reading = null;
  };
  reading.then((found) => found ?? again(), again);
  return reading;
}

/**
 * An answer as it is kept.
 * @param {Response} response from the host
 * @param {BodyInit|null} body
 */
function isolated(response, body) {
  const headers = new Headers(ISOLATION);
  for (const name of KEPT_HEADERS) {
    const value = response.headers.get(name);
    if (value !== null) headers.set(name, value);
  }
  return new Response(body, { status: response.status, statusText: response.statusText, headers });
}

/** @param {ArrayBuffer} bytes */
async function sha256(bytes) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * A file from the host: what the browser remembers of it will do, unless that is another version's.
 * @param {string} path
 * @param {string} wanted its sha256
 * @throws {OtherVersion} the host has another one
 */
async function fetchFile(path, wanted) {
  for (const cache of /** @type {const} */ (["default", "reload"])) {
    const response = await fetch(new URL(path, HOME), { cache });
    if (!response.ok) throw new OtherVersion(`${path}: the server answered ${response.status}`);
    const bytes = await response.arrayBuffer();
    if ((await sha256(bytes)) === wanted) return isolated(response, bytes);
  }
  throw new OtherVersion(`${path} on the server is of another version of the page`);
}

/**
 * Do something for each item, several at a time.
 * @template T
 * @param {T[]} items
 * @param {(item: T) => Promise<void>} work
 */
async function inLanes(items, work) {
  const left = [...items];
  const lane = async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) await work(next);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}

/**
 * Files of the versions kept so far.
 * @returns {Promise<{bySha: Map<string, () => Promise<Response|undefined>>, later: boolean}>} later: large parts are among them
 */
async function olderFiles() {
  const bySha = new Map();
  let later = false;
  for (const name of await caches.keys()) {
    if (!name.startsWith(OURS) || name === NAME) continue;
    const cache = await caches.open(name);
    const record = await cache.match(RECORD);
    if (!record) continue;
    const { files } = /** @type {BuildRecord} */ (await record.json());
    for (const { url } of await cache.keys()) {
      const path = url.slice(HOME.length);
      const facts = files[path];
      if (!facts) continue;
      later ||= isLater(path);
      bySha.set(facts.sha256, () => cache.match(path));
    }
  }
  return { bySha, later };
}

/** Keep this version beside the one that serves; the record comes last, so what has one is complete. */
async function install() {
  const response = await fetch(new URL(RECORD, HOME), { cache: "no-cache" });
  if (!response.ok) throw new OtherVersion(`${RECORD}: the server answered ${response.status}`);
  const text = await response.text();
  const record = /** @type {BuildRecord} */ (JSON.parse(text));
  if (record.content !== VERSION) throw new OtherVersion(`${RECORD} on the server is of another version`);
  const cache = await caches.open(NAME);
  const older = await olderFiles();
  const wanted = Object.entries(record.files).filter(([path]) => older.later || !isLater(path));
  await inLanes(wanted, async ([path, facts]) => {
    if (await cache.match(path)) return;
    const same = await older.bySha.get(facts.sha256)?.();
    // An answer with a policy is asked for anew: the policy may have changed where the file has not.
    const reusable = same && !same.headers.has("Content-Security-Policy");
    await cache.put(path, reusable ? same : await fetchFile(path, facts.sha256));
  });
  await cache.put(RECORD, isolated(response, text));
}

/** Keep what is still missing. @returns {Promise<FromServiceWorker>} */
async function keepAll() {
  const record = await readRecord();
  if (!record) throw new Error("no version of the page is kept yet");
  const cache = await caches.open(NAME);
  let [files, missing] = [0, 0];
  await inLanes(Object.entries(record.files), async ([path, facts]) => {
    if (!(await cache.match(path))) {
      try {
        await cache.put(path, await fetchFile(path, facts.sha256));
      } catch (error) {
        if (isStorageError(error)) throw error;
        missing++;
        return;
      }
    }
    files++;
  });
  return { type: "kept", files, missing };
}

/** @param {unknown} error */
const isStorageError = (error) => error instanceof DOMException && error.name !== "AbortError";

/** Say on every open page that no copy can be kept. @param {unknown} error */
async function complain(error) {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  const pages = await scope.clients.matchAll({ type: "window", includeUncontrolled: true });
  for (const page of pages)
    if (page.url.startsWith(HOME)) page.postMessage({ type: "not_kept", name, message });
}

/** Give back the room that older and unfinished versions take. */
async function forgetOthers() {
  for (const name of await caches.keys())
    if (name.startsWith(OURS) && name !== NAME) await caches.delete(name);
}

/**
 * The page's own file that a request means; null for anything else, such as the relay's answers.
 * @param {Request} request
 */
function pathOf(request) {
  if (!request.url.startsWith(HOME) || request.headers.has("Range")) return null;
  if (request.method !== "GET" && request.method !== "HEAD") return null;
  return request.url.slice(HOME.length).replace(/[?#].*$/s, "") || "index.html";
}

/**
 * A file as this version has it, from the cache, else from the host.
 * @param {Request} request
 * @param {string} path
 */
async function answer(request, path) {
  /** @type {BuildRecord|null} */
  let record = null;
  /** @type {Response|undefined} */
  let kept;
  try {
    record = await readRecord();
    if (record) kept = await (await caches.open(NAME)).match(path);
  } catch (error) {
    await complain(error);
  }
  if (kept) return request.method === "HEAD" ? new Response(null, kept) : kept;
  const facts = record?.files[path];
  if (!facts || request.method === "HEAD") return fetch(request);
  return fetchAndKeep(path, facts.sha256);
}

/**
 * @param {string} path
 * @param {string} wanted its sha256
 */
async function fetchAndKeep(path, wanted) {
  /** @type {Response} */
  let response;
  try {
    response = await fetchFile(path, wanted);
  } catch (error) {
    if (!(error instanceof OtherVersion)) throw error;
    // A file of another version would be worse than none. The newer one is on its way.
    scope.registration.update().catch(() => {});
    return new Response(error.message, { status: 409, statusText: "Another version", headers: ISOLATION });
  }
  try {
    await (await caches.open(NAME)).put(path, response.clone());
  } catch (error) {
    await complain(error);
  }
  return response;
}

/** @param {Asked["data"]} asked @returns {Promise<FromServiceWorker>} */
async function obey(asked) {
  switch (asked.type) {
    case "adopt": {
      const same = asked.content === VERSION;
      // A browser that ran out of room may have dropped the copy and kept the worker.
      if (same && !(await readRecord())) await install();
      if (same) await scope.clients.claim();
      return { type: "adopted", same };
    }
    case "keep_all":
      return await keepAll();
    case "take_over": {
      const pages = await scope.clients.matchAll({ type: "window", includeUncontrolled: true });
      const others = pages.filter((page) => page.url.startsWith(HOME)).length - 1;
      // The other pages are of the older version, and would be given files of this one.
      if (others <= 0) await scope.skipWaiting();
      return { type: "taken_over", others };
    }
    default:
      throw new Error(`Unknown message: ${JSON.stringify(asked)}`);
  }
}

scope.addEventListener("install", (event) => {
  event.waitUntil(
    install().catch(async (error) => {
      if (isStorageError(error)) {
        await caches.delete(NAME);
        await complain(error);
      }
      throw error;
    }),
  );
});

scope.addEventListener("activate", (event) => event.waitUntil(forgetOthers()));

scope.addEventListener("fetch", (/** @type {Fetching} */ event) => {
  const path = pathOf(event.request);
  if (path !== null) event.respondWith(answer(event.request, path));
});

scope.addEventListener("message", (event) => {
  const [port] = event.ports;
  event.waitUntil(
    obey(event.data).then(
      (said) => port?.postMessage(said),
      async (error) => {
        if (isStorageError(error)) await complain(error);
        port?.postMessage({ type: "failed", message: String(error) });
      },
    ),
  );
});
