/** Workers that learn one policy, as the page sees them: how many can share a run, their lines to each other, their frames. */

/** @import {Frame, Started} from "./protocol" */
/** @import {TeamPlace} from "./page_types" */

/** As MOST_SHARDS of tabrl_py/algos/shards.py: a run's rows are cut into at most so many shards. */
export const MOST_WORKERS = 8;
/** Shared memory of one member: two slots of half a megabyte. Longer blocks go through them in several rounds. */
const MEMBER_BYTES = 1 << 20;

/**
 * How many workers can share a run: as shard_count of tabrl_py/algos/shards.py, the largest power of two up to 8 that
 * divides its environments.
 * @param {number} n_envs
 */
function shardCount(n_envs) {
  let count = MOST_WORKERS;
  while (count > 1 && n_envs % count !== 0) count /= 2;
  return count;
}

/** What one worker must learn by itself, as refuse_team of tabrl_py/algos/algorithm.py has it. */
const UNSHARED = new Set(["sac", "ars"]);

/**
 * How many workers can learn a recipe together.
 * @param {{algorithm: string, n_envs: number}} recipe
 */
export function mostWorkers({ algorithm, n_envs }) {
  return UNSHARED.has(algorithm) ? 1 : shardCount(n_envs);
}

/** How many processor cores the browser tells of, at least 1. */
export function cores() {
  return Math.max(1, navigator.hardwareConcurrency || 1);
}

/**
 * The places of a new team, with lines between them that nobody used before: shared memory where the page is isolated,
 * else a channel between each two. One member alone needs none.
 * @param {number} members
 * @returns {TeamPlace[]}
 */
export function teamPlaces(members) {
  const places = Array.from({ length: members }, (_, me) => ({ members, me }));
  if (members === 1) return places;
  if (globalThis.crossOriginIsolated) {
    const buffer = new SharedArrayBuffer(members * MEMBER_BYTES);
    return places.map((place) => ({ ...place, buffer }));
  }
  /** @type {(MessagePort|null)[][]} */
  const ports = places.map(() => Array(members).fill(null));
  for (const [a, row] of ports.entries()) {
    for (let b = a + 1; b < members; b++) {
      const { port1, port2 } = new MessageChannel();
      row[b] = port1;
      /** @type {(MessagePort|null)[]} */ (ports[b])[a] = port2;
    }
  }
  return places.map((place, me) => ({ ...place, ports: ports[me] }));
}

/**
 * What the members say of the run they begin, as one.
 * @param {Started[]} each by member
 * @param {number} n_envs of the whole run
 * @returns {Started}
 */
export function mergeStarted(each, n_envs) {
  const first = /** @type {Started} */ (each[0]);
  return { ...first, n_envs, rows: each.flatMap(({ rows }) => rows) };
}

/**
 * The frames of members with contiguous rows, as one frame in the order of rows.
 * @param {Frame[]} each of the members that have watched rows, in order
 * @returns {Frame}
 */
export function mergeFrames(each) {
  const first = /** @type {Frame} */ (each[0]);
  if (each.length === 1) return first;
  return {
    ...first,
    poses: joined(each.map(({ poses }) => poses)),
    torques: joined(each.map(({ torques }) => torques)),
    returns: each.flatMap(({ returns }) => returns),
    steps: each.flatMap(({ steps }) => steps),
  };
}

/** @param {ArrayBuffer[]} parts */
function joined(parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(new Uint8Array(part), at);
    at += part.byteLength;
  }
  return whole.buffer;
}
