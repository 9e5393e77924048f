// Answers, line by line, what the page makes of links: {call, ...} in, one line of JSON out.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { createInflateRaw } from "node:zlib";

// Browsers refuse bytes after the end of the deflated data, as the Compression Standard says; Node 20 passes over them.
const MOST_UNPACKED = 64e6;
globalThis.DecompressionStream = class {
  constructor() {
    const packed = [];
    const unpack = async (controller) => {
      const inflate = createInflateRaw();
      const whole = Buffer.concat(packed);
      inflate.end(whole);
      let size = 0;
      for await (const part of inflate) {
        controller.enqueue(new Uint8Array(part));
        size += part.length;
        if (size > MOST_UNPACKED) return;
      }
      if (inflate.bytesWritten < whole.length) throw new TypeError("there is more after the end of the data");
    };
    const { readable, writable } = new TransformStream({
      transform: (part) => void packed.push(part),
      flush: unpack,
    });
    Object.assign(this, { readable, writable });
  }
};

const [links, tasksFile, settingsFile] = process.argv.slice(2);
const { unwrap, wrap } = await import(`${links}/envelope.js`);
const { policyLink, policyOf, policyPayload, readPolicyLink } = await import(`${links}/policy_link.js`);
const { readRecipeLink, recipeOf, recipePayload, recipeLink } = await import(`${links}/recipe_link.js`);
const { toHalf, fromHalf } = await import(`${links}/halves.js`);
const parsed = (file) => JSON.parse(readFileSync(file, "utf8"));
const tasks = new Map(parsed(tasksFile).tasks.map((task) => [task.id, task]));
const known = { tasks, settings: parsed(settingsFile) };
const bytes = (text) => Uint8Array.from(Buffer.from(text, "base64"));
const base64 = (data) => Buffer.from(data).toString("base64");

// What a person would see: nothing may come out of here but an answer or a LinkError.
async function read(link) {
  const begun = performance.now();
  let answer;
  try {
    const { kind, payload } = await unwrap(link);
    const shared = kind === "policy" ? policyOf(payload, tasks) : recipeOf(payload, known);
    const ms = performance.now() - begun;
    // What was read, written again: Python must write the same.
    const again = kind === "policy" ? policyPayload(shared.file, shared, tasks) : recipePayload(shared.recipe, shared, known);
    return { kind, again: base64(again), ms };
  } catch (error) {
    answer = { refused: error.name === "LinkError", words: `${error.name}: ${error.message}` };
  }
  return { ...answer, ms: performance.now() - begun };
}

const calls = {
  read: ({ link }) => read(link),
  many: async ({ links }) => {
    const answers = [];
    for (const link of links) answers.push(await read(link));
    return answers;
  },
  policy: async ({ link }) => {
    const { file, ...words } = await readPolicyLink(link, tasks);
    return { ...words, file: base64(file) };
  },
  recipe: ({ link }) => readRecipeLink(link, known),
  policyLink: ({ file, words }) => policyLink(bytes(file).buffer, words, tasks),
  policyPayload: ({ file, words }) => base64(policyPayload(bytes(file).buffer, words, tasks)),
  recipeLink: ({ recipe, words }) => recipeLink(recipe, words, known),
  recipePayload: ({ recipe, words }) => base64(recipePayload(recipe, words, known)),
  halves: ({ values }) => values.map(toHalf),
  numbers: ({ bits }) => bits.map(fromHalf),
  wrap: ({ kind, payload }) => wrap(kind, bytes(payload)),
};

process.on("unhandledRejection", (error) => {
  process.stdout.write(`${JSON.stringify({ error: `unhandled: ${error}` })}\n`);
});
for await (const line of createInterface({ input: process.stdin })) {
  const { call, ...job } = JSON.parse(line);
  let answer;
  try {
    answer = { answer: await calls[call](job) };
  } catch (error) {
    answer = { error: `${error.name}: ${error.message}` };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
