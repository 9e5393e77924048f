"""Advantages of the actions of a rollout."""

import numpy as np

from tabrl_py.types import F32, Bool


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
