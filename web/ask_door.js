/** The way into the room where rewards are designed: loaded when first entered, and what it asks of the rest of the page. */

import { LoopControl } from "./ask_control.js";
import { PageError } from "./errors.js";
import { EvaluatorClient } from "./evaluator_client.js";
import { byId, h } from "./panels/elements.js";
import { download, written } from "./policy_files.js";
import { fetchOwn, loadPart } from "./requirements.js";

/** @import {App} from "./app.js" */
/** @import {LoopMember} from "./protocol" */
/** @import {Judged, PolicyEntry} from "./page_types" */
/** @import {AskRoom} from "./panels/ask/room.js" */
/** @import {FitnessRecord} from "./panels/ask/brief_form.js" */
/** @import {Format} from "./panels/export_choice.js" */

/** Where the build has what speaks to Claude; a page without it has the built-in designer alone. */
const SDK = "runtime/sdk/wheels.json";

export class AskDoor {
  /** @param {App} app */
  constructor(app) {
    this.app = app;
    /** @type {AskRoom|null} */
    this.room = null;
    /** @type {Promise<void>|null} */
    this.opening = null;
    /** What the page can judge by, once it was asked for. @type {Promise<FitnessRecord[]>|null} */
    this.fitness = null;
    const loadModel = app.loadModel.bind(app);
    this.control = new LoopControl(app.notices, app.tasks, loadModel);
    this.evaluator = new EvaluatorClient(loadModel);
    this.#sections();
    window.addEventListener("beforeunload", (event) => {
      if (this.control.live) event.preventDefault();
    });
  }

  /** On a phone the members and the designer are two sections of one column. */
  #sections() {
    const parts = /** @type {const} */ ([
      ["members", "Members"],
      ["designer", "Designer"],
    ]);
    const tabs = parts.map(([name, words]) =>
      h(
        "button",
        { type: "button", role: "tab", "data-ask": name, onclick: () => this.#section(name) },
        words,
      ),
    );
    byId("ask-sections").append(...tabs);
    byId("ask-sections").addEventListener("keydown", (event) => {
      if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
      const other = tabs.find((tab) => tab !== document.activeElement);
      other?.click();
      other?.focus();
    });
    this.#section("members");
  }

  /** @param {"members"|"designer"} name */
  #section(name) {
    document.body.dataset.ask = name;
    for (const tab of byId("ask-sections").querySelectorAll("button")) {
      const on = tab.dataset.ask === name;
      tab.setAttribute("aria-selected", String(on));
      tab.tabIndex = on ? 0 : -1;
    }
  }

  /** Open the room; what it needs is loaded the first time. */
  open() {
    this.app.notices.close("last-loop");
    this.opening ??= this.#load().catch((error) => {
      this.opening = null;
      this.app.notices.report(error, { key: "ask" });
    });
    return this.opening;
  }

  async #load() {
    const { app, control } = this;
    const [{ AskRoom }, fitness] = await Promise.all([
      loadPart(() => import("./panels/ask/room.js"), "This room"),
      this.#knownFitness(),
      control.restore().catch((error) => app.notices.report(error, { key: "ask" })),
    ]);
    this.room = new AskRoom(
      { room: byId("ask"), panel: byId("panel-ask") },
      {
        tasks: [...app.tasks.values()].filter((task) => !task.own),
        fitness,
        control,
        notices: app.notices,
        claude: app.files.has(SDK),
        wishes: {
          watch: (member, policy) => this.#guard(this.#watch(member, policy)),
          exportPolicy: (member, policy, format) => this.#guard(this.#export(member, policy, format)),
          exportLedger: () => this.#exportLedger(),
        },
      },
    );
  }

  /** @param {boolean} resting the room is out of sight */
  rest(resting) {
    this.control.rest(resting);
  }

  /** Offer the loop that the last visit left before its end. */
  async offerLastLoop() {
    const { app, control } = this;
    try {
      await control.restore();
    } catch {
      // A browser that keeps nothing has no loop either; the room says so when one is started.
      return;
    }
    if (control.state !== "kept" || control.view?.over) return;
    app.notices.show({
      key: "last-loop",
      kind: "info",
      title: "A loop of rewards was left before its end",
      what: control.text,
      actions: [{ label: "Open it", run: () => app.enter("ask") }],
    });
  }

  #knownFitness() {
    this.fitness ??= fetchOwn("fitness.json")
      .then(async (response) => (await response.json()).fitness)
      .catch((error) => {
        this.fitness = null;
        throw error;
      });
    return this.fitness;
  }

  /** @param {string} fitness a shipped one by name, or its code */
  async #judgedBy(fitness) {
    const known = (await this.#knownFitness()).find(({ id, source }) => id === fitness || source === fitness);
    return known ? `Judged by ${known.title}` : "Judged by the loop's own fitness";
  }

  /**
   * How a loop judged the policy of a file, as the file says: in whichever browser that was.
   * @param {PolicyEntry} entry
   * @returns {Promise<Judged|null>}
   */
  async judgedIn({ facts }) {
    if (!facts?.designed) return null;
    const { fitness, seeds, value } = facts.designed;
    return { fitness, seeds, title: await this.#judgedBy(fitness), value };
  }

  /**
   * Measure a fitness again.
   * @param {PolicyEntry} entry
   * @param {Judged} judged
   */
  async judge(entry, { fitness, seeds }) {
    const task = this.app.tasks.get(entry.task ?? "");
    const policy = await entry.load();
    if (!task || !policy) throw new PageError("This policy cannot be judged", "Its task is not known here.");
    return (await this.evaluator.measure(policy, task, fitness, seeds)).fitness;
  }

  /**
   * Show a member's policy in the Watch room, with its fitness measured again.
   * @param {LoopMember|undefined} member
   * @param {string} policy sha256
   */
  async #watch(member, policy) {
    const { app, control } = this;
    const { task, record, storage } = control;
    const bytes = await control.policy(policy);
    if (!bytes || !task || !record)
      throw new PageError(
        "This policy is gone",
        `The browser does not have ${policy} any more.`,
        "Train it again.",
      );
    const kept = await storage?.judgement(record.id, policy);
    const fitness = kept?.judged?.fitness ?? "";
    const judged = kept?.judged && {
      fitness,
      seeds: kept.judged.seeds,
      title: await this.#judgedBy(fitness),
      value: Number(kept.result.fitness),
    };
    const title = member ? `${member.name}, generation ${member.generation}` : control.text;
    /** With where it came from, as long as its loop is the one that is open. */
    const whole = async () =>
      member && control.record?.id === record.id ? (await control.exported(member.id, policy)).policy : bytes;
    const entry = app.library.takeDesigned(bytes, { key: policy, title, judged: judged ?? null, whole });
    app.enter("watch");
    app.show(entry, task);
  }

  /**
   * @param {string} member id
   * @param {string} policy sha256
   * @param {Format} format
   */
  async #export(member, policy, format) {
    const { task } = this.control;
    const file = await this.control.exported(member, policy);
    if (!task) return;
    const content = await written(this.app, file.policy, task, format);
    download(content, file.name.replace(/safetensors$/, format));
  }

  #exportLedger() {
    const { record, lines } = this.control;
    if (record) download(`${lines.join("\n")}\n`, `loop-${record.id}.jsonl`);
  }

  /** @param {Promise<void>} doing */
  #guard(doing) {
    doing.catch((error) => this.app.notices.report(error, { key: "ask" }));
  }
}
