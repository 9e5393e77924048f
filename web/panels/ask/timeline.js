/** Generations from left to right, fitness upwards: each member a letter, a line to the member it came from. */

import { h } from "../elements.js";
import { memberColour, memberLetter } from "./colours.js";
import { fitnessWords } from "./member_card.js";

const SPACE = "http://www.w3.org/2000/svg";
const LEFT = 44;
const RIGHT = 20;
const TOP = 18;
const BOTTOM = 30;
const HEIGHT = 208;
const DOT = 11;

/**
 * @typedef {object} Point
 * @property {string} id
 * @property {string} name
 * @property {number} generation from 1
 * @property {number} index of the member, which gives letter and colour
 * @property {number|null} fitness
 * @property {string[]} parents ids
 */

/**
 * @param {string} tag
 * @param {Record<string, string|number>} attributes
 * @param {...(Node|string)} children
 */
function s(tag, attributes, ...children) {
  const element = document.createElementNS(SPACE, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

export class Timeline {
  /** @param {(id: string) => void} onChoose */
  constructor(onChoose) {
    this.onChoose = onChoose;
    this.plot = s("svg", { class: "timeline-plot", role: "group", "aria-label": "Fitness by generation" });
    this.element = h(
      "section",
      { class: "ask-block timeline" },
      h("h2", { class: "ask-title" }, "Generations", h("span", { class: "label" }, "fitness upwards")),
      this.plot,
    );
    /** @type {{points: Point[], generations: number, chosen: string|null}} */
    this.shown = { points: [], generations: 1, chosen: null };
    this.key = "";
    new ResizeObserver(() => this.#draw()).observe(this.plot);
  }

  /**
   * @param {Point[]} points
   * @param {number} generations that the loop may have
   * @param {string|null} chosen id of the member looked at
   */
  update(points, generations, chosen) {
    const key = JSON.stringify([points, generations, chosen]);
    if (key === this.key) return;
    this.key = key;
    this.shown = { points, generations, chosen };
    this.#draw();
  }

  #draw() {
    const width = this.plot.clientWidth;
    if (width < 80) return;
    const { points, generations } = this.shown;
    const count = Math.max(generations, ...points.map((point) => point.generation), 1);
    const step = (width - LEFT - RIGHT) / count;
    const known = points.flatMap(({ fitness }) => (fitness === null ? [] : [fitness]));
    const low = Math.min(0, ...known);
    const high = Math.max(...known, low + 1e-9);
    const y = (/** @type {number} */ fitness) =>
      HEIGHT - BOTTOM - ((fitness - low) / (high - low)) * (HEIGHT - TOP - BOTTOM);
    const focused = document.activeElement?.getAttribute("data-id");
    this.plot.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    this.plot.replaceChildren(
      ...this.#frame(width, count, step, known.length > 0 ? [low, high] : [], y),
      ...this.#members(step, y),
    );
    if (focused) /** @type {SVGElement|null} */ (this.plot.querySelector(`[data-id="${focused}"]`))?.focus();
  }

  /**
   * Axes: a line for the least and the most fitness, a word for each generation.
   * @param {number} width
   * @param {number} count
   * @param {number} step
   * @param {number[]} ends
   * @param {(fitness: number) => number} y
   */
  #frame(width, count, step, ends, y) {
    const parts = ends.flatMap((value) => [
      s("line", { class: "timeline-line", x1: LEFT, x2: width - 8, y1: y(value), y2: y(value) }),
      s(
        "text",
        { class: "timeline-word num", x: LEFT - 8, y: y(value) + 4, "text-anchor": "end" },
        fitnessWords(value),
      ),
    ]);
    for (let generation = 1; generation <= count; generation++) {
      const x = LEFT + step * (generation - 0.5);
      parts.push(
        s(
          "text",
          { class: "timeline-word", x, y: HEIGHT - 6, "text-anchor": "middle" },
          step > 92 ? `Generation ${generation}` : String(generation),
        ),
      );
    }
    return parts;
  }

  /**
   * @param {number} step
   * @param {(fitness: number) => number} y
   */
  #members(step, y) {
    const { points, chosen } = this.shown;
    /** Where members of a generation would lie on each other, they stand side by side. @type {Map<string, {x: number, y: number}>} */
    const places = new Map();
    for (const point of points) {
      if (point.fitness === null) continue;
      const members = points.filter((each) => each.generation === point.generation).length;
      const spread = Math.min(step * 0.7, members * 34);
      const offset = members > 1 ? (point.index / (members - 1) - 0.5) * spread : 0;
      places.set(point.id, { x: LEFT + step * (point.generation - 0.5) + offset, y: y(point.fitness) });
    }
    const lines = points.flatMap((point) =>
      point.parents.flatMap((parent) => {
        const [from, to] = [places.get(parent), places.get(point.id)];
        if (!from || !to) return [];
        const middle = (from.x + to.x) / 2;
        const d = `M${from.x} ${from.y}C${middle} ${from.y} ${middle} ${to.y} ${to.x} ${to.y}`;
        return [s("path", { class: "timeline-descent", d, stroke: memberColour(point.index) })];
      }),
    );
    const dots = points.flatMap((point) => {
      const place = places.get(point.id);
      return place ? [this.#dot(point, place, point.id === chosen)] : [];
    });
    return [...lines, ...dots];
  }

  /**
   * @param {Point} point
   * @param {{x: number, y: number}} place
   * @param {boolean} chosen
   */
  #dot(point, place, chosen) {
    const letter = memberLetter(point.index);
    const label = `Generation ${point.generation}, ${letter}, ${point.name}, fitness ${fitnessWords(point.fitness)}`;
    const dot = s(
      "g",
      {
        class: chosen ? "timeline-dot chosen" : "timeline-dot",
        role: "button",
        tabindex: 0,
        "data-id": point.id,
        "aria-label": label,
        transform: `translate(${place.x} ${place.y})`,
      },
      s("title", {}, label),
      s("circle", { r: DOT, fill: memberColour(point.index) }),
      s("text", { "text-anchor": "middle", y: 4 }, letter),
    );
    dot.addEventListener("click", () => this.onChoose(point.id));
    dot.addEventListener("keydown", (event) => {
      const { key } = /** @type {KeyboardEvent} */ (event);
      if (key !== "Enter" && key !== " ") return;
      event.preventDefault();
      this.onChoose(point.id);
    });
    return dot;
  }
}
