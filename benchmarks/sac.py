"""SAC beside Stable-Baselines3's: HalfCheetah-v5, same hyperparameters (its defaults), same steps and seeds.

`./build.sh bench sac` trains every seed of both sides, one process after the other, and keeps each finished
run, so that an interrupted benchmark goes on. Stable-Baselines3 has its own virtual environment.
"""

import argparse
import json
import sys
from typing import Any

import numpy as np

from benchmarks import _results, _runs

TASK = "HalfCheetah-v5"
SOURCES = (
    *(f"tabrl_py/nn/{name}.py" for name in ("mlp", "optim", "squashed", "soft_actor_critic", "sac_loss")),
    *(f"tabrl_py/{name}.py" for name in ("algos/sac", "algos/replay", "rng")),
    "benchmarks/runs/tabrl_sac.py",
)
SIDES = ("tabrl", "stable-baselines3")
MEASURES = {
    "evaluation_mean": "deterministic policy, 20 episodes",
    "last_20_training_mean": "last 20 training episodes",
}
REFERENCE = ["benchmarks.runs.stable_baselines3_run"]


def main() -> None:
    """Measure what is not measured yet; print the table and, last, one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3, choices=range(2, 11), metavar="2..10")
    parser.add_argument("--steps", type=int, default=50_000)
    parser.add_argument("--side", choices=SIDES, help="only make this side's runs, for a later table")
    args = parser.parse_args()
    wanted = SIDES if args.side is None else (args.side,)
    seeds = range(1, args.seeds + 1)
    runs = {side: [_run(side, seed, args.steps) for seed in seeds] for side in wanted}
    if args.side is not None:
        return
    figures = summarise(runs)
    table = tabulate(runs, figures)
    record = {
        "steps": args.steps,
        "seeds": args.seeds,
        "figures": figures,
        "versions": {side: runs[side][0]["versions"] for side in SIDES},
        "runs": runs,
    }
    _results.write("sac", " ".join(["./build.sh bench sac", *sys.argv[1:]]), table, record)
    print(table)
    print(json.dumps({"bench": "sac", "figures": figures}))


def _run(side: str, seed: int, steps: int) -> dict[str, Any]:
    """One run's record, from the cache where the same was measured before."""
    ours = side == "tabrl"
    key = _runs.sources(SOURCES) if ours else _runs.reference_key()
    return _runs.kept(
        "sac",
        f"{side}-{TASK}-{seed}-{steps}-{key}",
        sys.executable if ours else _runs.reference_python(),
        [
            *("-m", *(["benchmarks.runs.tabrl_sac"] if ours else [*REFERENCE, "--algorithm", "sac"])),
            *("--task", TASK, "--seed", str(seed), "--steps", str(steps)),
        ],
    )


def summarise(runs: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Means, standard deviations over seeds, and ratios of the means, by name."""
    figures: dict[str, Any] = {}
    for measure in MEASURES:
        means = {}
        for side, name in zip(SIDES, ("tabrl", "sb3"), strict=True):
            values = [run[measure] for run in runs[side]]
            means[name] = float(np.mean(values))
            figures[f"{name}_{measure}"] = means[name]
            figures[f"{name}_{measure}_std"] = float(np.std(values, ddof=1))
        figures[f"tabrl_over_sb3_{measure}"] = means["tabrl"] / means["sb3"]
        _, their_half = _runs.interval([run[measure] for run in runs[SIDES[1]]])
        figures[f"not_worse_{measure}"] = means["tabrl"] >= means["sb3"] - their_half
    for side, name in zip(SIDES, ("tabrl", "sb3"), strict=True):
        figures[f"{name}_cpu_seconds"] = float(np.mean([run["training_cpu_seconds"] for run in runs[side]]))
    return figures


def tabulate(runs: dict[str, list[dict[str, Any]]], figures: dict[str, Any]) -> str:
    """The table in Markdown."""
    lines = [
        "| task | return of | TabRL | Stable-Baselines3 | ratio | not worse |",
        "|---|---|---|---|---|---|",
    ]
    for measure, words in MEASURES.items():
        ours, theirs = (
            f"{figures[f'{name}_{measure}']:.0f} ± {figures[f'{name}_{measure}_std']:.0f}"
            for name in ("tabrl", "sb3")
        )
        lines.append(
            f"| {TASK} | {words} | {ours} | {theirs} | {figures[f'tabrl_over_sb3_{measure}']:.2f} "
            f"| {'yes' if figures[f'not_worse_{measure}'] else 'no'} |"
        )
    n, steps = len(runs[SIDES[0]]), runs[SIDES[0]][0]["steps"]
    lines += [
        "",
        f"Mean of {n} seeds ± their standard deviation, after {steps} steps. Not worse: TabRL's mean is not "
        "below the 95 % interval (Student's t) of Stable-Baselines3's mean.",
        "",
        f"One run took {figures['tabrl_cpu_seconds']:.0f} s of processor time with TabRL and "
        f"{figures['sb3_cpu_seconds']:.0f} s with Stable-Baselines3, one thread each.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
