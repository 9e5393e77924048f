// A worker of the page in a thread of Node.js: the few globals of a browser's worker that it needs, then the worker's own
// module. Imported by node_page.mjs for its fetch; run as a thread with workerData.url for all of it.
import { readFile, stat } from "node:fs/promises";
import { versions } from "node:process";
import { isMainThread, parentPort, workerData } from "node:worker_threads";

/** What a static host answers, for addresses of files. */
globalThis.fetch = async (target, options) => {
  const url = new URL(target);
  const found = await stat(url).catch(() => null);
  if (!found) return new Response(null, { status: 404 });
  const type = url.pathname.endsWith(".wasm") ? "application/wasm" : "application/octet-stream";
  const headers = { "content-type": type, "content-length": String(found.size) };
  return new Response(options?.method === "HEAD" ? null : await readFile(url), { headers });
};

/** Emscripten reads files with it where the address is one of a file. */
class FileRequest {
  open(_, url) {
    this.url = url;
  }

  send() {
    readFile(new URL(this.url)).then((data) => {
      this.status = 200;
      this.response = data.buffer.slice(data.byteOffset, data.byteOffset + data.length);
      this.onload();
    }, this.onerror);
  }
}

if (!isMainThread) {
  globalThis.self = globalThis;
  // Node.js has one from its version 21 on.
  globalThis.navigator ??= { userAgent: `Node.js/${versions.node}`, platform: "linux", language: "en" };
  globalThis.location = new URL(workerData.url);
  globalThis.XMLHttpRequest = FileRequest;
  globalThis.WorkerGlobalScope = class {
    static [Symbol.hasInstance](value) {
      return value === globalThis;
    }
  };
  globalThis.postMessage = (message, { transfer }) => parentPort.postMessage(message, transfer);
  globalThis.addEventListener = (_, take) => parentPort.on("message", (data) => take({ data }));
  // Pyodide and MuJoCo would take this for Node.js, and read files by their paths.
  delete globalThis.process;
  await import(workerData.url);
}
