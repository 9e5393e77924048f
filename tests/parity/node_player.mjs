// The player without Python, in Node.js: `node node_player.mjs MUJOCO WORKERS < JOB`. Answers a JSON object.

import { readFileSync } from "node:fs";

const [mujocoAddress, workers] = process.argv.slice(2);
const { default: start } = await import(mujocoAddress);
const { Show } = await import(`${workers}/show.js`);
const { Evaluator } = await import(`${workers}/evaluator.js`);
const { stream } = await import(`${workers}/philox.js`);
const { RewardProgram } = await import(`${workers}/reward_program.js`);

const numbers = (array) => Array.from(array);

function fromBase64(text) {
  if (text === null) return null;
  const bytes = Buffer.from(text, "base64");
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
}

const CALLS = {
  /** Draws of a stream, in the order asked for. */
  draw({ key, kinds }) {
    const rng = stream(...key);
    return kinds.map(([name, ...args]) => {
      const drawn = rng[name](...args);
      return typeof drawn === "bigint" ? String(drawn) : drawn;
    });
  },

  /** A reward's program on many steps. */
  reward({ program, steps }) {
    const reward = new RewardProgram(program);
    return steps.map(({ signals, prev, action, dt, terminated }) =>
      reward.evaluate({
        signals: Float64Array.from(signals),
        prev: Float64Array.from(prev),
        action: Float32Array.from(action),
        dt,
        terminated,
      }),
    );
  },

  /** A show: the first states, then what each step left, and the episodes that ended. */
  async show({ message, programs, steps, said }) {
    const ended = [];
    const parts = { mujoco: await start(), programs };
    const given = { ...message, policy: fromBase64(message.policy) };
    const show = new Show(parts, given, (episode) => ended.push(episode));
    const next = numbers(show.sim.arrays.nextInit);
    const frames = [];
    for (let step = 0; step < steps; step++) {
      for (const { at, call, argument } of said) if (at === step) show[call](argument);
      show.step();
      const frame = show.frame(null);
      frames.push({ ...frame, poses: numbers(new Float32Array(frame.poses)), torques: [] });
    }
    return { started: show.started(), next, frames, ended };
  },

  /**
   * A show whose rows lie in several workers, moved so many at a time: where the bodies of all are after each step, and
   * every so many steps the states that the next one begins with.
   */
  async crowd({ message, cuts, rows, programs, steps, every, said }) {
    const mujoco = await start();
    const given = { ...message, policy: fromBase64(message.policy) };
    const shows = cuts.map(
      ([first_row, n_envs]) =>
        new Show({ mujoco, programs }, { ...given, first_row, n_envs }, () => {}),
    );
    const poses = [];
    const states = [];
    const text = (array) => Buffer.from(array.buffer).toString("base64");
    for (let step = 0; step < steps; step++) {
      if (step % every === 0) {
        const each = shows.flatMap(({ sim }) => numbers(sim.states()));
        const obs = shows.flatMap(({ sim }) => numbers(sim.arrays.obs));
        states.push({ states: text(Float64Array.from(each)), obs: text(Float32Array.from(obs)) });
      }
      for (const { at, call, argument } of said) {
        if (at !== step) continue;
        for (const show of shows) {
          const row = (argument.row ?? show.first) - show.first;
          if (row >= 0 && row < show.seeds.length) show[call](argument);
        }
      }
      for (const show of shows) while (!show.advance(rows));
      const bodies = shows.flatMap((show) => numbers(new Float32Array(show.frame(null).poses)));
      poses.push(text(Float32Array.from(bodies)));
    }
    return { poses, states };
  },

  async evaluate({ message, programs }) {
    const parts = { mujoco: await start(), programs };
    const evaluator = new Evaluator(parts, { ...message, policy: fromBase64(message.policy) });
    let evaluation = null;
    while (evaluation === null) evaluation = evaluator.advance();
    return evaluation;
  },
};

const job = JSON.parse(readFileSync(0, "utf8"));
let answer;
try {
  answer = await CALLS[job.call](job);
} catch (error) {
  answer = { error: error.name, message: error.message };
}
process.stdout.write(JSON.stringify(answer));
