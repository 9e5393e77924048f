/** The race in the inspector: its start, its clock, and who is ahead. */

import { RACE_S, Race } from "../race.js";
import { memberColour } from "./ask/colours.js";
import { button, h, setText } from "./elements.js";
import { fixed, plural } from "./format.js";

/** @import {PlayControl} from "../play_control.js" */
/** @import {Stage} from "./stage.js" */

/** So many places are listed. */
const PLACES = 8;
const REDRAW_MS = 200;

export class RacePanel {
  /**
   * @param {PlayControl} play
   * @param {Stage} stage
   */
  constructor(play, stage) {
    this.play = play;
    this.stage = stage;
    this.race = new Race(play);
    this.starter = button("Race", () => this.start(), {
      id: "race-start",
      title: `${RACE_S} s from a standing start (g)`,
    });
    this.stopper = button("End", () => this.race.stop(), { id: "race-stop" });
    this.clock = h("p", { class: "muted num", role: "status" });
    this.list = h("ol", { class: "race num" });
    this.element = h(
      "section",
      { class: "group", id: "race" },
      h("h2", { class: "group-title" }, "Race"),
      h("div", { class: "row" }, this.starter, this.stopper),
      this.clock,
      this.list,
    );
    this.waiting = 0;
    this.race.addEventListener("change", () => this.#soon());
    play.addEventListener("change", () => this.#soon());
    play.addEventListener("lineup", () => this.#soon());
    this.update();
  }

  start() {
    const { scene } = this.stage.view;
    if (scene) this.race.start({ bodies: scene.bodies.length, tracked: scene.tracking_body });
  }

  #soon() {
    this.waiting ||= window.setTimeout(() => {
      this.waiting = 0;
      this.update();
    }, REDRAW_MS);
  }

  update() {
    const { race } = this;
    this.stage.setRacing(race.state !== "none");
    this.starter.disabled = !race.possible;
    this.stopper.hidden = race.state === "none";
    setText(this.starter, race.state === "none" ? "Race" : "Start again");
    setText(this.clock, this.#words());
    const ranked = race.ranking.slice(0, PLACES);
    this.list.hidden = ranked.length === 0;
    const key = ranked.map(({ name, distance, out_s }) => `${name}${distance.toFixed(1)}${out_s}`).join();
    if (this.list.dataset.key === key) return;
    this.list.dataset.key = key;
    this.list.replaceChildren(
      ...ranked.map(({ name, distance, out_s }) =>
        h(
          "li",
          { style: `--part: ${memberColour(name.charCodeAt(0) - 65)}` },
          h("span", { class: "arena-letter race-name" }, name),
          h("span", {}, `${fixed(distance, 1)} m`),
          h("span", { class: "muted" }, out_s === null ? "" : `fell after ${out_s.toFixed(1)} s`),
        ),
      ),
    );
  }

  #words() {
    const { race } = this;
    const { runners, elapsed_s } = race;
    if (!race.possible) return "Two robots or more of a task that has a forward can race.";
    if (race.state === "none") return `Everyone starts anew and runs for ${RACE_S} s; distance counts.`;
    if (race.state === "starting") return "To the start";
    const running = runners.filter(({ out_s }) => out_s === null).length;
    const clock = `${elapsed_s.toFixed(1)} s of ${RACE_S} s`;
    if (race.state === "over")
      return `Over after ${elapsed_s.toFixed(1)} s: ${race.ranking[0]?.name ?? ""} came furthest`;
    return `${clock}, ${plural(running, "robot")} of ${runners.length} on ${running === 1 ? "its" : "their"} feet`;
  }
}
