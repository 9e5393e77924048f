/**
 * Reading zip archives (PKWARE's APPNOTE 6.3): the central directory, stored and deflated entries. What an archive says of its
 * own sizes is not believed: bytes are counted as they come out.
 */

import { mebibytes, RobotRefused, shortName } from "./refusal.js";

/** As in tabrl_py/sim/robot_file.py. */
const MOST_FILES = 500;
/** Of all files together, unpacked. */
export const LARGEST_BYTES = 24 * 2 ** 20;
/** Of what comes out to what went in; text and meshes stay far below. */
const LARGEST_RATIO = 300;
/** Below this size a high ratio is no bomb. */
const SMALL_BYTES = 2 ** 20;
/** Entries of any kind: pictures, documents and folders are passed over, but somebody has to look at each. */
const MOST_ENTRIES = 20_000;

const END = 0x06054b50;
const END_BYTES = 22;
const ENTRY = 0x02014b50;
const ENTRY_BYTES = 46;
const LOCAL = 0x04034b50;
const LOCAL_BYTES = 30;
const ENCRYPTED = 1;
const [STORED, DEFLATED] = [0, 8];
const AGAIN = "Make the zip again, without a password, and drop that.";

/** @typedef {{path: string, method: number, flags: number, packed: number, at: number}} Entry */

/** @param {Uint8Array} bytes */
export function isArchive(bytes) {
  return bytes[0] === 0x50 && bytes[1] === 0x4b && (bytes[2] === 3 || bytes[2] === 5);
}

/**
 * @param {string} name of the archive
 * @param {string} what is wrong with it
 */
function damaged(name, what) {
  return new RobotRefused(`${name} is damaged: ${what}.`, AGAIN);
}

/**
 * The entries of an archive, as its central directory lists them.
 * @param {string} name
 * @param {DataView} view
 * @returns {Entry[]}
 */
function entriesOf(name, view) {
  let end = view.byteLength - END_BYTES;
  const first = Math.max(0, end - 0xffff);
  while (end >= first && view.getUint32(end, true) !== END) end--;
  if (end < first) throw damaged(name, "it has no list of its files at the end");
  const count = view.getUint16(end + 10, true);
  let at = view.getUint32(end + 16, true);
  if (count === 0xffff || at === 0xffffffff)
    throw new RobotRefused(`${name} is a zip64 archive, for more than 65 535 files or 4 GiB.`, AGAIN);
  if (count > MOST_ENTRIES)
    throw new RobotRefused(`${name} has ${count} entries.`, "Pack the robot alone, and drop that.");
  /** @type {Entry[]} */
  const entries = [];
  for (let i = 0; i < count; i++) {
    if (at + ENTRY_BYTES > view.byteLength || view.getUint32(at, true) !== ENTRY)
      throw damaged(name, `entry ${i + 1} of ${count} is not where its list says`);
    const length = view.getUint16(at + 28, true);
    if (at + ENTRY_BYTES + length > view.byteLength) throw damaged(name, "a name goes beyond its end");
    const path = new TextDecoder().decode(
      new Uint8Array(view.buffer, view.byteOffset + at + ENTRY_BYTES, length),
    );
    entries.push({
      path,
      flags: view.getUint16(at + 8, true),
      method: view.getUint16(at + 10, true),
      packed: view.getUint32(at + 20, true),
      at: view.getUint32(at + 42, true),
    });
    at += ENTRY_BYTES + length + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  return entries;
}

/**
 * The bytes of an entry as they are packed.
 * @param {string} name
 * @param {DataView} view
 * @param {Entry} entry
 */
function packedBytes(name, view, { path, packed, at }) {
  if (at + LOCAL_BYTES > view.byteLength || view.getUint32(at, true) !== LOCAL)
    throw damaged(name, `${shortName(path)} is not where its list says`);
  const from = at + LOCAL_BYTES + view.getUint16(at + 26, true) + view.getUint16(at + 28, true);
  if (from + packed > view.byteLength) throw damaged(name, `${shortName(path)} goes beyond its end`);
  return new Uint8Array(view.buffer, view.byteOffset + from, packed);
}

/**
 * @param {Uint8Array<ArrayBuffer>} packed
 * @param {(bytes: number) => void} count told of every piece; throws to end it
 */
async function inflate(packed, count) {
  const reader = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  /** @type {Uint8Array[]} */
  const pieces = [];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    try {
      count(value.length);
    } catch (error) {
      // Whatever the rest would be, this is what is wrong.
      reader.cancel().catch(() => {});
      throw error;
    }
    pieces.push(value);
  }
  return new Uint8Array(await new Blob(/** @type {BlobPart[]} */ (pieces)).arrayBuffer());
}

/**
 * Unpack the files of an archive that somebody may want.
 * @param {string} name of the archive, for messages
 * @param {Uint8Array} bytes
 * @param {(path: string) => boolean} wanted
 * @returns {Promise<Map<string, Uint8Array>>} by path
 * @throws {RobotRefused} it is damaged, too large, or packed in a way that is not read here
 */
export async function unpack(name, bytes, wanted) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries = entriesOf(name, view).filter(({ path }) => !path.endsWith("/") && wanted(path));
  if (entries.length > MOST_FILES) {
    throw new RobotRefused(
      `${name} has ${entries.length} files of a robot; at most ${MOST_FILES} are read.`,
      "Pack the robot alone, and drop that.",
    );
  }
  let total = 0;
  const count = (/** @type {number} */ more) => {
    total += more;
    if (total > LARGEST_BYTES)
      throw new RobotRefused(
        `${name} unpacks to more than ${mebibytes(LARGEST_BYTES)}.`,
        "Leave out what the robot does not need, or use coarser meshes.",
      );
    if (total > SMALL_BYTES && total > LARGEST_RATIO * bytes.length)
      throw new RobotRefused(
        `${name} unpacks to more than ${LARGEST_RATIO} times its size, as no robot does.`,
        "Make the zip again from the robot's own files.",
      );
  };
  /** @type {Map<string, Uint8Array>} */
  const files = new Map();
  for (const entry of entries) {
    if (entry.flags & ENCRYPTED)
      throw new RobotRefused(`${shortName(entry.path)} in ${name} is encrypted.`, AGAIN);
    if (entry.method !== STORED && entry.method !== DEFLATED)
      throw new RobotRefused(
        `${shortName(entry.path)} in ${name} is packed by method ${entry.method}; only stored and deflated files are read.`,
        AGAIN,
      );
    const packed = packedBytes(name, view, entry);
    if (entry.method === STORED) {
      count(packed.length);
      files.set(entry.path, packed.slice());
      continue;
    }
    try {
      files.set(entry.path, await inflate(packed.slice(), count));
    } catch (error) {
      if (error instanceof RobotRefused) throw error;
      throw damaged(name, `${shortName(entry.path)} cannot be unpacked`);
    }
  }
  return files;
}
