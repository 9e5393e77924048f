/** Beside the members: who designs, what it costs, what it says, what the person says, and the ledger of it all. */

import { button, h, setText } from "../elements.js";
import { duration, plural, shortCount } from "../format.js";

/** @import {AnalysisDelta, LoopView} from "../../protocol" */
/** @import {FitnessRecord} from "./brief_form.js" */

/** @param {number} usd */
export function dollars(usd) {
  return `$${usd.toFixed(usd !== 0 && usd < 0.1 ? 4 : 2)}`;
}

/** One thing that is spent, against its cap. */
class Meter {
  /** @param {string} label */
  constructor(label) {
    this.words = h("span", { class: "num" });
    this.bar = h("span", {});
    this.element = h(
      "div",
      { class: "meter" },
      h("div", { class: "progress-line" }, h("span", { class: "label" }, label), this.words),
      h("div", { class: "progress" }, this.bar),
    );
  }

  /**
   * @param {number} spent
   * @param {number|null} cap null: none
   * @param {(amount: number) => string} write
   */
  update(spent, cap, write) {
    setText(this.words, cap === null ? write(spent) : `${write(spent)} of ${write(cap)}`);
    this.bar.style.transform = `scaleX(${cap ? Math.min(1, spent / cap) : 0})`;
  }
}

/** What is spent so far. */
export class CostMeter {
  constructor() {
    this.tokens = new Meter("Tokens");
    this.usd = new Meter("Money");
    this.seconds = new Meter("Time");
    this.steps = new Meter("Steps of training");
    this.detail = h("p", { class: "setting-help num" });
    this.element = h(
      "section",
      { class: "group meters" },
      h("h2", { class: "group-title" }, "Spent"),
      this.tokens.element,
      this.usd.element,
      this.detail,
      this.steps.element,
      this.seconds.element,
    );
  }

  /** @param {LoopView} view */
  update({ cost, designer }) {
    const paid = designer.kind === "claude";
    for (const each of [this.tokens.element, this.usd.element, this.detail]) each.hidden = !paid;
    this.tokens.update(cost.tokens, cost.max_tokens, shortCount);
    this.usd.update(cost.usd, cost.max_usd, dollars);
    this.steps.update(cost.steps, cost.max_steps, shortCount);
    this.seconds.update(cost.seconds, cost.max_seconds, duration);
    setText(
      this.detail,
      `${shortCount(cost.input_tokens)} read, ${shortCount(cost.cached_tokens)} of them from the cache, ${shortCount(cost.output_tokens)} written, in ${plural(cost.requests, "request")}`,
    );
  }
}

/** What the designer says, as it says it. */
export class Analysis {
  constructor() {
    this.live = h("div", { class: "analysis-text", "aria-live": "polite" });
    this.liveHead = h("h3", { class: "analysis-head" });
    this.older = h("div", { class: "analysis-older" });
    this.element = h(
      "section",
      { class: "group analysis" },
      h("h2", { class: "group-title" }, "Analysis"),
      h("div", { class: "analysis-now" }, this.liveHead, this.live),
      this.older,
    );
    /** What arrived of the answer that is being written. */
    this.streamed = "";
    this.key = "";
  }

  /** @param {AnalysisDelta} delta the next piece of the answer */
  append({ text, start }) {
    this.streamed = start ? text : this.streamed + text;
    setText(this.live, this.streamed);
  }

  /** @param {LoopView} view */
  update({ analyses, stage, state, generation, designer }) {
    const writing = stage === "asking" && state === "running";
    if (!writing) this.streamed = "";
    const [newest, ...older] = [...analyses].reverse();
    setText(
      this.liveHead,
      writing
        ? `${designer.title} designs generation ${generation}`
        : newest
          ? `Before generation ${newest.generation}`
          : "",
    );
    setText(
      this.live,
      writing
        ? this.streamed
        : (newest?.text ?? "Here the designer says what it read in the results, and what it tries next."),
    );
    const shown = writing ? [...(newest ? [newest] : []), ...older] : older;
    const key = JSON.stringify(shown);
    if (key === this.key) return;
    this.key = key;
    this.older.replaceChildren(
      ...shown.map((each) =>
        h(
          "details",
          {},
          h("summary", {}, `Before generation ${each.generation}`),
          h("p", { class: "analysis-text" }, each.text),
        ),
      ),
    );
  }
}

