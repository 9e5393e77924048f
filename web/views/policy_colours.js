/** Which robot is whose: policies side by side are told apart by a letter and a colour that goes with it. */

/** @import {Rgb} from "./theme.js" */
import { memberColour } from "../panels/ask/colours.js";
import { parseHex } from "./theme.js";

/**
 * @typedef {object} Groups
 * @property {Uint8Array} groups index of each row's policy
 * @property {string[]} letters of the policies, "A" first
 * @property {Rgb[]} tints of the policies
 */

/**
 * @param {string[]|null} letters the policy's letter for each row, or null where there is one policy
 * @param {number} count rows
 * @returns {Groups}
 */
export function groupsOf(letters, count) {
  if (!letters || letters.length !== count) return { groups: new Uint8Array(count), letters: [], tints: [] };
  const groups = Uint8Array.from(letters, (letter) => Math.max(0, letter.charCodeAt(0) - 65));
  const most = groups.reduce((a, b) => Math.max(a, b), 0);
  const all = Array.from({ length: most + 1 }, (_, index) => index);
  return {
    groups,
    letters: all.map((index) => String.fromCharCode(65 + index)),
    tints: all.map((index) => /** @type {Rgb} */ (parseHex(memberColour(index)))),
  };
}
