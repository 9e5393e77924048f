"""How hard a task is made, as it succeeds."""

from collections.abc import Mapping

import numpy as np

from tabrl_py.tasks.spec import Curriculum
from tabrl_py.types import F64


class Level:
    """The level of a task's curriculum, moved by what the episodes of the whole run came to.

    Attributes:
        level: 0 to 1.
    """

    def __init__(self, spec: Curriculum) -> None:
        """Begin at the first level."""
        self._spec = spec
        self.level = spec.first
        self._ended = self._terminated = self._updates = 0
        self._term = 0.0

    def after_update(self, ended: int, terminated: int, terms: Mapping[str, float]) -> None:
        """Take in an update's episodes; the level moves when enough of them have ended at it.

        Args:
            ended: episodes that ended.
            terminated: how many of them the task ended.
            terms: mean per control step of each term of the reward.
        """
        spec = self._spec
        self._ended += ended
        self._terminated += terminated
        self._updates += 1
        if spec.term:
            self._term += terms[spec.term]
        if self._ended < spec.episodes:
            return
        success = self._success()
        if success >= spec.raise_at:
            self.level = min(1.0, self.level + spec.step)
        elif success <= spec.lower_at:
            self.level = max(0.0, self.level - spec.step)
        self._ended = self._terminated = self._updates = 0
        self._term = 0.0

    def _success(self) -> float:
        spec = self._spec
        if spec.term:
            return self._term / self._updates / spec.full
        return 1.0 - self._terminated / self._ended

    def state(self) -> F64:
        """What a checkpoint keeps."""
        return np.array([self.level, self._ended, self._terminated, self._updates, self._term])

    def load_state(self, state: F64) -> None:
        """Put back what state() gave."""
        level, ended, terminated, updates, term = (float(x) for x in state)
        self.level, self._term = level, term
        self._ended, self._terminated, self._updates = int(ended), int(terminated), int(updates)
