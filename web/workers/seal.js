/**
 * What a worker that runs reward code gives up once it has loaded everything: the network, storage, other workers, the
 * line to the page. The code cannot name any of it (tabrl_py/rewards/syntax.py); this is for the day when that should
 * not hold.
 */

/** @import {PyodideAPI} from "../runtime/pyodide/pyodide.mjs" */

/** Of the worker's global scope. */
const GLOBALS = [
  "postMessage",
  ...["fetch", "fetchLater", "XMLHttpRequest", "XMLHttpRequestUpload", "WebSocket", "WebSocketStream"],
  ...["EventSource", "WebTransport", "RTCPeerConnection", "RTCDataChannel", "Request", "Headers"],
  ...["indexedDB", "IDBFactory", "IDBDatabase", "IDBOpenDBRequest", "caches", "CacheStorage", "Cache"],
  ...["cookieStore", "CookieStore", "StorageManager", "FileSystemHandle", "FileSystemSyncAccessHandle"],
  ...["webkitRequestFileSystem", "webkitResolveLocalFileSystemURL", "webkitRequestFileSystemSync"],
  ...["webkitResolveLocalFileSystemSyncURL", "FileReader", "FileReaderSync", "openDatabase"],
  ...["importScripts", "Worker", "SharedWorker", "BroadcastChannel", "ServiceWorkerContainer"],
  ...["ServiceWorkerRegistration", "Notification", "PushManager", "BackgroundFetchManager", "SyncManager"],
];
/** Of the worker's navigator. The lock that says that the worker lives is held already. */
const NAVIGATOR = [
  ...["storage", "serviceWorker", "locks", "sendBeacon", "usb", "serial", "hid", "gpu", "bluetooth"],
  ...["permissions", "storageBuckets", "connection", "mediaDevices", "clipboard", "webkitTemporaryStorage"],
];
/** Python's doors to JavaScript, to the network and to foreign code. */
const MODULES = [
  ...["js", "pyodide_js", "pyodide.http", "pyodide.code", "pyodide.console", "pyodide.webloop", "micropip"],
  ...["ctypes", "_ctypes", "socket", "ssl", "urllib.request", "http.client", "subprocess", "webbrowser"],
];

/**
 * Take a property away from an object and from everything it inherits from.
 * @param {object} object
 * @param {string} name
 */
function remove(object, name) {
  for (let at = object; at !== null; at = Object.getPrototypeOf(at)) {
    if (!Object.hasOwn(at, name)) continue;
    if (Reflect.deleteProperty(at, name)) continue;
    Object.defineProperty(at, name, { value: undefined, writable: false });
  }
}

/**
 * Take away what reward code must never reach. Call it when nothing is to be loaded any more.
 * @param {PyodideAPI} pyodide
 * @throws {Error} something cannot be taken away: the worker must not run such code
 */
export function seal(pyodide) {
  const scope = globalThis;
  for (const name of NAVIGATOR) remove(navigator, name);
  for (const name of GLOBALS) remove(scope, name);
  const left = [
    ...GLOBALS.filter((name) => Reflect.get(scope, name) !== undefined),
    ...NAVIGATOR.filter((name) => Reflect.get(navigator, name) !== undefined),
  ];
  if (left.length) throw new Error(`${left.join(", ")} could not be taken away from the worker`);
  const modules = pyodide.pyimport("tabrl_py.workers.doors");
  try {
    modules.close(MODULES);
  } finally {
    modules.destroy();
  }
}
