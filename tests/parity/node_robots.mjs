// Reads robots as the page does, each in a worker of its own, in Node.js. Arguments: a folder with the page's modules and the engine.
// On stdin JSON of [{name, base64, patience_ms}]; prints JSON of {robot} or {title, message, todo, ms} for each, in order.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { Worker as Thread } from "node:worker_threads";

const [folder] = process.argv.slice(2);
globalThis.Worker = class {
  constructor(url) {
    this.thread = new Thread(new URL("node_worker.mjs", import.meta.url), { workerData: { url: url.href } });
    this.thread.on("message", (data) => this.onmessage({ data }));
    this.thread.on("error", (error) => this.onerror({ message: error.message }));
  }

  postMessage(message, transfer) {
    this.thread.postMessage(message, transfer);
  }

  terminate() {
    this.thread.terminate();
  }
};
const { readRobotFile } = await import(pathToFileURL(`${folder}/robot_reader.js`).href);

const answers = [];
for (const { name, base64, patience_ms } of JSON.parse(readFileSync(0, "utf8"))) {
  const began = performance.now();
  const bytes = new Uint8Array(Buffer.from(base64, "base64")).buffer;
  try {
    answers.push({ robot: await readRobotFile(name, bytes, patience_ms) });
  } catch (error) {
    answers.push({ kind: error.name, title: error.title, message: error.message, todo: error.todo });
  }
  answers.at(-1).ms = performance.now() - began;
}
process.stdout.write(JSON.stringify(answers), () => process.exit(0));
