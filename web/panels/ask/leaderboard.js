/** All members so far, the fittest first. */

import { h } from "../elements.js";
import { measure } from "../format.js";
import { memberColour, memberLetter } from "./colours.js";
import { fitnessWords, metricsOf, originWords } from "./member_card.js";

/** @import {LoopMember, LoopView} from "../../protocol" */

const MOST_ROWS = 12;
const MOST_METRICS = 3;

export class Leaderboard {
  /** @param {(id: string) => void} onChoose */
  constructor(onChoose) {
    this.onChoose = onChoose;
    this.head = h("tr", {});
    this.body = h("tbody", {});
    this.none = h("p", { class: "muted" }, "The first fitness comes when the first member has been judged.");
    this.table = h("table", { class: "board" }, h("thead", {}, this.head), this.body);
    this.element = h(
      "section",
      { class: "ask-block" },
      h("h2", { class: "ask-title" }, "Leaderboard"),
      this.none,
      h("div", { class: "board-frame" }, this.table),
    );
    this.key = "";
  }

  /**
   * @param {LoopView} view
   * @param {string|null} chosen id of the member looked at
   */
  update({ members, leaderboard: order, fitness }, chosen) {
    const byId = new Map(members.map((member) => [member.id, member]));
    const ranked = order.flatMap((id) => byId.get(id) ?? []).slice(0, MOST_ROWS);
    const key = JSON.stringify([ranked.map(({ id, fitness, metrics }) => [id, fitness, metrics]), chosen]);
    if (key === this.key) return;
    this.key = key;
    this.none.hidden = ranked.length > 0;
    this.table.hidden = ranked.length === 0;
    const [first] = ranked;
    const shown = first ? metricsOf(first, fitness.source) : [];
    const names = shown.slice(0, MOST_METRICS).map(([name]) => name);
    this.head.replaceChildren(
      ...["", "Member", "Generation", "Fitness", ...names.map((name) => name.replaceAll("_", " "))].map(
        (word) => h("th", { scope: "col" }, word),
      ),
    );
    const focused = document.activeElement?.getAttribute("data-member");
    this.body.replaceChildren(...ranked.map((member, i) => this.#row(member, i + 1, names, chosen)));
    if (focused) {
      const again = this.body.querySelector(`[data-member="${CSS.escape(focused)}"]`);
      if (again instanceof HTMLElement) again.focus();
    }
  }

  /**
   * @param {LoopMember} member
   * @param {number} rank
   * @param {string[]} names of the metrics shown
   * @param {string|null} chosen
   */
  #row(member, rank, names, chosen) {
    const { id, index, name, fitness, metrics } = member;
    return h(
      "tr",
      { class: id === chosen ? "chosen" : "", style: `--member: ${memberColour(index)}` },
      h("td", { class: "num muted" }, rank),
      h(
        "td",
        { class: "board-member" },
        h(
          "button",
          { type: "button", "data-member": id, onclick: () => this.onChoose(id) },
          h("span", { class: "letter small" }, memberLetter(index)),
          h("span", { class: "board-name" }, name),
        ),
      ),
      h("td", { class: "num" }, originWords(member).replace("generation ", "")),
      h("td", { class: "num strong" }, fitnessWords(fitness)),
      ...names.map((metric) => h("td", { class: "num" }, measure(metrics[metric]))),
    );
  }
}
