"""One run of Stable-Baselines3 with its default hyperparameters, for `bench learning` and `bench sac`.

Runs in the benchmark's own virtual environment (benchmarks/requirements.txt) and imports nothing of TabRL, so
that the two sides share nothing but the task's name. Prints one JSON object.
"""

import argparse
import json
import time
from importlib.metadata import version

import gymnasium
import numpy as np
import torch
from stable_baselines3 import PPO, SAC
from stable_baselines3.common.monitor import Monitor

ALGORITHMS = {"ppo": PPO, "sac": SAC}


def train(algorithm: str, task: str, seed: int, steps: int) -> tuple[PPO | SAC, list[float], float, float]:
    """Train with the defaults: the model, the return of every finished episode, seconds, and CPU seconds."""
    env = Monitor(gymnasium.make(task))
    model = ALGORITHMS[algorithm]("MlpPolicy", env, seed=seed, device="cpu")
    start, cpu_start = time.perf_counter(), time.process_time()
    model.learn(steps)
    seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu_start
    return model, env.get_episode_rewards(), seconds, cpu_seconds


def evaluate(model: PPO | SAC, task: str, episodes: int) -> list[float]:
    """Returns of the deterministic policy, one episode for each of the seeds 10000, 10001, ..."""
    env = gymnasium.make(task)
    returns = []
    for k in range(episodes):
        obs, _ = env.reset(seed=10_000 + k)
        total, done = 0.0, False
        while not done:
            action, _ = model.predict(obs, deterministic=True)
            obs, reward, terminated, truncated, _ = env.step(action)
            total += float(reward)
            done = terminated or truncated
        returns.append(total)
    return returns


def main() -> None:
    """Train, evaluate, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--algorithm", choices=tuple(ALGORITHMS), required=True)
    parser.add_argument("--task", required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--episodes", type=int, default=20)
    args = parser.parse_args()
    torch.set_num_threads(1)
    model, training_returns, seconds, cpu_seconds = train(args.algorithm, args.task, args.seed, args.steps)
    evaluation = evaluate(model, args.task, args.episodes)
    packages = ("stable-baselines3", "torch", "gymnasium", "mujoco", "numpy")
    record = {
        "task": args.task,
        "seed": args.seed,
        "steps": int(model.num_timesteps),
        "training_seconds": seconds,
        "training_cpu_seconds": cpu_seconds,
        "evaluation_returns": evaluation,
        "evaluation_mean": float(np.mean(evaluation)),
        "last_100_training_mean": float(np.mean(training_returns[-100:])),
        "last_20_training_mean": float(np.mean(training_returns[-20:])),
        "versions": {name: version(name) for name in packages},
    }
    print(json.dumps(record))


if __name__ == "__main__":
    main()
