// The player without Python, in Node.js: `node node_player.mjs MUJOCO WORKERS < JOB`. Answers a JSON object.

import { readFileSync } from "node:fs";

const [mujocoAddress, workers] = process.argv.slice(2);
const { default: start } = await import(mujocoAddress);
const { Show } = await import(`${workers}/show.js`);
const { Circle } = await import(`${workers}/circle.js`);
const { Evaluator } = await import(`${workers}/evaluator.js`);
const { stream } = await import(`${workers}/philox.js`);
const { RewardProgram } = await import(`${workers}/reward_program.js`);

const numbers = (array) => Array.from(array);

function fromBase64(text) {
  if (text === null) return null;
  const bytes = Buffer.from(text, "base64");
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
}

/** Pairs of bodies that touch now: how many of two robots, and of a ball and a robot. */
function touches({ data, model, robots, one }) {
  const owner = (geom) => {
    const body = model.geom_bodyid[geom];
    return body === 0 ? -1 : Math.floor((body - 1) / (one.nbody - 1));
  };
  const found = { robots: 0, balls: 0 };
  const contacts = data.contact;
  for (let i = 0; i < data.ncon; i++) {
    const contact = contacts.get(i);
    const [a, b] = [owner(contact.geom1), owner(contact.geom2)].sort((x, y) => x - y);
    if (a >= 0 && a !== b && a < robots) found[b < robots ? "robots" : "balls"] += 1;
    contact.delete();
  }
  contacts.delete();
  return found;
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

  /** A reward's program on many steps, one after the other: totals and terms; and the terms of all at once. */
  reward({ program, steps }) {
    const reward = new RewardProgram(program);
    const totals = [];
    const terms = [];
    for (const { signals, prev, action, dt, terminated } of steps) {
      totals.push(
        reward.evaluate({
          signals: Float64Array.from(signals),
          prev: Float64Array.from(prev),
          action: Float32Array.from(action),
          dt,
          terminated,
        }),
      );
      terms.push(reward.termsOf(0));
    }
    const all = (name, Kind) => Kind.from(steps.flatMap((step) => step[name]));
    const [signals, prev, action] = [all("signals", Float64Array), all("prev", Float64Array), all("action", Float32Array)];
    const terminated = Uint8Array.from(steps, (step) => step.terminated);
    reward.evaluateRows({ signals, prev, action, dt: steps[0].dt, terminated }, steps.length);
    return { totals, terms, together: steps.map((_, row) => reward.termsOf(row)) };
  },

  /** A show: the first states, then what each step left, and inside one robot, and the episodes that ended. */
  async show({ message, programs, steps, said, inspected = -1 }) {
    const ended = [];
    const details = [];
    const parts = { mujoco: await start(), programs };
    const given = { ...message, policy: fromBase64(message.policy) };
    const show = new Show(parts, given, (told) => (told.type === "detail" ? details : ended).push(told));
    show.inspect(inspected);
    show.frame(null);
    const next = numbers(show.sim.arrays.nextInit);
    const frames = [];
    for (let step = 0; step < steps; step++) {
      for (const { at, call, argument } of said) if (at === step) show[call](argument);
      show.step();
      const frame = show.frame(null);
      frames.push({ ...frame, poses: numbers(new Float32Array(frame.poses)), torques: [] });
    }
    return { started: show.started(), next, frames, details, ended };
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

  /** Shows whose robots share a world: where all bodies and balls are after each step, and what touches what. */
  async together({ messages, programs, steps, said }) {
    const mujoco = await start();
    const together = messages.reduce((sum, { n_envs }) => sum + n_envs, 0);
    const circle = new Circle({ ...messages[0], together }, { mujoco }, 0);
    let place = 0;
    const shows = messages.map((message, show) => {
      const given = { ...message, policy: fromBase64(message.policy), together, place, show };
      place += message.n_envs;
      const made = new Show({ mujoco, programs }, given, () => {}, circle.world);
      circle.add(made);
      return made;
    });
    const text = (array) => Buffer.from(array.buffer).toString("base64");
    const [poses, balls, touching] = [[], [], []];
    for (let step = 0; step < steps; step++) {
      for (const { at, call, argument } of said) {
        if (at !== step) continue;
        if (call === "throw") circle.throwAt(argument);
        else shows[argument.show ?? 0][call](argument);
      }
      circle.step();
      const bodies = shows.flatMap((show) => numbers(new Float32Array(show.frame(null).poses)));
      poses.push(text(Float32Array.from(bodies)));
      balls.push(shows[0].frame(null).balls);
      touching.push(touches(circle.world));
    }
    const origins = numbers(circle.world.origins);
    circle.close();
    return { poses, balls, touching, origins };
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
