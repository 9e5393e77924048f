/** The menu that saves what the stage shows: film, clip or sheet, with its progress. */

import { download } from "../policy_files.js";
import { CLIP_S, clip, FILM_S, fileName, film, noFilm, sheetOf } from "../recording.js";
import { byId, h, icon, setText } from "./elements.js";

/** @import {Notices} from "../errors.js" */
/** @import {Course} from "../recording.js" */
/** @import {Stage} from "./stage.js" */

/** @typedef {"film"|"clip"|"sheet"} Kind */

export class RecordMenu {
  /**
   * @param {Stage} stage
   * @param {Notices} notices
   * @param {() => string} what words for what is shown
   */
  constructor(stage, notices, what) {
    this.stage = stage;
    this.notices = notices;
    this.what = what;
    /** @type {AbortController|null} */
    this.running = null;
    /** @type {Kind|null} */
    this.kind = null;
    const missing = noFilm();
    const entry = (/** @type {Kind} */ kind, /** @type {string} */ title, /** @type {string} */ about) =>
      h(
        "button",
        {
          type: "button",
          class: "record-choice",
          "data-kind": kind,
          disabled: kind === "film" && missing !== "",
          onclick: () => this.record(kind),
        },
        h("span", { class: "record-title" }, title),
        h("span", { class: "record-about" }, kind === "film" && missing ? missing : about),
      );
    this.choices = h(
      "div",
      { class: "record-choices" },
      entry("film", "Film", `WebM, until you stop it, at most ${FILM_S} s`),
      entry("clip", "Clip", `${CLIP_S} s that loop, an animated PNG`),
      entry("sheet", "Sheet", "12 pictures side by side, a PNG"),
    );
    this.words = h("span", { class: "num" });
    this.stop = h(
      "button",
      { type: "button", class: "button", onclick: () => this.running?.abort() },
      "Stop",
    );
    this.bar = h("span", { class: "record-line" });
    this.progress = h(
      "div",
      { class: "record-progress", role: "status", hidden: true },
      this.words,
      this.stop,
      this.bar,
    );
    this.summary = h(
      "summary",
      {
        class: "button record-open",
        title: "Save a film, a clip or a sheet of pictures",
        "aria-label": "Record",
      },
      icon("record"),
      "Record",
    );
    this.element = h("details", { class: "record", id: "record" }, this.summary, this.choices);
    byId("stage-tools").append(this.element, this.progress);
    this.element.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !this.element.open) return;
      event.stopPropagation();
      this.element.open = false;
      this.summary.focus();
    });
    document.addEventListener("pointerdown", (event) => {
      if (event.target instanceof Node && !this.element.contains(event.target)) this.element.open = false;
    });
  }

  /** @param {Kind} kind */
  async record(kind) {
    if (this.running) return;
    const running = new AbortController();
    this.running = running;
    this.kind = kind;
    this.element.open = false;
    this.element.hidden = true;
    this.progress.hidden = false;
    setText(this.stop, kind === "film" ? "Stop and save" : "Cancel");
    this.stop.focus();
    const name = this.what();
    /** @type {Course} */
    const course = { signal: running.signal, onProgress: (share) => this.#show(share) };
    this.#show(0);
    try {
      const drawn = this.stage.drawn;
      const made = {
        film: () => film(drawn.canvas, course),
        clip: () => clip(drawn, course),
        sheet: () => sheetOf(drawn, course),
      };
      const blob = await made[kind]();
      const ending = kind === "film" ? (blob.type.includes("mp4") ? "mp4" : "webm") : "png";
      download(blob, fileName(kind === "film" ? name : `${name} ${kind}`, ending, new Date()));
    } catch (error) {
      if (!(error instanceof DOMException && error.name === "AbortError")) this.notices.report(error);
    } finally {
      this.running = this.kind = null;
      this.progress.hidden = true;
      this.element.hidden = false;
      this.summary.focus();
    }
  }

  /** @param {number} share */
  #show(share) {
    this.bar.style.transform = `scaleX(${share.toFixed(3)})`;
    setText(
      this.words,
      this.kind === "film" ? `Recording, ${(share * FILM_S).toFixed(0)} s` : `${Math.round(100 * share)} %`,
    );
  }
}
