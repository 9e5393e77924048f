"""Whether the loop helps: `./build.sh bench loop`.

For walking, running and hopping on one leg, with the same number of control steps in all: the fitness after
three generations of the built-in designer (no language model), beside a reward written by hand and trained
for all of those steps at once, and beside rewards drawn at random by the same designer. And a ladder of 12
rewards: how well the order after a search's short training foretells the order after a long one (Spearman's
rank correlation, its lower 95 % bound by Fisher's transformation with Fieller's variance).

Every finished part is kept, so that an interrupted benchmark goes on, and `--seeds 1` first, then 3 repeats
nothing. All of it takes some hours.
"""

import argparse
import json
import math
import sys
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks import _results, _runs

SOURCES = (
    "tabrl_py/nn",
    "tabrl_py/algos",
    "tabrl_py/meta",
    "tabrl_py/population",
    "tabrl_py/rewards",
    "tabrl_py/tasks",
    "tabrl_py/rng.py",
    "benchmarks/runs/design.py",
)
SKILLS = {
    "walk": ("humanoid-walk", "humanoid-walk"),
    "run": ("humanoid-run", "humanoid-run"),
    "hop on one leg": ("humanoid-walk", "humanoid-hop"),
}
"""Task and fitness of each; no task is shipped for hopping: runs/design.py has a reward by hand."""
SIDES = ("loop", "hand", "random")
RUNGS = 12


def main() -> None:
    """Measure what is not measured yet; print the table and, last, one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=300_000, help="of each member in each generation")
    parser.add_argument("--full", type=int, default=2_500_000, help="of each rung's long training")
    parser.add_argument("--ladder-seeds", type=int, default=3, help="trainings of each rung")
    parser.add_argument("--skills", nargs="*", choices=tuple(SKILLS), default=list(SKILLS))
    parser.add_argument("--no-ladder", action="store_true")
    parser.add_argument("--trial", action="store_true", help="write no results: to see that it runs")
    args = parser.parse_args()
    runs: dict[str, dict[str, list[dict[str, Any]]]] = {s: {side: [] for side in SIDES} for s in args.skills}
    for seed in range(args.seeds):
        for skill, sides in runs.items():
            for side, found in sides.items():
                found.append(_part(side, skill, seed, args.steps))
    table, figures = _compared(runs)
    ladder = {} if args.no_ladder else _ladder(args)
    if ladder:
        figures |= {"spearman": ladder["spearman"], "spearman_low": ladder["spearman_low"]}
        table += (
            f"\nLadder of {RUNGS} rewards, {args.steps} steps beside {args.full}, trainings of each: "
            f"{args.ladder_seeds}. Spearman "
            f"{ladder['spearman']:.2f}, lower 95 % bound {ladder['spearman_low']:.2f}.\n"
        )
    record = {
        "seeds": args.seeds,
        "steps": args.steps,
        "full": args.full,
        "figures": figures,
        "runs": runs,
        "ladder": ladder,
    }
    if not args.trial:
        _results.write("loop", " ".join(["./build.sh bench loop", *sys.argv[1:]]), table, record)
    print(table)
    print(json.dumps({"bench": "loop", "figures": figures}))


def _part(part: str, skill: str, seed: int, steps: int, rung: int | None = None) -> dict[str, Any]:
    task, fitness = SKILLS[skill]
    name = "-".join([part, fitness, str(seed), str(steps), *([] if rung is None else [f"rung{rung}"])])
    return _runs.kept(
        "loop",
        f"{name}-{_runs.sources(SOURCES)}",
        sys.executable,
        [
            *("-m", "benchmarks.runs.design", part, "--task", task, "--fitness", fitness),
            *("--seed", str(seed), "--steps", str(steps), "--rung", str(rung or 0)),
        ],
    )


def _compared(runs: dict[str, dict[str, list[dict[str, Any]]]]) -> tuple[str, dict[str, float]]:
    """The table of fitnesses, and the loop's mean over each other side's."""
    lines = [
        "| skill | steps in all | loop, built-in designer | reward by hand | random first shots |",
        "|---|---:|---|---|---|",
    ]
    figures: dict[str, float] = {}
    for skill, sides in runs.items():
        fitness = {side: [float(run["fitness"] or 0.0) for run in found] for side, found in sides.items()}
        cells = [f"{np.mean(v):.3f} ({', '.join(f'{x:.3f}' for x in v)})" for v in fitness.values()]
        lines.append(f"| {skill} | {sides['loop'][0]['steps']} | {' | '.join(cells)} |")
        for other in ("hand", "random"):
            ratio = float(np.mean(fitness["loop"]) / max(float(np.mean(fitness[other])), 1e-9))
            figures[f"{skill.split()[0]}_over_{other}"] = round(ratio, 3)
    return "\n".join(lines) + "\n", figures


def _ladder(args: argparse.Namespace) -> dict[str, Any]:
    """Each rung's mean fitness after the short and the long training, and how the orders agree."""
    short, long = (
        [
            float(
                np.mean([_part("rung", "walk", s, steps, rung)["fitness"] for s in range(args.ladder_seeds)])
            )
            for rung in range(RUNGS)
        ]
        for steps in (args.steps, args.full)
    )
    rho = spearman(np.array(short), np.array(long))
    return {"short": short, "long": long, "spearman": rho, "spearman_low": lower_bound(rho, RUNGS)}


def spearman(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> float:
    """Spearman's rank correlation; equal values share the mean of their ranks."""
    return float(np.corrcoef(_ranks(a), _ranks(b))[0, 1])


def _ranks(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    below = (values[None, :] < values[:, None]).sum(axis=1)
    equal = (values[None, :] == values[:, None]).sum(axis=1)
    ranks: npt.NDArray[np.float64] = below + (equal - 1) / 2
    return ranks


def lower_bound(rho: float, n: int) -> float:
    """Lower end of the 95 % interval of a rank correlation of n pairs (Fieller, Hartley, Pearson 1957)."""
    z = math.atanh(min(max(rho, -0.999999), 0.999999))
    return math.tanh(z - 1.96 * math.sqrt(1.06 / (n - 3)))


if __name__ == "__main__":
    main()
