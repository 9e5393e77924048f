/**
 * A worker's loop. Messages reach a worker only between two turns of its event loop; a channel of its own makes turns at
 * once, where a timer would wait.
 */
export class Turns {
  /** @param {() => void} work is done in each turn */
  constructor(work) {
    this.channel = new MessageChannel();
    this.channel.port1.onmessage = () => {
      this.waits = false;
      work();
    };
    this.waits = false;
    /** @type {ReturnType<typeof setTimeout>|undefined} */
    this.timer = undefined;
  }

  /** Go on working after the messages that wait now have been let in. */
  goOn() {
    clearTimeout(this.timer);
    if (this.waits) return;
    this.waits = true;
    this.channel.port2.postMessage(null);
  }

  /** @param {number} seconds from now, unless something comes up before */
  goOnIn(seconds) {
    this.timer = setTimeout(() => this.goOn(), 1000 * seconds);
  }
}
