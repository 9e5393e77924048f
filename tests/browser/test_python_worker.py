"""The real Python worker in Chromium, spoken to directly: boot, training, playing, and what goes wrong."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, Route

from tabrl_py.algos.evaluate import Evaluator
from tabrl_py.config import NetworkConfig, PPOConfig, Recipe
from tabrl_py.policy import load_policy
from tabrl_py.sim.native import NativeBatchSim
from tabrl_py.tasks import get_task
from tests.servers import served_plainly

pytestmark = pytest.mark.browser

TASK = "InvertedPendulum-v5"
RECIPE = Recipe(
    task=TASK,
    total_steps=16 * 64 * 8,
    n_envs=16,
    network=NetworkConfig(hidden=(32, 32)),
    algo=PPOConfig(minibatch_size=256),
)
BOOT_S = 150

CLIENT = """
class Client {
  constructor(query) {
    this.got = [];
    this.waiting = [];
    this.worker = new Worker(`workers/python_worker.js?${query}`, { type: "module" });
    this.worker.onmessage = ({ data }) => this.take(data);
    this.worker.onerror = (event) => this.take({ type: "crashed", message: event.message });
  }
  take(message) {
    this.got.push(message);
    this.waiting = this.waiting.filter(({ test, resolve }) => !test(message) || resolve());
  }
  until(type, state) {
    const test = (m) => m.type === type && (state === undefined || m.state === state)
      || m.type === "crashed" || (m.type === "failed" && m.fatal);
    if (this.got.some(test)) return Promise.resolve();
    return new Promise((resolve) => this.waiting.push({ test, resolve }));
  }
}
const byte_text = (byte) => String.fromCharCode(byte);
const text = (buffer) => btoa(Array.from(new Uint8Array(buffer), byte_text).join(""));
globalThis.bench = {
  clients: {},
  open(name, query) { this.clients[name] = new Client(query); },
  async start(name, message) {
    const { tasks } = await (await fetch("tasks.json")).json();
    const task = tasks.find((each) => each.id === message.task);
    const model_xml = await (await fetch(`models/${task.model}.xml`)).text();
    this.send(name, { ...message, task, model_xml });
  },
  send(name, message) {
    if (message.policy) message.policy = Uint8Array.from(atob(message.policy), (c) => c.charCodeAt(0)).buffer;
    this.clients[name].worker.postMessage(message);
  },
  until(name, type, state) { return this.clients[name].until(type, state); },
  forget(name) { this.clients[name].got = []; },
  got(name) {
    return this.clients[name].got.map((message) => Object.fromEntries(Object.entries(message).map(
      ([key, value]) => [key, value instanceof ArrayBuffer ? { base64: text(value) } : value])));
  },
};
"""


class Workers:
    """Workers of a page's address, and the messages they sent."""

    def __init__(self, page: Page) -> None:
        self.page = page
        page.evaluate(CLIENT)
        page.set_default_timeout(BOOT_S * 1000)

    def open(self, name: str, query: str) -> None:
        self.page.evaluate("([name, query]) => bench.open(name, query)", [name, query])

    def boot(self, name: str, role: str) -> dict[str, Any]:
        self.open(name, f"role={role}")
        self.until(name, "ready")
        return self.last(name, "ready")

    def start(self, name: str, message: dict[str, Any]) -> None:
        self.page.evaluate("([name, message]) => bench.start(name, message)", [name, message])

    def send(self, name: str, message: dict[str, Any]) -> None:
        self.page.evaluate("([name, message]) => bench.send(name, message)", [name, message])

    def until(self, name: str, kind: str, state: str | None = None) -> None:
        """Wait for a message; one that says the worker is lost ends the waiting too."""
        self.page.evaluate(
            "([name, kind, state]) => bench.until(name, kind, state ?? undefined)", [name, kind, state]
        )

    def got(self, name: str, kind: str | None = None) -> list[dict[str, Any]]:
        messages: list[dict[str, Any]] = self.page.evaluate("name => bench.got(name)", name)
        return [message for message in messages if kind in (None, message["type"])]

    def last(self, name: str, kind: str) -> dict[str, Any]:
        found = self.got(name, kind)
        assert found, f"no {kind} came: {[{**m, 'traceback': ''} for m in self.got(name, 'failed')]}"
        return found[-1]

    def forget(self, name: str) -> None:
        self.page.evaluate("name => bench.forget(name)", name)


