/** The episodes of a show: each return, and their mean beside what the policy's file reports. */

import { h, setText } from "./elements.js";
import { meanAndSpread, meanOf, measure, plural } from "./format.js";

/** @import {EpisodeEnded} from "../protocol" */
/** @import {PlayControl} from "../play_control.js" */

const REDRAW_MS = 250;

export class Episodes {
  /** @param {PlayControl} play */
  constructor(play) {
    this.play = play;
    this.mean = h("data", { class: "num" }, "–");
    this.first = h("data", { class: "num" });
    this.words = h("span");
    this.about = h("p", { class: "muted num" }, this.words, this.first);
    this.body = h("tbody");
    this.table = h(
      "table",
      { class: "episodes num" },
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          ...["Robot", "Seed", "Return", "Length", "End"].map((word) => h("th", { scope: "col" }, word)),
        ),
      ),
      this.body,
    );
    this.frame = h(
      "div",
      { class: "episodes-frame", tabIndex: 0, role: "region", "aria-label": "Episodes, newest first" },
      this.table,
    );
    this.element = h(
      "div",
      {},
      h("div", { class: "evaluation-head" }, h("span", { class: "label" }, "Mean return so far"), this.mean),
      this.about,
      this.frame,
    );
    this.waiting = 0;
    play.addEventListener("episode", () => this.#soon());
    play.addEventListener("started", () => this.update());
    play.addEventListener("change", () => this.#soon());
    this.update();
  }

  #soon() {
    this.waiting ||= window.setTimeout(() => {
      this.waiting = 0;
      this.update();
    }, REDRAW_MS);
  }

  update() {
    const { episodes, tally, started, show } = this.play;
    this.frame.hidden = episodes.length === 0;
    if (episodes.length === 0) {
      setText(this.mean, "–");
      setText(this.words, "The first episodes are still running.");
      setText(this.first, "");
      this.body.replaceChildren();
      return;
    }
    setText(this.mean, tally.count > 0 ? meanAndSpread(tally.mean, tally.std) : "–");
    const out = tally.disturbed > 0 ? `; ${plural(tally.disturbed, "disturbed episode")} left out` : "";
    setText(this.words, `${plural(tally.count, "episode")}${out}`);
    const first = meanOf(tally.first.map((each) => each.episode_return));
    setText(this.first, tally.first.length > 0 ? `; first of each robot: ${measure(first)}` : "");
    this.first.value = tally.first.length > 0 ? String(first) : "";
    this.first.dataset.count = String(tally.first.length);
    const dt = started?.dt ?? 0;
    const canFall = (show?.task.healthy.length ?? 0) > 0;
    this.body.replaceChildren(...episodes.toReversed().map((each) => row(each, dt, canFall)));
  }
}

/**
 * @param {EpisodeEnded} episode
 * @param {number} dt
 * @param {boolean} canFall
 */
function row(episode, dt, canFall) {
  const end = episode.terminated ? (canFall ? "fell" : "ended") : "time";
  return h(
    "tr",
    {},
    h("td", {}, episode.row + 1),
    h("td", {}, episode.seed ?? "–"),
    h("td", {}, measure(episode.episode_return)),
    h("td", {}, `${(episode.steps * dt).toFixed(1)} s`),
    h(
      "td",
      { title: episode.disturbed ? "Pushed, steered, bumped, or in a changed world" : "" },
      episode.disturbed ? `${end}, disturbed` : end,
    ),
  );
}
