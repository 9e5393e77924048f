/** The policies this page can show or start from: shipped, imported, the training's newest, and the random one. */

import { PageError } from "./errors.js";
import { factsOf, readMetadata } from "./policy_header.js";
import { fetchOwn } from "./requirements.js";

/** @import {Judged, PolicyEntry, PolicyFacts, TaskRecord} from "./page_types" */
/** @import {RunControl} from "./run_control.js" */
/** @import {LinkTask, SharedPolicy} from "./links/policy_link.js" */

/** Files beyond this are no policies of this page; reading them would only fill the memory. */
const LARGEST_BYTES = 256 * 1024 * 1024;

/** @type {PolicyEntry} */
export const RANDOM = {
  key: "random",
  origin: "random",
  title: "Random actions",
  task: null,
  facts: null,
  load: async () => null,
};

/** Fires "change" when a policy comes, goes or is newer. */
export class PolicyLibrary extends EventTarget {
  /**
   * @param {Map<string, TaskRecord>} tasks by id
   * @param {RunControl} run
   */
  constructor(tasks, run) {
    super();
    this.tasks = tasks;
    this.run = run;
    /** @type {PolicyEntry[]} */
    this.shipped = [];
    /** @type {PolicyEntry[]} */
    this.imported = [];
    /** How many policies came in links. */
    this.linked = 0;
    /** Policies whose rewards were designed here, those that were watched. @type {PolicyEntry[]} */
    this.designed = [];
    /** @type {PolicyEntry|null} */
    this.training = null;
    run.addEventListener("change", () => this.#takeTraining());
  }

  /** Every policy, the newest of the training first. */
  get entries() {
    return [...(this.training ? [this.training] : []), ...this.designed, ...this.imported, ...this.shipped];
  }

  /**
   * The policies made for a task, and the random one.
   * @param {TaskRecord} task
   */
  fitting(task) {
    return [...this.entries.filter((entry) => entry.task === task.id), RANDOM];
  }

  /**
   * Whether a policy's robot, senses and actions are those of a task, so that training may begin with it.
   * @param {PolicyEntry} entry
   * @param {TaskRecord} task
   */
  fits(entry, task) {
    if (entry.task === null || entry.task === task.id) return true;
    const own = this.tasks.get(entry.task);
    return (
      own !== undefined &&
      own.model === task.model &&
      own.obs_size === task.obs_size &&
      own.action_size === task.action_size
    );
  }

  /** Load the list of policies that came with the page, where it has one. */
  async loadShipped() {
    /** @type {{file: string, title: string, task: string}[]} */
    const list = await (await fetchOwn("policies/index.json")).json();
    this.shipped = list.map(({ file, title, task }) => shippedEntry(file, title, task));
    this.dispatchEvent(new CustomEvent("change"));
  }

  /**
   * Take a policy file that somebody chose or dropped.
   * @param {File} file
   * @returns {Promise<{entry: PolicyEntry, task: TaskRecord}>}
   * @throws {PageError} it cannot be read, or its task is not known here
   */
  async import(file) {
    if (file.size > LARGEST_BYTES) {
      const size = `${Math.round(file.size / 1e6)} MB`;
      throw new PageError(
        "This policy cannot be used",
        `${file.name} has ${size}; policies have at most 268 MB.`,
        "Choose a .safetensors file that TabRL exported.",
      );
    }
    const bytes = await file.arrayBuffer();
    const facts = factsOf(readMetadata(bytes, file.name), file.name);
    const task = this.tasks.get(facts.task);
    if (!task && facts.task.startsWith("own-")) {
      throw new PageError(
        "This policy cannot be used",
        `${file.name} was made for somebody's own robot, ${facts.task}, which this browser does not have.`,
        "Drop the robot's file first, with the choices that were made for it, then the policy.",
      );
    }
    if (!task) {
      const known = [...this.tasks.keys()].join(", ");
      throw new PageError(
        "This policy cannot be used",
        `${file.name} was made for task ${facts.task}, which this page does not have.`,
        `Its tasks are ${known}.`,
      );
    }
    /** @type {PolicyEntry} */
    const entry = {
      key: `imported-${file.name}-${this.imported.length}`,
      origin: "imported",
      title: file.name.replace(/\.safetensors$/, ""),
      task: facts.task,
      facts,
      load: async () => bytes,
    };
    this.imported = [entry, ...this.imported.filter((other) => other.title !== entry.title)];
    this.dispatchEvent(new CustomEvent("change"));
    return { entry, task };
  }

  /** What links need of each task: the records hold more than the page reads. */
  get linkTasks() {
    return /** @type {ReadonlyMap<string, LinkTask>} */ (/** @type {unknown} */ (this.tasks));
  }

  /**
   * Take a policy that came in a link.
   * @param {SharedPolicy} shared
   * @returns {PolicyEntry}
   */
  takeLinked({ name, made, task, file }) {
    const facts = factsOf(readMetadata(file, "the link's policy"), "the link's policy");
    /** @type {PolicyEntry} */
    const entry = {
      key: `linked-${++this.linked}`,
      origin: "linked",
      title: name || "Policy from a link",
      made,
      task,
      facts,
      load: async () => file,
    };
    this.imported = [entry, ...this.imported];
    this.dispatchEvent(new CustomEvent("change"));
    return entry;
  }

  /**
   * Take a policy that a loop made; its reward is in the file.
   * @param {ArrayBuffer} bytes
   * @param {{key: string, title: string, judged: Judged|null, whole: () => Promise<ArrayBuffer>}} words
   * @returns {PolicyEntry}
   */
  takeDesigned(bytes, { key, title, judged, whole }) {
    const facts = factsOf(readMetadata(bytes, title), title);
    /** @type {PolicyEntry} */
    const entry = {
      key: `designed-${key}`,
      origin: "designed",
      title,
      task: facts.task,
      facts,
      judged,
      whole,
      load: async () => bytes,
    };
    this.designed = [entry, ...this.designed.filter((other) => other.key !== entry.key)];
    this.dispatchEvent(new CustomEvent("change"));
    return entry;
  }

  #takeTraining() {
    const { policy, recipe, task, id } = this.run;
    const key =
      policy && recipe ? `training-${id}-${policy.steps}-${this.run.evaluation ? "evaluated" : ""}` : null;
    if (key === (this.training?.key ?? null)) return;
    if (!policy || !recipe || !task || !key) {
      this.training = null;
    } else {
      const { bytes } = policy;
      const facts = { ...factsOf(readMetadata(bytes, "the training's policy"), "the training's policy") };
      facts.evaluation ??= this.run.evaluation;
      this.training = {
        key,
        origin: "training",
        title: "Your training",
        task: task.id,
        facts,
        load: async () => bytes,
      };
    }
    this.dispatchEvent(new CustomEvent("change"));
  }
}

/**
 * @param {string} file
 * @param {string} title
 * @param {string} task
 * @returns {PolicyEntry}
 */
function shippedEntry(file, title, task) {
  /** @type {Promise<ArrayBuffer>|null} */
  let loading = null;
  /** @type {PolicyEntry} */
  const entry = {
    key: `shipped-${file}`,
    origin: "shipped",
    title,
    task,
    facts: null,
    load: () => {
      loading ??= fetchPolicy(file).catch((error) => {
        loading = null;
        throw error;
      });
      return loading.then((bytes) => {
        entry.facts ??= factsOf(readMetadata(bytes, file), file);
        return bytes;
      });
    },
  };
  return entry;
}

/** @param {string} file */
async function fetchPolicy(file) {
  return (await fetchOwn(`policies/${file}`)).arrayBuffer();
}
