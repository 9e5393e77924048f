"""The page's own WorkerGroup with its real workers, driven by a test."""

from __future__ import annotations

import base64
from typing import Any

from playwright.sync_api import Page

from tabrl_py.config import Recipe

PATIENCE_S = 240
"""A worker boots in 5 s on an idle machine; here up to six do, one after the other, beside other programs."""

DRIVER = """
const byte_text = (byte) => String.fromCharCode(byte);
const text = (buffer) => btoa(Array.from(new Uint8Array(buffer), byte_text).join(""));
globalThis.crew = {
  policies: {}, records: [], said: [], rows: [], frame: null, states: [], waiting: [],
  async open(wanted) {
    const { WorkerGroup } = await import("./worker_group.js");
    const note = (name) => (error) => this.take(() => this.said.push(`${name}: ${error.message}`));
    this.group = new WorkerGroup({
      onMessage: (message) => this.take(() => this.receive(message)),
      onBoot: () => {},
      onLost: note("lost"),
      onQuiet: () => {},
      onMemberLost: note("member lost"),
      onRefused: note("refused"),
      onChange: () => this.take(() => {}),
    }, wanted);
    await this.group.booted;
  },
  take(change) {
    change();
    this.waiting = this.waiting.filter(({ test, resolve }) => !test() || resolve());
  },
  receive(message) {
    if (message.type === "policy_file") this.policies[message.steps] = text(message.policy);
    if (message.type === "progressed") this.records.push(message.progress);
    if (message.type === "started") this.rows = message.rows;
    if (message.type === "frame")
      this.frame = { floats: message.poses.byteLength / 4, returns: message.returns };
    if (message.type === "failed") this.said.push(`${message.name}: ${message.message}`);
    if (message.type === "state_changed") this.states.push(message.state);
  },
  async start(recipe, visible) {
    const { tasks } = await (await fetch("tasks.json")).json();
    const task = tasks.find((each) => each.id === recipe.task);
    const model_xml = await (await fetch(`models/${task.model}.xml`)).text();
    Object.assign(this, { policies: {}, records: [], frame: null, states: [] });
    const start = { type: "start_training", recipe, task, model_xml, visible, checkpoint_every_updates: 1 };
    this.group.send({ ...start, checkpoint: null, policy: null });
  },
  until(test) {
    if (test()) return Promise.resolve();
    return new Promise((resolve) => this.waiting.push({ test, resolve }));
  },
  state(name) { return this.until(() => this.states.at(-1) === name); },
  learning(count) { return this.until(() => this.group.learning === count && this.group.loading === 0); },
  async updates(more) {
    const goal = (this.records.at(-1)?.update ?? 0) + more;
    await this.until(() => this.records.at(-1)?.update >= goal);
  },
  /** End a member's thread, as the browser does when memory is short. */
  async end(member) {
    const before = this.said.length;
    this.group.team[member].worker.terminate();
    await this.until(() => this.said.length > before);
  },
  /** End it when `share` of an update is over. */
  async kill(member, share) {
    await this.updates(1);
    const record = this.records.at(-1);
    const seconds = Object.values(record.seconds_by_part).reduce((a, b) => a + b);
    await new Promise((resolve) => setTimeout(resolve, 1000 * share * seconds));
    await this.end(member);
    const { physics, policy, reward } = record.seconds_by_part;
    return { last: record.update, learning: 1 - (physics + policy + reward) / seconds };
  },
};
"""


class Crew:
    """A group of workers, and what it told the page."""

    def __init__(self, page: Page, wanted: int) -> None:
        self.page = page
        page.set_default_timeout(PATIENCE_S * 1000)
        page.evaluate(DRIVER)
        page.evaluate("wanted => crew.open(wanted)", wanted)

    def start(self, recipe: Recipe, visible: int) -> None:
        self.page.evaluate("([recipe, visible]) => crew.start(recipe, visible)", [recipe.to_json(), visible])

    def wait_learning(self, count: int) -> None:
        """Until so many learn together and none is loading."""
        self.page.evaluate("count => crew.learning(count)", count)

    def wait_updates(self, more: int) -> None:
        self.page.evaluate("more => crew.updates(more)", more)

    def wait_steps(self, steps: int) -> None:
        self.page.evaluate("steps => crew.until(() => Number(steps) in crew.policies)", steps)

    def set_workers(self, count: int) -> None:
        self.page.evaluate("count => crew.group.setWorkers(count)", count)

    def kill(self, member: int, share: float) -> dict[str, float]:
        """End a member's thread when a share of an update's time is over; waits until the page knows."""
        found: dict[str, float] = self.page.evaluate(
            "([member, share]) => crew.kill(member, share)", [member, share]
        )
        return found

    def end(self, member: int) -> None:
        """End a member's thread at once; waits until the page knows."""
        self.page.evaluate("member => crew.end(member)", member)

    def send(self, kind: str, state: str | None = None) -> None:
        """Send a message without fields; waits until the run is in a state."""
        self.page.evaluate("kind => crew.group.send({ type: kind })", kind)
        if state is not None:
            self.page.evaluate("state => crew.state(state)", state)

    def policies(self) -> dict[int, bytes]:
        """The policy files of the run by their steps; without the last, which tells of an evaluation."""
        found: dict[str, str] = self.page.evaluate("crew.policies")
        files = {int(steps): base64.b64decode(data) for steps, data in found.items()}
        files.pop(max(files))
        return files

    def read(self, name: str) -> Any:
        """What the group's handlers kept: records, said, rows, frame."""
        return self.page.evaluate("name => crew[name]", name)
