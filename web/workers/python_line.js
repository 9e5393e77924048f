/** What crosses between a worker's script and its Python: messages as JSON text with their binary fields beside it, and faults. */

import { BootError } from "./parts.js";

/** @import {Failed} from "../protocol" */

/**
 * A message of the page as Python takes it.
 * @param {Record<string, unknown>} message
 * @returns {[text: string, names: string[], buffers: Uint8Array[]]} JSON of its plain fields; its binary fields' names and bytes
 */
export function forPython(message) {
  /** @type {string[]} */
  const names = [];
  /** @type {Uint8Array[]} */
  const buffers = [];
  /** @type {Record<string, unknown>} */
  const plain = {};
  for (const [name, value] of Object.entries(message)) {
    if (value instanceof ArrayBuffer) {
      names.push(name);
      buffers.push(new Uint8Array(value));
    } else {
      plain[name] = value;
    }
  }
  return [JSON.stringify(plain), names, buffers];
}

/**
 * A message of Python's as the page takes it.
 * @param {string} text JSON of a message of protocol.py or loop_messages.py
 * @param {string[]} names of its binary fields
 * @param {Uint8Array<ArrayBuffer>[]} buffers their bytes
 * @returns {[message: any, transfer: ArrayBuffer[]]}
 */
export function fromPython(text, names, buffers) {
  const message = JSON.parse(text);
  for (const [i, name] of names.entries()) message[name] = buffers[i]?.buffer;
  return [message, buffers.map((bytes) => bytes.buffer)];
}

/**
 * What the page is told of an error that ends a worker.
 * @param {unknown} thrown
 * @param {string} hint what to do
 * @returns {Failed}
 */
export function fatal(thrown, hint) {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  return {
    type: "failed",
    name: error.name,
    message: error.message,
    traceback: error.stack ?? "",
    hint: error instanceof BootError ? error.hint : hint,
    fatal: true,
    id: 0,
    show: -1,
  };
}
