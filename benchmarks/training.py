"""The whole training loop in the page beside bare physics: `./build.sh bench training`.

The house humanoid learns to walk by its default recipe, in two pages of headless Chromium: one lets one
worker learn, the other two. Beside them run as many workers that do nothing but mj_step, in the states of
such a training, all at once. Whoever is not measured is paused; the four take turns, and medians of each
round's ratios are given.

- `training_over_raw`: control steps per second of two workers, learning and drawing and all, over bare
  physics in two workers.
- `steps_per_s`: control steps per second of two workers.
- `scaling_2_over_1`: two workers over one.
"""

from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path

from benchmarks import _results
from benchmarks._browser import chromium, name_of
from benchmarks._page_run import PageRun, training_page
from benchmarks._turns import in_turns, spread
from benchmarks._worker import Workers, workers_in
from tabrl_py.tasks import get_task
from tabrl_py.tasks.recipes import default_recipe
from wasm.build import dist

HERE = Path(__file__).parent
TASK = "humanoid-walk"
RAW_STEPS = 8
"""Control steps that a row's physics goes on for from each of its states."""
RAW_S = 2.0
WARM_UP = 2


def begin_raw(workers: Workers, page: Path, rows: int) -> None:
    """Let two workers each come to the states that half of the run's robots are in."""
    task = get_task(TASK)
    order = {
        "call": "begin",
        "source": (HERE / "_rollout_measured.py").read_text(encoding="utf-8"),
        "recipe": default_recipe(task, "ppo", {"n_envs": rows, "total_steps": 10**9}).to_json(),
        "xml": (page / "models" / f"{task.model}.xml").read_text(encoding="utf-8"),
    }
    workers.ask_all([order, order])


def raw_speed(workers: Workers, count: int) -> float:
    """Control steps per second of so many workers at once."""
    order = {"call": "bare", "seconds": RAW_S, "steps": RAW_STEPS}
    return float(sum(workers.ask_all([order] * count)))


def main() -> None:
    """Measure, print a table and a line of JSON, keep both."""
    parser = argparse.ArgumentParser(
        prog="./build.sh bench training", description="Training over raw physics."
    )
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--updates", type=int, default=4, help="of each run in each round")
    options = parser.parse_args()
    page = dist.build()
    source = (HERE / "_rollout_worker.js").read_text(encoding="utf-8")
    with (
        chromium() as browser,
        workers_in(browser, page, source, 2) as workers,
        training_page(browser, page) as one,
        training_page(browser, page) as two,
    ):
        tab = name_of(browser)
        begin_raw(workers, page, default_recipe(get_task(TASK)).n_envs // 2)
        settings = {"total_steps": 10**9}
        runs = [PageRun(one, TASK, settings, 1), PageRun(two, TASK, settings, 2)]
        for run in runs:
            run.wait_complete()
            run.pause()
        sides = {
            "mj_step alone, 1 worker": lambda: raw_speed(workers, 1),
            "mj_step alone, 2 workers": lambda: raw_speed(workers, 2),
            "training, 1 worker": lambda: runs[0].slice(options.updates),
            "training, 2 workers": lambda: runs[1].slice(options.updates),
        }
        speeds = in_turns(sides, options.rounds, WARM_UP)
        parts = runs[1].records()[-1]["seconds_by_part"]
    _, raw, single, double = speeds.values()
    of_raw = [a / b for a, b in zip(double, raw, strict=True)]
    scaling = [a / b for a, b in zip(double, single, strict=True)]
    figures = {
        "training_over_raw": float(f"{statistics.median(of_raw):.4g}"),
        "steps_per_s": round(statistics.median(double)),
        "scaling_2_over_1": float(f"{statistics.median(scaling):.4g}"),
    }
    lines = ["| control steps/s | median | middle half |", "|---|---|---|"]
    lines += [f"| {side} | {statistics.median(v):,.0f} | {spread(v)} |" for side, v in speeds.items()]
    lines += ["", "| ratio | median | middle half |", "|---|---|---|"]
    lines += [f"| training over mj_step, 2 workers | {statistics.median(of_raw):.3f} | {spread(of_raw)} |"]
    lines += [f"| training, 2 workers over 1 | {statistics.median(scaling):.3f} | {spread(scaling)} |", ""]
    table = "\n".join(lines)
    print(table)
    record = {"figures": figures, "browser": tab, "control_steps_per_s": speeds, "seconds_by_part": parts}
    _results.write("training", "./build.sh bench training", table, record)
    print(json.dumps({"bench": "training", "figures": figures}))


if __name__ == "__main__":
    main()
