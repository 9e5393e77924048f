/**
 * What survives a reload of the loops in which rewards are designed, in a database of its own: each loop's ledger, line by
 * line, the policies that the ledger names by their sha256, results that the ledger does not have yet, and the newest
 * checkpoint of each member in training.
 */

import { committed, done, openDatabase, storageError } from "./database.js";

/** @import {LoopView, Progress} from "./protocol" */

const NAME = "tabrl-loops";
const VERSION = 1;
const STORES = ["loops", "lines", "policies", "results", "checkpoints"];
/** Loops kept before the oldest one makes room. */
const MOST_LOOPS = 5;

/**
 * @typedef {object} LoopRecord
 * @property {string} id
 * @property {Record<string, unknown>} brief
 * @property {number} began ms since 1970
 * @property {number} saved ms since 1970
 * @property {LoopView|null} view the newest, which the next visit is shown
 */
/**
 * @typedef {object} KeptResult
 * @property {Record<string, any>} result
 * @property {number} seconds
 * @property {{fitness: string, seeds: number[], policy: string}|null} judged what was measured, where that is the result
 */
/** @typedef {{checkpoint: ArrayBuffer, steps: number, records: Progress[]}} MemberCheckpoint */

const UNSAVED = {
  broken: "The loop could not be saved in this browser",
  full: "The newest result was not saved, so the loop has stopped before going further.",
  todo: "Free some disk space or export the ledger, then press Continue: nothing that was saved is lost.",
};

/**
 * The name under which a ledger refers to a file.
 * @param {ArrayBuffer} bytes
 * @returns {Promise<string>} 64 hexadecimal digits
 */
export async function sha256(bytes) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

export class LoopStorage {
  /** @param {IDBDatabase} database */
  constructor(database) {
    this.database = database;
  }

  /**
   * @returns {Promise<LoopStorage>}
   * @throws {PageError} where the browser offers none, as in some private windows
   */
  static async open() {
    const create = (/** @type {IDBDatabase} */ database) => {
      database.createObjectStore("loops", { keyPath: "id" });
      for (const store of STORES.slice(1)) database.createObjectStore(store);
    };
    const todo =
      "A loop of rewards needs the browser's storage, so that no question is asked and paid twice. Use an ordinary window.";
    return new LoopStorage(await openDatabase(NAME, VERSION, create, todo));
  }

  /**
   * Begin to keep a loop; the oldest beyond the newest few are dropped.
   * @param {LoopRecord} loop
   */
  async begin(loop) {
    await this.#write(["loops"], (stores) => stores.loops?.put(loop));
    const loops = await this.loops();
    for (const old of loops.slice(MOST_LOOPS)) await this.forget(old.id);
  }

  /** @param {LoopRecord} loop */
  async update(loop) {
    await this.#write(["loops"], (stores) => stores.loops?.put(loop));
  }

  /** Loops that are kept, newest first. @returns {Promise<LoopRecord[]>} */
  async loops() {
    /** @type {LoopRecord[]} */
    const loops = await done(this.database.transaction("loops").objectStore("loops").getAll());
    return loops.sort((a, b) => b.began - a.began);
  }

  /**
   * Keep a line of a ledger; settles when it is on the disk.
   * @param {string} id of the loop
   * @param {number} index of the line, from 0
   * @param {string} line
   */
  async addLine(id, index, line) {
    await this.#write(["lines"], (stores) => stores.lines?.put(line, [id, index]));
  }

  /**
   * @param {string} id of the loop
   * @returns {Promise<string[]>}
   */
  async lines(id) {
    const lines = this.database.transaction("lines").objectStore("lines");
    return await done(lines.getAll(IDBKeyRange.bound([id], [id, []])));
  }

  /**
   * @param {string} id of the loop
   * @param {ArrayBuffer} policy
   * @returns {Promise<string>} its sha256, once it is on the disk
   */
  async savePolicy(id, policy) {
    const name = await sha256(policy);
    await this.#write(["policies"], (stores) => stores.policies?.put(policy, [id, name]));
    return name;
  }

  /**
   * @param {string} id of the loop
   * @param {string} name sha256
   * @returns {Promise<ArrayBuffer|undefined>}
   */
  policy(id, name) {
    return done(this.database.transaction("policies").objectStore("policies").get([id, name]));
  }

  /**
   * Keep what came of a command; settles when it is on the disk.
   * @param {string} id of the loop
   * @param {string} command
   * @param {KeptResult} kept
   */
  async saveResult(id, command, kept) {
    await this.#write(["results", "checkpoints"], ({ results, checkpoints }) => {
      results?.put(kept, [id, command]);
      checkpoints?.delete([id, command]);
    });
  }

  /**
   * @param {string} id of the loop
   * @param {string} command
   * @returns {Promise<KeptResult|undefined>}
   */
  result(id, command) {
    return done(this.database.transaction("results").objectStore("results").get([id, command]));
  }

  /**
   * @param {string} id of the loop
   * @param {string} command which trains the member
   * @param {MemberCheckpoint} kept
   */
  async saveCheckpoint(id, command, kept) {
    await this.#write(["checkpoints"], ({ checkpoints }) => checkpoints?.put(kept, [id, command]));
  }

  /**
   * How a policy of the loop was judged: fitness, seeds and what came of them.
   * @param {string} id of the loop
   * @param {string} policy sha256
   */
  async judgement(id, policy) {
    /** @type {KeptResult[]} */
    const all = await done(
      this.database
        .transaction("results")
        .objectStore("results")
        .getAll(IDBKeyRange.bound([id], [id, []])),
    );
    return all.find(({ judged }) => judged?.policy === policy) ?? null;
  }

  /**
   * @param {string} id of the loop
   * @param {string} command
   * @returns {Promise<MemberCheckpoint|undefined>}
   */
  checkpoint(id, command) {
    return done(this.database.transaction("checkpoints").objectStore("checkpoints").get([id, command]));
  }

  /** Drop all that is kept of a loop. @param {string} id */
  async forget(id) {
    await this.#write(STORES, (stores) => {
      stores.loops?.delete(id);
      for (const name of STORES.slice(1)) stores[name]?.delete(IDBKeyRange.bound([id], [id, []]));
    });
  }

  /**
   * One transaction that is on the disk when this settles.
   * @param {string[]} names of stores
   * @param {(stores: Record<string, IDBObjectStore>) => void} write
   * @throws {PageError} full or broken storage; what was stored before is still there
   */
  async #write(names, write) {
    try {
      const transaction = this.database.transaction(names, "readwrite", { durability: "strict" });
      const finished = committed(transaction);
      write(Object.fromEntries(names.map((name) => [name, transaction.objectStore(name)])));
      await finished;
    } catch (error) {
      throw storageError(error, UNSAVED);
    }
  }
}
