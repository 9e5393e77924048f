"""One PPO run of TabRL with Stable-Baselines3's default hyperparameters. Prints one JSON object."""

import argparse
import json
import time
from importlib.metadata import version

import numpy as np

from tabrl_py.algos.evaluate import Evaluator
from tabrl_py.algos.training import Training
from tabrl_py.config import NetworkConfig, PPOConfig, Recipe
from tabrl_py.policy import Policy
from tabrl_py.sim.native import NativeBatchSim
from tabrl_py.tasks import get_task


def recipe(task: str, seed: int, steps: int) -> Recipe:
    """Stable-Baselines3's defaults for PPO, as its documentation lists them, in TabRL's words."""
    network = NetworkConfig(hidden=(64, 64), activation="tanh", init_log_std=0.0, normalize_obs=False)
    algo = PPOConfig(
        n_steps=2048,
        learning_rate=3e-4,
        lr_schedule="constant",
        n_epochs=10,
        minibatch_size=64,
        gamma=0.99,
        gae_lambda=0.95,
        clip_range=0.2,
        entropy_coef=0.0,
        value_coef=0.5,
        max_grad_norm=0.5,
        target_kl=0.0,
        normalize_advantage=True,
        scale_reward=False,
    )
    return Recipe(task=task, seed=seed, total_steps=steps, n_envs=1, network=network, algo=algo)


def train(task: str, seed: int, steps: int) -> tuple[Training, float]:
    """Train to the end; the run and the seconds it took."""
    spec = get_task(task)
    training = Training(recipe(task, seed, steps), spec, NativeBatchSim(spec, 1))
    start = time.perf_counter()
    while not training.finished:
        training.advance()
    return training, time.perf_counter() - start


def evaluate(policy: Policy, task: str, episodes: int) -> list[float]:
    """Returns of the deterministic policy on the evaluation seeds 10000, 10001, ..."""
    spec = get_task(task)
    sim = NativeBatchSim(spec, episodes)
    evaluator = Evaluator(policy, spec, sim, range(10_000, 10_000 + episodes))
    while (evaluation := evaluator.advance()) is None:
        pass
    return evaluation.returns


def main() -> None:
    """Train, evaluate, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--episodes", type=int, default=20)
    args = parser.parse_args()
    training, seconds = train(args.task, args.seed, args.steps)
    evaluation = evaluate(training.policy(), args.task, args.episodes)
    record = {
        "task": args.task,
        "seed": args.seed,
        "steps": training.steps,
        "training_seconds": seconds,
        "evaluation_returns": evaluation,
        "evaluation_mean": float(np.mean(evaluation)),
        "last_100_training_mean": float(np.mean(training.statistics.recent_returns)),
        "versions": {name: version(name) for name in ("mujoco", "numpy")},
    }
    print(json.dumps(record))


if __name__ == "__main__":
    main()
