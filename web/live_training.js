/** The newest weights of the training in the Watch room: whoever follows the training there acts with them while it goes on. */

/** @import {PolicyFile} from "./protocol" */
/** @import {PlayControl} from "./play_control.js" */
/** @import {PolicyLibrary} from "./policy_library.js" */
/** @import {RunControl} from "./run_control.js" */

/** A worker that learns is asked for its weights so often: it writes them to a file for that. */
const ASK_MS = 2000;

export class LiveTraining {
  /**
   * @param {PlayControl} play
   * @param {RunControl} run
   * @param {PolicyLibrary} library
   */
  constructor(play, run, library) {
    this.play = play;
    this.run = run;
    this.library = library;
    this.asking = false;
    library.addEventListener("change", () => this.#hand());
    setInterval(() => this.#ask(), ASK_MS);
  }

  get #followers() {
    return this.play.lineup.parts.filter(({ follows }) => follows);
  }

  /** Somebody watches a run that learns: ask for what it has learned. */
  async #ask() {
    const { run, play } = this;
    const { client, id } = run;
    if (this.asking || document.hidden || run.state !== "running" || !client) return;
    if (play.state !== "playing" || this.#followers.length === 0) return;
    this.asking = true;
    /** @type {Promise<PolicyFile>} */
    const asked = client.request({ type: "request_policy" });
    // A run that is between two teams of workers has none; it is asked again.
    const file = await asked.catch(() => null);
    this.asking = false;
    if (file && run.id === id && file.steps > (run.policy?.steps ?? 0)) run.takePolicy(file);
  }

  /** Let those who follow act with the newest weights. */
  #hand() {
    const { training } = this.library;
    for (const part of this.#followers) {
      const { entry, task } = part.show;
      if (!training || training.task !== task.id) part.follows = false;
      else if (entry.key !== training.key) this.play.guests.swap(part, training);
    }
  }
}
