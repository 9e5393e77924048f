"""What the episodes of a run came to, between two records."""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tabrl_py.algos.shards import Share
from tabrl_py.nn.normalize import RunningMoments
from tabrl_py.rewards.steps import UnrewardedSteps
from tabrl_py.rewards.sums import Terms
from tabrl_py.tasks.spec import TaskSpec
from tabrl_py.types import F64, I64, Bool, Float

FIELDS = 4
"""Of an episode: return, control steps, whether it fell, distance (m)."""


class EpisodeStatistics:
    """Sums rewards into episode returns, and forgets them when they have been taken for a record.

    Attributes:
        episodes: of the whole run, ended in all.
        ended: of the whole run, episodes of the last record.
        fell: of the whole run, how many of those terminated.
        returns: (N,) return of each running episode of this member's rows so far.
        lengths: (N,) its control steps.
        starts: (N,) where it started along the task's forward axis, m.
        recent_returns: of the last hundred episodes of this member's rows that ended, oldest first.
    """

    def __init__(self, task: TaskSpec, share: Share) -> None:
        """Before the first step."""
        place = task.signal_slices().get(task.forward_axis)
        self._forward = None if place is None else place.start
        self._share = share
        n = len(share.rows)
        self.episodes = self.ended = self.fell = 0
        self.returns: F64 = np.zeros(n)
        self.lengths: F64 = np.zeros(n)
        self.starts: F64 = np.zeros(n)
        self.recent_returns: deque[float] = deque(maxlen=100)
        self._ended: list[list[tuple[float, float, bool, float]]] = [[] for _ in share.mine]
        self._terms: dict[str, list[F64]] = {}
        self._names: list[str] = []
        self._some_fresh = True

    def add(self, steps: UnrewardedSteps, reward: F64, terms: Terms, ended: Sequence[I64]) -> None:
        """Take in k vector steps.

        Args:
            steps: what was rewarded.
            reward: (k, N) the task's own, unscaled.
            terms: of the reward, (k, N) each.
            ended: for each step, the rows whose episodes ended with it.
        """
        for k, done in enumerate(ended):
            if self._forward is not None and self._some_fresh:
                first = self.lengths == 0.0
                self.starts[first] = steps.prev_signals[k, first, self._forward]
                self._some_fresh = False
            self.returns += reward[k]
            self.lengths += 1.0
            if done.size:
                self._end(done, steps.signals[k], steps.terminated[k])
        # One number per step and shard, so that the sums do not depend on how many steps come at once.
        shards = (len(ended), len(self._ended), -1)
        for name, term in terms.items():
            self._terms.setdefault(name, []).append(np.add.reduce(term.reshape(shards), axis=2))

    def _end(self, done: I64, signals: F64, terminated: Bool) -> None:
        """Note the episodes of these rows, and begin the next."""
        for row in done.tolist():
            returned = float(self.returns[row])
            distance = 0.0 if self._forward is None else float(signals[row, self._forward] - self.starts[row])
            self.recent_returns.append(returned)
            episode = (returned, float(self.lengths[row]), bool(terminated[row]), distance)
            self._ended[row // self._share.shard_rows].append(episode)
        self.returns[done] = 0.0
        self.lengths[done] = 0.0
        self._some_fresh = True

    def take(self) -> dict[str, F64]:
        """What summary() needs of each of this member's shards, since the last call.

        Returns:
            "ended" (C, 9): how many episodes, mean and variance of their FIELDS; "terms" (C, -): sums over
            the shard's rows and steps.
        """
        ended: F64 = np.zeros((len(self._ended), 1 + 2 * FIELDS))
        for at, episodes in enumerate(self._ended):
            if episodes:
                table = np.array(episodes, np.float64)
                ended[at] = (len(table), *table.mean(axis=0), *table.var(axis=0))
                episodes.clear()
        sums = [[column.sum() for column in np.concatenate(found).T.copy()] for found in self._terms.values()]
        self._names = list(self._terms)
        self._terms.clear()
        return {"ended": ended, "terms": np.array(sums).reshape(-1, len(self._ended)).T}

    def summary(self, every: Mapping[str, F64], row_steps: int) -> dict[str, Any]:
        """The episode fields of a Progress record.

        Args:
            every: take() of all shards, in order.
            row_steps: control steps of all environments that they are about.
        """
        moments = RunningMoments(FIELDS)
        self.ended = self.fell = 0
        for shard in every["ended"]:
            if shard[0]:
                moments.merge(int(shard[0]), shard[1 : 1 + FIELDS], shard[1 + FIELDS :])
                self.ended += int(shard[0])
                self.fell += round(float(shard[0] * shard[3]))
        self.episodes += self.ended
        totals = np.zeros(len(self._names))
        for shard in every["terms"]:
            totals += shard
        returned, length, fell, distance = (float(x) for x in moments.mean)
        some = self.ended > 0
        return {
            "episodes": self.episodes,
            "return_mean": returned if some else None,
            "return_std": float(np.sqrt(moments.var[0])) if some else None,
            "length_mean": length if some else None,
            "fall_rate": fell if some else None,
            "distance_mean": distance if some and self._forward is not None else None,
            "reward_terms": dict(zip(self._names, (totals / row_steps).tolist(), strict=True)),
        }

    def row_state(self) -> dict[str, Float]:
        """What running episodes need to go on, (N,) each; the rest is empty after every record."""
        return {"returns": self.returns, "lengths": self.lengths, "starts": self.starts}

    def load_state(self, rows: Mapping[str, Float]) -> None:
        """Put back what row_state() gave."""
        self.returns[...], self.lengths[...], self.starts[...] = (
            rows["returns"],
            rows["lengths"],
            rows["starts"],
        )
