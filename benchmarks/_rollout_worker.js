// What a worker of `./build.sh bench rollout` does: the page's own Python and simulation, a piece of a rollout, and mj_step in
// a loop from the same states.
async function start() {
  const { boot, kernelsOf } = await import(`${ROOT}workers/boot.js`);
  const { PythonSim } = await import(`${ROOT}workers/python_sim.js`);
  const { pyodide, mujoco, versions } = await boot(() => {});
  /** @type {PythonSim} */
  let held;
  let rollouts;
  const engine = {
    createSim: (...given) => {
      held = new PythonSim(mujoco, ...given, kernelsOf(pyodide));
      return held;
    },
  };

  return {
    /** Begin a run; `source` is the text of _rollout_measured.py. */
    begin({ source, recipe, xml }) {
      pyodide.runPython(source);
      rollouts = pyodide.globals.get("Rollouts")(recipe, xml, engine);
      return versions;
    },

    /** One rollout in pieces of so many vector steps, each followed by the same physics alone; seconds of both. */
    measure({ pieces, steps }) {
      const seconds = { rollout: rollouts.learn(), raw: 0 };
      for (let piece = 0; piece < pieces; piece++) {
        const { made, took } = recorded(steps);
        seconds.rollout += took;
        seconds.raw += raw(held.sim, made);
      }
      return seconds;
    },

    /** Raw control steps per second over about so many seconds, of what a rollout has just done. */
    bare({ seconds: least, steps }) {
      rollouts.advance(steps);
      rollouts.learn();
      const { made } = recorded(steps);
      let [seconds, count] = [0, 0];
      for (; seconds < least; count += made.length * held.sim.nEnvs) seconds += raw(held.sim, made);
      return count / seconds;
    },
  };

  /** So many vector steps of the rollout, or a few more, with the states each began in and the actions it took. */
  function recorded(steps) {
    const made = [];
    const { sim } = held;
    sim.step = (...given) => {
      made.push({ table: sim.table.slice(), actions: sim.arrays.actions.slice() });
      return Object.getPrototypeOf(sim).step.apply(sim, given);
    };
    const took = rollouts.advance(steps);
    delete sim.step;
    return { made, took };
  }

  /** The physics of those steps once more, one row after the other: seconds of mj_step alone. */
  function raw(sim, made) {
    const { engine: physics, layout, nEnvs, task } = sim;
    const { model, data, nu } = physics;
    let seconds = 0;
    physics.takeViews();
    for (let row = 0; row < nEnvs; row++) {
      for (const { table, actions } of made) {
        physics.setState(table, row * layout.width);
        physics.ctrl.set(actions.subarray(row * nu, (row + 1) * nu));
        const began = performance.now();
        for (let i = 0; i < task.frame_skip; i++) mujoco.mj_step(model, data);
        seconds += (performance.now() - began) / 1000;
      }
    }
    return seconds;
  }
}

const calls = start();
