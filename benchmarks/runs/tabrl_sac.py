"""One SAC run of TabRL with Stable-Baselines3's default hyperparameters. Prints one JSON object."""

import argparse
import json
import time
from importlib.metadata import version

import numpy as np

from benchmarks.runs.tabrl_ppo import evaluate
from tabrl_py.algos.training import Training
from tabrl_py.config import NetworkConfig, Recipe, SACConfig
from tabrl_py.sim.native import NativeBatchSim
from tabrl_py.tasks import get_task


def recipe(task: str, seed: int, steps: int) -> Recipe:
    """Stable-Baselines3's defaults for SAC, as its documentation lists them, in TabRL's words.

    One environment, one gradient step after each control step. The memory is as long as the run, which is
    the same as Stable-Baselines3's million.
    """
    return Recipe(
        task=task,
        algorithm="sac",
        seed=seed,
        total_steps=steps,
        n_envs=1,
        network=NetworkConfig(hidden=(256, 256), activation="relu", init_log_std=0.0, normalize_obs=False),
        algo=SACConfig(
            n_steps=1,
            learning_rate=3e-4,
            updates_per_step=1.0,
            gamma=0.99,
            buffer_size=min(steps, 1_000_000),
            warmup_steps=100,
            minibatch_size=256,
            tau=0.005,
            temperature="automatic",
            init_temperature=1.0,
            target_entropy=-1.0,
        ),
    )


def main() -> None:
    """Train, evaluate, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--episodes", type=int, default=20)
    args = parser.parse_args()
    task = get_task(args.task)
    training = Training(recipe(args.task, args.seed, args.steps), task, NativeBatchSim(task, 1))
    start = time.process_time()
    while not training.finished:
        training.advance()
    seconds = time.process_time() - start
    evaluation = evaluate(training.policy(), args.task, args.episodes)
    record = {
        "task": args.task,
        "seed": args.seed,
        "steps": training.steps,
        "training_cpu_seconds": seconds,
        "arithmetic": training.algorithm.arithmetic,
        "evaluation_returns": evaluation,
        "evaluation_mean": float(np.mean(evaluation)),
        "last_20_training_mean": float(np.mean(list(training.statistics.recent_returns)[-20:])),
        "versions": {name: version(name) for name in ("mujoco", "numpy")},
    }
    print(json.dumps(record))


if __name__ == "__main__":
    main()
