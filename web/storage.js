/**
 * What survives a reload, in IndexedDB: the last run (recipe, checkpoint, policy, curve) and measured baselines.
 * A run is written as a new record and the pointer switched in the same transaction, so a full disk leaves the old one whole.
 */

import { committed, done, openDatabase, storageError } from "./database.js";

/** @import {Evaluation, Progress} from "./protocol" */
/** @import {SavedRun} from "./page_types" */

const NAME = "tabrl";
const VERSION = 1;

/**
 * @typedef {object} RunRecord a SavedRun without its curve, which lies in pieces of its own
 * @property {string} id of the run
 * @property {number} pieces how many pieces of the curve belong to it
 * @property {Omit<SavedRun, "records">} run
 */

const UNSAVED = {
  broken: "The run could not be saved in this browser",
  full: "The newest checkpoint was not saved; the one before is intact.",
  todo: "Training goes on. Export the policy to keep what it learned.",
  todoFull: "Training goes on. Free some disk space, or export the policy to a file.",
};

export class RunStorage {
  /** @param {IDBDatabase} database */
  constructor(database) {
    this.database = database;
    /** The run being written and how much of its curve is stored. */
    this.writing = { id: "", pieces: 0, records: 0, steps: 0 };
  }

  /**
   * Open the page's database.
   * @returns {Promise<RunStorage>}
   * @throws {PageError} where the browser offers none, as in some private windows
   */
  static async open() {
    const create = (/** @type {IDBDatabase} */ database) => {
      database.createObjectStore("runs", { keyPath: "id" });
      for (const store of ["curves", "pointers", "baselines"]) database.createObjectStore(store);
    };
    const todo = "Everything works, but a reload forgets the run. Export the policy to keep it.";
    return new RunStorage(await openDatabase(NAME, VERSION, create, todo));
  }

  /**
   * Save the state of a run; only what its curve gained since the last time is written.
   * @param {string} id of the run
   * @param {SavedRun} saved
   * @throws {PageError} full or broken storage; what was stored before is still there
   */
  async saveRun(id, saved) {
    const { records, ...run } = saved;
    const same =
      this.writing.id === id && this.writing.records <= records.length && this.writing.steps <= saved.steps;
    const from = same ? this.writing : { id, pieces: 0, records: 0, steps: 0 };
    const fresh = records.slice(from.records).filter((record) => record.steps <= saved.steps);
    const pieces = from.pieces + (fresh.length > 0 ? 1 : 0);
    try {
      const transaction = this.database.transaction(["runs", "curves", "pointers"], "readwrite");
      const finished = committed(transaction);
      if (!same) transaction.objectStore("curves").delete(IDBKeyRange.bound([id], [id, []]));
      if (fresh.length > 0) transaction.objectStore("curves").put(fresh, [id, pieces]);
      transaction.objectStore("runs").put({ id, pieces, run });
      transaction.objectStore("pointers").put(id, "last");
      this.#dropOthers(transaction, id);
      await finished;
    } catch (error) {
      throw storageError(error, UNSAVED);
    }
    this.writing = { id, pieces, records: from.records + fresh.length, steps: saved.steps };
  }

  /**
   * The last run that was saved, or null.
   * @returns {Promise<{id: string, saved: SavedRun}|null>}
   */
  async lastRun() {
    const transaction = this.database.transaction(["runs", "curves", "pointers"]);
    const id = await done(transaction.objectStore("pointers").get("last"));
    if (id === undefined) return null;
    /** @type {RunRecord|undefined} */
    const record = await done(transaction.objectStore("runs").get(id));
    if (!record) return null;
    /** @type {Progress[][]} */
    const curve = await done(
      transaction.objectStore("curves").getAll(IDBKeyRange.bound([id, 1], [id, record.pieces])),
    );
    return { id, saved: { ...record.run, records: curve.flat() } };
  }

  /** Forget the last run. */
  async forget() {
    const transaction = this.database.transaction(["runs", "curves", "pointers"], "readwrite");
    const finished = committed(transaction);
    for (const store of ["runs", "curves", "pointers"]) transaction.objectStore(store).clear();
    await finished;
    this.writing = { id: "", pieces: 0, records: 0, steps: 0 };
  }

  /**
   * A baseline measured before.
   * @param {string} key task and layout
   * @returns {Promise<Evaluation|undefined>}
   */
  baseline(key) {
    return done(this.database.transaction("baselines").objectStore("baselines").get(key));
  }

  /**
   * @param {string} key
   * @param {Evaluation} evaluation
   */
  async saveBaseline(key, evaluation) {
    const transaction = this.database.transaction("baselines", "readwrite");
    const finished = committed(transaction);
    transaction.objectStore("baselines").put(evaluation, key);
    await finished;
  }

  /**
   * @param {IDBTransaction} transaction
   * @param {string} kept
   */
  #dropOthers(transaction, kept) {
    const runs = transaction.objectStore("runs");
    runs.getAllKeys().onsuccess = (event) => {
      const keys = /** @type {IDBRequest<IDBValidKey[]>} */ (event.target).result;
      for (const id of keys.filter((key) => key !== kept)) {
        runs.delete(id);
        transaction.objectStore("curves").delete(IDBKeyRange.bound([id], [id, []]));
      }
    };
  }
}
