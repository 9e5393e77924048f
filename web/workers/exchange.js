/**
 * How the workers that learn one policy hand each other blocks of bytes: through shared memory where the page is
 * cross-origin isolated, by messages where it is not. An exchange is complete when every member's block is here; each
 * member gives one block to each exchange, in the same order, so both ways show the same bytes.
 *
 * A buffer, or a set of ports, serves one start of a training. The next start brings new ones, so that nothing a member
 * of the old team still sends can be taken for a block of the new one.
 */

/** @import {TeamPlace} from "../page_types" */

/**
 * @typedef {object} Exchange
 * @property {number} members
 * @property {number} me
 * @property {(block: Uint8Array) => void} offer begin an exchange; the block is copied before this returns
 * @property {() => boolean} arrived whether every member's block is here; in shared memory it waits up to 20 ms for them
 * @property {(member: number) => Uint8Array} block of the exchange that has arrived; good until the next offer
 * @property {() => void} close nothing arrives any more
 */

/** How long one call of arrived() waits at most: messages of the page must get in between. */
const WAIT_MS = 20;
/** Int32 words of a member's head, a cache line of its own: how many rounds it has given, then two block lengths. */
const HEAD = 16;
const LENGTHS = 1;

/**
 * Blocks in shared memory. Each member has a head and two slots, which it fills by turns. Blocks that are longer than
 * a slot go in several rounds, as many for every member as the longest block needs.
 *
 * Two slots suffice: a member gives round n + 2 only after everybody gave round n + 1, and whoever gave n + 1 has done
 * with round n. So nothing has to be acknowledged.
 */
export class SharedExchange {
  /** Rounds given. */
  #round = 0;
  /** Of this exchange: how far into the blocks the present round begins. */
  #from = 0;
  #arrived = false;
  #closed = false;
  /** The part of my block that waits for later rounds. @type {Uint8Array} */
  #rest = new Uint8Array(0);
  /** Blocks of several rounds, put together. @type {Uint8Array[]} */
  #whole = [];

  /**
   * @param {SharedArrayBuffer} buffer zeros, the same for all members; its size decides the slots'
   * @param {number} members
   * @param {number} me
   */
  constructor(buffer, members, me) {
    this.members = members;
    this.me = me;
    const share = Math.floor(buffer.byteLength / members / 4) * 4;
    const slotBytes = Math.floor((share - 4 * HEAD) / 2);
    if (slotBytes < 1)
      throw new RangeError(
        `${buffer.byteLength} bytes are too few for ${members} members; give each 72 or more`,
      );
    this.slotBytes = slotBytes;
    const all = Array.from({ length: members }, (_, member) => member * share);
    this.heads = all.map((at) => new Int32Array(buffer, at, HEAD));
    this.slots = all.map((at) =>
      [0, 1].map((slot) => new Uint8Array(buffer, at + 4 * HEAD + slot * slotBytes, slotBytes)),
    );
  }

