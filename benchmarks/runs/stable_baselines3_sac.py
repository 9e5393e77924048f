"""One SAC run of Stable-Baselines3 with its default hyperparameters, as the reference of `bench sac`.

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
from stable_baselines3 import SAC
from stable_baselines3.common.monitor import Monitor


def train(task: str, seed: int, steps: int) -> tuple[SAC, list[float], float]:
    """Train with the defaults; the model, the return of every finished training episode, and CPU seconds."""
    env = Monitor(gymnasium.make(task))
    model = SAC("MlpPolicy", env, seed=seed, device="cpu")
    start = time.process_time()
    model.learn(steps)
    return model, env.get_episode_rewards(), time.process_time() - start


def evaluate(model: SAC, task: str, episodes: int) -> list[float]:
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
    parser.add_argument("--task", required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--episodes", type=int, default=20)
    args = parser.parse_args()
    torch.set_num_threads(1)
    model, training_returns, seconds = train(args.task, args.seed, args.steps)
    evaluation = evaluate(model, args.task, args.episodes)
    packages = ("stable-baselines3", "torch", "gymnasium", "mujoco", "numpy")
    record = {
        "task": args.task,
        "seed": args.seed,
        "steps": int(model.num_timesteps),
        "training_cpu_seconds": seconds,
        "evaluation_returns": evaluation,
        "evaluation_mean": float(np.mean(evaluation)),
        "last_20_training_mean": float(np.mean(training_returns[-20:])),
        "versions": {name: version(name) for name in packages},
    }
    print(json.dumps(record))


if __name__ == "__main__":
    main()
