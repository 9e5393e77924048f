/**
 * A loop in which rewards are designed, as the page drives it: the designer's worker decides, the page carries out what it
 * asks for, and every line of its ledger is on the disk before anything else happens.
 */

import { LoopStorage } from "./ask_storage.js";
import { LoopWork } from "./ask_work.js";
import { failure, PageError } from "./errors.js";
import { ShowPool } from "./show_pool.js";
import { WorkerClient } from "./worker_client.js";

/** @import {Booting, FromDesigner, LedgerLine, LoopMember, LoopView, Models, PolicyExported, ToDesigner} from "./protocol" */
/** @import {TaskRecord} from "./page_types" */
/** @import {LoopRecord} from "./ask_storage.js" */
/** @import {Notices} from "./errors.js" */

/** @typedef {"setup"|"booting"|"kept"|"live"} State kept: a loop as it was left; no designer is there */
/** @typedef {{base_url: string, key: string|null}} Access how the designer's worker reaches a model */

/** Between two times that the view is kept: after a reload it is shown until the designer has read the ledger. */
const KEEP_MS = 1000;

/** Fires "change", "delta" (detail: AnalysisDelta) and "frame" (detail: {member, frame}). */
export class LoopControl extends EventTarget {
  /**
   * @param {Notices} notices
   * @param {Map<string, TaskRecord>} tasks
   * @param {(task: TaskRecord) => Promise<string>} loadModel XML of a task's robot
   */
  constructor(notices, tasks, loadModel) {
    super();
    this.notices = notices;
    this.tasks = tasks;
    /** @type {State} */
    this.state = "setup";
    /** The loop at hand, as it is kept. @type {LoopRecord|null} */
    this.record = null;
    /** @type {LoopView|null} */
    this.view = null;
    /** @type {string[]} */
    this.lines = [];
    /** What is being loaded, in words. */
    this.loading = "";
    /** @type {WorkerClient|null} */
    this.designer = null;
    /** @type {LoopStorage|null} */
    this.storage = null;
    /** What the designer says is dealt with one after the other. */
    this.inbox = Promise.resolve();
    this.keptAt = 0;
    /** The member looked at closely. @type {string|null} */
    this.looked = null;
    /** @type {Access} */
    this.access = { base_url: "", key: null };
    const onFrame = (/** @type {string} */ member, /** @type {unknown} */ frame) =>
      this.dispatchEvent(new CustomEvent("frame", { detail: { member, frame } }));
    this.work = new LoopWork(tasks, loadModel, {
      send: (message) => this.#send(message),
      onFrame,
      onBroken: (error) => this.#broken(error),
    });
    this.shows = new ShowPool(
      { onFrame, onFailed: (error) => notices.report(error, { key: "ask-show" }) },
      loadModel,
    );
  }

  /** The task of the loop at hand. */
  get task() {
    return this.tasks.get(String(this.record?.brief.task ?? "")) ?? null;
  }

  get text() {
    return String(this.record?.brief.text ?? "");
  }

  /** Whether a loop is under way that a closed page would interrupt. */
  get live() {
    return this.state === "booting" || (this.state === "live" && this.view !== null && !this.view.over);
  }

