"""The Watch room with many robots beside bare physics: `./build.sh bench arena`.

Opens the built page in headless Chromium and lets 12, 100, 1 000 and 4 000 walking humanoids act in as many
workers as there are cores, at 8 times real time, so that the physics is what limits them (twelve hold it).
The page is paused in turn, and as many other workers make the same kind of steps with mj_step alone.

`over_raw_N` is physics steps per second of the room, everything included, over those of mj_step alone.
`frame_ms_N` is all work of the page's main thread, as the browser accounts for it, per picture of the robots:
messages, drawing, the panel and the browser's own layout and painting. The robots are drawn as stick figures:
a machine without a graphics card would draw 3D with the cores that simulate.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, CDPSession, Page

from benchmarks import _results
from benchmarks._browser import chromium, name_of
from benchmarks._worker import Workers, workers_in
from tabrl_py.tasks import get_task
from tests.browser.lab import Lab
from tests.servers import served
from wasm.build import dist

HERE = Path(__file__).parent
TASK, POLICY = "humanoid-walk", "humanoid-walk.safetensors"
COUNTS = (12, 100, 1000, 4000)
TARGETS_MS = {12: 4, 100: 8, 1000: 12, 4000: 20}
ROWS, LEAD, STEPS = 32, 60, 20
"""Robots of a worker of the raw side, the steps they are under way, and those that are remembered."""
RAW_S, ROOM_S, SETTLE_S = 2.0, 10.0, 5.0
FASTEST = 6
"""The last place of the speed's slider, 8 times real time."""
COUNTED = """() => {
  const { steps, at } = document.querySelector(".arena-speed").dataset;
  return { steps: Number(steps), at_ms: Number(at) };
}"""
STATE = "() => Number(document.getElementById('stage').dataset.pictures ?? 0)"
REAL_TIME = "() => document.querySelector('.speed-measured').textContent"


@dataclass
class Crowd:
    """What was measured of one number of robots, round by round."""

    raw: list[float] = field(default_factory=list)
    room: list[float] = field(default_factory=list)
    frame_ms: list[float] = field(default_factory=list)
    pictures: list[float] = field(default_factory=list)
    said: str = ""
    mb: float = 0.0

    @property
    def ratio(self) -> float:
        """Room over raw, the median round."""
        return statistics.median(room / raw for room, raw in zip(self.room, self.raw, strict=True))


def metrics(cdp: CDPSession) -> dict[str, float]:
    """The browser's own account of the page's main thread."""
    given: dict[str, Any] = cdp.send("Performance.getMetrics")
    return {each["name"]: each["value"] for each in given["metrics"]}


def next_count(page: Page) -> dict[str, float]:
    """The panel's next count of physics steps, and when it was made."""
    before = page.evaluate(COUNTED)["at_ms"]
    page.wait_for_function(
        "before => Number(document.querySelector('.arena-speed').dataset.at) > before", arg=before
    )
    counted: dict[str, float] = page.evaluate(COUNTED)
    return counted


def measure_room(page: Page, cdp: CDPSession, crowd: Crowd, seconds: float) -> None:
    """Let the room run for a while, and count."""
    page.wait_for_timeout(SETTLE_S * 1000)
    first, pictures, busy = next_count(page), page.evaluate(STATE), metrics(cdp)["TaskDuration"]
    page.wait_for_timeout(seconds * 1000)
    last = next_count(page)
    drawn = page.evaluate(STATE) - pictures
    span_s = (last["at_ms"] - first["at_ms"]) / 1000
    crowd.room.append((last["steps"] - first["steps"]) / span_s)
    crowd.frame_ms.append(1000 * (metrics(cdp)["TaskDuration"] - busy) / max(1, drawn))
    crowd.pictures.append(drawn / span_s)
    crowd.said = page.evaluate(REAL_TIME)


def measure_raw(workers: Workers, count: int) -> float:
    """Physics steps per second of mj_step alone, in all workers together."""
    done = workers.ask_all([{"call": "raw", "seconds": RAW_S} for _ in range(count)])
    return float(sum(each["steps"] / each["seconds"] for each in done))


