"""One native run of a task's own recipe with some settings or weights changed. Prints one JSON object."""

import argparse
import json
import time
from dataclasses import asdict, replace
from importlib.metadata import version
from statistics import mean
from typing import Any

from benchmarks._walks import verdicts
from tabrl_py.algos.training import Training
from tabrl_py.policy import save_policy
from tabrl_py.sim.native import NativeBatchSim
from tabrl_py.tasks import get_task
from tabrl_py.tasks.recipes import default_recipe
from tabrl_py.tasks.spec import TaskSpec

CURVE_STEPS = 100_000
"""Steps between two points of the curve, each the mean over that stretch."""


def train(task: TaskSpec, settings: dict[str, Any]) -> tuple[Training, list[dict[str, float]], float]:
    """Train to the end: the run, its curve, and the seconds it took.

    Args:
        task: whose own recipe the settings change.
        settings: by dotted name.
    """
    recipe = default_recipe(task, "ppo", settings)
    training = Training(recipe, task, NativeBatchSim(task, recipe.n_envs))
    curve: list[dict[str, float]] = []
    lengths: list[float] = []
    begun = time.perf_counter()
    while not training.finished:
        progress = training.advance()
        if progress is None:
            continue
        if progress.length_mean is not None:
            lengths.append(progress.length_mean)
        if lengths and progress.steps >= CURVE_STEPS * (len(curve) + 1):
            curve.append({"steps": progress.steps, "length": mean(lengths)})
            lengths = []
    return training, curve, time.perf_counter() - begun


def main() -> None:
    """Train, judge the last policy as the walk benchmark does, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", required=True)
    parser.add_argument("--settings", type=json.loads, default={}, help="JSON, by dotted name")
    parser.add_argument("--reward", type=json.loads, default={}, help="JSON, parameters of the task's reward")
    args = parser.parse_args()
    task = get_task(args.task)
    reward = replace(task.reward, params={**task.reward.params, **args.reward})
    training, curve, seconds = train(replace(task, reward=reward), args.settings)
    judged = list(verdicts(save_policy(training.policy())))
    record = {
        "task": args.task,
        "steps": training.steps,
        "seconds": seconds,
        "arithmetic": training.algorithm.arithmetic,
        "seeds_walked": sum(verdict.walks for verdict in judged),
        "seeds_that_fell": sum("fell" in " ".join(verdict.failures) for verdict in judged),
        "metres": mean(verdict.metres for verdict in judged),
        "tilt_deg": max(verdict.tilt_deg for verdict in judged),
        "verdicts": [asdict(verdict) for verdict in judged],
        "curve": curve,
        "recipe": training.recipe.to_json(),
        "versions": {name: version(name) for name in ("mujoco", "numpy")},
    }
    print(json.dumps(record))


if __name__ == "__main__":
    main()
