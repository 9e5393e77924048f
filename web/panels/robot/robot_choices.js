/** What a person may change of the task that is proposed for a robot. */

import { h, setText } from "../elements.js";

/** @import {RobotChoices, TaskRecord} from "../../page_types" */

/**
 * @param {string} id
 * @param {() => void} changed
 * @param {string} [mode] of an on-screen keyboard
 */
function field(id, changed, mode = "numeric") {
  const number = mode === "numeric" ? " num" : "";
  const props = { class: `field${number}`, id, type: "text", inputMode: mode, autocomplete: "off" };
  return h("input", { ...props, onchange: changed });
}

export class RobotChoicesForm {
  /** @param {() => void} changed */
  constructor(changed) {
    this.title = field("robot-name", changed, "text");
    this.title.maxLength = 60;
    this.reward = h("select", { class: "select", id: "robot-reward", onchange: changed });
    this.frameSkip = field("robot-frame-skip", changed);
    this.timeLimit = field("robot-time-limit", changed);
    this.fallShare = field("robot-fall-share", changed);
    this.words = h("p", { class: "muted" });
    this.element = h(
      "div",
      { class: "robot-choices" },
      h("h3", {}, "Proposed task"),
      h("label", {}, "Name", this.title),
      h("label", {}, "Reward", this.reward),
      h(
        "div",
        { class: "robot-pair" },
        h("label", {}, "Physics steps per action", this.frameSkip),
        h("label", {}, "Actions per episode", this.timeLimit),
      ),
      h("label", {}, "The episode ends below this share of the first height, % (0: never)", this.fallShare),
      this.words,
    );
  }

  get #fields() {
    return [this.title, this.reward, this.frameSkip, this.timeLimit, this.fallShare];
  }

  /** @param {string} [title] */
  clear(title = "") {
    for (const each of [this.frameSkip, this.timeLimit, this.fallShare]) each.value = "";
    this.title.value = title;
    this.reward.replaceChildren();
    setText(this.words, "");
  }

  /** @param {boolean} on */
  enable(on) {
    for (const each of this.#fields) each.disabled = !on;
  }

  /** @returns {Partial<RobotChoices>} what is written, nonsense as it is; what is empty is proposed */
  choices() {
    const share = this.fallShare.value.trim();
    return {
      title: this.title.value.trim(),
      reward: this.reward.value,
      frame_skip: whole(this.frameSkip.value),
      time_limit: whole(this.timeLimit.value),
      fall_share: share === "" ? null : Number(share) / 100,
    };
  }

  /**
   * @param {RobotChoices} choices
   * @param {Record<string, string>} rewards names and words
   */
  fill(choices, rewards) {
    this.reward.replaceChildren(
      ...Object.entries(rewards).map(([name, words]) => h("option", { value: name }, words)),
    );
    this.reward.value = choices.reward;
    put(this.frameSkip, choices.frame_skip);
    put(this.timeLimit, choices.time_limit);
    put(this.fallShare, Math.round((choices.fall_share ?? 0) * 100));
  }

  /**
   * Say what the task comes to.
   * @param {TaskRecord} task
   * @param {number} timestep s
   */
  tell({ obs_size, action_size, frame_skip, time_limit }, timestep) {
    const dt = timestep * frame_skip;
    setText(
      this.words,
      `The policy sees ${obs_size} numbers and gives ${action_size}, ${Math.round(1 / dt)} times a second. An episode lasts ${(time_limit * dt).toFixed(1)} s.`,
    );
  }
}

/**
 * Put a number into a field, unless somebody is writing in it.
 * @param {HTMLInputElement} place
 * @param {number} value
 */
function put(place, value) {
  if (document.activeElement !== place) place.value = String(value);
}

/**
 * @param {string} text
 * @returns {number} 0 where nothing is written, -1 where it is no whole number
 */
function whole(text) {
  const plain = text.trim();
  if (plain === "") return 0;
  return /^\d{1,6}$/.test(plain) ? Number(plain) : -1;
}
