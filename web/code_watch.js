/** Watches a worker that says when it begins and ends to run code that the page does not trust. */

/** Between two looks. */
const LOOK_MS = 200;
/**
 * Looks in which the same call has not come back. A page that slept looks once when it wakes, however long it slept, and
 * the longest call that the checker admits takes a tenth of this.
 */
const MOST_LOOKS = 7;

export class CodeWatch {
  /** @param {(functionName: string) => void} onHang once; the watch is over then */
  constructor(onHang) {
    this.onHang = onHang;
    /** The function that runs, or "". */
    this.running = "";
    this.looks = 0;
    /** @type {ReturnType<typeof setInterval>|undefined} */
    this.timer = undefined;
  }

  /**
   * The worker's CodeRuns message.
   * @param {boolean} running
   * @param {string} functionName
   */
  note(running, functionName) {
    this.looks = 0;
    this.running = running ? functionName || "code" : "";
    // The timer stays for the next call: most come soon.
    if (running) this.timer ??= setInterval(() => this.#look(), LOOK_MS);
  }

  end() {
    clearInterval(this.timer);
    this.timer = undefined;
    this.running = "";
  }

  #look() {
    this.looks += 1;
    if (!this.running) {
      if (this.looks > MOST_LOOKS) this.end();
      return;
    }
    if (this.looks < MOST_LOOKS) return;
    const { running } = this;
    this.end();
    this.onHang(running);
  }
}
