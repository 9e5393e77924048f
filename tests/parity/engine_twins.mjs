/**
 * Two builds of the engine side by side: node engine_twins.mjs LOADER OFFICIAL OTHER MODEL.xml...
 * Prints, by model, the numbers of a run in which every state is compared, and how many of them differ in any bit.
 */

import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { pathToFileURL } from "node:url";

const STEPS = 1500;
const EPISODE = 250;
const [loader, official, other, ...models] = process.argv.slice(2);
const { default: load } = await import(pathToFileURL(loader).href);
const engines = await Promise.all([official, other].map((file) => load({ wasmBinary: readFileSync(file) })));

/** @param {number} seed */
function uniform(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}

/** @param {any} engine @param {string} xml */
function* states(engine, xml) {
  const model = engine.MjModel.from_xml_string(xml);
  const data = new engine.MjData(model);
  const next = uniform(7);
  for (let step = 0; step < STEPS; step++) {
    if (step % EPISODE === 0) {
      engine.mj_resetData(model, data);
      const { qvel } = data;
      for (let i = 0; i < qvel.length; i++) qvel[i] = 0.5 * next();
    }
    const { ctrl } = data;
    for (let i = 0; i < ctrl.length; i++) ctrl[i] = next();
    engine.mj_step(model, data);
    yield [data.qpos, data.qvel, data.qacc, data.sensordata].map((numbers) => numbers.slice());
  }
}

/** @type {Record<string, {numbers: number, different: number, moved: number}>} */
const report = {};
for (const file of models) {
  const xml = readFileSync(file, "utf8");
  const others = states(engines[1], xml);
  const found = { numbers: 0, different: 0, moved: 0 };
  for (const ours of states(engines[0], xml)) {
    const theirs = others.next().value ?? [];
    ours.forEach((numbers, k) => {
      found.numbers += numbers.length;
      numbers.forEach((/** @type {number} */ value, /** @type {number} */ i) => {
        if (!Object.is(value, theirs[k]?.[i])) found.different += 1;
        found.moved = Math.max(found.moved, k === 0 ? Math.abs(value) : 0);
      });
    });
  }
  report[basename(file, ".xml")] = found;
}
console.log(JSON.stringify(report));