/** What the person says to the designer; it reads it with the next results. */
export class Comments {
  /** @param {(text: string) => void} say */
  constructor(say) {
    this.input = h("input", {
      class: "field",
      id: "ask-say",
      maxLength: 1000,
      placeholder: "B drags its left foot",
      autocomplete: "off",
    });
    this.list = h("ul", { class: "comments" });
    const send = () => {
      const text = this.input.value.trim();
      if (!text) return;
      say(text);
      this.input.value = "";
    };
    this.element = h(
      "section",
      { class: "group" },
      h("label", { class: "group-title", for: "ask-say" }, "Tell the designer what you see"),
      h(
        "form",
        {
          class: "say",
          onsubmit: (/** @type {Event} */ event) => {
            event.preventDefault();
            send();
          },
        },
        this.input,
        h("button", { type: "submit", class: "button" }, "Send"),
      ),
      this.list,
    );
  }

  /** @param {LoopView} view */
  update({ comments, designer }) {
    this.element.hidden = designer.kind !== "claude";
    const key = JSON.stringify(comments);
    if (this.list.dataset.key === key) return;
    this.list.dataset.key = key;
    this.list.replaceChildren(
      ...comments.map((comment) =>
        h("li", {}, comment.text, h("span", { class: "label" }, ` before generation ${comment.generation}`)),
      ),
    );
  }
}

/** What members are ranked by. */
export class Judge {
  /** @param {FitnessRecord[]} shipped */
  constructor(shipped) {
    this.shipped = shipped;
    this.title = h("p", {});
    this.code = h("pre", { class: "mono" });
    this.element = h(
      "section",
      { class: "group" },
      h("h2", { class: "group-title" }, "Judged by"),
      this.title,
      h("details", {}, h("summary", { class: "muted" }, "Its code"), this.code),
    );
  }

  /** @param {LoopView} view */
  update({ fitness }) {
    const known = this.shipped.find(({ id, own }) => id === fitness.name || own.includes(fitness.name));
    this.element.hidden = fitness.source === "";
    setText(this.title, known ? `${known.title}. ${known.words}` : fitness.rationale);
    setText(this.code, fitness.source);
  }
}

/** Every request, answer and result, in order. */
export class LedgerView {
  /** @param {() => void} exportLedger */
  constructor(exportLedger) {
    this.count = h("span", { class: "label num" });
    this.list = h("ol", { class: "ledger" });
    this.element = h(
      "details",
      { class: "group" },
      h("summary", { class: "group-title" }, "Ledger ", this.count),
      h(
        "p",
        { class: "setting-help" },
        "Every question, answer and result, each line chained to the one before by its hash. A loop replays from it without asking again.",
      ),
      this.list,
      h("div", { class: "row" }, button("Export the ledger", exportLedger, { icon: "download" })),
    );
    this.shown = 0;
  }

  /** @param {string[]} lines */
  update(lines) {
    setText(this.count, lines.length ? plural(lines.length, "line") : "");
    if (lines.length < this.shown) {
      this.list.replaceChildren();
      this.shown = 0;
    }
    for (const line of lines.slice(this.shown)) this.list.append(h("li", {}, ...lineWords(line)));
    this.shown = lines.length;
  }
}

/**
 * What a line of the ledger says, in short.
 * @param {string} line
 */
function lineWords(line) {
  /** @type {{id: string, kind: string, clock: Record<string, number>, data: Record<string, any>}} */
  const { id, kind, clock, data } = JSON.parse(line);
  const seconds = Number(clock.seconds ?? 0);
  const { input_tokens = 0, output_tokens = 0 } = data.usage ?? {};
  const tokens = input_tokens + output_tokens;
  return [
    h("span", {}, `${kind} ${id}`),
    h(
      "span",
      { class: "label num" },
      [tokens ? `${shortCount(tokens)} tokens` : "", seconds >= 1 ? duration(seconds) : ""]
        .filter(Boolean)
        .join(", "),
    ),
  ];
}
