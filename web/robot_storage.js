/** Robots that people brought, kept in IndexedDB in a database of their own. */

import { committed, done, openDatabase, storageError } from "./database.js";

/** @import {OwnRobot} from "./page_types" */

const NAME = "tabrl-robots";
const VERSION = 1;
const STORE = "robots";
const UNSAVED = {
  broken: "The robot could not be saved in this browser",
  full: "The robot was not saved; those saved before are intact.",
  todo: "It works until the page is reloaded. Keep its file.",
  todoFull:
    "It works until the page is reloaded. Remove robots that are not needed, or free some disk space.",
};

export class RobotStorage {
  /** @param {IDBDatabase} database */
  constructor(database) {
    this.database = database;
  }

  /**
   * @returns {Promise<RobotStorage>}
   * @throws {PageError} where the browser offers none, as in some private windows
   */
  static async open() {
    const create = (/** @type {IDBDatabase} */ database) => {
      database.createObjectStore(STORE, { keyPath: "id" });
    };
    return new RobotStorage(await openDatabase(NAME, VERSION, create, UNSAVED.todo));
  }

  /**
   * @param {OwnRobot} robot
   * @throws {PageError} full or broken storage
   */
  async save(robot) {
    try {
      await this.#write((store) => store.put(robot));
    } catch (error) {
      throw storageError(error, UNSAVED);
    }
  }

  /** @param {string} id */
  async remove(id) {
    await this.#write((store) => store.delete(id));
  }

  /** All robots, the oldest first. @returns {Promise<OwnRobot[]>} */
  async all() {
    /** @type {OwnRobot[]} */
    const robots = await done(this.database.transaction(STORE).objectStore(STORE).getAll());
    return robots.sort((a, b) => a.added - b.added);
  }

  /** @param {(store: IDBObjectStore) => void} change */
  async #write(change) {
    const transaction = this.database.transaction(STORE, "readwrite");
    const finished = committed(transaction);
    change(transaction.objectStore(STORE));
    await finished;
  }
}
