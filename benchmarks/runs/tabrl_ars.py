"""One ARS run of TabRL with the paper's hyperparameters, evaluated as it goes. Prints one JSON object."""

import argparse
import json
import time
from importlib.metadata import version
from typing import Any

import numpy as np

from benchmarks.runs.tabrl_ppo import evaluate
from tabrl_py.algos.training import Training
from tabrl_py.config import ARSConfig, NetworkConfig, Recipe
from tabrl_py.sim.native import NativeBatchSim
from tabrl_py.tasks import get_task

DIRECTIONS = 32


def recipe(task: str, seed: int, updates: int, episode: int) -> Recipe:
    """V2-t as arXiv:1803.07055 used it for HalfCheetah-v1 (table 9); a rollout is an update's 64 episodes."""
    return Recipe(
        task=task,
        algorithm="ars",
        seed=seed,
        total_steps=updates * 2 * DIRECTIONS * episode,
        n_envs=2 * DIRECTIONS,
        network=NetworkConfig(hidden=(), normalize_obs=True),
        algo=ARSConfig(
            n_directions=DIRECTIONS, top_directions=4, step_size=0.02, noise=0.03, n_steps=episode
        ),
    )


def main() -> None:
    """Train, evaluate after every update, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--updates", type=int, required=True)
    parser.add_argument("--episodes", type=int, default=10)
    args = parser.parse_args()
    task = get_task(args.task)
    chosen = recipe(args.task, args.seed, args.updates, task.time_limit)
    training = Training(chosen, task, NativeBatchSim(task, chosen.n_envs))
    curve: list[dict[str, Any]] = []
    seconds = 0.0
    while not training.finished:
        start = time.perf_counter()
        record = training.advance()
        seconds += time.perf_counter() - start
        if record is not None:
            returns = evaluate(training.policy(), args.task, args.episodes)
            curve.append(
                {"steps": record.steps, "episodes": record.episodes, "mean": float(np.mean(returns))}
            )
    print(
        json.dumps(
            {
                "task": args.task,
                "seed": args.seed,
                "steps": training.steps,
                "training_seconds": seconds,
                "curve": curve,
                "versions": {name: version(name) for name in ("mujoco", "numpy")},
            }
        )
    )


if __name__ == "__main__":
    main()
