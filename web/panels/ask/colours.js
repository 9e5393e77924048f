/** The colours by which members and terms are told apart, the same in card, curve, code and table; never without a letter. */

/** Okabe and Ito's colours, which differ for every kind of colour vision; the yellow of the floor's accents comes late. */
const MEMBERS = ["#56b4e9", "#e69f00", "#009e73", "#cc79a7", "#f0e442", "#0072b2", "#d55e00"];
/** Terms of one reward: equal lightness, hues far from their neighbours. */
const TERMS = [
  "#7cc4ff",
  "#ffc36b",
  "#7fdba2",
  "#f29bc9",
  "#b9a5ff",
  "#5fd6d0",
  "#e6d96a",
  "#ff9c86",
  "#a9c77b",
  "#c6b09a",
];

/** @param {number} index of a member, from 0 */
export function memberColour(index) {
  return /** @type {string} */ (MEMBERS[index % MEMBERS.length]);
}

/** @param {number} index of a member, from 0 */
export function memberLetter(index) {
  return String.fromCharCode(65 + (index % 26));
}

/** @param {number} index of a term in its reward, from 0 */
export function termColour(index) {
  return /** @type {string} */ (TERMS[index % TERMS.length]);
}
