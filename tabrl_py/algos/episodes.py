"""What the episodes of a run came to, between two records."""

from collections import deque
from typing import Any

import numpy as np

from tabrl_py.rewards.library import Terms
from tabrl_py.sim.batch import BatchSim
from tabrl_py.tasks.spec import TaskSpec
from tabrl_py.types import F64, Float


class EpisodeStatistics:
    """Sums rewards into episode returns and forgets them when a record has been written.

    Attributes:
        episodes: ended in all.
        returns: (N,) return of each running episode so far.
        lengths: (N,) its control steps.
        starts: (N,) where it started along the task's forward axis, m.
        recent_returns: of the last hundred episodes that ended, oldest first.
    """

    def __init__(self, task: TaskSpec, n_envs: int) -> None:
        """Before the first step."""
        place = task.signal_slices().get(task.forward_axis)
        self._forward = None if place is None else place.start
        self.episodes = 0
        self.returns: F64 = np.zeros(n_envs)
        self.lengths: F64 = np.zeros(n_envs)
        self.starts: F64 = np.zeros(n_envs)
        self.recent_returns: deque[float] = deque(maxlen=100)
        self._ended: list[tuple[float, float, bool, float]] = []
        self._terms: dict[str, F64] = {}
        self._term_steps = 0

    def add(self, sim: BatchSim, reward: F64, terms: Terms) -> None:
        """Take in one vector step; `reward` (N,) is the task's own, unscaled."""
        if self._forward is not None:
            first = self.lengths == 0
            if first.any():
                self.starts[first] = sim.prev_signals[first, self._forward]
        self.returns += reward
        self.lengths += 1
        for name, term in terms.items():
            if name in self._terms:
                self._terms[name] += term
            else:
                self._terms[name] = np.array(term, dtype=np.float64)
        self._term_steps += 1
        done = sim.terminated | sim.truncated
        if not done.any():
            return
        for row in np.flatnonzero(done):
            distance = (
                0.0 if self._forward is None else float(sim.signals[row, self._forward] - self.starts[row])
            )
            fell = bool(sim.terminated[row])
            self.recent_returns.append(float(self.returns[row]))
            self._ended.append((float(self.returns[row]), float(self.lengths[row]), fell, distance))
        self.episodes += int(done.sum())
        self.returns[done] = 0.0
        self.lengths[done] = 0.0

    def summary(self) -> dict[str, Any]:
        """The episode fields of a Progress record since the last call."""
        ended = np.array(self._ended, np.float64).reshape(-1, 4)
        terms = {name: float(total.mean()) / self._term_steps for name, total in self._terms.items()}
        self._ended.clear()
        self._terms.clear()
        self._term_steps = 0
        some = len(ended) > 0
        means = ended.mean(axis=0) if some else np.zeros(4)
        return {
            "return_mean": float(means[0]) if some else None,
            "return_std": float(ended[:, 0].std()) if some else None,
            "length_mean": float(means[1]) if some else None,
            "fall_rate": float(means[2]) if some else None,
            "distance_mean": float(means[3]) if some and self._forward is not None else None,
            "reward_terms": terms,
        }

    def state(self) -> dict[str, Float]:
        """What running episodes need to go on; records start empty after a resume, as after every record."""
        return {
            "returns": self.returns,
            "lengths": self.lengths,
            "starts": self.starts,
            "count": np.array(float(self.episodes)),
        }

    def load_state(self, state: dict[str, Float]) -> None:
        """Put back what state() gave."""
        self.returns[...], self.lengths[...], self.starts[...] = (
            state["returns"],
            state["lengths"],
            state["starts"],
        )
        self.episodes = int(state["count"])
