/**
 * Who designs: Claude through the page's own server, Claude with a key of one's own, or the built-in designer. What is not
 * there says what to do for it to be there.
 */

import { fetchOwn } from "../../requirements.js";
import { button, h, setText } from "../elements.js";

/** @import {DesignModel} from "../../protocol" */

/** @typedef {"proxy"|"own-key"|"builtin"} Way */
/** @typedef {{reachable: boolean, key: boolean}} Health what the page's server says of its relay */

/** @typedef {import("../../ask_control.js").Access} Access */

/** The page's relay, beside the page; and the API itself, for a key of one's own. */
const RELAY = "anthropic";
const API = "https://api.anthropic.com";
/** Starts the page's server with a key; the key stays there. */
const SERVE = "ANTHROPIC_API_KEY=... ./build.sh serve";
/** The same for a page that is hosted elsewhere: the relay alone. */
const RELAY_PORT = 8100;
const RELAY_ALONE = `ANTHROPIC_API_KEY=... python -m proxy --origin ${location.origin} --port ${RELAY_PORT}`;
/** @type {Health} */
const SILENT = { reachable: false, key: false };

/**
 * @param {() => Promise<Response>} ask
 * @returns {Promise<Health>}
 */
async function askHealth(ask) {
  try {
    const said = await (await ask()).json();
    return { reachable: typeof said.key === "boolean", key: said.key === true };
  } catch {
    // A plain static host has no such answer: it relays nothing.
    return SILENT;
  }
}

/** @returns {Promise<Health>} */
async function askOwnServer() {
  // The page's own server isolates its pages; a host that does not cannot be it, and asking would only raise an error there.
  return globalThis.crossOriginIsolated ? await askHealth(() => fetchOwn("health")) : SILENT;
}

/**
 * Scheme, host and port of what was typed, or "" where that is no address.
 * @param {string} typed
 */
function originOf(typed) {
  try {
    const { protocol, origin } = new URL(typed.trim());
    return protocol === "http:" || protocol === "https:" ? origin : "";
  } catch {
    return "";
  }
}

export class DesignerChoice {
  /**
   * @param {boolean} claude whether the page has what speaks to Claude
   * @param {{onChange: () => void, onModels: () => void}} handlers onModels: the list of models is wanted
   */
  constructor(claude, { onChange, onModels }) {
    this.claude = claude;
    this.onChange = onChange;
    this.onModels = onModels;
    /** What this page's own server says. @type {Health|null} */
    this.own = null;
    /** What the proxy elsewhere says whose address was typed. @type {Health|null} */
    this.elsewhere = null;
    /** @type {Way} */
    this.way = "builtin";
    this.touched = false;
    /** A loop that Claude began goes on with Claude: only the way there is chosen. */
    this.goesOn = false;
    this.proxyState = h("p", { class: "choice-words" }, "Asking the page's server ...");
    this.commandText = h("code", {}, SERVE);
    this.command = h("div", { class: "command" }, this.commandText, this.#copyButton());
    this.address = h("input", {
      class: "field mono",
      id: "proxy-address",
      type: "url",
      autocomplete: "off",
      spellcheck: false,
      placeholder: `http://127.0.0.1:${RELAY_PORT}`,
      onchange: () => this.#askElsewhere(),
    });
    this.addressRow = h(
      "div",
      { class: "proxy-address" },
      h("label", { for: "proxy-address" }, "Its address"),
      this.address,
    );
    this.key = h("input", {
      class: "field mono",
      id: "own-key",
      type: "password",
      autocomplete: "off",
      spellcheck: false,
      placeholder: "sk-ant-...",
      oninput: () => onChange(),
      onchange: () => this.way === "own-key" && this.#reachable && onModels(),
    });
    this.model = h("select", { class: "select", id: "ask-model", onchange: () => onChange() });
    this.modelRow = h(
      "div",
      { class: "setting choice" },
      h("label", { for: "ask-model" }, "Model"),
      h("div", { class: "setting-control" }, this.model),
      h("p", { class: "setting-help" }, "A larger one thinks further about each reward and costs more."),
    );
    this.modelsNote = h("p", { class: "setting-help", role: "status" });
    this.element = this.#assemble();
    this.#update();
  }

  #copyButton() {
    const copy = button("Copy", async () => {
      await navigator.clipboard.writeText(this.commandText.textContent ?? "");
      setText(copy, "Copied");
      setTimeout(() => setText(copy, "Copy"), 2000);
    });
    return copy;
  }

