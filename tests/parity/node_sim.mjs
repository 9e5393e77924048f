// Drives web/workers/batch_sim.js for tests/parity/node_sim.py: requests on stdin, answers on stdout. Each is a JSON
// head, whose length stands before it in 4 bytes, then as many bytes as its "bytes" says.
// Arguments: the address of MuJoCo's module and that of the folder of the workers' modules.
import { readSync, writeSync } from "node:fs";

const [mujocoUrl, workersUrl] = process.argv.slice(2);
const { default: loadMujoco } = await import(mujocoUrl);
const { BatchSim } = await import(`${workersUrl}/batch_sim.js`);
const { Engine } = await import(`${workersUrl}/engine.js`);
const mujoco = await loadMujoco();
const NAMES = "obs finalObs signals prevSignals terminated truncated unstable steps poses torques".split(" ");
let sim;

function read(size) {
  const buffer = Buffer.alloc(size);
  for (let at = 0; at < size; ) {
    const count = readSync(0, buffer, at, size - at, null);
    if (count === 0) process.exit(0);
    at += count;
  }
  return buffer;
}

function write(head, parts = []) {
  const bodies = parts.map((part) => Buffer.from(part.buffer, part.byteOffset, part.byteLength));
  const text = Buffer.from(JSON.stringify({ ...head, bytes: bodies.reduce((n, body) => n + body.length, 0) }));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  const whole = Buffer.concat([length, text, ...bodies]);
  for (let at = 0; at < whole.length; ) at += writeSync(1, whole, at);
}

/** Rows of states, then rows of controls, each moved by one mj_step. */
function stepEach({ rows }, body) {
  const { engine } = sim;
  const states = new Float64Array(body.buffer, 0, rows * engine.nState);
  const ctrl = new Float64Array(body.buffer, states.byteLength, rows * engine.nu);
  const after = new Float64Array(states.length);
  engine.takeViews();
  for (let i = 0; i < rows; i++) {
    engine.setState(states, i * engine.nState);
    engine.ctrl.set(ctrl.subarray(i * engine.nu, (i + 1) * engine.nu));
    engine.mujoco.mj_step(engine.model, engine.data);
    engine.getState(after, i * engine.nState);
  }
  write({ warnings: engine.warnings() }, [after]);
}

const calls = {
  make({ xml, task, nEnvs }) {
    sim?.close();
    sim = undefined;
    sim = new BatchSim(mujoco, xml, task, nEnvs);
    const { nq, nv, nu, nbody, nState } = sim.engine;
    const { dt, stateSize } = sim;
    write({ nq, nv, nu, nbody, nState, dt, stateSize, qpos0: [...sim.qpos0], version: mujoco.mj_versionString() });
  },
  reset({ rows }) {
    sim.reset(rows ?? undefined);
  },
  step() {
    sim.step();
  },
  watch({ rows }) {
    sim.watch(rows);
  },
  push({ row, body, force, point, steps }) {
    sim.push(row, body, force, point, steps);
  },
  setCommands({ rows, numbers }) {
    sim.setCommands(rows, numbers);
  },
  kick({ rows, numbers }) {
    sim.kick(rows, numbers);
  },
  states() {
    write({}, [sim.states()]);
  },
  loadStates(_, body) {
    sim.loadStates(new Float64Array(body.buffer));
  },
  stepEach,
  /** Make the engine's memory grow, so that every view on it dies. */
  growMemory() {
    const before = sim.engine.data.qpos.buffer.byteLength;
    const more = [];
    while (sim.engine.data.qpos.buffer.byteLength === before) more.push(new Engine(mujoco, sim.xml, sim.task));
    for (const engine of more) engine.close();
  },
};

for (;;) {
  const head = JSON.parse(read(read(4).readUInt32LE(0)).toString());
  const body = new Uint8Array(read(head.bytes)).slice();
  try {
    if (head.call === "make") {
      calls.make(head);
      sim.xml = head.xml;
      continue;
    }
    if (head.call === "step" || head.call === "reset") {
      const { nextInit, actions } = sim.arrays;
      nextInit.set(new Float64Array(body.buffer, 0, nextInit.length));
      if (head.call === "step") actions.set(new Float32Array(body.buffer, nextInit.byteLength, actions.length));
    }
    const answers = ["states", "stepEach"].includes(head.call);
    calls[head.call](head, body);
    if (!answers) write({ unstableCount: sim.unstableCount }, NAMES.map((name) => sim.arrays[name]));
  } catch (error) {
    write({ error: { name: error.name, message: error.message } });
  }
}
