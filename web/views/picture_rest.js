/** How long a view rests between two pictures while the cores are needed for learning, or for the physics of many robots. */

/** The least and the longest rest (ms), and the share of the time that drawing may take. */
const LEAST_MS = 90;
const MOST_MS = 250;
const SHARE = 0.05;

export class PictureRest {
  constructor() {
    /** Whether the cores are needed elsewhere. */
    this.sparing = false;
    this.rest_ms = 0;
    this.drawn_ms = 0;
  }

  /** @param {boolean} sparing */
  spare(sparing) {
    if (sparing === this.sparing) return;
    this.sparing = sparing;
    this.rest_ms = sparing ? LEAST_MS : 0;
  }

  /** Time (ms) until the next picture may be drawn. */
  get wait_ms() {
    return this.drawn_ms + this.rest_ms - performance.now();
  }

  /** A picture begins. Where the processor paints, it does so after the strokes were listed: a timer fires when that is done. */
  begin() {
    const began_ms = performance.now();
    this.drawn_ms = began_ms;
    if (!this.sparing) return;
    setTimeout(() => this.cost(performance.now() - began_ms), 0);
  }

  /** @param {number} cost_ms what the picture took, wherever it was painted */
  cost(cost_ms) {
    if (this.sparing) this.rest_ms = Math.min(MOST_MS, Math.max(LEAST_MS, cost_ms / SHARE));
  }
}
