/** The buttons beneath the inspector: what can be done with the loop now. */

import { button, h, setText } from "../elements.js";

/** @import {LoopControl} from "../../ask_control.js" */

export class RoomFoot {
  /**
   * @param {LoopControl} control
   * @param {{goOn: () => void, exportLedger: () => void}} wishes
   */
  constructor(control, wishes) {
    this.control = control;
    this.wishes = wishes;
    this.lack = "";
    this.note = h("p", { class: "foot-note", role: "status" });
    this.buttons = h("div", { class: "foot-buttons" });
    this.element = h("div", { class: "panel-foot" }, this.note, this.buttons);
  }

  /** @param {string} lack what keeps a loop from starting, or "" */
  say(lack) {
    this.lack = lack;
    this.update();
  }

  update() {
    const { control, buttons, note } = this;
    const { view } = control;
    setText(note, this.#words());
    const lacks = this.lack !== "" && (control.state === "setup" || this.#rests);
    note.classList.toggle("bad", lacks);
    const key = `${control.state} ${view?.state} ${view?.over} ${control.record?.id}`;
    if (buttons.dataset.key !== key) {
      buttons.dataset.key = key;
      const focused = buttons.contains(document.activeElement);
      buttons.replaceChildren(...this.#choices());
      if (focused) buttons.querySelector("button")?.focus();
    }
    buttons.querySelector("#ask-continue")?.toggleAttribute("disabled", lacks);
    this.element.hidden = buttons.children.length === 0 && note.textContent === "";
  }

  /** Whether a loop waits to go on. */
  get #rests() {
    return this.control.state === "kept" && !this.control.view?.over;
  }

  #words() {
    const { control } = this;
    if (control.state === "setup") return this.lack;
    if (control.state === "booting") return control.loading;
    if (this.#rests)
      return this.lack || "This loop goes on where it was left; nothing is asked or trained twice.";
    return "";
  }

  #choices() {
    const { control, wishes } = this;
    const large = { class: "large" };
    const primary = { class: "primary large" };
    if (control.state === "setup") return [];
    if (control.state === "booting") return [button("Cancel", () => control.leave(), large)];
    const { view } = control;
    if (this.#rests)
      return [
        button("Continue", wishes.goOn, { ...primary, id: "ask-continue" }),
        button("New task", () => control.leave(), large),
        button("Export the ledger", wishes.exportLedger, large),
      ];
    if (!view || view.over)
      return [
        button("New task", () => control.leave(), { ...large, id: "ask-new" }),
        button("Export the ledger", wishes.exportLedger, large),
      ];
    if (view.state === "paused")
      return [
        button("Resume", () => control.pause(false), primary),
        button("Stop", () => control.stop(), large),
      ];
    return [button("Pause", () => control.pause(true), primary), button("Stop", () => control.stop(), large)];
  }
}
