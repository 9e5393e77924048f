"""What the environments did since the last update, and the advantages computed from it."""

import numpy as np

from tabrl_py.types import F32, F64, Bool


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


def gae(
    rewards: F32,
    values: F32,
    next_values: F32,
    terminated: Bool,
    truncated: Bool,
    gamma: float,
    lam: float,
) -> F32:
    """Advantages by generalised advantage estimation (arXiv:1506.02438, eq. 16).

    delta_t = r_t + gamma V(s_{t+1}) - V(s_t), with V = 0 beyond a termination;
    A_t = delta_t + gamma lam A_{t+1}, the sum cut where an episode ends for either reason.

    Args:
        rewards: (T, N), after scaling.
        values: (T, N), V of the state acted in.
        next_values: (T, N), V of the true next state, before any reset.
        terminated: (T, N), the task ended: no bootstrap.
        truncated: (T, N), time limit: bootstrap, and cut the trace.
        gamma: discount.
        lam: the lambda of the weighted average; 1 gives returns minus values.

    Returns:
        (T, N) advantages, not normalised.
    """
    deltas = rewards + gamma * next_values * ~terminated - values
    keep = gamma * lam * ~(terminated | truncated)
    advantages = np.empty_like(deltas)
    following = np.zeros_like(deltas[0])
    for t in range(len(deltas) - 1, -1, -1):
        following = deltas[t] + keep[t] * following
        advantages[t] = following
    return advantages.astype(rewards.dtype, copy=False)
