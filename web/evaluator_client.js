/** The judge as the page sees it: one worker that measures fitness from weights alone, tries code before it is trained on, and knows foreign files. */

import { failure } from "./errors.js";
import { WorkerClient } from "./worker_client.js";

/** @import {CodeTried, Fitness, PolicyRead, PolicyWritten, TaskProposed} from "./protocol" */
/** @import {RobotChoices, TaskRecord} from "./page_types" */

/** Nothing has been asked for so long: the worker gives its memory back. */
const IDLE_MS = 60_000;

export class EvaluatorClient {
  /** @param {(task: TaskRecord) => Promise<string>} loadModel XML of a task's robot */
  constructor(loadModel) {
    this.loadModel = loadModel;
    /** @type {WorkerClient|null} */
    this.client = null;
    this.asked = 0;
    /** @type {ReturnType<typeof setTimeout>|undefined} */
    this.timer = undefined;
  }

  /** Load the worker before it is asked. */
  prewarm() {
    if (this.client && this.client.state !== "lost" && this.client.state !== "closed") return this.client;
    const client = new WorkerClient("evaluator", {
      // An error that answers nobody's request would leave somebody waiting for ever.
      onMessage: (message) => message.type === "failed" && client.lose(failure(message)),
      onBoot: () => {},
      // Told to whoever waits for an answer.
      onLost: () => {},
    });
    this.client = client;
    return client;
  }

  /**
   * @param {ArrayBuffer} policy
   * @param {TaskRecord} task
   * @param {string} fitness a built-in name or code
   * @param {number[]} seeds of the episodes
   * @returns {Promise<Fitness>}
   */
  async measure(policy, task, fitness, seeds) {
    return await this.#ask(task, (client, model_xml) =>
      client.request({
        type: "measure_fitness",
        policy: policy.slice(0),
        task: /** @type {any} */ (task),
        model_xml,
        fitness,
        seeds,
      }),
    );
  }

  /**
   * Check code, and try it on states of the robot.
   * @param {string} source
   * @param {TaskRecord} task
   * @param {"reward"|"fitness"} [kind]
   * @returns {Promise<CodeTried>}
   */
  async tryCode(source, task, kind = "reward") {
    return await this.#ask(task, (client, model_xml) =>
      client.request({
        type: "try_code",
        task: /** @type {any} */ (task),
        model_xml,
        source,
        function: kind,
      }),
    );
  }

  /**
   * A policy in another program's format.
   * @param {ArrayBuffer} policy
   * @param {"onnx"|"json"} format
   * @param {object[]} actuators of its robot, as its scene has them
   * @param {TaskRecord|null} own the task of somebody's own robot
   * @returns {Promise<ArrayBuffer>}
   */
  async writePolicy(policy, format, actuators, own = null) {
    /** @type {PolicyWritten} */
    const written = await this.#use((client) =>
      client.request({
        type: "write_policy",
        policy: policy.slice(0),
        format,
        actuators: /** @type {any} */ (actuators),
        task: own,
      }),
    );
    return written.file;
  }

  /**
   * Another program's policy as one of TabRL.
   * @param {ArrayBuffer} file
   * @param {ArrayBuffer|null} normalizer what VecNormalize saved beside it
   * @param {string} task id of the one to prefer
   * @returns {Promise<ArrayBuffer>}
   */
  async readPolicy(file, normalizer, task) {
    /** @type {PolicyRead} */
    const read = await this.#use((client) =>
      client.request({
        type: "read_policy",
        file: file.slice(0),
        normalizer: normalizer?.slice(0) ?? null,
        task,
      }),
    );
    return read.policy;
  }

  /**
   * A task for a robot that somebody brought.
   * @param {object} description of its compiled model
   * @param {Partial<RobotChoices>} choices
   * @param {string} model_xml the text of its model
   * @returns {Promise<TaskProposed>}
   */
  async proposeTask(description, choices, model_xml) {
    return await this.#use((client) =>
      client.request({ type: "propose_task", description, choices, model_xml }),
    );
  }

  /** End the worker. */
  close() {
    clearTimeout(this.timer);
    this.client?.close();
    this.client = null;
  }

  /**
   * @template T
   * @param {(client: WorkerClient) => Promise<T>} ask
   */
  async #once(ask) {
    const client = this.prewarm();
    await client.booted;
    return await ask(client);
  }

  /**
   * @template T
   * @param {TaskRecord} task
   * @param {(client: WorkerClient, model_xml: string) => Promise<T>} ask
   */
  async #ask(task, ask) {
    const model_xml = await this.loadModel(task);
    return await this.#use((client) => ask(client, model_xml));
  }

  /**
   * @template T
   * @param {(client: WorkerClient) => Promise<T>} ask
   */
  async #use(ask) {
    clearTimeout(this.timer);
    this.asked += 1;
    try {
      return await this.#once(ask).catch((error) => {
        // A worker that was lost on the way is replaced, unless the code it was given was the cause.
        const lost = this.client?.state === "lost" && error.kind !== "CodeHangs";
        if (!lost) throw error;
        return this.#once(ask);
      });
    } finally {
      this.asked -= 1;
      if (this.asked === 0) this.timer = setTimeout(() => this.close(), IDLE_MS);
    }
  }
}
