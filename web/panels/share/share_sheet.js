/** The sheet that makes a link: what it carries, how long it is, what quantising costs, and the ways to hand it on. */

import { policyLink } from "../../links/policy_link.js";
import { recipeLink } from "../../links/recipe_link.js";
import { button, h, setText } from "../elements.js";
import { fullCount, shortCount } from "../format.js";
import { algorithmWords } from "../settings_form.js";
import { QrCode } from "./qr_code.js";
import { QuantisingCost } from "./quantising_cost.js";

/** @import {App} from "../../app.js" */
/** @import {PolicyEntry, Recipe} from "../../page_types" */
/** @import {Precision} from "../../links/policy_link.js" */

/** @typedef {{policy: PolicyEntry|null, recipe: Recipe|null}} Shareable */

const LONGEST_NAME = 60;
const CARRIES = {
  policy: "The link carries the trained policy itself. Whoever opens it sees it act, in a tab of their own.",
  recipe: "The link carries what to train and how. Whoever opens it reads it first, and trains with a press.",
};

export class ShareSheet {
  /** @param {App} app */
  constructor(app) {
    this.app = app;
    this.cost = new QuantisingCost(app, () => this.#ready());
    this.qr = new QrCode();
    /** @type {Shareable} */
    this.what = { policy: null, recipe: null };
    /** @type {"policy"|"recipe"} */
    this.kind = "policy";
    /** @type {Precision} */
    this.precision = "int8";
    this.address = "";
    /** Counts what was asked for, so that an older answer is dropped. */
    this.turn = 0;
    this.kinds = h("div", {
      class: "segmented share-kinds",
      role: "radiogroup",
      "aria-label": "What to share",
    });
    this.words = h("p", { class: "muted" });
    this.name = h("input", {
      class: "field",
      id: "share-name",
      type: "text",
      maxLength: LONGEST_NAME,
      autocomplete: "off",
      oninput: () => this.#make(),
    });
    this.bits = h(
      "select",
      { class: "select", id: "share-bits", onchange: () => this.#setPrecision() },
      h("option", { value: "int8" }, "8 bits"),
      h("option", { value: "f16" }, "16 bits"),
    );
    this.bitsRow = h("div", { class: "pair" }, h("label", { for: "share-bits" }, "Weights"), this.bits);
    this.length = h("data", { class: "num", "data-figure": "link-length" });
    this.link = h("textarea", { class: "field mono", id: "share-link", rows: 3, readOnly: true });
    this.copy = button("Copy link", () => this.#copy(this.address, this.copy), {
      class: "primary",
      icon: "copy",
    });
    this.embed = button("Copy embed", () => this.#copy(this.#frame(), this.embed), {
      icon: "copy",
      title: "An iframe for a page of your own: only the robots; it rests while out of sight",
    });
    this.problem = h("p", { class: "setting-problem", role: "alert" });
    this.dialog = this.#dialog();
    document.body.append(this.dialog);
  }