  /** @throws {PageError} the browser keeps nothing: an answer could be paid for and lost */
  async #store() {
    this.storage ??= await LoopStorage.open();
    return this.storage;
  }

  /**
   * Begin a loop.
   * @param {Record<string, unknown>} brief fields of tabrl_py/meta/brief.py
   * @param {Access} access
   */
  async start(brief, access) {
    try {
      const storage = await this.#store();
      const now = Date.now();
      const id = `${now.toString(36)}-${Math.floor(Math.random() * 1e9).toString(36)}`;
      /** @type {LoopRecord} */
      const record = { id, brief, began: now, saved: now, view: null };
      await storage.begin(record);
      this.#take(record, []);
      await this.#launch(access);
    } catch (error) {
      this.#refused(error);
    }
  }

  /** Show the loop that the last visit left; it rests until it is asked to go on. */
  async restore() {
    const storage = await this.#store();
    const [record] = await storage.loops();
    if (!record || this.state !== "setup" || !record.view) return;
    this.#take(record, await storage.lines(record.id));
    this.view = record.view;
    this.#enter("kept");
  }

  /** Go on with the loop at hand, from its ledger. @param {Access} access */
  async goOn(access) {
    if (this.state !== "kept") return;
    try {
      await this.#launch(access);
    } catch (error) {
      this.#refused(error);
    }
  }

  /** Put the loop aside for another task; its ledger and policies stay in the browser for a while. */
  leave() {
    this.#dismiss();
    this.work.close();
    this.shows.close();
    this.record = null;
    this.view = null;
    this.lines = [];
    this.looked = null;
    this.#enter("setup");
  }

  /** @param {boolean} paused */
  pause(paused) {
    this.work.pause(paused);
    this.#send({ type: paused ? "pause" : "resume" });
  }

  stop() {
    this.work.pause(false);
    this.#send({ type: "stop" });
  }

  /** @param {{text?: string, member?: string, thumb?: -1|0|1}} words a comment, or what the person thinks of a member */
  say(words) {
    this.#send({ type: "say", ...words });
  }

  /**
   * The person's reward in place of a member's; what is wrong with it comes back.
   * @param {LoopMember} member
   * @param {string} reward
   * @param {boolean} pinned
   */
  async edit(member, reward, pinned) {
    const task = this.task;
    if (!task) return [];
    if (reward !== member.reward) {
      const { problems } = await this.work.evaluator.tryCode(reward, task);
      if (problems.length > 0) return problems;
    }
    this.#send({ type: "edit_member", member: member.id, reward, pinned });
    return [];
  }

  /** Design the next generation from this member alone. @param {string} member */
  branch(member) {
    this.#send({ type: "branch_from", member });
  }

  /**
   * The fitness as the person accepts it; what is wrong with it comes back.
   * @param {string} source
   */
  async freeze(source) {
    const task = this.task;
    if (!task) return [];
    const { problems } = await this.work.evaluator.tryCode(source, task, "fitness");
    if (problems.length === 0) this.#send({ type: "freeze_fitness", source });
    return problems;
  }

  /**
   * The models that can be asked; the first question loads the SDK.
   * @param {Access} access
   * @returns {Promise<Models>}
   */
  async listModels({ base_url, key }) {
    const designer = this.#designer();
    await designer.booted;
    return await designer.request({ type: "list_models", base_url, key });
  }

  /**
   * A policy of the loop.
   * @param {string} name sha256
   */
  async policy(name) {
    return (this.record && (await this.storage?.policy(this.record.id, name))) ?? null;
  }

  /**
   * A member's policy file with where it came from written into it.
   * @param {string} member
   * @param {string} name sha256
   * @returns {Promise<PolicyExported>}
   */
  async exported(member, name) {
    const policy = await this.policy(name);
    if (!policy)
      throw new PageError(
        "This policy is gone",
        `The browser does not have ${name} any more.`,
        "Train again.",
      );
    if (this.state === "kept") await this.#launch(this.access);
    const designer = this.#designer();
    await designer.booted;
    return await designer.request({ type: "export_policy", member, policy });
  }

  /** @param {string|null} member that is looked at closely, whichever generation it is of */
  look(member) {
    this.looked = member;
    this.#show();
  }

  /** Out of sight nothing is shown; what trains goes on. @param {boolean} resting */
  rest(resting) {
    this.shows.rest(resting);
  }

  /**
   * @param {LoopRecord} record
   * @param {string[]} lines
   */
  #take(record, lines) {
    this.record = record;
    this.lines = lines;
    this.view = record.view;
    this.looked = null;
  }

  /** @param {Access} access */
  async #launch(access) {
    const { record } = this;
    if (!record || !this.storage) return;
    this.access = access;
    this.#enter("booting");
    this.work.begin({ id: record.id, storage: this.storage });
    const designer = this.#designer();
    await designer.booted;
    if (record !== this.record || designer !== this.designer) return;
    this.loading = "The designer reads its brief";
    this.#send({ type: "start_loop", brief: record.brief, ledger: this.lines, ...access });
  }

  #designer() {
    const { designer } = this;
    if (designer && designer.state !== "lost" && designer.state !== "closed") return designer;
    /** @type {WorkerClient} */
    const client = new WorkerClient("designer", {
      onMessage: (message) => {
        const present = () => client === this.designer;
        if (!present()) return;
        const said = /** @type {FromDesigner} */ (message);
        const next = this.inbox.then(() => (present() ? this.#receive(said) : undefined));
        // A chain that broke would let no later message in.
        this.inbox = next.catch((error) => this.#broken(error));
      },
      onBoot: (booting) => this.#booting(booting),
      onLost: (error) => client === this.designer && this.#refused(error),
    });
    this.designer = client;
    return client;
  }

  /** @param {Booting} booting */
  #booting({ stage, fraction }) {
    const part = stage === "package" ? "the designer" : stage === "numpy" ? "NumPy" : "Python";
    this.loading = `Loading ${part}, ${Math.round(100 * fraction)} %`;
    this.#changed();
  }

  /** @param {ToDesigner} message */
  #send(message) {
    this.designer?.send(message);
  }

  /** @param {FromDesigner} message */
  async #receive(message) {
    switch (message.type) {
      case "ledger_line":
        return await this.#keepLine(message);
      case "loop_command":
        this.work.take(message).catch((error) => this.#broken(error));
        return;
      case "loop_state":
        return this.#setView(message.view);
      case "analysis_delta":
        this.dispatchEvent(new CustomEvent("delta", { detail: message }));
        return;
      case "designer_loading":
        this.loading = `${message.words}, ${Math.round(100 * message.fraction)} %`;
        return this.#changed();
      case "failed":
        return this.#refused(failure(message));
      default:
        return;
    }
  }

  /** @param {LedgerLine} message what waits for this line goes on once it is on the disk */
  async #keepLine({ index, line }) {
    if (!this.record || !this.storage) return;
    try {
      await this.storage.addLine(this.record.id, index, line);
      this.lines[index] = line;
      this.#send({ type: "line_kept", index });
    } catch (error) {
      this.#broken(error);
    }
  }

  /** @param {LoopView} view */
  #setView(view) {
    if (this.state === "setup") return;
    this.view = view;
    this.loading = "";
    if (view.over) this.work.pool.clear();
    this.#keepView(view);
    this.#show();
    this.#enter("live");
  }

  /** @param {LoopView} view */
  #keepView(view) {
    const now = performance.now();
    if (!this.record || !this.storage || (now - this.keptAt < KEEP_MS && !view.over)) return;
    this.keptAt = now;
    this.record = { ...this.record, saved: Date.now(), view };
    this.storage.update(this.record).catch((error) => this.#broken(error));
  }

  #show() {
    const { view, task } = this;
    if (view && task) this.shows.showMembers(view, this.looked, task, (name) => this.policy(name));
  }

  /** Storage failed: going on could mean to pay twice. @param {unknown} error */
  #broken(error) {
    if (this.state === "setup") return;
    this.notices.report(error, { key: "ask" });
    this.#rest();
  }

  /** The designer refused or was lost. @param {unknown} error */
  #refused(error) {
    const empty = this.lines.length === 0;
    this.notices.report(error, {
      key: "ask",
      ...(empty || !(error instanceof PageError)
        ? {}
        : { todo: `${error.todo} Nothing is lost: press Continue, and the loop goes on from its ledger.` }),
    });
    if (this.state === "setup") this.#dismiss();
    else if (empty) this.leave();
    else this.#rest();
  }

  /** The loop as it is kept, without a designer. */
  #rest() {
    this.#dismiss();
    this.work.end();
    this.#enter("kept");
  }

  #dismiss() {
    this.designer?.close();
    this.designer = null;
    this.loading = "";
  }

  /** @param {State} state */
  #enter(state) {
    this.state = state;
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new CustomEvent("change"));
  }
}
