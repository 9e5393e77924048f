/** Trained members acting beside each other, one robot each, in workers without Python; a worker is reused for its place. */

import { failure } from "./errors.js";
import { WorkerClient } from "./worker_client.js";

/** @import {Frame, FromWorker, LoopMember, LoopView} from "./protocol" */
/** @import {TaskRecord} from "./page_types" */
/** @import {PageError} from "./errors.js" */

/**
 * @typedef {object} Show
 * @property {string} member id
 * @property {TaskRecord} task
 * @property {() => Promise<ArrayBuffer|null>} load its policy
 */

class Place {
  /** @param {WorkerClient} client */
  constructor(client) {
    this.client = client;
    /** @type {Show|null} */
    this.show = null;
    this.playing = false;
  }
}

export class ShowPool {
  /**
   * @param {{onFrame: (member: string, frame: Frame) => void, onFailed: (error: PageError) => void}} handlers
   * @param {(task: TaskRecord) => Promise<string>} loadModel
   */
  constructor(handlers, loadModel) {
    this.handlers = handlers;
    this.loadModel = loadModel;
    /** @type {(Place|undefined)[]} */
    this.places = [];
    this.resting = false;
  }

  /**
   * Show what those of a view's generation do that have learned, or the one looked at alone.
   * @param {LoopView} view
   * @param {string|null} looked id of that one, of whichever generation
   * @param {TaskRecord} task
   * @param {(name: string) => Promise<ArrayBuffer|null>} load a policy by its sha256
   */
  showMembers(view, looked, task, load) {
    /** @param {LoopMember|undefined} member @returns {Show|null} */
    const act = (member) => {
      const name = member?.policy;
      return member && name ? { member: member.id, task, load: () => load(name) } : null;
    };
    const now = view.members.filter(({ generation }) => generation === view.generation);
    const one = view.members.find(({ id }) => id === looked);
    const places = now.map((_, index) => (one ? null : act(now.find((member) => member.index === index))));
    this.#set(one ? [...places, act(one)] : places);
  }

  /**
   * Show these members and no others, each at its place.
   * @param {(Show|null)[]} shows
   */
  #set(shows) {
    for (const [index, show] of shows.entries()) this.#put(index, show);
    for (let index = shows.length; index < this.places.length; index++) this.#put(index, null);
  }

  /** Out of sight nothing moves. @param {boolean} resting */
  rest(resting) {
    if (resting === this.resting) return;
    this.resting = resting;
    for (const place of this.places) {
      if (place?.playing) place.client.send({ type: resting ? "pause" : "resume" });
    }
  }

  /** End all workers. */
  close() {
    for (const place of this.places) place?.client.close();
    this.places = [];
  }

  /**
   * @param {number} index
   * @param {Show|null} show
   */
  #put(index, show) {
    const place = this.places[index];
    if (!show) {
      if (place?.playing) place.client.send({ type: "pause" });
      if (place) {
        place.show = null;
        place.playing = false;
      }
      return;
    }
    if (place?.show?.member === show.member) return;
    const used = place ?? this.#open(index);
    used.show = show;
    this.#start(used, show);
  }

  /** @param {number} index */
  #open(index) {
    const client = new WorkerClient("show", {
      onMessage: (message) => this.#receive(place, message),
      onBoot: () => {},
      onLost: (error) => {
        if (this.places[index] === place) this.places[index] = undefined;
        this.handlers.onFailed(error);
      },
    });
    const place = new Place(client);
    this.places[index] = place;
    return place;
  }

  /**
   * @param {Place} place
   * @param {Show} show
   */
  async #start(place, show) {
    try {
      const [policy, model_xml] = await Promise.all([show.load(), this.loadModel(show.task)]);
      await place.client.booted;
      if (place.show !== show || !policy) return;
      place.client.send({
        type: "start_playing",
        task: /** @type {any} */ (show.task),
        model_xml,
        policy: policy.slice(0),
        n_envs: 1,
        seed: 0,
        deterministic: true,
        speed: 1,
        only_seen: true,
      });
      place.playing = true;
      if (this.resting) place.client.send({ type: "pause" });
    } catch (error) {
      if (place.client.state !== "lost") this.handlers.onFailed(/** @type {PageError} */ (error));
    }
  }

  /**
   * @param {Place} place
   * @param {FromWorker} message
   */
  #receive(place, message) {
    if (message.type === "failed") this.handlers.onFailed(failure(message));
    if (message.type === "frame" && place.show) this.handlers.onFrame(place.show.member, message);
  }
}
