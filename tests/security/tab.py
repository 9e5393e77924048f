"""A page with the lab's own clients of workers, driven by tests; it notes when it stood still."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from playwright.sync_api import Page

BOOT_S = 150

DRIVER = """
const byte_text = (byte) => String.fromCharCode(byte);
const text = (buffer) => btoa(Array.from(new Uint8Array(buffer), byte_text).join(""));
globalThis.tab = {
  clients: {}, lost: {}, got: {}, ran: {}, waiting: [], long_ms: [],
  async load() {
    for (const name of ["worker_client.js", "run_control.js", "play_control.js", "errors.js"])
      Object.assign(this, await import(`./${name}`));
    this.tasks = (await (await fetch("tasks.json")).json()).tasks;
    this.models = {};
    for (const { model } of this.tasks)
      this.models[model] ??= await (await fetch(`models/${model}.xml`)).text();
    const observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) this.long_ms.push(entry.duration);
    });
    observer.observe({ type: "longtask" });
  },
  take(change) {
    change();
    this.waiting = this.waiting.filter(({ test, resolve }) => !test() || resolve());
  },
  until(test) {
    if (test()) return Promise.resolve();
    return new Promise((resolve) => this.waiting.push({ test, resolve }));
  },
  async open(name, role) {
    this.got[name] = [];
    const client = new this.WorkerClient(role, {
      onMessage: (message) => this.take(() => this.got[name].push(message)),
      onBoot: () => {},
      onLost: (error) => this.take(() => {
        this.lost[name] = { at: performance.now(), title: error.title, what: error.message };
      }),
    });
    client.worker.addEventListener("message", ({ data }) => {
      if (data.type === "code_runs" && data.running) this.ran[name] = performance.now();
    });
    this.clients[name] = client;
    await client.booted;
  },
  full(message, id) {
    const task = this.tasks.find((each) => each.id === id);
    return { ...message, task, model_xml: this.models[task.model] };
  },
  send(name, message, task) { this.clients[name].send(this.full(message, task)); },
  async ask(name, message, task) {
    try {
      return await this.clients[name].request(this.full(message, task));
    } catch (error) {
      return { refused: error.message };
    }
  },
  measure(name, message, data, task) {
    const policy = Uint8Array.from(atob(data), (c) => c.charCodeAt(0)).buffer;
    return this.ask(name, { ...message, policy }, task);
  },
  /** One after the other, as the lab asks. */
  async tryAll(name, task) {
    this.answers = [];
    const { task: record, model_xml } = this.full({}, task);
    for (const [source, function_name, whole] of this.sources) {
      const message = { type: "try_code", source, function: function_name, task: record };
      const answer = this.clients[name].request({ ...message, model_xml: whole ? model_xml : "" });
      this.answers.push(await answer.catch((error) => ({ refused: error.message })));
    }
  },
  said(name, type) {
    const plain = ([key, value]) => [key, value instanceof ArrayBuffer ? text(value) : value];
    return this.got[name].filter((message) => message.type === type)
      .map((message) => Object.fromEntries(Object.entries(message).map(plain)));
  },
  finished(name) {
    return this.until(() => this.got[name].some((m) => m.type === "state_changed" && m.state === "finished"));
  },
  gone(name) { return this.until(() => this.lost[name]); },
  async watch(data, recipe, id) {
    const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0)).buffer;
    const notices = new this.Notices(document.body.appendChild(document.createElement("div")));
    const task = this.tasks.find((each) => each.id === id);
    const control = new this.PlayControl(notices, async () => this.models[task.model]);
    const moved = new Promise((resolve) => control.addEventListener("frame", ({ detail }) => {
      if (detail.steps[0] > 5) resolve(detail);
    }));
    const load = async () => bytes;
    const entry = { key: "coded", origin: "imported", title: "Coded", task: id, facts: { recipe }, load };
    control.play({ entry, task, n_envs: 2, seed: 0 });
    const frame = await moved;
    control.pause();
    const { mean } = await control.evaluate(bytes, task, recipe).then((e) => ({ mean: e.return_mean }));
    control.python?.close();
    return { python: control.python !== null, returns: frame.returns[0], steps: frame.steps[0], mean };
  },
  async train(recipe) {
    const notices = new this.Notices(document.body.appendChild(document.createElement("div")));
    const task = this.tasks.find((each) => each.id === recipe.task);
    const control = new this.RunControl(notices, () => null, async () => this.models[task.model]);
    this.control = control;
    this.clients_made = 0;
    control.workers = 1;
    const over = new Promise((resolve) => control.addEventListener("change", () => {
      if (control.state === "failed" || control.state === "stopped") resolve();
    }));
    await control.start(recipe, task, null);
    await over;
    return { state: control.state, words: notices.container.innerText };
  },
};
"""


class Tab:
    """One page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        page.set_default_timeout(BOOT_S * 1000)
        page.evaluate(DRIVER)
        page.evaluate("tab.load()")

    def open(self, *names_and_roles: tuple[str, str]) -> None:
        """Boot workers, all at once."""
        self.page.evaluate(
            "pairs => Promise.all(pairs.map(([name, role]) => tab.open(name, role)))",
            [list(pair) for pair in names_and_roles],
        )

    def send(self, name: str, message: dict[str, Any], task: str) -> None:
        self.page.evaluate("([...given]) => tab.send(...given)", [name, message, task])

    def ask(self, name: str, message: dict[str, Any], task: str) -> dict[str, Any]:
        """Send a request and wait for its answer."""
        answer: dict[str, Any] = self.page.evaluate(
            "([...given]) => tab.ask(...given)", [name, message, task]
        )
        return answer

    def measure(self, name: str, message: dict[str, Any], policy: bytes, task: str) -> dict[str, Any]:
        """Ask an evaluator for the fitness of a policy."""
        given = [name, message, base64.b64encode(policy).decode(), task]
        answer: dict[str, Any] = self.page.evaluate("([...given]) => tab.measure(...given)", given)
        return answer

    def said(self, name: str, kind: str) -> list[dict[str, Any]]:
        said: list[dict[str, Any]] = self.page.evaluate("([...given]) => tab.said(...given)", [name, kind])
        return said

    def policy(self, name: str) -> bytes:
        """The last policy of a training that has finished."""
        self.page.evaluate("name => tab.finished(name)", name)
        return base64.b64decode(self.said(name, "policy_file")[-1]["policy"])

    def begin_watching(self) -> None:
        """Forget when the page stood still so far."""
        self.page.evaluate("tab.long_ms = []")

    def longest_task_ms(self) -> float:
        """The longest time in which the page could not answer, since begin_watching."""
        longest: float = self.page.evaluate("Math.max(0, ...tab.long_ms)")
        return longest


class Canary:
    """A server that nothing may ever ask."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.address = ""


@contextmanager
def canary() -> Iterator[Canary]:
    """A server on this machine that notes whoever asks it, and lets everybody."""
    bird = Canary()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            bird.asked.append(self.path)
            self.send_response(200)
            self.send_header("Access-Control-Allow-Origin", "*")
            self.send_header("Cross-Origin-Resource-Policy", "cross-origin")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        bird.address = f"http://127.0.0.1:{server.server_address[1]}/"
        try:
            yield bird
        finally:
            server.shutdown()
            thread.join()
