/** How long a view rests between two pictures while the cores are needed for learning, or for physics that falls behind. */

/**
 * What else needs the cores. `some`: physics that cannot hold the speed asked for; motion stays smooth. `much`: learning, and
 * the physics of large crowds.
 * @typedef {"none"|"some"|"much"} Need
 */

/** The least and the longest rest (ms). @type {Record<Need, [number, number]>} */
const RESTS = { none: [0, 0], some: [30, 40], much: [90, 250] };
/** The share of the time that drawing may take. */
const SHARE = 0.05;

export class PictureRest {
  constructor() {
    /** @type {Need} */
    this.need = "none";
    this.rest_ms = 0;
    this.drawn_ms = 0;
  }

  /** @param {Need} need */
  spare(need) {
    if (need === this.need) return;
    this.need = need;
    [this.rest_ms] = RESTS[need];
  }

  /** Time (ms) until the next picture may be drawn. */
  get wait_ms() {
    return this.drawn_ms + this.rest_ms - performance.now();
  }

  /** A picture begins. Where the processor paints, it does so after the strokes were listed: a timer fires when that is done. */
  begin() {
    const began_ms = performance.now();
    this.drawn_ms = began_ms;
    if (this.need === "none") return;
    setTimeout(() => this.cost(performance.now() - began_ms), 0);
  }

  /** @param {number} cost_ms what the picture took, wherever it was painted */
  cost(cost_ms) {
    const [least_ms, most_ms] = RESTS[this.need];
    this.rest_ms = Math.min(most_ms, Math.max(least_ms, cost_ms / SHARE));
  }
}
