"""TabRL's tasks as Gymnasium environments.

`gymnasium.make("tabrl_py.gym:TabRL/humanoid-stand-v0")` imports this module, which registers every task.
"""

import re
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from tabrl_py.rewards import compute_reward
from tabrl_py.sim.native import NativeBatchSim
from tabrl_py.tasks import TASKS, get_task, sample_reset
from tabrl_py.types import F32, F64, Float

NAMESPACE = "TabRL"


class TabrlEnv(gymnasium.Env[F64, F32]):
    """One environment of a task, natively simulated, with float64 observations.

    It ends episodes by itself, at the task's own time limit. `info` has each weighted term of the reward as
    `reward_NAME`, and `unstable` where the engine lost the state.
    """

    metadata = {"render_modes": []}  # noqa: RUF012 - Gymnasium's own declaration

    def __init__(self, task: str, render_mode: None = None) -> None:
        """Load the task's model.

        Args:
            task: a task's id.
            render_mode: nothing but None; the page draws.

        Raises:
            ConfigError: there is no such task.
            ModelError: its model has not been built.
        """
        self.task = get_task(task)
        self.render_mode = render_mode
        self._sim = NativeBatchSim(self.task, 1, dtype=np.float64)
        self.observation_space = spaces.Box(-np.inf, np.inf, (self.task.obs_size,), np.float64)
        low, high = np.array([self.task.action_low, self.task.action_high], dtype=np.float32)
        self.action_space = spaces.Box(low, high, dtype=np.float32)

    @property
    def dt(self) -> float:
        """Seconds per control step."""
        return self._sim.dt

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[F64, dict[str, Any]]:
        """Start an episode from a state drawn as the task describes it. There are no options."""
        super().reset(seed=seed, options=options)
        sim = self._sim
        sim.next_init[0] = sample_reset(self.task, sim.qpos0, sim.nv, self.np_random)
        sim.reset()
        return self._observed(sim.obs), {}

    def step(self, action: F32) -> tuple[F64, float, bool, bool, dict[str, Any]]:
        """Take one control step with an action, (A,), within the action space."""
        sim = self._sim
        actions = np.asarray(action, dtype=np.float64)[None]
        sim.step(actions)
        total, terms = compute_reward(sim, actions)
        terminated, truncated = bool(sim.terminated[0]), bool(sim.truncated[0])
        info: dict[str, Any] = {f"reward_{name}": float(term[0]) for name, term in terms.items()}
        if sim.unstable[0]:
            info["unstable"] = True
        last = sim.final_obs if terminated or truncated else sim.obs
        return self._observed(last), float(total[0]), terminated, truncated, info

    def close(self) -> None:
        """Free the engine's memory."""
        self._sim.close()

    @staticmethod
    def _observed(rows: Float) -> F64:
        obs: F64 = rows[0].astype(np.float64)
        return obs


def env_id(task_id: str) -> str:
    """The id a task is registered under, e.g. "TabRL/humanoid-stand-v0"."""
    versioned = re.search(r"-v\d+$", task_id)
    return f"{NAMESPACE}/{task_id}" if versioned else f"{NAMESPACE}/{task_id}-v0"


def register_tasks() -> None:
    """Tell Gymnasium of every task; importing this module does so once."""
    for task_id in TASKS:
        if env_id(task_id) not in gymnasium.registry:
            gymnasium.register(env_id(task_id), "tabrl_py.gym:TabrlEnv", kwargs={"task": task_id})


register_tasks()
