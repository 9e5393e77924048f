/** Packs and unpacks the fields of a share link as layout.js describes them: tabrl_py/policy/link_record.py. */

import { LAYOUT } from "./layout.js";

/**
 * @typedef {object} Field
 * @property {string} name
 * @property {string} type
 * @property {Record<string, string>} [when]
 * @property {string} [size]
 * @property {readonly string[]} [choices]
 * @property {number} [longest]
 * @property {boolean} [lines]
 * @property {number} [low]
 * @property {number} [high]
 * @property {number} [least]
 * @property {number} [most]
 */
/** @typedef {Record<string, any>} Values */
/** @typedef {number|string|boolean|number[]} SettingValue */

const MOST_NUMBERS = 16;
const LARGEST_COUNT = Number.MAX_SAFE_INTEGER;
const AGAIN = "Ask for it again, or copy it whole.";
// biome-ignore lint/suspicious/noControlCharactersInRegex: those that a text must not have
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\ud800-\udfff]/u;
const UNSEEN_IN_LINES =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those that a text must not have
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\ud800-\udfff]/u;

/** A link that is cut short, damaged, foreign or of another version, or something that fits in none. */
export class LinkError extends Error {
  name = "LinkError";
  /**
   * @param {string} what
   * @param {string} todo
   */
  constructor(what, todo = AGAIN) {
    super(what);
    this.todo = todo;
  }
}

/**
 * @param {string} name
 * @param {unknown} value
 */
export function damaged(name, value) {
  return new LinkError(`The link is damaged: ${name} cannot be ${String(value).slice(0, 60)}.`);
}

/**
 * How many numbers a field of that size has in a network of these layers.
 * @param {string} size
 * @param {number[]} sizes
 */
export function arraySize(size, sizes) {
  if (size === "inputs") return sizes[0] ?? 0;
  if (size === "outputs") return sizes.at(-1) ?? 0;
  const pairs = sizes.slice(1).map((n, l) => (size === "units" ? n : n * (sizes[l] ?? 0)));
  return pairs.reduce((sum, n) => sum + n, 0);
}

/**
 * Whether a field is there, by the choices before it.
 * @param {Field} field
 * @param {Values} values
 */
function there(field, values) {
  return Object.entries(field.when ?? {}).every(([name, value]) => values[name] === value);
}

/** Bytes that are taken one after the other. */
class Reader {
  /** @param {Uint8Array} data */
  constructor(data) {
    this.data = data;
    this.at = 0;
  }

  /** @param {number} size */
  take(size) {
    const end = this.at + size;
    if (end > this.data.length)
      throw new LinkError(`The link is cut short: it has ${this.data.length} bytes, ${end} were due.`);
    const part = this.data.subarray(this.at, end);
    this.at = end;
    return part;
  }

  byte() {
    return /** @type {number} */ (this.take(1)[0]);
  }

  /**
   * @param {string} name
   * @param {number} low
   * @param {number} high
   */
  count(name, low, high) {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      if (scale > 2 ** 49) throw damaged(name, "so long a number");
      const byte = this.byte();
      value += (byte & 127) * scale;
      if (byte >= 128) continue;
      if ((byte === 0 && scale > 1) || value < low || value > high) throw damaged(name, value);
      return value;
    }
  }

  /**
   * @param {string} name
   * @param {number} longest
   * @param {boolean} lines
   */
  text(name, longest, lines) {
    const raw = this.take(this.count(name, 0, longest));
    let text = "";
    try {
      text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(raw);
    } catch {
      throw damaged(name, raw);
    }
    if ((lines ? UNSEEN_IN_LINES : UNSEEN).test(text)) throw damaged(name, JSON.stringify(text));
    return text;
  }
}

/** Bytes that are put one after the other. */
class Writer {
  /** @type {number[]} */
  bytes = [];

