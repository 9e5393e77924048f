"""PPO beside Stable-Baselines3's: same tasks, same hyperparameters (its defaults), same steps and seeds.

`./build.sh bench learning` trains every seed of both sides, one process after the other, and keeps each
finished run, so that an interrupted benchmark goes on. Stable-Baselines3 has its own virtual environment.
"""

import argparse
import json
import sys
from typing import Any

import numpy as np

from benchmarks import _results, _runs

LEARNING_SOURCES = ("tabrl_py/nn", "tabrl_py/algos", "tabrl_py/rng.py")
SIDES = ("tabrl", "stable-baselines3")
TASKS = ("HalfCheetah-v5", "Hopper-v5")
MEASURES = {
    "evaluation_mean": "deterministic policy, 20 episodes",
    "last_100_training_mean": "last 100 training episodes",
}
REFERENCE = ["benchmarks.runs.stable_baselines3_run"]


def main() -> None:
    """Measure what is not measured yet; print the table and, last, one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5, choices=range(2, 11), metavar="2..10")
    parser.add_argument("--steps", type=int, default=300_000)
    args = parser.parse_args()
    runs = {
        (side, task): [_run(side, task, seed, args.steps) for seed in range(1, args.seeds + 1)]
        for task in TASKS
        for side in SIDES
    }
    table, comparisons = _compare(runs)
    record = {
        "steps": args.steps,
        "seeds": args.seeds,
        "comparisons": comparisons,
        "versions": {side: runs[side, TASKS[0]][0]["versions"] for side in SIDES},
        "runs": {f"{side} {task}": found for (side, task), found in runs.items()},
    }
    _results.write("learning", "./build.sh bench learning", table, record)
    print(table)
    print(json.dumps({"benchmark": "learning", "comparisons": comparisons}))


def _run(side: str, task: str, seed: int, steps: int) -> dict[str, Any]:
    """One run's record, from the cache where the same was measured before."""
    ours = side == "tabrl"
    key = _runs.sources(LEARNING_SOURCES) if ours else _runs.reference_key()
    return _runs.kept(
        "learning",
        f"{side}-{task}-{seed}-{steps}-{key}",
        sys.executable if ours else _runs.reference_python(),
        [
            *("-m", *(["benchmarks.runs.tabrl_ppo"] if ours else [*REFERENCE, "--algorithm", "ppo"])),
            *("--task", task, "--seed", str(seed), "--steps", str(steps)),
        ],
    )


def _compare(runs: dict[tuple[str, str], list[dict[str, Any]]]) -> tuple[str, list[dict[str, Any]]]:
    """The table, and per task and measure both means, their 95 % intervals and the ratio of the means."""
    lines = [
        "| task | return of | TabRL | Stable-Baselines3 | ratio | not worse |",
        "|---|---|---|---|---|---|",
    ]
    comparisons = []
    for task in TASKS:
        for measure, words in MEASURES.items():
            (ours, our_half), (theirs, their_half) = (
                _runs.interval([run[measure] for run in runs[side, task]]) for side in SIDES
            )
            not_worse = ours >= theirs - their_half
            lines.append(
                f"| {task} | {words} | {ours:.0f} ± {our_half:.0f} | {theirs:.0f} ± {their_half:.0f} "
                f"| {ours / theirs:.2f} | {'yes' if not_worse else 'no'} |"
            )
            comparisons.append(
                {
                    "task": task,
                    "measure": measure,
                    "tabrl_mean": ours,
                    "tabrl_half_width_95": our_half,
                    "stable_baselines3_mean": theirs,
                    "stable_baselines3_half_width_95": their_half,
                    "ratio": ours / theirs,
                    "not_worse": not_worse,
                }
            )
    seconds = {
        side: np.mean([run["training_seconds"] for task in TASKS for run in runs[side, task]])
        for side in SIDES
    }
    n = len(runs[SIDES[0], TASKS[0]])
    steps = runs[SIDES[0], TASKS[0]][0]["steps"]
    lines += [
        "",
        f"Mean of {n} seeds, ± half of the 95 % interval of the mean (Student's t), after {steps} steps. "
        "Not worse: TabRL's mean is not below the interval of Stable-Baselines3.",
        "",
        f"One run took {seconds['tabrl']:.0f} s with TabRL and {seconds['stable-baselines3']:.0f} s with "
        "Stable-Baselines3, one thread each; other work on the machine makes this no measure of speed.",
        "",
    ]
    return "\n".join(lines), comparisons


if __name__ == "__main__":
    main()
