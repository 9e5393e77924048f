/** A database of the browser: opened, and its requests and transactions as promises. */

import { PageError } from "./errors.js";

/**
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
export function done(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/**
 * Settles when a transaction is on the disk.
 * @param {IDBTransaction} transaction
 * @returns {Promise<void>}
 */
export function committed(transaction) {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error ?? new DOMException("aborted", "AbortError"));
  });
}

/**
 * @param {string} name
 * @param {number} version
 * @param {(database: IDBDatabase) => void} create its stores, where it is new
 * @param {string} todo what a browser that offers none means for the person
 * @returns {Promise<IDBDatabase>}
 * @throws {PageError} the browser offers none, as in some private windows
 */
export async function openDatabase(name, version, create, todo) {
  try {
    const request = indexedDB.open(name, version);
    request.onupgradeneeded = () => create(request.result);
    const database = await done(request);
    database.onversionchange = () => database.close();
    return database;
  } catch (error) {
    throw new PageError("This browser keeps nothing for the page", String(error), todo);
  }
}

/**
 * What a failed write means, in words.
 * @param {unknown} error
 * @param {{broken: string, full: string, todo: string, todoFull?: string}} words broken: the title where it is not for want of
 * space; full: what want of space has led to
 */
export function storageError(error, { broken, full, todo, todoFull = todo }) {
  return error instanceof DOMException && error.name === "QuotaExceededError"
    ? new PageError("The browser's storage is full", full, todoFull)
    : new PageError(broken, String(error), todo);
}