  /** @param {ArrayLike<number>} bytes */
  put(bytes) {
    for (let i = 0; i < bytes.length; i++) this.bytes.push(/** @type {number} */ (bytes[i]));
  }

  /**
   * @param {string} name
   * @param {number} value
   * @param {number} low
   * @param {number} high
   */
  count(name, value, low, high) {
    if (!Number.isInteger(value) || value < low || value > high)
      throw new LinkError(
        `${name}=${value} does not fit in a link; it takes ${low} to ${high}.`,
        "Export a file.",
      );
    let rest = value;
    for (; rest > 127; rest = Math.floor(rest / 128)) this.bytes.push((rest % 128) + 128);
    this.bytes.push(rest);
  }

  /**
   * @param {string} name
   * @param {string} text
   * @param {number} longest
   * @param {boolean} lines
   */
  text(name, text, longest, lines) {
    if ((lines ? UNSEEN_IN_LINES : UNSEEN).test(text))
      throw new LinkError(`${name} holds characters that cannot be seen.`, "Take them out.");
    const raw = new TextEncoder().encode(text);
    if (raw.length > longest)
      throw new LinkError(`${name} has ${raw.length} bytes, a link takes ${longest}.`, "Make it shorter.");
    this.count(name, raw.length, 0, longest);
    this.put(raw);
  }

  /**
   * @param {string} path
   * @param {string} type one of LAYOUT.setting_types
   * @param {SettingValue} value
   */
  setting(path, type, value) {
    this.text("a setting", path, LAYOUT.setting_text, false);
    /** @type {readonly string[]} */
    const types = LAYOUT.setting_types;
    this.bytes.push(types.indexOf(type));
    if (type === "float") {
      if (!Number.isFinite(value))
        throw new LinkError(`${path}=${value} does not fit in a link.`, "Mend it.");
      const raw = new DataView(new ArrayBuffer(8));
      raw.setFloat64(0, Number(value), true);
      this.put(new Uint8Array(raw.buffer));
    } else if (type === "bool") this.bytes.push(value ? 1 : 0);
    else if (type === "choice") this.text(path, String(value), LAYOUT.setting_text, false);
    else if (Array.isArray(value)) {
      this.count(path, value.length, 0, MOST_NUMBERS);
      for (const x of value) this.count(path, x, 0, LARGEST_COUNT);
    } else this.count(path, Number(value), 0, LARGEST_COUNT);
  }
}

/**
 * @param {readonly Field[]} fields
 * @param {Values} values settings as a list of {path, type, value}
 * @returns {Uint8Array<ArrayBuffer>}
 * @throws {LinkError} a value that a link does not hold
 */
export function pack(fields, values) {
  const writer = new Writer();
  for (const field of fields) if (there(field, values)) packField(writer, field, values[field.name]);
  return Uint8Array.from(writer.bytes);
}

/**
 * @param {Writer} writer
 * @param {Field} field
 * @param {any} value
 */
function packField(writer, field, value) {
  const { name, low = 0, high = 0 } = field;
  switch (field.type) {
    case "text":
      return writer.text(name, value, field.longest ?? 0, field.lines ?? false);
    case "count":
      return writer.count(name, value, low, high);
    case "counts":
      writer.count(name, value.length, field.least ?? 0, field.most ?? 0);
      for (const n of value) writer.count(name, n, low, high);
      return;
    case "choice":
      return void writer.bytes.push((field.choices ?? []).indexOf(value));
    case "halves":
      for (const bits of value) writer.bytes.push(bits & 255);
      for (const bits of value) writer.bytes.push(bits >> 8);
      return;
    case "bytes":
      return writer.put(new Uint8Array(value.buffer, value.byteOffset, value.length));
    case "settings": {
      const sorted = value.toSorted((/** @type {{path: string}} */ a, /** @type {{path: string}} */ b) =>
        a.path < b.path ? -1 : 1,
      );
      writer.count(name, sorted.length, 0, field.most ?? 0);
      for (const each of sorted) writer.setting(each.path, each.type, each.value);
      return;
    }
    default:
      throw new Error(`layout.js has a field of type ${field.type}`);
  }
}

