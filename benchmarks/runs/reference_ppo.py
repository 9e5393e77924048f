"""PPO of Stable-Baselines3 or SBX, or EnvPool's bare stepping, asked for one stretch after the other.

Runs in the environment of requirements-sb3.lock and imports nothing of TabRL. Reads a number of control steps
per line from its input and answers each with a line of JSON: the seconds it took, the steps it really made,
and the mean return of the last 100 training episodes.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np

ROLLOUT = 2048
"""Steps of an update, over all environments."""
HYPERPARAMETERS: dict[str, Any] = {
    "batch_size": 256,
    "n_epochs": 10,
    "learning_rate": 3e-4,
    "gamma": 0.99,
    "gae_lambda": 0.95,
    "clip_range": 0.2,
    "ent_coef": 0.0,
    "vf_coef": 0.5,
    "max_grad_norm": 0.5,
    "normalize_advantage": True,
}
Go = Callable[[int], tuple[int, float | None]]
"""Makes about so many steps; those it made in all, and the mean return."""


def learner(library: str, task: str, n_envs: int, processes: bool, seed: int) -> Go:
    """PPO with networks of 64, 64 and tanh, which is the default of both libraries."""
    from stable_baselines3.common.env_util import make_vec_env
    from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv

    kind = SubprocVecEnv if processes else DummyVecEnv
    env = make_vec_env(task, n_envs, seed=seed, vec_env_cls=kind)
    if library == "sbx":
        from sbx import PPO
    else:
        from stable_baselines3 import PPO
    model = PPO(
        "MlpPolicy",
        env,
        n_steps=ROLLOUT // n_envs,
        seed=seed,
        device="cpu",
        policy_kwargs={"net_arch": [64, 64]},
        **HYPERPARAMETERS,
    )

    def go(steps: int) -> tuple[int, float | None]:
        model.learn(steps, reset_num_timesteps=False)
        returns = [episode["r"] for episode in model.ep_info_buffer or ()]
        return model.num_timesteps, float(np.mean(returns)) if returns else None

    return go


def stepper(task: str, n_envs: int, threads: int, seed: int) -> Go:
    """EnvPool with random actions."""
    import envpool

    env = envpool.make(task, env_type="gymnasium", num_envs=n_envs, num_threads=threads, seed=seed)
    low, high = env.action_space.low, env.action_space.high
    rng = np.random.default_rng(seed)
    env.reset()
    made = 0

    def go(steps: int) -> tuple[int, float | None]:
        nonlocal made
        for _ in range(-(-steps // n_envs)):
            env.step(rng.uniform(low, high, (n_envs, *low.shape)))
            made += n_envs
        return made, None

    return go


def main() -> None:
    """Answer until the input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("library", choices=("sb3", "sbx", "envpool"))
    parser.add_argument("--task", required=True)
    parser.add_argument("--envs", type=int, required=True)
    parser.add_argument("--processes", action="store_true", help="each environment in one of its own")
    parser.add_argument("--threads", type=int, default=2, help="of envpool")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    if args.library == "envpool":
        go = stepper(args.task, args.envs, args.threads, args.seed)
    else:
        go = learner(args.library, args.task, args.envs, args.processes, args.seed)
    packages = ("stable-baselines3", "sbx-rl", "torch", "jax", "envpool", "gymnasium", "mujoco", "numpy")
    print(json.dumps({"versions": {name: version(name) for name in packages}}), flush=True)
    before = 0
    for line in sys.stdin:
        began = time.perf_counter()
        made, returned = go(int(line))
        seconds = time.perf_counter() - began
        print(json.dumps({"seconds": seconds, "steps": made - before, "return_mean": returned}), flush=True)
        before = made


if __name__ == "__main__":
    main()
