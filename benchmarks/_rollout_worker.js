// What a worker of `./build.sh bench rollout` does: the page's own Python and simulation, a piece of a rollout, and mj_step in
// a loop from the same states.
async function start() {
  const { boot } = await import(`${ROOT}workers/boot.js`);
  const { PythonSim } = await import(`${ROOT}workers/python_sim.js`);
  const { pyodide, mujoco, versions } = await boot(() => {});
  /** @type {PythonSim} */
  let held;
  let rollouts;
  const engine = {
    createSim: (...given) => {
      held = new PythonSim(mujoco, ...given);
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

    /** One rollout in pieces of so many vector steps, each followed by as many raw steps; seconds of both. */
    measure({ pieces, steps }) {
      const seconds = { rollout: rollouts.learn(), raw: 0 };
      for (let piece = 0; piece < pieces; piece++) {
        seconds.raw += raw(held.sim, steps);
        seconds.rollout += rollouts.advance(steps);
      }
      return seconds;
    },

    /** Raw control steps per second over about so many seconds, from the states that a rollout has just come to. */
    bare({ seconds: least, steps }) {
      for (let made = 0; made < 2 * steps; made++) rollouts.advance(1);
      rollouts.learn();
      let [seconds, made] = [0, 0];
      for (; seconds < least; made += steps * held.sim.nEnvs) seconds += raw(held.sim, steps);
      return made / seconds;
    },
  };

  /** Each row's physics from its present state on, under its last action: nothing but mj_step. */
  function raw(sim, steps) {
    const { engine: physics, layout, table, nEnvs, task } = sim;
    const { model, data, nu } = physics;
    const { actions } = sim.arrays;
    const count = steps * task.frame_skip;
    let seconds = 0;
    physics.takeViews();
    for (let row = 0; row < nEnvs; row++) {
      physics.setState(table, row * layout.width);
      physics.ctrl.set(actions.subarray(row * nu, (row + 1) * nu));
      const began = performance.now();
      for (let i = 0; i < count; i++) mujoco.mj_step(model, data);
      seconds += (performance.now() - began) / 1000;
    }
    return seconds;
  }
}

const calls = start();
