// What a worker of `./build.sh bench arena` does beside the page: mj_step in a loop, over steps that a show has made.
async function start() {
  const { default: startModule } = await import(`${ROOT}runtime/mujoco/mujoco.js`);
  const { Show } = await import(`${ROOT}workers/show.js`);
  const wasmBinary = new Uint8Array(await (await fetch(`${ROOT}runtime/mujoco/mujoco.wasm`)).arrayBuffer());
  const mujoco = await startModule({ wasmBinary });
  const programs = await (await fetch(`${ROOT}rewards.json`)).json();
  /** @type {{table: Float64Array, actions: Float32Array}[]} */
  const made = [];
  let sim;

  return {
    /** Let robots of a shipped policy act until they are under way, and remember the next steps. */
    async begin({ task, xml, policy, rows, lead, steps, seed }) {
      const bytes = await (await fetch(`${ROOT}policies/${policy}`)).arrayBuffer();
      const message = { task, model_xml: xml, policy: bytes, n_envs: rows, seed, deterministic: true, speed: 1 };
      const show = new Show({ mujoco, programs }, message, () => {});
      for (let i = 0; i < lead; i++) show.step();
      sim = show.sim;
      for (let i = 0; i < steps; i++) {
        const table = sim.table.slice();
        show.step();
        made.push({ table, actions: sim.arrays.actions.slice() });
      }
      return mujoco.mj_versionString();
    },

    /** The physics of those steps again and again, for about so long: physics steps and the seconds of mj_step alone. */
    raw({ seconds: least }) {
      const { engine, layout, nEnvs, task } = sim;
      const { model, data, nu } = engine;
      let [seconds, steps] = [0, 0];
      engine.takeViews();
      while (seconds < least) {
        for (const { table, actions } of made) {
          for (let row = 0; row < nEnvs; row++) {
            engine.setState(table, row * layout.width);
            engine.ctrl.set(actions.subarray(row * nu, (row + 1) * nu));
            const began = performance.now();
            for (let i = 0; i < task.frame_skip; i++) mujoco.mj_step(model, data);
            seconds += (performance.now() - began) / 1000;
          }
          steps += nEnvs * task.frame_skip;
        }
      }
      return { seconds, steps };
    },
  };
}

const calls = start();