/**
 * @param {readonly Field[]} fields
 * @param {Uint8Array} data
 * @returns {Values}
 * @throws {LinkError} it is not exactly such a payload
 */
export function unpack(fields, data) {
  const reader = new Reader(data);
  /** @type {Values} */
  const values = {};
  for (const field of fields) {
    if (!there(field, values)) continue;
    values[field.name] = unpackField(reader, field, values);
    if (field.name === "sizes" && arraySize("weights", values.sizes) > LAYOUT.largest_weights)
      throw damaged("sizes", values.sizes);
  }
  const rest = data.length - reader.at;
  if (rest > 0) throw new LinkError(`The link is damaged: ${rest} bytes follow its last field.`);
  return values;
}

/**
 * @param {Reader} reader
 * @param {Field} field
 * @param {Values} values
 */
function unpackField(reader, field, values) {
  const { name, low = 0, high = 0 } = field;
  switch (field.type) {
    case "text":
      return reader.text(name, field.longest ?? 0, field.lines ?? false);
    case "count":
      return reader.count(name, low, high);
    case "counts": {
      const length = reader.count(name, field.least ?? 0, field.most ?? 0);
      return Array.from({ length }, () => reader.count(name, low, high));
    }
    case "choice": {
      const index = reader.byte();
      return field.choices?.[index] ?? raise(damaged(name, index));
    }
    case "halves": {
      const size = arraySize(field.size ?? "", values.sizes);
      const planes = reader.take(2 * size);
      const bits = Uint16Array.from(
        { length: size },
        (_, i) => (planes[i] ?? 0) | ((planes[size + i] ?? 0) << 8),
      );
      if (bits.some((each) => (each & 0x7c00) === 0x7c00)) throw damaged(name, "a number that is not finite");
      return bits;
    }
    case "bytes": {
      const weights = Int8Array.from(reader.take(arraySize(field.size ?? "", values.sizes)));
      if (weights.includes(-128)) throw damaged(name, -128);
      return weights;
    }
    case "settings":
      return unpackSettings(reader, field);
    default:
      throw new Error(`layout.js has a field of type ${field.type}`);
  }
}

/** @param {Error} error @returns {never} */
function raise(error) {
  throw error;
}

/**
 * @param {Reader} reader
 * @param {Field} field
 * @returns {{path: string, type: string, value: SettingValue}[]}
 */
function unpackSettings(reader, field) {
  const settings = [];
  let before = "";
  for (let left = reader.count(field.name, 0, field.most ?? 0); left > 0; left--) {
    const path = reader.text("a setting", LAYOUT.setting_text, false);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII
    if (path <= before || !/^[\x00-\x7f]*$/.test(path)) throw damaged("a setting", path);
    const tag = reader.byte();
    const type = LAYOUT.setting_types[tag] ?? raise(damaged(path, `of type ${tag}`));
    settings.push({ path, type, value: unpackSetting(reader, path, type) });
    before = path;
  }
  return settings;
}

/**
 * @param {Reader} reader
 * @param {string} path
 * @param {string} type
 * @returns {SettingValue}
 */
function unpackSetting(reader, path, type) {
  switch (type) {
    case "int":
      return reader.count(path, 0, LARGEST_COUNT);
    case "float": {
      const raw = reader.take(8);
      const value = new DataView(raw.buffer, raw.byteOffset).getFloat64(0, true);
      return Number.isFinite(value) ? value : raise(damaged(path, value));
    }
    case "bool":
      return reader.count(path, 0, 1) === 1;
    case "choice":
      return reader.text(path, LAYOUT.setting_text, false);
    default: {
      const length = reader.count(path, 0, MOST_NUMBERS);
      return Array.from({ length }, () => reader.count(path, 0, LARGEST_COUNT));
    }
  }
}