@pytest.fixture
def workers(open_page: Callable[..., Page], isolated_url: str) -> Workers:
    return Workers(open_page(f"{isolated_url}build.json", expected_errors=["favicon.ico"]))


def start_training(**more: Any) -> dict[str, Any]:
    recipe = RECIPE.to_json()
    return {"type": "start_training", "recipe": recipe, "task": TASK, "visible": 4, **more}


def data_of(message: dict[str, Any], field: str) -> bytes:
    return base64.b64decode(message[field]["base64"])


def test_training_is_the_same_on_every_server_and_acts_natively(
    workers: Workers, open_page: Callable[..., Page], plain_url: str
) -> None:
    ready = workers.boot("isolated", "trainer")
    assert ready["versions"]["mujoco"] == "3.14.0"
    assert set(ready["versions"]) == {"tabrl", "python", "pyodide", "numpy", "mujoco"}
    stages = [message["stage"] for message in workers.got("isolated", "booting")]
    assert stages == ["python", "numpy", "package", "physics"]
    workers.start("isolated", start_training())
    workers.until("isolated", "state_changed", "finished")

    plain = Workers(open_page(f"{plain_url}build.json", expected_errors=["favicon.ico"]))
    assert not plain.page.evaluate("crossOriginIsolated")
    plain.boot("plain", "trainer")
    plain.start("plain", start_training(checkpoint_every_updates=1))
    plain.until("plain", "state_changed", "finished")

    file = data_of(workers.last("isolated", "policy_file"), "policy")
    assert file == data_of(plain.last("plain", "policy_file"), "policy")
    assert workers.last("isolated", "started")["arithmetic"] == "compiled"
    records = workers.got("isolated", "progressed")
    assert [r["progress"]["update"] for r in records] == list(range(1, 9))
    assert records[-1]["progress"]["unstable_rows"] == 0
    frame = workers.last("isolated", "frame")
    poses = np.frombuffer(data_of(frame, "poses"), np.float32).reshape(4, -1, 7)
    np.testing.assert_allclose(np.linalg.norm(poses[..., 3:], axis=-1), 1.0, rtol=1e-5)
    assert len(workers.got("isolated", "frame")) >= 3

    policy, task = load_policy(file), get_task(TASK)
    reported = workers.last("isolated", "evaluated")["evaluation"]
    evaluator = Evaluator(policy, task, NativeBatchSim(task, 10), reported["seeds"])
    while (evaluation := evaluator.advance()) is None:
        pass
    np.testing.assert_allclose(reported["returns"], evaluation.returns, rtol=1e-6)
    assert policy.evaluation is not None
    assert policy.evaluation["returns"] == reported["returns"]


def test_a_show_returns_what_the_evaluation_reports(workers: Workers) -> None:
    workers.boot("player", "player")
    task = "Hopper-v5"
    request = {"type": "request_evaluation", "id": 5, "policy": None, "task": task, "seeds": [2, 3, 4]}
    workers.start("player", request)
    workers.until("player", "evaluated")
    evaluation = workers.last("player", "evaluated")["evaluation"]
    show = {"type": "start_playing", "task": task, "policy": None, "n_envs": 3, "seed": 2, "speed": 8}
    workers.start("player", show)
    workers.until("player", "started")
    returns: dict[int, float] = {}
    for _ in range(200):
        workers.until("player", "episode_ended")
        ended = [m for m in workers.got("player", "episode_ended") if m["seed"] is not None]
        returns = {m["seed"]: m["episode_return"] for m in ended}
        if len(returns) == 3:
            break
        workers.page.wait_for_timeout(50)
    assert returns == dict(zip([2, 3, 4], evaluation["returns"], strict=True))

    workers.send("player", {"type": "pause"})
    workers.until("player", "state_changed", "paused")
    workers.page.wait_for_timeout(100)
    workers.forget("player")
    workers.page.wait_for_timeout(200)
    assert workers.got("player") == []
    workers.send("player", {"type": "single_step"})
    workers.until("player", "frame")
    assert len(workers.got("player", "frame")) == 1


