/** The one place where the page says that something went wrong: what happened, what to do, details folded. */

import { button, h, iconButton } from "./panels/elements.js";

/** @import {Failed} from "./protocol" */

/**
 * @typedef {object} Notice
 * @property {string} title what happened, in a few words
 * @property {string} [what] the sentence with the value that was wrong
 * @property {string} [todo] what to do
 * @property {string} [details] folded: traceback, file names
 * @property {"error"|"info"} [kind]
 * @property {string} [key] a notice with the same key replaces the one before
 * @property {{label: string, run: () => void}[]} [actions] buttons; the notice closes when one is pressed
 * @property {number} [seconds] closes by itself after this long
 */

const MOST_AT_ONCE = 3;

/** A failure whose words are for the person at the page. */
export class PageError extends Error {
  /**
   * @param {string} title
   * @param {string} what
   * @param {string} [todo]
   */
  constructor(title, what, todo = "") {
    super(what);
    this.name = "PageError";
    this.title = title;
    this.todo = todo;
    this.details = "";
    /** Name of the worker's error, where one was the cause. */
    this.kind = "";
  }
}

const TITLES = {
  TogetherError: "These robots cannot share a world",
  ConfigError: "These settings cannot run",
  RewardError: "The reward code cannot be used",
  PolicyFileError: "This policy cannot be used",
  ModelError: "The robot model cannot be used",
  BootError: "Python or the physics engine could not be loaded",
  MemoryError: "The browser has no memory left for this",
};

/**
 * A worker's Failed message as an error to throw or show.
 * @param {Failed} failed
 */
export function failure(failed) {
  const title = TITLES[/** @type {keyof typeof TITLES} */ (failed.name)] ?? "The worker could not go on";
  const error = new PageError(title, failed.message, failed.hint);
  error.details = failed.traceback;
  error.kind = failed.name;
  return error;
}

export class Notices {
  /** @param {HTMLElement} container */
  constructor(container) {
    this.container = container;
    /** @type {Map<string, HTMLElement>} */
    this.shown = new Map();
    this.count = 0;
  }

  /**
   * Show a notice; the same key replaces, and only the newest few stay.
   * @param {Notice} notice
   * @returns {() => void} closes it
   */
  show(notice) {
    const key = notice.key ?? `notice-${++this.count}`;
    this.close(key);
    const close = () => this.close(key);
    const element = this.#element(notice, close);
    this.shown.set(key, element);
    this.container.append(element);
    for (const old of [...this.shown.keys()].slice(0, -MOST_AT_ONCE)) this.close(old);
    if (notice.seconds) setTimeout(() => this.shown.get(key) === element && close(), notice.seconds * 1000);
    return close;
  }

  /**
   * Show whatever was thrown.
   * @param {unknown} error
   * @param {Partial<Notice>} [more]
   */
  report(error, more = {}) {
    if (error instanceof PageError) {
      const { title, message: what, todo, details } = error;
      return this.show({ title, what, todo, details, ...more });
    }
    const known = error instanceof Error ? error : new Error(String(error));
    return this.show({
      title: "Something went wrong in the page",
      what: known.message,
      todo: "The page goes on. If it misbehaves, reload it: the last run is kept and can be continued.",
      details: known.stack ?? "",
      ...more,
    });
  }

  /** @param {string} key */
  close(key) {
    this.shown.get(key)?.remove();
    this.shown.delete(key);
  }

  /** Errors nobody caught are shown too. */
  listen() {
    window.addEventListener("error", (event) => {
      if (event.message?.startsWith("ResizeObserver loop")) return;
      this.report(event.error ?? event.message, { key: "uncaught" });
    });
    window.addEventListener("unhandledrejection", (event) => this.report(event.reason, { key: "uncaught" }));
  }

  /**
   * @param {Notice} notice
   * @param {() => void} close
   */
  #element(notice, close) {
    const actions = (notice.actions ?? []).map(({ label, run }) =>
      button(label, () => {
        close();
        run();
      }),
    );
    const kind = notice.kind ?? "error";
    return h(
      "div",
      { class: `notice ${kind}`, role: kind === "error" ? "alert" : "status" },
      h(
        "div",
        { class: "notice-text" },
        h("p", { class: "notice-title" }, notice.title),
        notice.what ? h("p", { class: "notice-what" }, notice.what) : null,
        notice.todo ? h("p", { class: "notice-todo" }, notice.todo) : null,
        notice.details
          ? h("details", {}, h("summary", {}, "Details"), h("pre", { class: "mono" }, notice.details))
          : null,
        actions.length ? h("div", { class: "notice-actions" }, ...actions) : null,
      ),
      iconButton("close", "Close this message", close),
    );
  }
}
