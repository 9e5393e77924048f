/**
 * Pictures made into one that moves and loops: an animated PNG (PNG specification, third edition, W3C, sections 4.9 and 11.3.6),
 * which every browser plays. Each picture's own compressed data is taken over as it is.
 */

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});

/** @param {Uint8Array} bytes */
function crc(bytes) {
  let c = 0xffffffff;
  for (const byte of bytes) c = /** @type {number} */ (CRC_TABLE[(c ^ byte) & 255]) ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}

/**
 * @param {string} type four letters
 * @param {Uint8Array} data
 */
function chunk(type, data) {
  const out = new Uint8Array(12 + data.length);
  const view = new DataView(out.buffer);
  view.setUint32(0, data.length);
  for (let i = 0; i < 4; i++) out[4 + i] = type.charCodeAt(i);
  out.set(data, 8);
  view.setUint32(8 + data.length, crc(out.subarray(4, 8 + data.length)));
  return out;
}

/**
 * The chunks of a PNG.
 * @param {Uint8Array} png
 * @returns {{type: string, data: Uint8Array}[]}
 * @throws {Error} it is no PNG
 */
function chunksOf(png) {
  if (!SIGNATURE.every((byte, i) => png[i] === byte))
    throw new Error("A picture of the clip is not a PNG; this browser cannot make one of a canvas");
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength);
  const chunks = [];
  for (let at = 8; at + 12 <= png.length; ) {
    const size = view.getUint32(at);
    const type = String.fromCharCode(...png.subarray(at + 4, at + 8));
    chunks.push({ type, data: png.subarray(at + 8, at + 8 + size) });
    at += 12 + size;
  }
  return chunks;
}

/**
 * Numbers of the specification, big-endian.
 * @param {[number, 1|2|4][]} numbers each with its bytes
 */
function packed(numbers) {
  const out = new Uint8Array(numbers.reduce((sum, [, bytes]) => sum + bytes, 0));
  const view = new DataView(out.buffer);
  let at = 0;
  for (const [value, bytes] of numbers) {
    if (bytes === 4) view.setUint32(at, value);
    else if (bytes === 2) view.setUint16(at, value);
    else view.setUint8(at, value);
    at += bytes;
  }
  return out;
}

/**
 * @param {Uint8Array[]} pictures PNG files of one size and colour type
 * @param {number} delay_ms how long each is shown
 * @returns {Uint8Array} a PNG file that loops
 * @throws {Error} there is none, or they differ in size
 */
export function animatedPng(pictures, delay_ms) {
  const [first] = pictures;
  if (!first) throw new Error("A clip needs at least one picture");
  const header = chunksOf(first).find(({ type }) => type === "IHDR");
  if (!header) throw new Error("The first picture of the clip has no header");
  const view = new DataView(header.data.buffer, header.data.byteOffset);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  const parts = [Uint8Array.from(SIGNATURE), chunk("IHDR", header.data)];
  parts.push(
    chunk(
      "acTL",
      packed([
        [pictures.length, 4],
        [0, 4],
      ]),
    ),
  );
  let sequence = 0;
  for (const [index, picture] of pictures.entries()) {
    const chunks = chunksOf(picture);
    const own = chunks.find(({ type }) => type === "IHDR");
    if (own?.data.some((byte, i) => byte !== header.data[i]))
      throw new Error(`Picture ${index + 1} of the clip differs in size from the first`);
    const control = packed([
      [sequence++, 4],
      [width, 4],
      [height, 4],
      [0, 4],
      [0, 4],
      [Math.round(delay_ms), 2],
      [1000, 2],
      [0, 1],
      [0, 1],
    ]);
    parts.push(chunk("fcTL", control));
    for (const { type, data } of chunks) {
      if (type !== "IDAT") continue;
      if (index === 0) parts.push(chunk("IDAT", data));
      else {
        const numbered = new Uint8Array(4 + data.length);
        new DataView(numbered.buffer).setUint32(0, sequence++);
        numbered.set(data, 4);
        parts.push(chunk("fdAT", numbered));
      }
    }
  }
  parts.push(chunk("IEND", new Uint8Array(0)));
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
