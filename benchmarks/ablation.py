"""What makes the house humanoid walk, one thing changed at a time: `./build.sh bench ablation`.

Every run is native, on one core, with equal control steps and the same seed, from humanoid-walk's recipe. The
last deterministic policy is judged as the walk benchmark judges it
(tabrl_py/algos/gait.py), on 10 evaluation seeds. Finished runs are kept, so that an interrupted benchmark
goes on; a table of some variants says which ones it leaves out.

- `shipped` and each other variant's name: metres in 20 s, or until it fell, the mean over evaluation seeds.
- `walking`: how many of the variants walk on all evaluation seeds.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks import _results, _runs
from tabrl_py.tasks import get_task

TASK = "humanoid-walk"
STEPS = 2_500_000
SOURCES = (
    *("tabrl_py/algos/ppo.py", "tabrl_py/algos/samples.py", "tabrl_py/algos/variation.py"),
    *("tabrl_py/nn", "tabrl_py/rewards/library.py", "tabrl_py/rng.py", "tabrl_py/sim/native.py"),
    *("tabrl_py/tasks/house.py", "tabrl_py/tasks/reset.py", "benchmarks/_walks.py"),
)
"""What decides a run's numbers, beside its settings."""


@dataclass(frozen=True)
class Variant:
    """The task's own recipe with one thing changed.

    Attributes:
        words: what is changed, for the table.
        settings: of the recipe, by dotted name.
        reward: parameters of the task's reward.
        task: another task than TASK.
    """

    words: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    reward: Mapping[str, float] = field(default_factory=dict)
    task: str = TASK


VARIANTS = {
    "shipped": Variant("the task's own recipe"),
    "torque": Variant("torques in place of position targets", task="humanoid-walk-torque"),
    "symmetry_none": Variant("left and right learned apart", {"algo.symmetry": "none"}),
    "symmetry_augment": Variant("mirrored samples, no symmetric network", {"algo.symmetry": "augment"}),
    "rewards_unscaled": Variant("rewards not scaled", {"algo.scale_reward": False}),
    "obs_raw": Variant("observations not normalised", {"network.normalize_obs": False}),
    "advantages_raw": Variant("advantages not normalised", {"algo.normalize_advantage": False}),
    "layer_norm": Variant("layer norm", {"network.layer_norm": True}),
    "annealed": Variant("exploration annealed to a log std of -2.5", {"algo.exploration": "annealed"}),
    "kl_adaptive": Variant("learning rate follows the KL divergence", {"algo.lr_schedule": "adaptive"}),
    "epochs_6": Variant("6 epochs in place of 4", {"algo.n_epochs": 6}),
    "lr_constant": Variant("constant learning rate", {"algo.lr_schedule": "constant"}),
    "revisit": Variant("half of the episodes begin in visited states", {"revisit": 0.5}),
    "envs_32": Variant("32 environments of 128 steps", {"n_envs": 32, "algo.n_steps": 128}),
    "envs_128": Variant("128 environments of 64 steps", {"n_envs": 128}),
    "no_gait": Variant(
        "no reward for steps in time, no cost of flight", reward={"gait_weight": 0.0, "flight_weight": 0.0}
    ),
    "no_tilt": Variant("no cost of tilt", reward={"tilt_weight": 0.0}),
}


def settings_of(variant: Variant, seed: int, steps: int) -> dict[str, Any]:
    """All that a variant's recipe has in place of the general defaults, by dotted name."""
    # Another task's own defaults are empty, so the recipe is given whole.
    return {**get_task(TASK).defaults["ppo"], **variant.settings, "seed": seed, "total_steps": steps}


def run(variant: Variant, seed: int, steps: int) -> dict[str, Any]:
    """What benchmarks/runs/tabrl_recipe.py says of a variant, from the cache where it ran before."""
    arguments = [
        *("-m", "benchmarks.runs.tabrl_recipe", "--task", variant.task),
        *("--settings", json.dumps(settings_of(variant, seed, steps), sort_keys=True)),
        *("--reward", json.dumps(dict(variant.reward), sort_keys=True)),
    ]
    decided = hashlib.sha256("\n".join([*arguments, _runs.sources(SOURCES)]).encode()).hexdigest()[:16]
    return _runs.kept("ablation", f"{variant.task}-{seed}-{steps}-{decided}", sys.executable, arguments)


def stood_at(record: dict[str, Any]) -> str:
    """From how many steps on episodes lasted half of their limit, in words."""
    half = get_task(record["task"]).time_limit / 2
    reached = [point["steps"] for point in record["curve"] if point["length"] >= half]
    return f"{reached[0] / 1e6:.1f} M steps" if reached else "never"


def table_of(records: Mapping[str, dict[str, Any]]) -> str:
    """A row for each variant, the task's own recipe first."""
    lines = [
        "| changed | seeds walking | seeds that fell | m in 20 s | largest tilt | episodes of 12.5 s after "
        "| steps per training episode at the end |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, record in records.items():
        lines.append(
            f"| {VARIANTS[name].words} | {record['seeds_walked']} of 10 | {record['seeds_that_fell']} "
            f"| {record['metres']:.1f} | {record['tilt_deg']:.0f} degrees | {stood_at(record)} "
            f"| {record['curve'][-1]['length']:.0f} |"
        )
    return "\n".join(lines) + "\n"


def figures_of(records: Mapping[str, dict[str, Any]]) -> dict[str, float]:
    """Metres of each variant, and how many of them walk on all seeds."""
    walking = sum(record["seeds_walked"] == len(record["verdicts"]) for record in records.values())
    return {"walking": walking, **{name: round(record["metres"], 1) for name, record in records.items()}}


def main() -> None:
    """Make the runs that are not made yet; print the table and, last, one JSON object."""
    parser = argparse.ArgumentParser(prog="./build.sh bench ablation", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--only", choices=VARIANTS, nargs="+", default=list(VARIANTS))
    options = parser.parse_args()
    records = {name: run(VARIANTS[name], options.seed, options.steps) for name in options.only}
    table, figures = table_of(records), figures_of(records)
    if "shipped" in options.only and len(options.only) > 1:
        note = f"\nNative, {options.steps:,} control steps and training seed {options.seed} for each.\n"
        command = f"./build.sh bench ablation --seed {options.seed} --steps {options.steps}"
        if absent := [each.words for name, each in VARIANTS.items() if name not in options.only]:
            note += f"\nNot run: {'; '.join(absent)}.\n"
            command += f" --only {' '.join(options.only)}"
        record = {"figures": figures, "task": TASK, "runs": records}
        _results.write("ablation", command, table + note, record)
    print(table)
    print(json.dumps({"bench": "ablation", "figures": figures}))


if __name__ == "__main__":
    main()
