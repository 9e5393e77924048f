/** A link's payload as the fragment of an address, and back: tabrl_py/policy/link.py, wrap and unwrap. */

import { LAYOUT } from "./layout.js";
import { LinkError } from "./record.js";

/** @typedef {"policy"|"recipe"} Kind */

const FRAGMENT = /^#?([a-z])=([A-Za-z0-9_-]*)$/;
const HEAD = 5;

/**
 * @param {Kind} kind
 * @param {Uint8Array<ArrayBuffer>} payload
 * @returns {Promise<string>} the fragment
 */
export async function wrap(kind, payload) {
  if (payload.length > LAYOUT.largest_payload)
    throw new LinkError(
      `${payload.length} bytes are too many for a link, which takes ${LAYOUT.largest_payload}.`,
      "Export a file instead.",
    );
  const packed = await through(new CompressionStream("deflate-raw"), payload, Number.POSITIVE_INFINITY);
  const raw = new Uint8Array(HEAD + packed.length);
  raw[0] = LAYOUT.version;
  new DataView(raw.buffer).setUint32(1, crc32(packed), true);
  raw.set(packed, HEAD);
  let text = "";
  for (let at = 0; at < raw.length; at += 8192) text += String.fromCharCode(...raw.subarray(at, at + 8192));
  const link = `#${LAYOUT[kind].key}=${btoa(text).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "")}`;
  if (link.length > LAYOUT.longest_link)
    throw new LinkError(`${link.length} characters are too many for a link.`, "Export a file instead.");
  return link;
}

/**
 * @param {string} link an address with a fragment, or the fragment
 * @returns {Promise<{kind: Kind, payload: Uint8Array}>}
 * @throws {LinkError} it is none, or cut short, changed on its way, of another version, or larger than links are
 */
export async function unwrap(link) {
  if (link.length > LAYOUT.longest_link + 2048)
    throw new LinkError(`${link.length} characters are too many for a link.`);
  const found = FRAGMENT.exec(link.slice(Math.max(0, link.indexOf("#"))));
  const kind = /** @type {const} */ (["policy", "recipe"]).find((each) => LAYOUT[each].key === found?.[1]);
  if (!found || !kind) throw new LinkError("This is no link of TabRL: one ends in #p=... or #r=...");
  const text = found[2] ?? "";
  const short = new LinkError(`The link is cut short: it has ${text.length} characters.`);
  if (text.length % 4 === 1) throw short;
  const raw = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
  if (raw.length < HEAD + 1) throw short;
  if (raw[0] !== LAYOUT.version)
    throw new LinkError(
      `The link has version ${raw[0]}, this page reads ${LAYOUT.version}.`,
      "Open it with the page that made it.",
    );
  const packed = raw.slice(HEAD);
  if (crc32(packed) !== new DataView(raw.buffer).getUint32(1, true))
    throw new LinkError("The link is cut short or was changed on its way.");
  return { kind, payload: await inflate(packed) };
}

/** @param {Uint8Array<ArrayBuffer>} packed */
async function inflate(packed) {
  try {
    return await through(new DecompressionStream("deflate-raw"), packed, LAYOUT.largest_payload);
  } catch (error) {
    if (error instanceof LinkError) throw error;
    throw new LinkError("The link is damaged: its data does not unpack.");
  }
}

/**
 * Send bytes through a stream and take what comes out, so long as it is not too much.
 * @param {CompressionStream|DecompressionStream} stream
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @param {number} most
 */
async function through(stream, bytes, most) {
  const writer = stream.writable.getWriter();
  const wrote = writer.write(bytes).then(() => writer.close());
  // What goes wrong in writing is seen in reading too.
  wrote.catch(() => {});
  writer.closed.catch(() => {});
  const reader = stream.readable.getReader();
  /** @type {Uint8Array[]} */
  const parts = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > most) {
      // The size is what is wrong, whatever the rest would be.
      reader.cancel().catch(() => {});
      throw new LinkError(`The link is damaged: it unpacks to more than ${most} bytes.`);
    }
    parts.push(value);
  }
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let value = n;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/**
 * CRC-32 (ISO 3309), as zlib.crc32.
 * @param {Uint8Array} bytes
 */
export function crc32(bytes) {
  let value = 0xffffffff;
  for (const byte of bytes) value = (value >>> 8) ^ /** @type {number} */ (TABLE[(value ^ byte) & 255]);
  return (value ^ 0xffffffff) >>> 0;
}