  /** @param {Uint8Array} block */
  offer(block) {
    if (this.#round > 0 && !this.#arrived && !this.#closed)
      throw new Error("A block was offered before those of the last exchange had arrived");
    this.#arrived = false;
    this.#from = 0;
    this.#whole = [];
    this.#rest = block.slice(this.slotBytes);
    this.#give(block.subarray(0, this.slotBytes), block.length);
  }

  arrived() {
    const until_ms = performance.now() + WAIT_MS;
    while (!this.#arrived) {
      if (this.#closed || !this.#roundIsHere(until_ms)) return false;
      this.#takeRound();
    }
    return true;
  }

  /** @param {number} member */
  block(member) {
    const whole = this.#whole[member];
    if (whole) return whole;
    return this.#slot(member).subarray(0, this.#length(member));
  }

  close() {
    this.#closed = true;
  }

  /**
   * Fill my slot of the next round and tell who waits for it.
   * @param {Uint8Array} part
   * @param {number} length of the whole block
   */
  #give(part, length) {
    this.#round = (this.#round + 1) | 0;
    this.#slot(this.me).set(part);
    const head = this.#head(this.me);
    head[LENGTHS + (this.#round & 1)] = length;
    Atomics.store(head, 0, this.#round);
    Atomics.notify(head, 0);
  }

  /**
   * Whether everybody gave the present round; waits for them.
   * @param {number} until_ms
   */
  #roundIsHere(until_ms) {
    for (const head of this.heads) {
      for (;;) {
        const given = Atomics.load(head, 0);
        if (((given - this.#round) | 0) >= 0) break;
        const left_ms = until_ms - performance.now();
        if (left_ms <= 0) return false;
        Atomics.wait(head, 0, given, left_ms);
      }
    }
    return true;
  }

  /** Where the blocks fit into one round they stay where they are; else keep their parts and give the next of mine. */
  #takeRound() {
    const { members, slotBytes } = this;
    const lengths = Array.from({ length: members }, (_, member) => this.#length(member));
    const longest = Math.max(...lengths);
    const to = this.#from + slotBytes;
    if (longest > slotBytes) {
      if (this.#from === 0) this.#whole = lengths.map((length) => new Uint8Array(length));
      for (const [member, whole] of this.#whole.entries()) {
        const size = Math.max(0, Math.min(slotBytes, whole.length - this.#from));
        if (size > 0) whole.set(this.#slot(member).subarray(0, size), this.#from);
      }
    }
    if (longest <= to) {
      this.#arrived = true;
      return;
    }
    this.#from = to;
    const part = this.#rest.subarray(0, slotBytes);
    this.#rest = this.#rest.subarray(slotBytes);
    this.#give(part, /** @type {number} */ (lengths[this.me]));
  }

  /** @param {number} member @returns {Int32Array} */
  #head(member) {
    return /** @type {Int32Array} */ (this.heads[member]);
  }

  /** A member's slot of the present round. @param {number} member @returns {Uint8Array} */
  #slot(member) {
    return /** @type {Uint8Array} */ (this.slots[member]?.[this.#round & 1]);
  }

  /** Bytes of a member's whole block. @param {number} member @returns {number} */
  #length(member) {
    return /** @type {number} */ (this.#head(member)[LENGTHS + (this.#round & 1)]);
  }
}

/**
 * Blocks by messages, over one channel between each two members. arrived() never waits: messages reach a worker only
 * between two turns of its event loop, and the one that completes an exchange calls `wake`.
 */
export class MessageExchange {
  #round = 0;
  #closed = false;
  /** Blocks of the present round and of the next: a member can be one ahead. @type {(Uint8Array|null)[][]} */
  #blocks;

  /**
   * @param {(MessagePort|null)[]} ports by member; null at my own place
   * @param {number} me
   * @param {() => void} wake
   */
  constructor(ports, me, wake) {
    this.members = ports.length;
    this.me = me;
    this.ports = ports;
    this.wake = wake;
    this.#blocks = [0, 1].map(() => Array(ports.length).fill(null));
    for (const [member, port] of ports.entries()) {
      // Setting the handler also opens the port.
      if (port) port.onmessage = ({ data }) => this.#receive(member, data.round, data.block);
    }
  }

  /** @param {Uint8Array} block */
  offer(block) {
    if (this.#closed) return;
    if (this.#round > 0 && !this.arrived())
      throw new Error("A block was offered before those of the last exchange had arrived");
    // The round after the new one will use this one's place.
    this.#present().fill(null);
    this.#round += 1;
    this.#present()[this.me] = block.slice();
    for (const port of this.ports) {
      const copy = port && block.slice();
      if (copy) port.postMessage({ round: this.#round, block: copy }, [copy.buffer]);
    }
  }

  arrived() {
    return !this.#closed && this.#present().every((block) => block !== null);
  }

  /** @param {number} member */
  block(member) {
    return /** @type {Uint8Array} */ (this.#present()[member]);
  }

  close() {
    this.#closed = true;
    for (const port of this.ports) port?.close();
  }

  /**
   * @param {number} member
   * @param {number} round
   * @param {Uint8Array} block
   */
  #receive(member, round, block) {
    if (this.#closed) return;
    if (round !== this.#round && round !== this.#round + 1)
      throw new Error(`Member ${member} sent round ${round} while this one is at ${this.#round}`);
    const blocks = /** @type {(Uint8Array|null)[]} */ (this.#blocks[round & 1]);
    blocks[member] = block;
    if (round === this.#round && this.arrived()) this.wake();
  }

  #present() {
    return /** @type {(Uint8Array|null)[]} */ (this.#blocks[this.#round & 1]);
  }
}

/**
 * A worker's place in its team, or null where it learns alone.
 * @param {TeamPlace|null|undefined} place as the page gave it
 * @param {() => void} wake called when an exchange by messages is complete
 * @returns {Exchange|null}
 */
export function joinTeam(place, wake) {
  if (!place || place.members < 2) return null;
  const { members, me, buffer, ports } = place;
  if (buffer) return new SharedExchange(buffer, members, me);
  if (ports?.length === members) return new MessageExchange(ports, me, wake);
  throw new Error(`team of ${members}: neither shared memory nor ${members} ports were given`);
}