  #dialog() {
    const dialog = h(
      "dialog",
      { class: "sheet share-sheet", "aria-labelledby": "share-title" },
      h("h2", { id: "share-title" }, "Share"),
      this.kinds,
      this.words,
      h("div", { class: "pair" }, h("label", { for: "share-name" }, "Name"), this.name),
      this.bitsRow,
      h("dl", { class: "facts num" }, h("div", {}, h("dt", {}, "Length"), h("dd", {}, this.length))),
      this.cost.element,
      h("label", { class: "visually-hidden", for: "share-link" }, "Link"),
      this.link,
      this.qr.element,
      this.problem,
      h(
        "div",
        { class: "sheet-actions share-actions" },
        this.copy,
        this.embed,
        button("Close", () => dialog.close()),
      ),
    );
    // The page's own keys, Escape among them, mean the room behind.
    dialog.addEventListener("keydown", (event) => event.stopPropagation());
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    return dialog;
  }

  /** @param {Shareable} what */
  open(what) {
    this.what = what;
    this.kind = what.policy ? "policy" : "recipe";
    const { policy, recipe } = what;
    const task = this.app.tasks.get(policy?.task ?? recipe?.task ?? "");
    this.name.value = (policy?.origin === "training" ? task?.title : policy?.title) ?? task?.title ?? "";
    this.kinds.replaceChildren(
      ...(policy ? [this.#choice("policy", "Policy")] : []),
      ...(recipe ? [this.#choice("recipe", "Recipe")] : []),
    );
    this.kinds.hidden = !policy || !recipe;
    this.#make();
    if (!this.dialog.open) this.dialog.showModal();
  }

  /**
   * @param {"policy"|"recipe"} kind
   * @param {string} words
   */
  #choice(kind, words) {
    const choose = () => {
      this.kind = kind;
      this.#make();
    };
    const input = { type: "radio", name: "share-kind", value: kind, checked: kind === this.kind };
    return h("label", {}, h("input", { ...input, onchange: choose }), words);
  }

  #setPrecision() {
    this.precision = this.bits.value === "f16" ? "f16" : "int8";
    this.#make();
  }

  /** How it came about, in a few words. */
  #made() {
    const { policy, recipe } = this.what;
    const { facts } = policy ?? {};
    const from = recipe ?? facts?.recipe;
    if (this.kind === "recipe" || !facts) return "";
    const by = from ? `${algorithmWords(from.algorithm).title}, seed ${from.seed}, ` : "";
    return `${by}${shortCount(facts.steps)} steps`;
  }

  /** Make the link anew. */
  async #make() {
    const turn = ++this.turn;
    const { app, kind, precision, what } = this;
    const words = { name: this.name.value.trim(), made: this.#made(), precision };
    setText(this.words, CARRIES[kind]);
    this.bitsRow.hidden = this.embed.hidden = this.cost.element.hidden = kind === "recipe";
    setText(this.problem, "");
    try {
      let fragment = "";
      const file = kind === "policy" ? await what.policy?.load() : null;
      if (file) fragment = await policyLink(file, words, app.library.linkTasks);
      else if (what.recipe && kind === "recipe")
        fragment = await recipeLink(what.recipe, words, {
          tasks: app.tasks,
          settings: app.trainPanel.settings,
        });
      if (turn !== this.turn) return;
      this.address = `${location.origin}${location.pathname}${fragment}`;
      if (file && what.policy) this.cost.measure(what.policy, file, precision);
    } catch (error) {
      if (turn !== this.turn) return;
      this.address = "";
      const { message, todo = "" } = /** @type {{message: string, todo?: string}} */ (error);
      setText(this.problem, `${message} ${todo}`.trim());
    }
    const { length } = this.address;
    this.length.value = String(length);
    setText(this.length, length ? `${fullCount(length)} characters` : "none");
    this.link.value = this.address;
    this.#ready();
    this.qr.show(this.address).catch((error) => app.notices.report(error, { key: "link" }));
  }

  /** What a policy loses is known before its link is copied. */
  #ready() {
    const waits = this.kind === "policy" && this.cost.measuring;
    this.copy.disabled = this.embed.disabled = waits || this.address === "";
    this.copy.title = waits ? "The fitness of the shared policy is being measured" : "";
  }

  #frame() {
    const [page = "", fragment = ""] = this.address.split("#");
    return `<iframe src="${page}?embed=1#${fragment}" title="TabRL" width="640" height="360" style="border:0" loading="lazy"></iframe>`;
  }

  /**
   * @param {string} text
   * @param {HTMLButtonElement} pressed says for a moment what happened
   */
  async #copy(text, pressed) {
    const label = /** @type {Text} */ (pressed.lastChild);
    const before = pressed === this.copy ? "Copy link" : "Copy embed";
    try {
      await navigator.clipboard.writeText(text);
      label.data = "Copied";
    } catch {
      this.link.value = text;
      this.link.select();
      label.data = "Copy it by hand";
    }
    setTimeout(() => {
      label.data = before;
    }, 1500);
  }
}
