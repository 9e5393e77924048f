/** The terms of one reward: a swatch, the name, its course over training as a small curve, and its newest mean. */

import { h, setText } from "../elements.js";
import { measure } from "../format.js";
import { termColour } from "./colours.js";

const WIDTH = 100;
const HEIGHT = 24;
const SPACE = "http://www.w3.org/2000/svg";

/** @typedef {Record<string, (number|null)[]>} Courses each term's mean per control step, oldest first */

/**
 * A line through the values, from the least to the most of them; gaps are bridged.
 * @param {(number|null)[]} values
 */
function line(values) {
  /** @type {[number, number][]} */
  const known = [];
  for (const [i, value] of values.entries()) {
    if (value !== null && Number.isFinite(value)) known.push([i, value]);
  }
  if (known.length === 0) return "";
  if (known.length === 1) return `M2 ${HEIGHT / 2}H${WIDTH - 2}`;
  const heights = known.map(([, value]) => value);
  const low = Math.min(...heights);
  const span = Math.max(...heights) - low;
  const points = known.map(([i, value]) => {
    const x = (i / (values.length - 1)) * (WIDTH - 4) + 2;
    const y = span > 0 ? HEIGHT - 3 - ((value - low) / span) * (HEIGHT - 6) : HEIGHT / 2;
    return `${x.toFixed(1)} ${y.toFixed(1)}`;
  });
  return `M${points.join("L")}`;
}

/** One term. */
class TermRow {
  /**
   * @param {string} name
   * @param {string} colour
   */
  constructor(name, colour) {
    this.path = document.createElementNS(SPACE, "path");
    this.path.setAttribute("vector-effect", "non-scaling-stroke");
    const svg = document.createElementNS(SPACE, "svg");
    svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("aria-hidden", "true");
    svg.append(this.path);
    this.value = h("output", { class: "num" });
    this.element = h(
      "li",
      { class: "term", style: `--term: ${colour}` },
      h("span", { class: "term-name", title: name }, name),
      svg,
      this.value,
    );
  }

  /** @param {(number|null)[]} course */
  update(course) {
    const d = line(course);
    if (this.path.getAttribute("d") !== d) this.path.setAttribute("d", d);
    const last = course.findLast((value) => value !== null);
    setText(this.value, last === undefined ? "" : measure(last));
  }
}

export class TermCurves {
  constructor() {
    this.element = h("ul", { class: "terms", "aria-label": "Terms of the reward, mean per control step" });
    /** @type {Map<string, TermRow>} */
    this.rows = new Map();
  }

  /**
   * @param {string[]} names in the order of the code, which gives each its colour
   * @param {Courses} courses
   */
  update(names, courses) {
    if ([...this.rows.keys()].join("\n") !== names.join("\n")) {
      this.rows = new Map(names.map((name, i) => [name, new TermRow(name, termColour(i))]));
      this.element.replaceChildren(...[...this.rows.values()].map((row) => row.element));
    }
    for (const [name, row] of this.rows) row.update(courses[name] ?? []);
  }
}

/**
 * The names of a reward's terms, or of a fitness's metrics, in the order of the code: the keys of its dictionary.
 * @param {string} source
 * @param {"reward"|"fitness"} [name] of the function that counts, where the code has several
 * @returns {string[]}
 */
export function termNames(source, name = "reward") {
  const names = new Set();
  const code = source
    .slice(Math.max(0, source.lastIndexOf(`def ${name}(`)))
    .replace(/"""[\s\S]*?"""|'''[\s\S]*?'''|#[^\n]*/g, "");
  for (const match of code.matchAll(/(["'])(\w+)\1\s*(?::|\]\s*=)/g)) names.add(match[2]);
  return [...names];
}
