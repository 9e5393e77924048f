// Runs calls of a stand-alone build. Standard input is JSON: {file, arrays: {name: base64 | size in bytes}, calls:
// [[function, [argument]]], read: [name]}; an argument is a number, null, or {array: name, offset: bytes}. Prints how many
// imports the build has, what the calls gave, and the named arrays afterwards, as base64.
import { readFileSync } from "node:fs";

const job = JSON.parse(readFileSync(0, "utf8"));
const module = new WebAssembly.Module(readFileSync(job.file));
const { exports } = new WebAssembly.Instance(module, {});
let top = exports.__heap_base.value;

/** @param {Uint8Array} bytes */
function place(bytes) {
  const at = (top + 15) & ~15;
  top = at + bytes.length;
  const missing = top - exports.memory.buffer.byteLength;
  if (missing > 0) exports.memory.grow(Math.ceil(missing / 65536));
  new Uint8Array(exports.memory.buffer).set(bytes, at);
  return { at, length: bytes.length };
}

const placed = new Map();
for (const [name, given] of Object.entries(job.arrays)) {
  placed.set(name, place(typeof given === "number" ? new Uint8Array(given) : Buffer.from(given, "base64")));
}
const answers = job.calls.map(([name, given]) =>
  exports[name](...given.map((x) => (x?.array ? placed.get(x.array).at + (x.offset ?? 0) : (x ?? 0)))),
);
const arrays = job.read.map((name) => {
  const { at, length } = placed.get(name);
  return Buffer.from(exports.memory.buffer, at, length).toString("base64");
});
console.log(JSON.stringify({ imports: WebAssembly.Module.imports(module).length, answers, arrays }));
