/**
 * The terms of one reward: the name, its course over training as a small curve, and its newest mean. A curve's line of dashes is
 * zero; below the curves stand the steps of training that they span.
 */

import { h, setText } from "../elements.js";
import { measure, shortCount } from "../format.js";
import { termColour } from "./colours.js";

const WIDTH = 100;
const HEIGHT = 24;
const SPACE = "http://www.w3.org/2000/svg";

/** @typedef {Record<string, (number|null)[]>} Courses each term's mean per control step, oldest first */

/**
 * A line through the values, from the least to the most of zero and them; gaps are bridged.
 * @param {(number|null)[]} values
 * @returns {{line: string, zero: number, low: number, high: number}|null} the path, where zero is, and the limits
 */
function drawn(values) {
  /** @type {[number, number][]} */
  const known = [];
  for (const [i, value] of values.entries()) {
    if (value !== null && Number.isFinite(value)) known.push([i, value]);
  }
  if (known.length === 0) return null;
  const heights = known.map(([, value]) => value);
  const low = Math.min(0, ...heights);
  const high = Math.max(0, ...heights);
  const y = (/** @type {number} */ value) =>
    high > low ? HEIGHT - 3 - ((value - low) / (high - low)) * (HEIGHT - 6) : HEIGHT / 2;
  const points = known.map(
    ([i, value]) =>
      `${((i / Math.max(1, values.length - 1)) * (WIDTH - 4) + 2).toFixed(1)} ${y(value).toFixed(1)}`,
  );
  const only = known.length === 1 ? `H${WIDTH - 2}` : "";
  return {
    line: `M${points.join("L")}${only}`,
    zero: y(0),
    low: Math.min(...heights),
    high: Math.max(...heights),
  };
}

/** One term. */
class TermRow {
  /**
   * @param {string} name
   * @param {string} colour
   */
  constructor(name, colour) {
    this.zero = strokedPath("zero");
    this.path = strokedPath("course");
    const svg = document.createElementNS(SPACE, "svg");
    svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("aria-hidden", "true");
    svg.append(this.zero, this.path);
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
    const shown = drawn(course);
    const line = shown?.line ?? "";
    if (this.path.getAttribute("d") !== line) {
      this.path.setAttribute("d", line);
      this.zero.setAttribute("d", shown ? `M0 ${shown.zero.toFixed(1)}H${WIDTH}` : "");
      this.element.title = shown
        ? `From ${measure(shown.low)} to ${measure(shown.high)} per control step`
        : "";
    }
    const last = course.findLast((value) => value !== null);
    setText(this.value, last === undefined ? "" : measure(last));
  }
}

/** @param {string} name of its class */
function strokedPath(name) {
  const path = document.createElementNS(SPACE, "path");
  path.setAttribute("class", name);
  path.setAttribute("vector-effect", "non-scaling-stroke");
  return path;
}

export class TermCurves {
  constructor() {
    this.list = h("ul", { "aria-label": "Terms of the reward, mean per control step" });
    this.end = h("span", {});
    this.axis = h(
      "p",
      { class: "term term-axis num", hidden: true },
      h("span", {}, "steps of training"),
      h("span", { class: "term-span" }, h("span", {}, "0"), this.end),
      h("span", { class: "term-unit" }, "per step"),
    );
    this.element = h("div", { class: "terms" }, this.list, this.axis);
    /** @type {Map<string, TermRow>} */
    this.rows = new Map();
  }

  /**
   * @param {string[]} names in the order of the code, which gives each its colour
   * @param {Courses} courses
   * @param {number} trained control steps that the courses span
   */
  update(names, courses, trained) {
    if ([...this.rows.keys()].join("\n") !== names.join("\n")) {
      this.rows = new Map(names.map((name, i) => [name, new TermRow(name, termColour(i))]));
      this.list.replaceChildren(...[...this.rows.values()].map((row) => row.element));
    }
    for (const [name, row] of this.rows) row.update(courses[name] ?? []);
    this.axis.hidden = !names.some((name) => (courses[name] ?? []).length > 0);
    setText(this.end, shortCount(trained));
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
