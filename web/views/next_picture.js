/** When a view draws next: at the page's next frame, after the rest that a picture may cost. */

export class NextPicture {
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #timer;
  #request = 0;

  /**
   * @param {() => number} wait_ms time until a picture may be drawn; 0 or less: at once
   * @param {(now_ms: number) => void} draw
   */
  constructor(wait_ms, draw) {
    this.wait_ms = wait_ms;
    this.draw = draw;
  }

  /** Whether a picture is going to be drawn. */
  get due() {
    return this.#request !== 0 || this.#timer !== undefined;
  }

  /** Draw one more picture, however often this is called before it. */
  ask() {
    if (this.due) return;
    const wait_ms = this.wait_ms();
    if (wait_ms > 0) {
      this.#timer = setTimeout(() => {
        this.#timer = undefined;
        this.ask();
      }, wait_ms);
      return;
    }
    this.#request = requestAnimationFrame((now_ms) => {
      this.#request = 0;
      this.draw(now_ms);
    });
  }

  stop() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    cancelAnimationFrame(this.#request);
    this.#request = 0;
  }
}