def memory_mb(browser: Browser) -> float:
    """Memory of the browser's page process: the largest of its renderers, resident."""
    session = browser.new_browser_cdp_session()
    info: dict[str, Any] = session.send("SystemInfo.getProcessInfo")
    sizes = [0.0]
    for process in info["processInfo"]:
        if process["type"] != "renderer":
            continue
        status = Path(f"/proc/{process['id']}/status")
        if status.exists():
            line = next(each for each in status.read_text().splitlines() if each.startswith("VmRSS"))
            sizes.append(int(line.split()[1]) / 1024)
    return max(sizes)


def main() -> None:
    """Measure, print a table and a line of JSON, keep both."""
    parser = argparse.ArgumentParser(
        prog="./build.sh bench arena", description="Many robots over raw physics."
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--robots", type=int, action="append", help="only so many; may be given several times"
    )
    options = parser.parse_args()
    built, task = dist.build(), get_task(TASK)
    xml = (built / "models" / f"{task.model}.xml").read_text(encoding="utf-8")
    tasks = json.loads((built / "tasks.json").read_text(encoding="utf-8"))["tasks"]
    record = next(each for each in tasks if each["id"] == TASK)
    cores = os.cpu_count() or 1
    crowds: dict[int, Crowd] = {}
    with (
        chromium() as browser,
        served(built) as address,
        workers_in(browser, built, (HERE / "_arena_worker.js").read_text(encoding="utf-8"), cores) as workers,
    ):
        tab = name_of(browser)
        order = {"task": record, "xml": xml, "policy": POLICY, "rows": ROWS}
        for k in range(cores):
            version = workers.ask("begin", worker=k, lead=LEAD, steps=STEPS, seed=1000 * k, **order)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(120_000)
        page.goto(f"{address}/")
        lab, cdp = Lab(page), page.context.new_cdp_session(page)
        cdp.send("Performance.enable")
        lab.wait_watch("playing")
        page.click("#stage-tools [data-mode=figures]")
        page.locator(".speed input").fill(str(FASTEST))
        for count in options.robots or COUNTS:
            crowd = crowds[count] = Crowd()
            page.select_option("#show-count", str(count))
            lab.wait_watch("playing")
            for _ in range(options.rounds):
                page.click("button[aria-label=Pause]")
                lab.wait_watch("paused")
                crowd.raw.append(measure_raw(workers, cores))
                page.click("button[aria-label=Play]")
                lab.wait_watch("playing")
                measure_room(page, cdp, crowd, ROOM_S)
            crowd.mb = memory_mb(browser)
            print(
                f"{count}: {crowd.ratio:.3f} of raw, {statistics.median(crowd.frame_ms):.1f} ms", flush=True
            )
    report(crowds, {"browser": tab, "mujoco": version, "workers": cores})


def report(crowds: dict[int, Crowd], about: dict[str, Any]) -> None:
    """Print the table and the figures; keep them when all counts were measured."""
    lines = [
        "| robots | raw mj_step steps/s | room steps/s | room / raw | main thread ms/picture | aim "
        "| pictures/s | page process MB | the page says |",
        "|---:|---:|---:|---:|---:|---:|---:|---:|---|",
    ]
    figures: dict[str, float] = {}
    for count, crowd in crowds.items():
        frame_ms = statistics.median(crowd.frame_ms)
        figures[f"over_raw_{count}"] = float(f"{crowd.ratio:.4g}")
        figures[f"frame_ms_{count}"] = float(f"{frame_ms:.3g}")
        lines.append(
            f"| {count} | {statistics.median(crowd.raw):,.0f} | {statistics.median(crowd.room):,.0f} "
            f"| {crowd.ratio:.3f} | {frame_ms:.1f} | {TARGETS_MS.get(count, '')} "
            f"| {statistics.median(crowd.pictures):.1f} | {crowd.mb:.0f} | {crowd.said} |"
        )
    table = "\n".join(lines) + "\n"
    print(table)
    if set(crowds) == set(COUNTS):
        _results.write("arena", "./build.sh bench arena", table, {"figures": figures, **about})
    print(json.dumps({"bench": "arena", "figures": figures}))


if __name__ == "__main__":
    main()
