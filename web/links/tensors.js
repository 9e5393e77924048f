/** A policy's safetensors file as tensors and texts, and back (docs/formats.md), for what the page itself does with one. */

import { LinkError } from "./record.js";

/** @typedef {Float32Array|Float64Array} Tensor */

/**
 * @param {ArrayBuffer} bytes of a file that TabRL wrote
 * @returns {{tensors: Record<string, Tensor>, texts: Record<string, string>}}
 */
export function readTensors(bytes) {
  const length = Number(new DataView(bytes).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(bytes, 8, length)));
  const { __metadata__: texts = {}, ...entries } = header;
  /** @type {Record<string, Tensor>} */
  const tensors = {};
  for (const [name, { dtype, data_offsets }] of Object.entries(entries)) {
    const part = bytes.slice(8 + length + data_offsets[0], 8 + length + data_offsets[1]);
    const tensor = dtype === "F64" ? new Float64Array(part) : new Float32Array(part);
    if (!tensor.every(Number.isFinite))
      throw new LinkError(
        `${name} holds numbers that are not finite: the training broke.`,
        "Use an earlier policy.",
      );
    tensors[name] = tensor;
  }
  return { tensors, texts };
}

/**
 * @param {Record<string, {shape: number[], values: Tensor}>} tensors
 * @param {Record<string, string>} texts
 * @returns {ArrayBuffer}
 */
export function writeTensors(tensors, texts) {
  const order = Object.entries(tensors).sort(
    ([a, { values: x }], [b, { values: y }]) => y.BYTES_PER_ELEMENT - x.BYTES_PER_ELEMENT || (a < b ? -1 : 1),
  );
  /** @type {Record<string, unknown>} */
  const header = { __metadata__: Object.fromEntries(Object.entries(texts).sort()) };
  let at = 0;
  for (const [name, { shape, values }] of order) {
    const dtype = values instanceof Float64Array ? "F64" : "F32";
    header[name] = { dtype, shape, data_offsets: [at, at + values.byteLength] };
    at += values.byteLength;
  }
  const plain = new TextEncoder().encode(JSON.stringify(header));
  const start = 8 + Math.ceil(plain.length / 8) * 8;
  const whole = new Uint8Array(start + at).fill(32, 8, start);
  new DataView(whole.buffer).setBigUint64(0, BigInt(start - 8), true);
  whole.set(plain, 8);
  at = start;
  for (const [, { values }] of order) {
    whole.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), at);
    at += values.byteLength;
  }
  return whole.buffer;
}
