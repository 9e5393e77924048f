// Trains recipes in the page's Python workers, without the page around them: the same lines in Chromium, Firefox and
// Node.js. Defines globalThis.tabrlWorkers.
class TeamWorker {
  constructor(root) {
    this.got = [];
    this.waiting = [];
    this.worker = new Worker(`${root}workers/python_worker.js?role=trainer`, { type: "module" });
    this.worker.onmessage = ({ data }) => this.take(data);
    this.worker.onerror = (event) => this.take({ type: "failed", message: event.message ?? "crashed" });
  }

  take(message) {
    if (message.type === "frame") return;
    this.got.push(message);
    this.waiting = this.waiting.filter(({ ends, settle }) => !ends(message) || settle());
  }

  /** The messages up to the first that `ends`, or that says of a failure. */
  async until(ends) {
    const stops = (message) => message.type === "failed" || ends(message);
    if (!this.got.some(stops)) await new Promise((settle) => this.waiting.push({ ends: stops, settle }));
    const failed = this.got.find(({ type }) => type === "failed");
    if (failed) throw new Error(`${failed.name}: ${failed.message}\n${failed.traceback ?? ""}`);
    return this.got.splice(0);
  }
}

globalThis.tabrlWorkers = {
  /** Start workers of the page at an address that ends with a slash. */
  async boot(root, count) {
    this.root = root;
    this.workers = Array.from({ length: count }, () => new TeamWorker(root));
    await Promise.all(this.workers.map((each) => each.until(({ type }) => type === "ready")));
  },

  /** Train a recipe with the first `members` workers; the policy file in base64, and what computed it. */
  async train(recipe, members) {
    const { teamPlaces } = await import(`${this.root}team.js`);
    const { tasks } = await (await fetch(`${this.root}tasks.json`)).json();
    const task = tasks.find(({ id }) => id === recipe.task);
    const model_xml = await (await fetch(`${this.root}models/${task.model}.xml`)).text();
    const start = { type: "start_training", recipe, task, model_xml, visible: 0, checkpoint: null, policy: null };
    const team = this.workers.slice(0, members);
    for (const [member, place] of teamPlaces(members).entries()) {
      const ports = place.ports?.filter((port) => port !== null) ?? [];
      const message = { ...start, checkpoint_every_updates: 1, members, member, team: place };
      team[member].worker.postMessage(message, ports);
    }
    const finished = ({ type, state }) => type === "state_changed" && state === "finished";
    // The first speaks for the run; of the others only a failure is heard.
    const troubles = team.slice(1).map((each) => each.until(() => false));
    const messages = await Promise.race([team[0].until(finished), ...troubles]);
    const { policy } = messages.findLast(({ type }) => type === "policy_file");
    const { arithmetic } = messages.find(({ type }) => type === "started");
    const text = Array.from(new Uint8Array(policy), (byte) => String.fromCharCode(byte)).join("");
    return { policy: btoa(text), arithmetic };
  },
};
