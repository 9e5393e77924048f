"""Collecting in the tab beside bare physics: `./build.sh bench rollout`.

A run of humanoid-walk with 32 robots, in the page's own Python worker parts in headless Chromium: policy,
simulation, observation, reward and the run's bookkeeping, against mj_step alone in the same worker: the very
steps that the rollout made, from the same states under the same actions, made again with nothing around them.
Eight control steps of each take turns. Learning is not part of it.
`rollout_over_raw` is the median over rollouts of the ratio of control steps per second.
"""

from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path

from benchmarks import _results
from benchmarks._browser import chromium, name_of
from benchmarks._worker import workers_in
from tabrl_py.tasks import get_task
from tabrl_py.tasks.recipes import default_recipe
from wasm.build import dist

HERE = Path(__file__).parent
TASK = "humanoid-walk"
ENVS = 32
STEPS, PIECE = 64, 8
"""Vector steps of a rollout, and of what is timed at a time."""
WARM_UP = 4


def main() -> None:
    """Measure, print a table and a line of JSON, keep both."""
    parser = argparse.ArgumentParser(
        prog="./build.sh bench rollout", description="Rollouts over raw physics."
    )
    parser.add_argument("--task", default=TASK)
    parser.add_argument("--rollouts", type=int, default=90)
    options = parser.parse_args()
    page, task = dist.build(), get_task(options.task)
    changes = {"n_envs": ENVS, "algo.n_steps": STEPS, "algo.n_epochs": 1, "total_steps": 10**9}
    recipe = default_recipe(task, "ppo", changes)
    xml = (page / "models" / f"{task.model}.xml").read_text(encoding="utf-8")
    source = (HERE / "_rollout_measured.py").read_text(encoding="utf-8")
    worker = (HERE / "_rollout_worker.js").read_text(encoding="utf-8")
    with chromium() as browser, workers_in(browser, page, worker) as workers:
        tab = name_of(browser)
        versions = workers.ask("begin", source=source, recipe=recipe.to_json(), xml=xml)
        seconds = [
            workers.ask("measure", pieces=STEPS // PIECE, steps=PIECE)
            for _ in range(WARM_UP + options.rollouts)
        ][WARM_UP:]
    samples = STEPS * ENVS
    speeds = {
        part: samples / statistics.median(each[part] for each in seconds) for part in ("raw", "rollout")
    }
    ratios = [each["raw"] / each["rollout"] for each in seconds]
    low, _, high = statistics.quantiles(ratios, n=4)
    figures = {"rollout_over_raw": float(f"{statistics.median(ratios):.4g}")}
    table = (
        "| control steps/s | raw mj_step | rollout | ratio | middle half of the ratios |\n"
        "|---|---|---|---|---|\n"
        f"| {task.id}, {ENVS} robots | {speeds['raw']:,.0f} | {speeds['rollout']:,.0f} "
        f"| {figures['rollout_over_raw']:.3f} | {low:.3f} to {high:.3f} |\n"
    )
    print(table)
    if task.id == TASK:
        record = {"figures": figures, "browser": tab, "versions": versions, "steps_per_s": speeds}
        _results.write("rollout", "./build.sh bench rollout", table, record)
    print(json.dumps({"bench": "rollout", "figures": figures}))


if __name__ == "__main__":
    main()
