/** Building DOM: one function for elements, one for the few line icons. */

/** @typedef {Node|string|number|null|undefined|false} Child */

/**
 * An element with properties and children. `class`, `for`, `aria-*`, `data-*` and `role` become attributes, `on*` become
 * listeners, everything else is set as a property.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, unknown>} [props]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) {
      element.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
    } else if (/^(class|for|role|style|list|aria-|data-)/.test(name)) {
      element.setAttribute(name, String(value));
    } else {
      Reflect.set(element, name, value);
    }
  }
  element.append(...children.filter((c) => c !== null && c !== undefined && c !== false).map(asNode));
  return element;
}

/**
 * @param {Child} child
 * @returns {Node|string}
 */
function asNode(child) {
  return child instanceof Node ? child : String(child);
}

const PATHS = {
  play: "M5 3.2v9.6L13 8z",
  pause: "M5 3v10M11 3v10",
  step: "M4 3.2v9.6L10.5 8zM12.5 3v10",
  stop: "M4 4h8v8H4z",
  reset: "M3 8a5 5 0 1 0 1.8-3.8M3 2.5V5.5H6",
  push: "M2 8h8.5M7.5 4.8 10.8 8l-3.3 3.2M13.5 3v10",
  back: "M9.5 3.5 5 8l4.5 4.5",
  close: "M4 4l8 8M12 4l-8 8",
  follow: "M8 2v3M8 11v3M2 8h3M11 8h3M8 6.4a1.6 1.6 0 1 0 0 3.2 1.6 1.6 0 0 0 0-3.2",
  undo: "M5.5 3.5 3 6l2.5 2.5M3 6h6.5a3.5 3.5 0 0 1 0 7H6",
  download: "M8 2.5v8M4.8 7.6 8 10.8l3.2-3.2M3 13.5h10",
  upload: "M8 10.8v-8M4.8 5.7 8 2.5l3.2 3.2M3 13.5h10",
  chevron: "M4 6.5 8 10l4-3.5",
  minus: "M4 8h8",
  plus: "M4 8h8M8 4v8",
  copy: "M5.5 5.5h7v8h-7zM3.5 10.5v-8h7",
  up: "M2.5 7.5h2.5v6H2.5zM5 7.5l3-5c1 0 1.8.8 1.8 1.8L9.3 6.5h3.2c.8 0 1.3.7 1.1 1.4l-1.2 4.6c-.2.6-.6 1-1.2 1H5",
  down: "M2.5 8.5h2.5v-6H2.5zM5 8.5l3 5c1 0 1.8-.8 1.8-1.8L9.3 9.5h3.2c.8 0 1.3-.7 1.1-1.4l-1.2-4.6c-.2-.6-.6-1-1.2-1H5",
  pin: "M6 2.5h4M6.8 2.5 6.3 7 4.5 9v1h7V9L9.7 7l-.5-4.5M8 10v3.5",
  record: "M8 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8z",
  branch: "M4.5 3v10M4.5 9c0-2.5 7-1.5 7-5M11.5 4V3M4.5 3l-1.5 1.6M4.5 3 6 4.6",
};
const FILLED = new Set(["play", "step", "stop", "record"]);

/**
 * A 16 px line icon, hidden from screen readers: its button carries the label.
 * @param {keyof typeof PATHS} name
 * @returns {SVGSVGElement}
 */
export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  const path = document.createElementNS(space, "path");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", PATHS[name]);
  path.setAttribute("fill", FILLED.has(name) ? "currentColor" : "none");
  path.setAttribute("stroke", "currentColor");
  path.setAttribute("stroke-width", name === "pause" ? "2.4" : "1.5");
  path.setAttribute("stroke-linecap", "round");
  path.setAttribute("stroke-linejoin", "round");
  svg.append(path);
  return svg;
}

/**
 * A button with words, and perhaps an icon before them.
 * @param {string} label
 * @param {() => void} run
 * @param {{class?: string, icon?: keyof typeof PATHS, title?: string, id?: string, disabled?: boolean}} [options]
 */
export function button(label, run, options = {}) {
  return h(
    "button",
    {
      type: "button",
      class: `button ${options.class ?? ""}`.trim(),
      title: options.title,
      id: options.id,
      disabled: options.disabled,
      onclick: run,
    },
    options.icon ? icon(options.icon) : null,
    label,
  );
}

/**
 * A button that is an icon alone.
 * @param {keyof typeof PATHS} name
 * @param {string} label
 * @param {() => void} run
 * @param {string} [key] the keyboard key that does the same
 */
export function iconButton(name, label, run, key) {
  return h(
    "button",
    {
      type: "button",
      class: "icon-button",
      "aria-label": label,
      "aria-keyshortcuts": key,
      title: key ? `${label} (${key})` : label,
      onclick: run,
    },
    icon(name),
  );
}

/**
 * Change a text only when it differs, so that nothing is laid out again for nothing.
 * @param {Element} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Whether what had the keyboard's focus has gone out of sight: a key would mean nothing then. */
export function focusIsLost() {
  const { activeElement } = document;
  return activeElement === null || activeElement === document.body || !activeElement.checkVisibility();
}

/**
 * The element with an id, which the page always has.
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`The page has no element #${id}`);
  return element;
}
