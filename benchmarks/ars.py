"""ARS beside the results its paper published (arXiv:1803.07055), at the same numbers of steps and episodes.

`./build.sh bench ars` trains each seed with the paper's hyperparameters and keeps each finished run. The
paper's task is HalfCheetah-v1 of Gym 0.9.3 on MuJoCo 1.31, this one HalfCheetah-v5 on MuJoCo 3: the same
observation, reward weights and episode length, another version of the physics. The paper's reward counts the
control cost of actions beyond the bounds, which the engine clips; here they are clipped before both.
"""

import argparse
import json
import sys
from typing import Any

import numpy as np

from benchmarks import _results, _runs

TASK = "HalfCheetah-v5"
SOURCES = (
    *("tabrl_py/nn/mlp.py", "tabrl_py/nn/normalize.py", "tabrl_py/algos/ars.py", "tabrl_py/rng.py"),
    "benchmarks/runs/tabrl_ars.py",
)
PAPER_STEPS = 1_000_000
PAPER_RETURN = 2345.0
"""Table 2: the largest average return after a million steps, mean of three seeds."""
THRESHOLD = 3430.0
PAPER_EPISODES = {"V2": 2720, "V2-t": 1707}
"""Table 1: episodes until the average return reached THRESHOLD, mean of three seeds."""


def main() -> None:
    """Measure what is not measured yet; print the table and, last, one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3, choices=range(2, 11), metavar="2..10")
    parser.add_argument("--updates", type=int, default=44, help="of 64 episodes each")
    args = parser.parse_args()
    key = _runs.sources(SOURCES)
    runs = [
        _runs.kept(
            "ars",
            f"{TASK}-{seed}-{args.updates}-{key}",
            sys.executable,
            [
                *("-m", "benchmarks.runs.tabrl_ars", "--task", TASK),
                *("--seed", str(seed), "--updates", str(args.updates)),
            ],
        )
        for seed in range(1, args.seeds + 1)
    ]
    figures = summarise(runs)
    table = tabulate(runs, figures)
    record = {"seeds": args.seeds, "figures": figures, "versions": runs[0]["versions"], "runs": runs}
    _results.write("ars", "./build.sh bench ars", table, record)
    print(table)
    print(json.dumps({"bench": "ars", "figures": figures}))


def summarise(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """What the table says, by name."""
    early = [
        max((p["mean"] for p in run["curve"] if p["steps"] <= PAPER_STEPS), default=np.nan) for run in runs
    ]
    reached = [next((p["episodes"] for p in run["curve"] if p["mean"] >= THRESHOLD), None) for run in runs]
    found = [episodes for episodes in reached if episodes is not None]
    return {
        "return_1m": float(np.mean(early)),
        "return_1m_std": float(np.std(early, ddof=1)),
        "paper_return_1m": PAPER_RETURN,
        "return_1m_over_paper": float(np.mean(early)) / PAPER_RETURN,
        "seeds_at_3430": len(found),
        "episodes_to_3430": float(np.mean(found)) if len(found) == len(runs) else None,
        "paper_episodes_to_3430": PAPER_EPISODES["V2-t"],
        "last_return": float(np.mean([run["curve"][-1]["mean"] for run in runs])),
        "last_return_std": float(np.std([run["curve"][-1]["mean"] for run in runs], ddof=1)),
    }


def tabulate(runs: list[dict[str, Any]], figures: dict[str, Any]) -> str:
    """The table in Markdown, and what it does not say."""
    episodes = figures["episodes_to_3430"]
    last = runs[0]["curve"][-1]
    lines = [
        "| measure | TabRL, HalfCheetah-v5 | paper, HalfCheetah-v1 |",
        "|---|---|---|",
        f"| best average return within {PAPER_STEPS:,} steps | {figures['return_1m']:.0f} "
        f"± {figures['return_1m_std']:.0f} | {PAPER_RETURN:.0f} (table 2) |",
        f"| episodes until the average return is {THRESHOLD:.0f} "
        f"| {'not by every seed' if episodes is None else f'{episodes:.0f}'} "
        f"({figures['seeds_at_3430']} of {len(runs)} seeds) "
        f"| {PAPER_EPISODES['V2-t']} with V2-t, {PAPER_EPISODES['V2']} with V2 (table 1) |",
        f"| average return after {last['steps']:,} steps | {figures['last_return']:.0f} "
        f"± {figures['last_return_std']:.0f} | |",
        "",
        "ARS V2-t, linear policy, 32 directions of which 4 are used, step size 0.02, noise 0.03. "
        f"{len(runs)} seeds, ± their standard deviation; the policy itself is evaluated after every "
        "update on 10 episodes (the paper: after every tenth, on 100). The paper's numbers are means of "
        "three seeds, with hyperparameters chosen on those seeds.",
        "",
        "The tasks differ: v1 ran on MuJoCo 1.31, v5 runs on MuJoCo 3. Observation, reward weights and "
        "episode length are the same. In the paper actions beyond the bounds cost their square though the "
        "engine clips them; here they are clipped before they are paid for, which is kinder to large gains.",
        "",
        f"One run took {np.mean([run['training_seconds'] for run in runs]):.0f} s of training in one thread; "
        "other work on the machine makes this no measure of speed.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
