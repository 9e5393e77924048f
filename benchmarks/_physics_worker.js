// What a worker of `./build.sh bench physics` does: mj_step in a loop, by the official bindings.
const models = new Map();
let mujoco;

const bytesOf = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

const calls = {
  /** Compile the page's module, or another one in base64, and load models by name into it. */
  async load({ module, xml }) {
    const own = async () => new Uint8Array(await (await fetch(`${ROOT}runtime/mujoco/mujoco.wasm`)).arrayBuffer());
    const wasmBinary = module === null ? await own() : bytesOf(module);
    const { default: start } = await import(`${ROOT}runtime/mujoco/mujoco.js`);
    mujoco = await start({ wasmBinary });
    for (const [name, text] of Object.entries(xml)) {
      const model = mujoco.MjModel.from_xml_string(text);
      models.set(name, { model, data: new mujoco.MjData(model) });
    }
    return { bytes: wasmBinary.length, version: mujoco.mj_versionString() };
  },

  /** Begin at the first state and make `steps` of mj_step; seconds, and the last state's bytes. */
  run({ model: name, steps, hold, episode, controls }) {
    const { model, data } = models.get(name);
    const rows = new Float64Array(bytesOf(controls).buffer);
    const { nu } = model;
    const most = rows.length / nu;
    const began = performance.now();
    mujoco.mj_resetData(model, data);
    const { ctrl } = data;
    for (let step = 0; step < steps; step += hold) {
      if (step % episode === 0) mujoco.mj_resetData(model, data);
      const row = (step / hold) % most;
      for (let i = 0; i < nu; i++) ctrl[i] = rows[row * nu + i];
      for (let i = 0; i < hold; i++) mujoco.mj_step(model, data);
    }
    const seconds = (performance.now() - began) / 1000;
    const state = Float64Array.from([data.time, ...data.qpos, ...data.qvel, ...data.qacc_warmstart]);
    return { seconds, state: Array.from(new Uint8Array(state.buffer)) };
  },
};
