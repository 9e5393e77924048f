/** What is said of a file that is no robot which can be shown here. */

/** A file that cannot be used: what was wrong with its value, and what to do. */
export class RobotRefused extends Error {
  /**
   * @param {string} message
   * @param {string} todo
   */
  constructor(message, todo) {
    super(message);
    this.name = "RobotRefused";
    this.todo = todo;
  }
}

/** @param {number} bytes */
export function mebibytes(bytes) {
  return `${(bytes / 2 ** 20).toFixed(bytes < 10 * 2 ** 20 ? 1 : 0)} MiB`;
}

/**
 * A name out of somebody's file, short enough for a sentence.
 * @param {string} name
 */
export function shortName(name) {
  return name.length > 60 ? `${name.slice(0, 57)}...` : name;
}
