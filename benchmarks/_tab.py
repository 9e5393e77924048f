"""Training in the page, by its own buttons, in headless Chromium; the curve and the figures of such a run."""

import csv
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Page, sync_playwright

from tabrl_py.config import Recipe
from tabrl_py.tasks import get_task
from tests.browser.lab import Lab
from tests.conftest import CHROMIUM_FLAGS
from tests.servers import served
from wasm.build import browser as chromium_finder
from wasm.build import dist
from wasm.build.paths import DIST

COLUMNS = (
    *("update", "steps", "episodes", "seconds", "return_mean", "length_mean", "fall_rate", "distance_mean"),
    *("kl", "entropy", "explained_variance", "policy_loss", "value_loss", "action_std"),
    *("steps_per_s", "physics_steps_per_s"),
)
"""Of a progress record, what a curve file keeps."""
REPORT_S = 20.0
STORED = """async () => {
  const { RunStorage } = await import("./storage.js");
  const last = await (await RunStorage.open()).lastRun();
  return { records: last.saved.records, evaluation: last.saved.evaluation, recipe: last.saved.recipe };
}"""


@dataclass(frozen=True)
class TabRun:
    """A run as the page stored it.

    Attributes:
        recipe: what was run.
        records: of its updates.
        evaluation: of the final policy on seeds 0 to 9.
        policy: the file that the page exports.
        wall_s: from pressing Train to the end of the evaluation.
        browser: name and version.
    """

    recipe: Recipe
    records: list[dict[str, Any]]
    evaluation: dict[str, Any]
    policy: bytes
    wall_s: float
    browser: str

    def figures(self) -> dict[str, Any]:
        """Steps, times and the evaluation in short."""
        task, evaluation, last = get_task(self.recipe.task), self.evaluation, self.records[-1]
        scene = json.loads((DIST / "models" / f"{task.model}.scene.json").read_text())
        dt_s = task.frame_skip * scene["timestep"]
        distances = evaluation["distances"]
        return {
            "steps": last["steps"],
            "train_s": round(last["seconds"], 1),
            "wall_s": round(self.wall_s, 1),
            "steps_per_s": round(last["steps"] / last["seconds"]),
            "seeds_without_a_fall": len(evaluation["terminated"]) - sum(evaluation["terminated"]),
            "shortest_s": round(min(evaluation["lengths"]) * dt_s, 3),
            "return_mean": round(evaluation["return_mean"], 3),
            "return_std": round(evaluation["return_std"], 3),
            "distance_mean_m": round(float(np.mean(distances)), 3) if distances else None,
        }


@contextmanager
def open_page() -> Iterator[tuple[Page, str]]:
    """The built page in a fresh headless browser, and the browser's name and version."""
    chromium = chromium_finder.require_chromium()
    with served(dist.build()) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(f"{address}/")
        yield page, f"headless Chromium {browser.version}, {os.cpu_count()} cores"
        browser.close()


def train(
    page: Page, browser: str, task_id: str, algorithm: str, settings: Mapping[str, object], limit_s: float
) -> TabRun:
    """Train a task in an open page and wait for its evaluation, saying now and then how far it is."""
    lab = Lab(page)
    lab.train(task_id, settings, algorithm=algorithm)
    began = said = time.monotonic()
    while page.locator("#panel-train").get_attribute("data-state") != "finished":
        if time.monotonic() - began > limit_s:
            sys.exit(f"{task_id} was not finished after {limit_s:.0f} s")
        page.wait_for_timeout(1000)
        if time.monotonic() - said >= REPORT_S:
            said = time.monotonic()
            print(page.locator(".progress-line").inner_text().replace("\n", "  "), flush=True)
    wall_s = time.monotonic() - began
    policy = lab.export()
    run: dict[str, Any] = page.evaluate(STORED)
    recipe = Recipe.from_json(run["recipe"])
    return TabRun(recipe, run["records"], run["evaluation"], policy, wall_s, browser)


def write_curve(path: Path, run: TabRun) -> None:
    """The run's records as CSV, six digits each."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for record in run.records:
            values = (record[column] for column in COLUMNS)
            writer.writerow(f"{v:.6g}" if isinstance(v, float) else v for v in values)
