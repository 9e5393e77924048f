// A team of real worker threads that exchange blocks through web/workers/exchange.js. Arguments: the folder of the
// workers' modules as an address, and a JSON job {way, members, rounds, seed, most, slot, stop?: {member, round}}.
// Prints JSON: {digests, rounds, longest_ms} with one entry per member; the digest is of all blocks it saw.
import { createHash } from "node:crypto";
import { once } from "node:events";
import { isMainThread, MessageChannel, parentPort, Worker, workerData } from "node:worker_threads";

/** Numbers that look random and are the same in every thread (mulberry32). */
function numbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let x = Math.imul(state ^ (state >>> 15), 1 | state);
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
    return ((x ^ (x >>> 14)) >>> 0) / 4294967296;
  };
}

/** What a member gives to a round: mostly short, at times empty, at times several slots long. */
function blockOf({ seed, most }, member, round) {
  const next = numbers(seed + 7919 * member + 104729 * round);
  const size = Math.floor(most * next() ** 3);
  return Uint8Array.from({ length: size }, () => 256 * next());
}

async function main() {
  const [folder, text] = process.argv.slice(2);
  const job = JSON.parse(text);
  const workers = Array.from({ length: job.members }, () => new Worker(new URL(import.meta.url)));
  const ports = workers.map(() => Array(job.members).fill(null));
  const buffer = new SharedArrayBuffer(job.members * (64 + 2 * job.slot));
  if (job.way === "messages") {
    for (let a = 0; a < job.members; a++) {
      for (let b = a + 1; b < job.members; b++) {
        const { port1, port2 } = new MessageChannel();
        ports[a][b] = port1;
        ports[b][a] = port2;
      }
    }
  }
  const answers = workers.map((worker) => once(worker, "message"));
  for (const [me, worker] of workers.entries()) {
    const mine = job.way === "messages" ? { ports: ports[me] } : { buffer };
    worker.postMessage({ folder, job, place: { members: job.members, me, ...mine } }, ports[me].filter(Boolean));
  }
  const found = (await Promise.all(answers)).map(([answer]) => answer);
  await Promise.all(workers.map((worker) => worker.terminate()));
  console.log(JSON.stringify(found));
}

/** Let messages in. */
const turn = () => new Promise((resolve) => setImmediate(resolve));
let goOn = () => {};
/** Sleep as the worker does whose exchange goes by messages: until one completes it, here at most 20 ms. */
const untilWoken = () =>
  new Promise((resolve) => {
    goOn = resolve;
    setTimeout(resolve, 20);
  });

async function member({ folder, job, place }) {
  const { joinTeam } = await import(`${folder}/exchange.js`);
  let wakes = 0;
  const exchange = joinTeam(place, () => {
    wakes += 1;
    goOn();
  });
  const hash = createHash("sha256");
  const pace = numbers(job.seed + 31 * place.me);
  let longest_ms = 0;
  let wrong = 0;
  for (let round = 0; round < job.rounds; round++) {
    if (job.stop?.member === place.me && job.stop.round === round) return { rounds: round };
    // Members are ahead and behind by turns, and messages come at odd moments.
    if (pace() < 0.1) await turn();
    const mine = blockOf(job, place.me, round);
    exchange.offer(mine);
    mine.fill(255); // the block was copied
    const offered_ms = performance.now();
    for (let tries = 1; ; tries++) {
      const before = performance.now();
      const here = exchange.arrived();
      longest_ms = Math.max(longest_ms, performance.now() - before);
      if (here) break;
      if (job.stop && before - offered_ms > 400) return { rounds: round, longest_ms, wrong, tries };
      await (place.buffer ? turn() : untilWoken());
    }
    for (let k = 0; k < place.members; k++) {
      const block = exchange.block(k);
      hash.update(`${k} ${block.length} `).update(block);
      if (Buffer.compare(block, blockOf(job, k, round)) !== 0) wrong += 1;
    }
  }
  return { digest: hash.digest("hex"), rounds: job.rounds, longest_ms, wrong, wakes };
}

if (isMainThread) await main();
else parentPort.once("message", async (message) => parentPort.postMessage(await member(message)));