def test_what_a_worker_cannot_do_is_told_and_it_goes_on(workers: Workers) -> None:
    workers.boot("trainer", "trainer")
    broken = base64.b64encode(b"not a policy" * 20).decode()
    request = {"type": "request_evaluation", "id": 9, "policy": broken, "task": TASK, "seeds": [0]}
    workers.start("trainer", request)
    workers.until("trainer", "failed")
    failed = workers.last("trainer", "failed")
    assert (failed["name"], failed["id"], failed["fatal"]) == ("PolicyFileError", 9, False)
    assert failed["hint"]
    assert "Traceback" in failed["traceback"]

    workers.forget("trainer")
    workers.send("trainer", {"type": "dance"})
    workers.until("trainer", "failed")
    assert "unknown message" in workers.last("trainer", "failed")["message"]

    workers.forget("trainer")
    recipe = {**RECIPE.to_json(), "n_envs": 10**9}
    workers.start("trainer", start_training(recipe=recipe))
    workers.until("trainer", "failed")
    failed = workers.last("trainer", "failed")
    assert (failed["name"], failed["fatal"]) == ("ConfigError", False)

    workers.start("trainer", start_training())
    workers.until("trainer", "progressed")
    assert workers.last("trainer", "progressed")["progress"]["update"] == 1


def test_a_worker_holds_its_lock(workers: Workers) -> None:
    workers.open("player", "role=player&lock=its-life")
    workers.until("player", "ready")
    held = workers.page.evaluate("async () => (await navigator.locks.query()).held.map(({ name }) => name)")
    assert held == ["its-life"]


@pytest.mark.own_server("it changes what the server answers, and a service worker asks no server")
def test_without_simd_numpy_computes_and_says_so(open_page: Callable[..., Page], isolated_url: str) -> None:
    page = open_page(f"{isolated_url}build.json", expected_errors=["favicon.ico"])
    blind = "const v = WebAssembly.validate; WebAssembly.validate = (b) => b.length !== 29 && v(b);\n"

    def serve(route: Route) -> None:
        source = route.fetch().text()
        assert "hasSimd" in source
        route.fulfill(body=blind + source, content_type="text/javascript")

    page.context.route("**/workers/boot.js", serve)
    workers = Workers(page)
    workers.boot("trainer", "trainer")
    workers.start("trainer", start_training())
    workers.until("trainer", "started")
    assert workers.last("trainer", "started")["arithmetic"] == "numpy"


def test_an_unknown_role_is_told(workers: Workers) -> None:
    workers.open("dancer", "role=dancer")
    workers.until("dancer", "failed")
    failed = workers.last("dancer", "failed")
    assert failed["fatal"]
    assert failed["message"] == "role=dancer is not known; use trainer, player or evaluator"


MISSING = {
    "runtime/pyodide/pyodide.mjs": "Python",
    "runtime/pyodide/python_stdlib.zip": "runtime/pyodide/python_stdlib.zip is missing",
    "runtime/pyodide/numpy-*.whl": "NumPy could not be loaded",
    "runtime/mujoco/mujoco.js": "The physics engine could not be loaded",
    "runtime/mujoco/mujoco.wasm": "runtime/mujoco/mujoco.wasm is missing",
    "runtime/tabrl_py.zip": "runtime/tabrl_py.zip is missing",
    "kernels/kernels.side.wasm": "kernels/kernels.side.wasm is missing",
}


@pytest.mark.parametrize("missing", MISSING)
def test_a_missing_file_is_named_with_what_to_do(
    open_page: Callable[..., Page], built_page: Path, tmp_path: Path, missing: str
) -> None:
    folder = tmp_path / "page"
    shutil.copytree(built_page, folder, copy_function=_link)
    for path in folder.glob(missing):
        path.unlink()
    with served_plainly(folder) as address:
        url = f"{address}tasks.json"
        page = open_page(url, expected_errors=["404", "favicon.ico", "Failed to load"])
        workers = Workers(page)
        workers.open("trainer", "role=trainer")
        workers.until("trainer", "failed")
        failed = workers.last("trainer", "failed")
        page.close()
    assert failed["fatal"]
    assert failed["name"] == "BootError"
    assert MISSING[missing] in failed["message"]
    assert "Check that the server has every file" in failed["hint"]


def _link(source: str, target: str) -> None:
    Path(target).symlink_to(source)
