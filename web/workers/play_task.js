/** What a player reads of a task beside what a simulation does, and which tasks a player without Python can show. */

/** @import {Program} from "./reward_program.js" */
/** @import {Task} from "./task_layout.js" */

/**
 * @typedef {object} CommandSpec tabrl_py/tasks/spec.py, CommandSpec
 * @property {string[]} names
 * @property {number[]} low
 * @property {number[]} high
 * @property {number} hold_steps
 * @property {number} zero_share
 * @property {number} single_share
 */
/** @typedef {{name: string, low: number, high: number, every_steps: number, always: boolean}} Randomization */
/**
 * @typedef {object} ResetSpec tabrl_py/tasks/spec.py, ResetSpec
 * @property {number[]|null} qpos
 * @property {number} qpos_noise
 * @property {number} qvel_noise
 * @property {"uniform"|"normal"} qvel_kind
 * @property {boolean} root_noise
 * @property {number|null} drop_height
 * @property {number} settle_steps
 */
/**
 * @typedef {Omit<Task, "reset"|"signals"> & {
 *   signals: {name: string, source: string, start: number, stop: number}[],
 *   reset: ResetSpec,
 *   action_high: number[],
 *   layout_version: number,
 *   forward_axis: string,
 *   command: CommandSpec|null,
 *   randomization: Randomization[],
 *   success: {signal: string, above: number, last_steps: number}|null,
 *   own?: {program: Program|null},
 * }} PlayTask
 */

/** The page asked for what cannot be; the worker goes on as before. */
export class ConfigError extends Error {
  name = "ConfigError";
}

/** Only Python can do what was asked for: the page turns to a Python worker. */
export class NeedsPythonError extends Error {
  name = "NeedsPythonError";
}

/**
 * Where a named signal begins in a row of signals; -1 where the task has none of that name.
 * @param {PlayTask} task
 * @param {string} name
 */
export function signalColumn(task, name) {
  let at = 0;
  for (const field of task.signals) {
    if (field.name === name) return at;
    at += field.stop - field.start;
  }
  return -1;
}

/**
 * @param {PlayTask} task
 * @throws {NeedsPythonError} its first states cannot be drawn here
 */
export function checkPlayable(task) {
  // NumPy's normal draws rest on tables that its documentation does not give.
  if (task.reset.qvel_kind === "normal" && task.reset.qvel_noise !== 0)
    throw new NeedsPythonError(`task ${task.id} begins with normally distributed velocities`);
}
