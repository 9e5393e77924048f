"""WebAssembly memory of many robots in one worker: `./build.sh bench memory`.

A training worker of headless Chromium learns the house humanoid with 1 000 environments for two updates.
Counted is by how much the memories of Python and of the physics engine have grown since both were loaded and
nothing was simulated.
"""

import json
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, Route, Worker, sync_playwright

from benchmarks import _results
from tabrl_py.tasks import get_task
from tabrl_py.tasks.recipes import default_recipe
from tests.browser.test_python_worker import CLIENT
from tests.conftest import CHROMIUM_FLAGS
from tests.servers import served
from wasm.build import browser as chromium_finder
from wasm.build import dist

TASK = "humanoid-walk"
ENVS = 1000
UPDATES = 2
PROBE = """
globalThis.memories = new Set();
const Real = WebAssembly.Memory;
WebAssembly.Memory = class extends Real {
  constructor(...given) {
    super(...given);
    memories.add(this);
  }
};
for (const name of ["instantiate", "instantiateStreaming"]) {
  const real = WebAssembly[name];
  WebAssembly[name] = async (...given) => {
    const result = await real.apply(WebAssembly, given);
    const { memory } = (result.instance ?? result).exports;
    if (memory) memories.add(memory);
    return result;
  };
}
"""
"""Runs in the worker before anything else and remembers every memory that is made there."""
SIZES = "() => [...memories].map((memory) => memory.buffer.byteLength).filter((bytes) => bytes > 1e6)"


def train(address: str, chromium: str) -> tuple[list[int], list[int]]:
    """Bytes of each memory when the worker is ready, and after the training."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
        context = browser.new_context()

        def with_probe(route: Route) -> None:
            body = route.fetch().text()
            # A worker of an isolated page must ask for isolation itself.
            headers = {"Cross-Origin-Embedder-Policy": "require-corp", "Content-Type": "text/javascript"}
            route.fulfill(body=f'import "./probe.js";\n{body}', headers=headers)

        context.route("**/workers/probe.js", lambda r: r.fulfill(body=PROBE, content_type="text/javascript"))
        context.route("**/workers/python_worker.js*", with_probe)
        page = context.new_page()
        page.set_default_timeout(600_000)
        page.goto(f"{address}/build.json")
        page.evaluate(CLIENT)
        page.evaluate("bench.open('trainer', 'role=trainer')")
        page.evaluate("bench.until('trainer', 'ready')")
        check_alive(page)
        (worker,) = page.workers
        before = sizes(worker)
        recipe = default_recipe(get_task(TASK), "ppo", {"n_envs": ENVS, "total_steps": UPDATES * ENVS * 64})
        start: dict[str, Any] = {
            "type": "start_training",
            "recipe": recipe.to_json(),
            "task": TASK,
            "visible": 64,
        }
        page.evaluate("message => bench.start('trainer', message)", start)
        page.evaluate("bench.until('trainer', 'policy_file')")
        check_alive(page)
        after = sizes(worker)
        browser.close()
    return before, after


def check_alive(page: Page) -> None:
    """Raise what the worker said when it could not go on."""
    failed = page.evaluate("bench.got('trainer').filter(({type}) => type === 'failed' || type === 'crashed')")
    if failed:
        raise RuntimeError(failed[0]["message"])


def sizes(worker: Worker) -> list[int]:
    """Bytes of the memories of Python and of the engine."""
    found: list[int] = worker.evaluate(SIZES)
    if len(found) != 2:
        raise RuntimeError(
            f"the worker has {len(found)} memories of more than a megabyte, not Python's and MuJoCo's"
        )
    return found


def main() -> None:
    """Measure, print a table and a line of JSON."""
    chromium = chromium_finder.require_chromium()
    page: Path = dist.build()
    with served(page) as address:
        before, after = train(address, chromium)
    figures = {"mb_1000_envs": round((sum(after) - sum(before)) / 1e6, 1)}
    lines = ["| | both memories, MB | grown by, MB |", "|---|---:|---:|"]
    lines.append(f"| Python and the engine loaded | {sum(before) / 1e6:.1f} | |")
    lines.append(
        f"| {ENVS} humanoids, {UPDATES} updates | {sum(after) / 1e6:.1f} | {figures['mb_1000_envs']:.1f} |"
    )
    table = "\n".join(lines) + "\n"
    print(table)
    record = {"figures": figures, "task": TASK, "bytes_before": before, "bytes_after": after}
    _results.write("memory", "./build.sh bench memory", table, record)
    print(json.dumps({"bench": "memory", "figures": figures}))


if __name__ == "__main__":
    main()
