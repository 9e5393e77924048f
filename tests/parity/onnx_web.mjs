// A model in onnxruntime-web's wasm, in Node.js: `node onnx_web.mjs ONNXRUNTIME MODEL SIZE < OBS > ACTIONS`, float32.

import { readFileSync, writeSync } from "node:fs";

const [address, model, size] = process.argv.slice(2);
const ort = await import(address);
ort.env.wasm.numThreads = 1;
ort.env.logLevel = "error";
const session = await ort.InferenceSession.create(readFileSync(model), { executionProviders: ["wasm"] });
const bytes = readFileSync(0);
const obs = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
const input = new ort.Tensor("float32", obs, [obs.length / Number(size), Number(size)]);
const { actions } = await session.run({ obs: input });
const data = /** @type {Float32Array} */ (actions.data);
let rest = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
while (rest.length > 0) rest = rest.subarray(writeSync(1, rest));
