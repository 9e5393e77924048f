// The inside of a robot, in Node.js: `node node_detail.mjs MUJOCO WORKERS < JOB`. Answers a JSON object.

import { readFileSync } from "node:fs";

const [mujocoAddress, workers] = process.argv.slice(2);
const { default: start } = await import(mujocoAddress);
const { BatchSim } = await import(`${workers}/batch_sim.js`);
const { detailOf } = await import(`${workers}/detail.js`);


const { xml, task, rows, row, actions, steps } = JSON.parse(readFileSync(0, "utf8"));
const sim = new BatchSim(await start(), xml, task, rows);
const { nq, nv } = sim.engine;
for (let step = 0; step < steps; step++) {
  sim.arrays.actions.set(actions);
  sim.step();
}
const before = Array.from(sim.states());
const at = row * sim.stateSize + 2;
const detail = detailOf(sim, row);
for (let again = 0; again < 200; again++) detailOf(sim, row);
const untouched = before.every((number, i) => Object.is(number, sim.states()[i]));
process.stdout.write(
  JSON.stringify({ detail, untouched, qpos: before.slice(at, at + nq), qvel: before.slice(at + nq, at + nq + nv) }),
);
