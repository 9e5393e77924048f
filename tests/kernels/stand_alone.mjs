// Runs one call of a stand-alone build. Standard input is JSON: {file, function, arguments: [{bytes: base64} | {size} |
// {number}], read: [positions of arguments]}; prints those arrays afterwards, as base64, and what the function gave.
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
  return at;
}

const lengths = [];
const given = job.arguments.map((argument, position) => {
  if (argument.number !== undefined) return argument.number;
  const bytes = argument.bytes ? Buffer.from(argument.bytes, "base64") : new Uint8Array(argument.size);
  lengths[position] = bytes.length;
  return place(bytes);
});
const answer = exports[job.function](...given);
const arrays = job.read.map((position) =>
  Buffer.from(exports.memory.buffer, given[position], lengths[position]).toString("base64"),
);
console.log(JSON.stringify({ imports: WebAssembly.Module.imports(module).length, answer, arrays }));
