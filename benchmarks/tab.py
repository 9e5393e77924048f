"""Training in the page, by its own buttons, in headless Chromium: `./build.sh bench tab TASK`.

Opens the built page, chooses the task, presses Train with the task's default settings, waits for the end and
reads back what the page itself stored: the curve, the policy, and the evaluation on seeds 0 to 9. Writes
benchmarks/results/tab_TASK.csv and .json; with --ship also the policy into web/policies/.
"""

import argparse
import csv
import json
import platform
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Page, sync_playwright

from tabrl_py.config import Recipe
from tabrl_py.policy import load_policy, save_policy
from tabrl_py.tasks import get_task
from tests.browser.lab import Lab
from tests.conftest import CHROMIUM_FLAGS
from tests.servers import served
from wasm.build import browser as chromium_finder
from wasm.build import dist
from wasm.build.paths import DIST

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
POLICIES = ROOT / "web" / "policies"
COLUMNS = (
    *("update", "steps", "episodes", "seconds", "return_mean", "length_mean", "fall_rate", "distance_mean"),
    *("kl", "entropy", "explained_variance", "policy_loss", "value_loss", "action_std"),
    *("steps_per_s", "physics_steps_per_s"),
)
REPORT_S = 20.0
CURVE = """async () => {
  const { RunStorage } = await import("./storage.js");
  const last = await (await RunStorage.open()).lastRun();
  return { records: last.saved.records, evaluation: last.saved.evaluation, recipe: last.saved.recipe };
}"""


def train(page: Page, task_id: str, settings: dict[str, object], limit_s: float) -> dict[str, Any]:
    """Train a task in an open page; the run as the page stored it, its policy file, and the wall clock."""
    lab = Lab(page)
    lab.train(task_id, settings)
    began = said = time.monotonic()
    while page.locator("#panel-train").get_attribute("data-state") != "finished":
        if time.monotonic() - began > limit_s:
            sys.exit(f"{task_id} was not finished after {limit_s:.0f} s")
        page.wait_for_timeout(2000)
        if time.monotonic() - said >= REPORT_S:
            said = time.monotonic()
            print(page.locator(".progress-line").inner_text().replace("\n", "  "), flush=True)
    wall_s = time.monotonic() - began
    policy = lab.export()
    run: dict[str, Any] = page.evaluate(CURVE)
    return {**run, "policy": policy, "wall_s": wall_s}


def write_results(task_id: str, run: dict[str, Any], chromium: str) -> dict[str, Any]:
    """The curve as CSV and the figures as JSON; returns the figures."""
    name = f"tab_{task_id}"
    with (RESULTS / f"{name}.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for record in run["records"]:
            values = (record[column] for column in COLUMNS)
            writer.writerow(f"{v:.6g}" if isinstance(v, float) else v for v in values)
    task, evaluation, last = get_task(task_id), run["evaluation"], run["records"][-1]
    scene = json.loads((DIST / "models" / f"{task.model}.scene.json").read_text())
    seconds = task.frame_skip * scene["timestep"]
    figures = {
        "steps": last["steps"],
        "train_s": round(last["seconds"], 1),
        "wall_s": round(run["wall_s"], 1),
        "steps_per_s": round(last["steps"] / last["seconds"]),
        "seeds_without_a_fall": len(evaluation["terminated"]) - sum(evaluation["terminated"]),
        "shortest_s": round(min(evaluation["lengths"]) * seconds, 3),
        "return_mean": round(evaluation["return_mean"], 3),
        "return_std": round(evaluation["return_std"], 3),
        "distance_mean_m": round(float(np.mean(evaluation["distances"])), 3)
        if evaluation["distances"]
        else None,
    }
    report = {
        "bench": "tab",
        "task": task_id,
        "figures": figures,
        "evaluation": evaluation,
        "recipe": run["recipe"],
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.machine()}, 2 cores, headless {chromium}",
    }
    (RESULTS / f"{name}.json").write_text(json.dumps(report, indent=1, sort_keys=True) + "\n")
    return figures


def ship(task_id: str, policy: bytes) -> None:
    """Put a policy where the page's Watch room lists it; it must survive a round trip."""
    assert save_policy(load_policy(policy)) == policy
    POLICIES.mkdir(exist_ok=True)
    (POLICIES / f"{task_id}.safetensors").write_bytes(policy)
    index = POLICIES / "index.json"
    entries = json.loads(index.read_text()) if index.exists() else []
    kept = [entry for entry in entries if entry["task"] != task_id]
    title = get_task(task_id).title
    kept.append({"file": f"{task_id}.safetensors", "task": task_id, "title": title})
    index.write_text(json.dumps(kept, indent=2) + "\n")


def main() -> None:
    """Train, evaluate, write."""
    parser = argparse.ArgumentParser(prog="./build.sh bench tab", description="Train a task in the page.")
    parser.add_argument("task")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, help="steps in all, where not the task's default")
    parser.add_argument("--ship", action="store_true", help="copy the policy into web/policies/")
    parser.add_argument("--limit-s", type=float, default=7200.0)
    options = parser.parse_args()
    settings: dict[str, object] = {"seed": options.seed}
    if options.steps:
        settings["total_steps"] = options.steps
    chromium = chromium_finder.require_chromium()
    with served(dist.build()) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(f"{address}/")
        run = train(page, options.task, settings, options.limit_s)
        Recipe.from_json(run["recipe"])
        figures = write_results(options.task, run, f"Chromium {browser.version}")
        browser.close()
    if options.ship:
        ship(options.task, run["policy"])
    for name, value in figures.items():
        print(f"{name:>24}  {value}")
    print(json.dumps({"bench": "tab", "task": options.task, "figures": figures}))


if __name__ == "__main__":
    main()
