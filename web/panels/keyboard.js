/** Every key the page knows, in one table: what runs it and what the list under "?" shows are the same. */

import { button, h } from "./elements.js";

/** @import {Steering} from "./steering.js" */
/** @import {Actions} from "./transport.js" */

/** @typedef {{keys: string[], shown: string, words: string, run: () => void}} Shortcut */

/**
 * @param {Actions & {race: () => void, together: () => void, throwBall: () => void, plain: () => void, watch: () => void, train: () => void, ask: () => void, figures: () => void, inside: () => void, list: () => void}} actions
 * @returns {Shortcut[]}
 */
export function shortcuts(actions) {
  return [
    { keys: [" "], shown: "Space", words: "Play or pause", run: actions.playOrPause },
    { keys: ["."], shown: ".", words: "One step", run: actions.step },
    { keys: ["+", "="], shown: "+", words: "Faster", run: () => actions.faster(1) },
    { keys: ["-", "_"], shown: "-", words: "Slower", run: () => actions.faster(-1) },
    { keys: ["r"], shown: "r", words: "Start the episodes anew", run: actions.reset },
    { keys: ["p"], shown: "p", words: "Push the chosen robot, or all", run: actions.push },
    { keys: ["g"], shown: "g", words: "Start a race", run: actions.race },
    { keys: ["o"], shown: "o", words: "All robots in one world, or apart", run: actions.together },
    { keys: ["t"], shown: "t", words: "Throw a ball", run: actions.throwBall },
    { keys: ["b"], shown: "b", words: "Back to the plain world", run: actions.plain },
    { keys: ["f"], shown: "f", words: "Follow the robots", run: actions.follow },
    { keys: ["v"], shown: "v", words: "3D or stick figures", run: actions.figures },
    { keys: ["i"], shown: "i", words: "Look inside the robot close up", run: actions.inside },
    { keys: ["Escape"], shown: "Esc", words: "Back to all robots, then none chosen", run: actions.back },
    { keys: ["1"], shown: "1", words: "Watch", run: actions.watch },
    { keys: ["2"], shown: "2", words: "Train", run: actions.train },
    { keys: ["3"], shown: "3", words: "Ask Claude", run: actions.ask },
    { keys: ["?"], shown: "?", words: "This list", run: actions.list },
  ];
}

/** @param {EventTarget|null} target */
function takesText(target) {
  if (target instanceof HTMLInputElement)
    return !["checkbox", "radio", "range", "button"].includes(target.type);
  if (target instanceof HTMLElement && target.isContentEditable) return true;
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}

/** @param {EventTarget|null} target */
function actsOnSpace(target) {
  return (
    target instanceof Element && target.closest("button, summary, input, a, select, [role=option]") !== null
  );
}

/**
 * Listen for the keys, but never while somebody types, nor instead of the control that has the focus.
 * @param {Shortcut[]} table
 * @param {HTMLDialogElement} dialog
 */
export function listenToKeys(table, dialog) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || dialog.open) return;
    if (takesText(event.target) || (event.key === " " && actsOnSpace(event.target))) return;
    const found = table.find(({ keys }) =>
      keys.includes(event.key.length === 1 ? event.key.toLowerCase() : event.key),
    );
    if (!found) return;
    event.preventDefault();
    found.run();
  });
}

/** Elements whose arrow keys are their own. */
const USES_ARROWS = "input, select, canvas, [role=tablist], [role=listbox], [role=radiogroup]";

/**
 * Listen for the keys that steer for as long as they are held.
 * @param {Steering} steering
 * @param {HTMLDialogElement} dialog
 */
export function listenToHeldKeys(steering, dialog) {
  const direction = (/** @type {KeyboardEvent} */ event) =>
    steering.direction(event.key.length === 1 ? event.key.toLowerCase() : event.key);
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || dialog.open) return;
    const held = direction(event);
    if (!held || !steering.active || takesText(event.target)) return;
    const arrow = event.key.startsWith("Arrow");
    if (arrow && event.target instanceof Element && event.target.closest(USES_ARROWS)) return;
    event.preventDefault();
    steering.press(held);
  });
  document.addEventListener("keyup", (event) => {
    const held = direction(event);
    if (held) steering.release(held);
  });
}

/**
 * @param {string[]} keys
 * @param {string} words what they do
 */
function keyLine(keys, words) {
  return h("div", {}, h("dt", {}, ...keys.map((key) => h("kbd", {}, key))), h("dd", {}, words));
}

/**
 * Fill the dialog that lists the keys.
 * @param {HTMLDialogElement} dialog
 * @param {Shortcut[]} table
 */
export function fillKeyList(dialog, table) {
  dialog.replaceChildren(
    h("h2", { id: "keys-title" }, "Keyboard"),
    h(
      "dl",
      { class: "keys" },
      ...table.map(({ shown, words }) => keyLine([shown], words)),
      keyLine(["←", "→"], "Move between stick figures; Enter looks closer"),
      keyLine(
        ["w", "a", "s", "d"],
        "Steer while held, where the task takes commands; q and e turn, so do the arrows; a gamepad's sticks do both",
      ),
    ),
    h(
      "p",
      { class: "muted" },
      "In 3D: drag to turn, scroll to come nearer, drag the robot itself to push it.",
    ),
    h(
      "div",
      { class: "sheet-actions" },
      button("Close", () => dialog.close()),
    ),
  );
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
}
