/** The controls over the stage: title, view, play, step, speed, reset, push. */

import { SPEEDS } from "../play_control.js";
import { button, h, icon, iconButton, setText } from "./elements.js";
import { times } from "./format.js";

/** @import {RunControl} from "../run_control.js" */
/** @import {PlayControl} from "../play_control.js" */
/** @import {Room} from "../page_types" */
/** @import {Stage} from "./stage.js" */

/** How far below the asked speed the measured one may lie before the page says that the physics cannot hold it. */
const HELD = 0.9;

/**
 * What the controls do; main.js gives the same functions to the keyboard.
 * @typedef {object} Actions
 * @property {() => void} playOrPause
 * @property {() => void} step
 * @property {(by: 1|-1) => void} faster
 * @property {() => void} reset
 * @property {() => void} push
 * @property {() => void} follow
 * @property {() => void} back
 * @property {() => void} train
 */

export class Transport {
  /**
   * @param {{title: HTMLElement, tools: HTMLElement, bar: HTMLElement}} places
   * @param {Stage} stage
   * @param {PlayControl} play
   * @param {RunControl} run
   * @param {Actions} actions
   */
  constructor(places, stage, play, run, actions) {
    this.places = places;
    this.stage = stage;
    this.play = play;
    this.run = run;
    this.actions = actions;
    /** @type {Room} */
    this.room = "watch";
    this.group = h("p", { class: "stage-group" });
    this.name = h("h2", { class: "stage-name" });
    this.line = h("p", { class: "stage-line num" });
    this.back = button("All robots", actions.back, {
      icon: "back",
      title: "Back to all robots (Esc)",
      class: "stage-back",
    });
    this.train = button("Train your own", actions.train, { class: "primary large", id: "train-your-own" });
    this.modes = h("div", { class: "segmented", role: "group", "aria-label": "How robots are drawn" });
    this.others = h(
      "button",
      {
        type: "button",
        class: "button",
        title: "Show the other robots around this one",
        onclick: () => stage.setOthers(!stage.view.others),
      },
      "Others",
    );
    this.follow = iconButton("follow", "Follow the robots", actions.follow, "f");
    this.playPause = iconButton("pause", "Pause", actions.playOrPause, "Space");
    this.stepper = iconButton("step", "One step", actions.step, ".");
    this.slider = h("input", {
      type: "range",
      min: "0",
      max: String(SPEEDS.length - 1),
      step: "1",
      "aria-label": "Speed, simulated seconds per second",
      oninput: () => play.setSpeed(SPEEDS[Number(this.slider.value)] ?? 1),
    });
    this.asked = h("span", { class: "speed-asked num" });
    this.measured = h("span", { class: "speed-measured num" });
    this.speed = h("div", { class: "speed" });
    this.resetter = iconButton("reset", "Start the episodes anew", actions.reset, "r");
    this.pusher = button("Push", actions.push, {
      icon: "push",
      class: "quiet push-button",
      title: "Push (p)",
    });
    places.title.append(this.back, this.group, this.name, this.line, this.train);
    this.#tools();
    this.#bar();
    for (const source of [play, run, stage]) source.addEventListener("change", () => this.update());
    play.addEventListener("frame", () => this.#speedLine());
  }

  /** @param {Room} room */
  setRoom(room) {
    this.room = room;
    this.update();
  }

  /**
   * Say what the stage shows.
   * @param {string} group
   * @param {string} name
   * @param {string} line
   */
  say(group, name, line) {
    setText(this.group, group);
    setText(this.name, name);
    setText(this.line, line);
  }

  /** What the stage shows, in a few words. */
  get shownWords() {
    return `${this.group.textContent} ${this.name.textContent}`.trim();
  }

  #tools() {
    const mode = (/** @type {"crowd"|"figures"} */ value, /** @type {string} */ label) =>
      h("button", { type: "button", "data-mode": value, onclick: () => this.stage.setMode(value) }, label);
    this.modes.append(mode("crowd", "3D"), mode("figures", "Figures"));
    this.places.tools.append(this.others, this.follow, this.modes);
  }

  #bar() {
    this.speed.append(this.slider, this.asked, this.measured);
    this.places.bar.append(this.playPause, this.stepper, this.speed, this.resetter, this.pusher);
  }

  update() {
    const { play, run, stage } = this;
    const watch = this.room === "watch";
    const close = stage.view.close !== null;
    const ticking = watch ? play.state === "playing" : run.state === "running";
    const paused = watch ? play.state === "paused" : run.state === "paused";
    this.back.hidden = !close;
    this.train.hidden = !watch || close || run.live;
    const { playPause, stepper, slider, asked, speed, resetter, pusher, modes, follow } = this;
    playPause.replaceChildren(icon(ticking ? "pause" : "play"));
    playPause.setAttribute("aria-label", ticking ? "Pause" : "Play");
    playPause.title = `${ticking ? "Pause" : "Play"} (Space)`;
    playPause.disabled = !ticking && !paused;
    stepper.hidden = speed.hidden = resetter.hidden = !watch;
    stepper.disabled = resetter.disabled = pusher.disabled = !ticking && !paused;
    pusher.title = stage.view.close === null && stage.view.selected === null ? "Push all (p)" : "Push (p)";
    slider.value = String(SPEEDS.indexOf(play.speed));
    slider.setAttribute("aria-valuetext", `${play.speed} times real time`);
    setText(asked, times(play.speed));
    this.places.bar.hidden = !watch && !ticking && !paused;
    stage.places.stage.dataset.bar = this.places.bar.hidden ? "no" : "yes";
    for (const choice of modes.querySelectorAll("button")) {
      const on = close ? false : choice.dataset.mode === (stage.no3D ? "figures" : stage.view.mode);
      choice.setAttribute("aria-pressed", String(on));
      choice.disabled = choice.dataset.mode === "crowd" && stage.no3D !== "";
      choice.title = choice.disabled ? "This browser gives the page no WebGL" : "";
    }
    modes.hidden = close;
    this.others.hidden = !close || stage.view.count < 2;
    this.others.setAttribute("aria-pressed", String(stage.view.others));
    follow.hidden = !stage.spatial;
    follow.setAttribute("aria-pressed", String(stage.view.follow));
    this.#speedLine();
  }

  #speedLine() {
    const { play, measured } = this;
    const factor = play.frame?.real_time_factor ?? null;
    if (this.room !== "watch" || play.state !== "playing" || factor === null) {
      setText(measured, "");
      return;
    }
    const held = factor >= HELD * play.speed;
    setText(measured, held ? `${factor.toFixed(2)}x measured` : `physics holds ${factor.toFixed(2)}x`);
    measured.classList.toggle("short", !held);
  }
}
