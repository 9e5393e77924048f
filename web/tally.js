/** Returns, falls and distances of a show's episodes, however many there were. */

/** @import {EpisodeEnded} from "./protocol" */

export class Tally {
  /** Episodes that nobody disturbed. */
  count = 0;
  mean = 0;
  /** Episodes that somebody disturbed; they are in no mean. */
  disturbed = 0;
  /** Episodes that ended with the robot outside its task's bounds, disturbed or not. */
  falls = 0;
  /** Undisturbed episodes that began from an evaluation seed: the first of each robot. @type {EpisodeEnded[]} */
  first = [];
  /** Sum of squared distances from the mean (Welford 1962). */
  #squares = 0;

  /** Population standard deviation, as numpy.std. */
  get std() {
    return Math.sqrt(this.#squares / Math.max(1, this.count));
  }

  /** @param {EpisodeEnded} episode */
  add(episode) {
    if (episode.terminated) this.falls += 1;
    if (episode.disturbed) {
      this.disturbed += 1;
      return;
    }
    if (episode.seed !== null) this.first.push(episode);
    this.count += 1;
    const before = episode.episode_return - this.mean;
    this.mean += before / this.count;
    this.#squares += before * (episode.episode_return - this.mean);
  }
}