  #assemble() {
    return h(
      "section",
      { class: "group" },
      h("h2", { class: "group-title" }, "Designer"),
      h(
        "div",
        { class: "ways", role: "radiogroup", "aria-label": "Designer" },
        this.#way("proxy", "Claude, through a server with a key", [
          this.proxyState,
          this.command,
          this.addressRow,
        ]),
        this.#way("own-key", "Claude, with a key of your own", [
          h(
            "p",
            { class: "choice-words" },
            "The key goes from this tab straight to Anthropic's API. It is kept in the memory of one worker, never stored, and gone when the page closes.",
          ),
          h("label", { class: "visually-hidden", for: "own-key" }, "API key"),
          this.key,
        ]),
        this.#way("builtin", "Built-in, no language model", [
          h(
            "p",
            { class: "choice-words" },
            "An evolutionary search over the library of reward terms. It does not read your sentence: it searches for what the judge measures.",
          ),
        ]),
      ),
      this.modelRow,
      this.modelsNote,
    );
  }

  /**
   * @param {Way} way
   * @param {string} title
   * @param {Node[]} more
   */
  #way(way, title, more) {
    const input = h("input", {
      type: "radio",
      name: "designer",
      value: way,
      id: `designer-${way}`,
      onchange: () => {
        this.touched = true;
        this.way = way;
        this.#update();
        if (way !== "builtin" && this.#reachable) this.onModels();
        this.onChange();
      },
    });
    return h(
      "div",
      { class: "way", "data-way": way },
      h("label", {}, input, h("span", { class: "way-title" }, title)),
      h("div", { class: "way-more" }, ...more),
    );
  }

  /** Ask the page's server whether it relays and has a key; where it does, Claude is the first choice. */
  async look() {
    if (!this.claude) return;
    this.own = await askOwnServer();
    if (!this.touched) this.way = this.#usualWay;
    this.#update();
    if (this.way === "proxy" && this.#reachable) this.onModels();
    this.onChange();
  }

  /** Ask the proxy at the address that was typed. */
  async #askElsewhere() {
    const origin = originOf(this.address.value);
    this.elsewhere = null;
    this.#update();
    // The answer is of this origin's server, and no cookie goes there.
    const health = origin ? await askHealth(() => fetch(`${origin}/health`, { credentials: "omit" })) : null;
    if (origin !== originOf(this.address.value)) return;
    this.elsewhere = health;
    this.#update();
    if (this.way === "proxy" && this.#reachable) this.onModels();
    this.onChange();
  }

  /** The server that relays: the page's own where it does, else the one whose address was typed. */
  get health() {
    return this.own?.reachable ? this.own : (this.elsewhere ?? this.own);
  }

  /** Where that server relays. */
  get #relay() {
    if (this.own?.reachable || !this.elsewhere?.reachable) return new URL(RELAY, document.baseURI).href;
    return `${originOf(this.address.value)}/${RELAY}`;
  }

  /** Whether there is a way to the chosen designer. */
  get #reachable() {
    if (this.way === "builtin") return true;
    return this.way === "proxy"
      ? Boolean(this.health?.reachable && this.health.key)
      : this.key.value.length > 8;
  }

  /** Whether the chosen designer can be asked. */
  get ready() {
    return this.#reachable && (this.way === "builtin" || this.goesOn || this.model.options.length > 0);
  }

  /** What keeps the chosen designer from being asked, or "". */
  get lack() {
    if (this.ready) return "";
    if (this.claude && this.own === null) return "The page's server is being asked whether it has a key.";
    if (this.#reachable) return "The models that can be asked are not listed yet.";
    if (this.goesOn)
      return this.way === "own-key"
        ? "Type your key again, it was not kept; then the loop goes on."
        : "Claude designs this loop: say where a server with a key is, or use a key of your own; then it goes on.";
    return this.way === "own-key"
      ? "Type your key, or choose another designer."
      : "No server with a key answers here; start one, or choose another designer.";
  }

  /** How the worker reaches the model. @returns {Access} */
  get access() {
    if (this.way === "builtin") return { base_url: "", key: null };
    if (this.way === "own-key") return { base_url: API, key: this.key.value.trim() };
    return { base_url: this.#relay, key: null };
  }

  /**
   * Ask only for the way to the designer of a loop that began earlier, or again for all there is to choose.
   * @param {string} designer of that loop, or "" for a new one
   * @returns {boolean} whether there is anything to ask: the page's own server has no key
   */
  goOnWith(designer) {
    const goesOn = designer === "claude";
    if (goesOn !== this.goesOn) {
      this.goesOn = goesOn;
      if (!this.touched) this.way = this.#usualWay;
      this.#update();
    }
    return goesOn && this.own !== null && !this.#served;
  }

  /** Whether the page's own server relays, and has a key. */
  get #served() {
    return Boolean(this.own?.reachable && this.own.key);
  }

  /** @returns {Way} */
  get #usualWay() {
    return this.#served || this.goesOn ? "proxy" : "builtin";
  }

  /** The fields of the brief. */
  get value() {
    const builtin = this.way === "builtin";
    return { designer: builtin ? "builtin" : "claude", model: builtin ? "" : this.model.value };
  }

  /**
   * @param {DesignModel[]} models
   * @param {string} preferred
   */
  setModels(models, preferred) {
    const before = this.model.value;
    this.model.replaceChildren(...models.map(({ id, title }) => h("option", { value: id }, title)));
    this.model.value = models.some(({ id }) => id === before) ? before : preferred;
    setText(this.modelsNote, "");
    this.#update();
    this.onChange();
  }

  /** @param {string} words why there is no list of models, or what it waits for */
  sayModels(words) {
    setText(this.modelsNote, words);
  }

  #update() {
    const { health, way } = this;
    for (const input of this.element.querySelectorAll("input[name=designer]")) {
      const radio = /** @type {HTMLInputElement} */ (input);
      radio.checked = radio.value === way;
    }
    for (const each of this.element.querySelectorAll(".way")) {
      const { way: name } = /** @type {HTMLElement} */ (each).dataset;
      /** @type {HTMLElement} */ (each).hidden = name === "builtin" ? this.goesOn : !this.claude;
    }
    const hosted = this.own !== null && !this.own.reachable;
    setText(this.proxyState, this.#proxyWords());
    setText(this.commandText, hosted ? RELAY_ALONE : SERVE);
    this.command.hidden = health === null || health.key;
    this.addressRow.hidden = !hosted;
    this.modelRow.hidden = way === "builtin" || this.goesOn || this.model.options.length === 0;
    this.modelsNote.hidden = way === "builtin";
  }

  #proxyWords() {
    const { health, elsewhere } = this;
    if (health === null) return "Asking the page's server ...";
    if (health.reachable && health.key)
      return "It has a key and relays to Anthropic's API. The key never reaches this page.";
    if (health.reachable) return "The server answers but has no key. Start it with one:";
    if (elsewhere) return "Nothing that lets this page in answers at that address. Start it so:";
    if (this.address.value && !originOf(this.address.value))
      return "That is no address; it begins with http:// or https://. Start a server on your machine:";
    return "This page comes from a host that relays nothing. Start a server on your machine, then give its address:";
  }
}
