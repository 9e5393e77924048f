// One training run in the page's own workers, in Node.js. Arguments: the built page's folder, an empty folder for a copy of it
// that Node.js takes for modules, and a file with JSON of {recipe, members, checkpoint_every_updates, checkpoint}, the last in
// base64 or "" to begin. Prints a line of JSON for each record of an update and for each checkpoint, then one for the
// evaluation and one for the policy file, in base64.
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { Worker as Thread } from "node:worker_threads";
import "../../tests/parity/node_worker.mjs";

const [page, folder, asked] = process.argv.slice(2);
const { recipe, members, checkpoint_every_updates, checkpoint } = JSON.parse(readFileSync(asked, "utf8"));
cpSync(page, folder, { recursive: true, filter: (name) => !name.endsWith(".br") });
writeFileSync(`${folder}/package.json`, '{"type": "module"}');
const root = pathToFileURL(`${folder}/`).href;
const url = `${root}workers/python_worker.js?role=trainer`;
const threads = Array.from(
  { length: members },
  () => new Thread(new URL("../../tests/parity/node_worker.mjs", import.meta.url), { workerData: { url } }),
);

/** The messages of a thread, one after another; what goes wrong in it ends the program. */
function listen(thread, take) {
  thread.on("message", (message) => (message.type === "failed" ? fail(message.message) : take(message)));
  thread.on("error", (error) => fail(error.stack));
}

function fail(words) {
  process.stderr.write(`${words}\n`, () => process.exit(1));
}

function say(record) {
  process.stdout.write(`${JSON.stringify(record)}\n`);
}

let policy = null;
/** What the first worker says, which speaks for the run. */
function heard(message) {
  if (message.type === "started") say({ arithmetic: message.arithmetic });
  else if (message.type === "progressed") say({ progress: message.progress });
  else if (message.type === "evaluated") say({ evaluation: message.evaluation });
  else if (message.type === "policy_file") policy = message.policy;
  else if (message.type === "checkpoint_file")
    say({ checkpoint: Buffer.from(message.checkpoint).toString("base64"), steps: message.steps });
  else if (message.type === "state_changed" && message.state === "finished") {
    const line = `${JSON.stringify({ policy: Buffer.from(policy).toString("base64") })}\n`;
    process.stdout.write(line, () => process.exit(0));
  }
}

const ready = threads.map(
  (thread, member) =>
    new Promise((settle) => {
      listen(thread, (message) => (message.type === "ready" ? settle() : member === 0 && heard(message)));
    }),
);
await Promise.all(ready);
globalThis.crossOriginIsolated = true;
const { teamPlaces } = await import(`${root}team.js`);
const { tasks } = await (await fetch(`${root}tasks.json`)).json();
const task = tasks.find(({ id }) => id === recipe.task);
const model_xml = await (await fetch(`${root}models/${task.model}.xml`)).text();
const kept = checkpoint === "" ? null : Uint8Array.from(Buffer.from(checkpoint, "base64")).buffer;
const start = { type: "start_training", recipe, task, model_xml, visible: 0, checkpoint: kept, policy: null };
for (const [member, place] of teamPlaces(members).entries()) {
  threads[member].postMessage({ ...start, checkpoint_every_updates, members, member, team: place });
}
