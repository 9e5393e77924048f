// Trains recipes in the page's workers in Node.js. Arguments: the built page's folder, an empty folder for a copy of it that
// Node.js takes for modules, and JSON of [{recipe, members, shared}]; prints JSON of what tabrlWorkers.train gives for each.
import { cpSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { Worker as Thread } from "node:worker_threads";
import "./node_worker.mjs";
import "./train_in_workers.js";

const [page, folder, text] = process.argv.slice(2);
cpSync(page, folder, { recursive: true, filter: (name) => !name.endsWith(".br") });
writeFileSync(`${folder}/package.json`, '{"type": "module"}');

globalThis.Worker = class {
  constructor(url) {
    this.thread = new Thread(new URL("node_worker.mjs", import.meta.url), { workerData: { url } });
    this.thread.on("message", (data) => this.onmessage({ data }));
    this.thread.on("error", (error) => this.onerror({ message: error.stack }));
  }

  postMessage(message, transfer) {
    this.thread.postMessage(message, transfer);
  }
};

const jobs = JSON.parse(text);
await globalThis.tabrlWorkers.boot(pathToFileURL(`${folder}/`).href, Math.max(...jobs.map(({ members }) => members)));
const done = [];
for (const { recipe, members, shared } of jobs) {
  globalThis.crossOriginIsolated = shared;
  done.push(await globalThis.tabrlWorkers.train(recipe, members));
}
process.stdout.write(JSON.stringify(done), () => process.exit(0));
