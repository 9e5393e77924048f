"""Running statistics: observations to mean 0 and spread 1, rewards to a steady scale. Kept in float64."""

from typing import Any

import numpy as np
import numpy.typing as npt

from tabrl_py.types import F64, Bool, Float

CLIP = 10.0
"""Normalised observations are clipped to [-CLIP, CLIP]."""
EPSILON = 1e-8


class RunningMoments:
    """Mean and variance of all rows seen so far, merged batch by batch.

    Chan, Golub, LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances",
    1979, eq. 2.1.

    Attributes:
        count: rows seen.
        mean: (D,).
        var: (D,), population variance; 1 before the first row.
    """

    def __init__(self, size: int) -> None:
        self.count = 0.0
        self.mean: F64 = np.zeros(size)
        self.var: F64 = np.ones(size)

    def update(self, rows: Float) -> None:
        """Take in a batch, (rows, D)."""
        n = rows.shape[0]
        if n == 0:
            return
        # As float64 sums: means of float32 columns would lose digits over long batches.
        self.merge(n, rows.mean(axis=0, dtype=np.float64), rows.var(axis=0, dtype=np.float64))

    def merge(self, n: int, mean: F64, var: F64) -> None:
        """Take in a batch of n > 0 rows with these moments, (D,) each."""
        total = self.count + n
        delta = mean - self.mean
        if self.count == 0.0:
            self.mean, self.var = mean, var
        else:
            self.mean = self.mean + delta * (n / total)
            self.var = (self.var * self.count + var * n + delta * delta * (self.count * n / total)) / total
        self.count = total

    def state(self) -> dict[str, F64]:
        """Copies of what load_state() takes."""
        return {"count": np.array([self.count]), "mean": self.mean.copy(), "var": self.var.copy()}

    def load_state(self, state: dict[str, Any]) -> None:
        """Put back what state() gave."""
        self.count = float(state["count"][0])
        self.mean, self.var = np.array(state["mean"]), np.array(state["var"])

    def flat(self) -> F64:
        """(1 + 2 D,) count, mean and variance in one array."""
        return np.concatenate([[self.count], self.mean, self.var])

    def load_flat(self, numbers: Float) -> None:
        """Put back what flat() gave."""
        mean, var = np.split(numbers[1:], 2)
        self.load_state({"count": numbers[:1], "mean": mean, "var": var})


def normalize(obs: Float, mean: Float, scale: Float, out: Float) -> Float:
    """Clip((obs - mean) * scale, -CLIP, CLIP) of (..., O) observations, into `out`, which may be obs."""
    np.subtract(obs, mean, out=out)
    np.multiply(out, scale, out=out)
    np.maximum(out, -CLIP, out=out)
    np.minimum(out, CLIP, out=out)
    return out


class ObsNormalizer:
    """clip((obs - mean) / sqrt(var + 1e-8), -10, 10); before the first batch, clip(obs, -10, 10).

    Attributes:
        moments: of the observations.
        mean: (O,) subtracted from them.
        scale: (O,) that they are then multiplied with.
    """

    mean: Float
    scale: Float

    def __init__(self, size: int, dtype: npt.DTypeLike = np.float32) -> None:
        self.moments = RunningMoments(size)
        self._dtype = dtype
        self.refresh()

    def refresh(self) -> None:
        """Take the mean and scale from the moments, after those changed."""
        self.mean = self.moments.mean.astype(self._dtype)
        self.scale = (1.0 / np.sqrt(self.moments.var + EPSILON)).astype(self._dtype)

    def update(self, rows: Float) -> None:
        """Take in a batch of raw observations, (rows, O)."""
        self.moments.update(rows)
        self.refresh()

    def normalize(self, obs: Float, out: Float) -> Float:
        """Normalised observations, (..., O), into `out`."""
        return normalize(obs, self.mean, self.scale, out)


class RewardScaler:
    """Divides rewards by the running spread of the discounted return (arXiv:2005.12729, section 3).

    The return here is a discounted sum of the rewards so far, g = gamma g + r, anew with each episode.

    Attributes:
        moments: of g.
        running: (N,) g of the running episodes.
    """

    def __init__(self, n_envs: int, gamma: float) -> None:
        self.moments = RunningMoments(1)
        self.running: F64 = np.zeros(n_envs)
        self._gamma = gamma

    def update(self, rewards: F64, done: Bool) -> None:
        """Take in a rollout, both (T, N)."""
        self.moments.update(self.returns(rewards, done).reshape(-1, 1))

    def returns(self, rewards: F64, done: Bool) -> F64:
        """(T, N) of g in a rollout, both arguments (T, N); its moments are the caller's to merge."""
        returns = np.empty_like(rewards)
        for t in range(rewards.shape[0]):
            self.running *= self._gamma
            self.running += rewards[t]
            returns[t] = self.running
            self.running[done[t]] = 0.0
        return returns

    @property
    def scale(self) -> float:
        """What rewards are multiplied with; 1 before the first rollout."""
        return float(1.0 / np.sqrt(self.moments.var[0] + EPSILON))
