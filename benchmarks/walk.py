"""From opening the page to a humanoid that walks: `./build.sh bench walk`.

For each training seed a fresh headless Chromium opens the page, presses Train for the house humanoid's walk
with its default settings, and waits for the end. The policies that came with the run's checkpoints are then
judged natively (tabrl_py/algos/gait.py): on each of 10 evaluation seeds the deterministic policy must keep
its feet for 20 s, come 20 m forward, put one foot down after the other, and lean by at most 25 degrees.

- `minutes`: wall clock from opening the page to the end of training, the median over training seeds.
- `seeds_walking`: training seeds whose last policy walks on all evaluation seeds.
- `metres`: that the last policies come in 20 s, the median over training seeds of the mean.

Finished runs are kept, so a benchmark that was interrupted, or made in pieces (`--seeds 2`, then all),
goes on where it was, for as long as the page is the same to the byte.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import _results, _runs
from benchmarks._browser import chromium, name_of
from benchmarks._page_run import PageRun, training_page
from benchmarks._walks import verdicts
from tabrl_py.policy import load_policy
from wasm.build import dist

TASK = "humanoid-walk"
APART_S = 20.0
"""Policies closer to each other than this are not all judged."""
LIMIT_S = 2 * 3600.0


def train(page: Path, seed: int, steps: int | None) -> tuple[dict[str, Any], list[tuple[float, bytes]], str]:
    """One run: what is known of it, its policies with the seconds at which they came, and the browser."""
    settings: dict[str, object] = {"seed": seed}
    if steps is not None:
        settings["total_steps"] = steps
    with chromium() as browser, training_page(browser, page) as opened:
        run = PageRun(opened, TASK, settings)
        last = run.finish(LIMIT_S)[-1]
        policies = run.policies()
        return (
            {"seed": seed, "minutes": last["at_ms"] / 60_000, "steps": last["steps"]},
            policies,
            name_of(browser),
        )


def walks(file: bytes) -> bool:
    """Whether a policy walks on every evaluation seed; ends at the first on which it does not."""
    return all(verdict.walks for verdict in verdicts(file))


def first_walk(policies: list[tuple[float, bytes]]) -> tuple[float, int] | None:
    """When the first policy came that walks: minutes since the page was opened, and steps."""
    judged_s = -APART_S
    for at_s, file in policies:
        if at_s - judged_s < APART_S:
            continue
        judged_s = at_s
        if walks(file):
            return at_s / 60, load_policy(file).steps
    return None


def report(run: dict[str, Any], policies: list[tuple[float, bytes]]) -> dict[str, Any]:
    """The run with the verdicts on its last policy."""
    last = list(verdicts(policies[-1][1]))
    first = first_walk(policies)
    return {
        **run,
        "walks": all(verdict.walks for verdict in last),
        "seeds_walked": sum(verdict.walks for verdict in last),
        "metres": statistics.mean(verdict.metres for verdict in last),
        "tilt_deg": max(verdict.tilt_deg for verdict in last),
        "leading": statistics.mean(verdict.leading for verdict in last),
        "first_walk_minutes": first and first[0],
        "first_walk_steps": first and first[1],
        "verdicts": [asdict(verdict) for verdict in last],
    }


def page_key(page: Path) -> str:
    """A hash of all files of the page: runs of another page are made again."""
    digest = hashlib.sha256()
    for file in sorted(page.rglob("*")):
        if file.is_file():
            digest.update(f"{file.relative_to(page)}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]


def reported(page: Path, seed: int, steps: int | None) -> dict[str, Any]:
    """The report on a training seed's run, from the cache where this page made it before."""
    place = _runs.CACHE / "walk" / f"{seed}-{steps or 'default'}-{page_key(page)}.json"
    if not place.exists():
        run, policies, tab = train(page, seed, steps)
        found = {**report(run, policies), "browser": tab}
        place.parent.mkdir(parents=True, exist_ok=True)
        beside = place.with_suffix(".part")
        beside.write_text(json.dumps(found))
        beside.replace(place)
    kept: dict[str, Any] = json.loads(place.read_text())
    return kept


def table_of(runs: list[dict[str, Any]]) -> str:
    """A row for each training seed."""
    lines = [
        "| training seed | minutes | steps | seeds walked | m in 20 s | largest tilt | first walked after |",
        "|---|---|---|---|---|---|---|",
    ]
    for run in runs:
        minutes, steps = run["first_walk_minutes"], run["first_walk_steps"]
        first = f"{minutes:.1f} min, {steps:,} steps" if minutes else "never"
        lines.append(
            f"| {run['seed']} | {run['minutes']:.1f} | {run['steps']:,} | {run['seeds_walked']} of 10 "
            f"| {run['metres']:.1f} | {run['tilt_deg']:.0f} degrees | {first} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, print a table and a line of JSON, keep both."""
    parser = argparse.ArgumentParser(prog="./build.sh bench walk", description="Minutes to a walk.")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--steps", type=int, help="steps in all, where not the task's default")
    options = parser.parse_args()
    page = dist.build()
    runs = []
    for seed in range(1, options.seeds + 1):
        runs.append(reported(page, seed, options.steps))
        print(table_of(runs[-1:]).splitlines()[-1], flush=True)
        for failure in sorted({words for each in runs[-1]["verdicts"] for words in each["failures"]}):
            print(f"  {failure}", flush=True)
    figures = {
        "minutes": round(statistics.median(run["minutes"] for run in runs), 2),
        "seeds_walking": sum(run["walks"] for run in runs),
        "metres": round(statistics.median(run["metres"] for run in runs), 1),
    }
    table = table_of(runs)
    print(table)
    if options.steps is None and options.seeds == 5:
        record = {"figures": figures, "task": TASK, "browser": runs[0]["browser"], "runs": runs}
        _results.write("walk", "./build.sh bench walk", table, record)
    print(json.dumps({"bench": "walk", "figures": figures}))


if __name__ == "__main__":
    main()
