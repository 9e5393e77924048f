/** Colours of the drawings, taken from the custom properties of the page's style sheet (LOOK: tokens). */

const TOKENS = /** @type {const} */ ({
  ink: "#0e1116",
  surface: "#151a21",
  raised: "#1c232c",
  line: "#2a333f",
  text: "#e6eaf0",
  muted: "#9aa7b5",
  accent: "#ffb454",
  good: "#6bd68b",
  bad: "#ff6b6b",
});

/** @typedef {[number, number, number]} Rgb 0 to 255 */
/** @typedef {Record<keyof typeof TOKENS, Rgb>} Theme */

/**
 * @param {string} hex "#rrggbb" or "#rgb"
 * @returns {Rgb|null}
 */
export function parseHex(hex) {
  const short = /^#([0-9a-f])([0-9a-f])([0-9a-f])$/i.exec(hex);
  const full = short ? `#${short[1]}${short[1]}${short[2]}${short[2]}${short[3]}${short[3]}` : hex;
  const match = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})/i.exec(full);
  if (!match) return null;
  return [parseInt(match[1] ?? "0", 16), parseInt(match[2] ?? "0", 16), parseInt(match[3] ?? "0", 16)];
}

/**
 * @param {Element} element any element of the page
 * @returns {Theme}
 */
export function readTheme(element) {
  const style = getComputedStyle(element);
  const theme = /** @type {Theme} */ ({});
  for (const key of /** @type {(keyof typeof TOKENS)[]} */ (Object.keys(TOKENS))) {
    const name = key === "accent" ? "--amber" : `--${key}`;
    theme[key] = parseHex(style.getPropertyValue(name).trim()) ?? /** @type {Rgb} */ (parseHex(TOKENS[key]));
  }
  return theme;
}

/**
 * @param {Rgb} from
 * @param {Rgb} to
 * @param {number} share 0 to 1
 * @returns {Rgb}
 */
export function mix(from, to, share) {
  const blend = (/** @type {0|1|2} */ c) => Math.round(from[c] + (to[c] - from[c]) * share);
  return [blend(0), blend(1), blend(2)];
}

/**
 * @param {Rgb} rgb
 * @param {number} [alpha]
 */
export function css(rgb, alpha = 1) {
  return alpha >= 1 ? `rgb(${rgb[0]} ${rgb[1]} ${rgb[2]})` : `rgb(${rgb[0]} ${rgb[1]} ${rgb[2]} / ${alpha})`;
}

/**
 * @param {Rgb} rgb
 * @returns {number} 0xrrggbb
 */
export function hex(rgb) {
  return (rgb[0] << 16) | (rgb[1] << 8) | rgb[2];
}

/**
 * The page's fonts, for canvas text.
 * @param {Element} element
 * @param {number} px
 * @param {"mono"|"sans"} face
 */
export function font(element, px, face) {
  const family = getComputedStyle(element).getPropertyValue(`--${face}`).trim();
  return `${px}px ${family || (face === "mono" ? "ui-monospace, monospace" : "system-ui, sans-serif")}`;
}
