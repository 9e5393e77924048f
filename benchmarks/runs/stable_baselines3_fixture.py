"""Makes the fixture of a policy of Stable-Baselines3: trained, saved, and evaluated by that library.

Run in the environment of `benchmarks/_runs.py: reference_python` (benchmarks/requirements.txt), from the
root of the repository; what it writes is read by tests/browser/test_foreign_policies.py:

    PYTHONPATH=. PYTHON benchmarks/runs/stable_baselines3_fixture.py --out tests/fixtures/stable_baselines3

    model.zip           what `model.save` wrote
    vec_normalize.pkl   what `VecNormalize.save` wrote
    other_policy.zip    a SAC model that has learned nothing, whose policy class is another one
    returns.json        the deterministic policy's returns, from the first states of TabRL's evaluation seeds
"""

import argparse
import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch
from stable_baselines3 import PPO, SAC
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

from tabrl_py.rng import Purpose, stream
from tabrl_py.tasks import get_task
from tabrl_py.tasks.reset import sample_reset

TASK = "HalfCheetah-v5"


def evaluate(model: PPO, venv: VecNormalize, seeds: range) -> list[float]:
    """Returns of one episode for each seed, rewards as the task has them."""
    env = gymnasium.make(TASK)
    inner: Any = env.unwrapped
    nq, nv = inner.model.nq, inner.model.nv
    returns = []
    for seed in seeds:
        env.reset(seed=0)
        state = sample_reset(get_task(TASK), inner.init_qpos, nv, stream(seed, Purpose.EVALUATION))
        inner.set_state(state[:nq], state[nq : nq + nv])
        obs, total, done = inner._get_obs(), 0.0, False
        while not done:
            action, _ = model.predict(venv.normalize_obs(obs), deterministic=True)
            obs, reward, terminated, truncated, _ = env.step(action)
            total += float(reward)
            done = terminated or truncated
        returns.append(total)
    return returns


def main() -> None:
    """Train, save, evaluate."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--episodes", type=int, default=20)
    args = parser.parse_args()
    torch.set_num_threads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    venv = VecNormalize(DummyVecEnv([lambda: gymnasium.make(TASK)]))
    model = PPO("MlpPolicy", venv, seed=1, device="cpu")
    model.learn(args.steps)
    model.save(args.out / "model.zip")
    venv.save(str(args.out / "vec_normalize.pkl"))
    small = {"net_arch": [8]}
    SAC("MlpPolicy", gymnasium.make(TASK), policy_kwargs=small, buffer_size=1, device="cpu").save(
        args.out / "other_policy.zip"
    )
    returns = evaluate(model, venv, range(args.episodes))
    packages = ("stable-baselines3", "torch", "gymnasium", "mujoco", "numpy")
    record = {
        "task": TASK,
        "steps": int(model.num_timesteps),
        "returns": returns,
        "mean": float(np.mean(returns)),
        "standard_error": float(np.std(returns, ddof=1) / np.sqrt(len(returns))),
        "versions": {name: version(name) for name in packages},
    }
    (args.out / "returns.json").write_text(json.dumps(record, indent=1) + "\n")
    print(json.dumps(record))


if __name__ == "__main__":
    main()
