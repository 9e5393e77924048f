"""What the environments did since the last update, and the advantages computed from it."""

import numpy as np

from tabrl_py.nn.advantages import gae
from tabrl_py.types import F32, F64, Bool

__all__ = ["Rollout", "gae"]


class Rollout:
    """Buffers of one rollout, filled step by step and overwritten by the next.

    Attributes:
        obs: (T, N, O) what the policy saw, not normalised.
        noise: (T, N, A) standard normal draws behind the actions.
        actions: (T, N, A) before clipping to the task's bounds.
        raw_rewards: (T, N) as the task gives them.
        rewards: (T, N) float32, scaled.
        terminated: (T, N).
        truncated: (T, N).
        final_obs: of each truncated row, (t, n, its true last observation (O,)).
        last_obs: (N, O) what the policy sees after the rollout.
        steps: how many of the T steps are filled.
    """

    def __init__(self, n_steps: int, n_envs: int, obs_size: int, action_size: int) -> None:
        """Allocate an empty rollout of T steps of N environments."""
        self.n_steps, self.n_envs = n_steps, n_envs
        self.obs: F32 = np.zeros((n_steps, n_envs, obs_size), np.float32)
        self.noise: F32 = np.zeros((n_steps, n_envs, action_size), np.float32)
        self.actions: F32 = np.zeros((n_steps, n_envs, action_size), np.float32)
        self.raw_rewards: F64 = np.zeros((n_steps, n_envs))
        self.rewards: F32 = np.zeros((n_steps, n_envs), np.float32)
        self.terminated: Bool = np.zeros((n_steps, n_envs), np.bool_)
        self.truncated: Bool = np.zeros((n_steps, n_envs), np.bool_)
        self.final_obs: list[tuple[int, int, F32]] = []
        self.last_obs: F32 = np.zeros((n_envs, obs_size), np.float32)
        self.steps = 0

    @property
    def full(self) -> bool:
        """Whether all T steps are filled."""
        return self.steps == self.n_steps

    def clear(self) -> None:
        """Begin anew."""
        self.steps = 0
        self.final_obs.clear()
