/** How many pictures are drawn per second, few ones too. */

/** Without any picture for this long (ms) it says that there are none. */
const STILL_MS = 5000;

export class PictureRate {
  /** @param {number} now_ms */
  constructor(now_ms) {
    this.seen = 0;
    this.since_ms = now_ms;
    /** Pictures per second. */
    this.rate = 0;
  }

  /**
   * @param {number} pictures drawn so far
   * @param {number} now_ms
   * @returns {number} pictures per second
   */
  count(pictures, now_ms) {
    // One picture in two seconds is not none in the first of them.
    if (pictures === this.seen && now_ms - this.since_ms < STILL_MS) return this.rate;
    this.rate = (1000 * (pictures - this.seen)) / Math.max(1, now_ms - this.since_ms);
    this.seen = pictures;
    this.since_ms = now_ms;
    return this.rate;
  }
}
