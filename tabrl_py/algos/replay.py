"""What an off-policy algorithm remembers: the latest transitions, overwritten in turn."""

import numpy as np

from tabrl_py.errors import ConfigError
from tabrl_py.nn.sac_loss import Transitions
from tabrl_py.types import F32, I64, Bool, Float

LARGEST_BYTES = 512 * 1024 * 1024
"""A tab has 4 GB of memory in all, and a checkpoint copies the buffer."""


class ReplayBuffer:
    """A ring of transitions in one array, a row each: [obs | next_obs | action | reward | terminated].

    A checkpoint is the state of an earlier moment, mark(). Copying the whole ring at each such moment would
    cost more than learning, so rows that are overwritten after it are kept aside instead, and state() puts
    them back.

    Attributes:
        capacity: how many transitions fit.
        count: how many there are.
        added: how many were ever added; the next one lies at added % capacity.
    """

    def __init__(self, capacity: int, obs_size: int, action_size: int) -> None:
        """Allocate an empty buffer.

        Raises:
            ConfigError: it would not fit in memory.
        """
        width = 2 * obs_size + action_size + 2
        size = 4 * width * capacity
        if size > LARGEST_BYTES:
            raise ConfigError(
                f"algo.buffer_size={capacity} transitions of {width} numbers take {size / 2**20:.0f} MB; "
                f"the most is {LARGEST_BYTES // 2**20} MB: lower it to {LARGEST_BYTES // (4 * width)}"
            )
        self.capacity = capacity
        self.added = 0
        self._rows: F32 = np.zeros((capacity, width), np.float32)
        self._parts = (obs_size, 2 * obs_size, 2 * obs_size + action_size)
        self._marked = 0
        self._kept: list[F32] = []

    @property
    def count(self) -> int:
        """How many transitions there are."""
        return min(self.added, self.capacity)

    def add(self, obs: Float, actions: Float, rewards: Float, next_obs: Float, terminated: Bool) -> None:
        """Take in N transitions, (N, ...) each; see Transitions. N is at most the capacity."""
        n = len(obs)
        places = (self.added + np.arange(n)) % self.capacity
        if self.added + n > self.capacity:
            # Only a row that was there at the mark, and is overwritten for the first time since.
            first = self.added + np.arange(n) - self.capacity
            old = (first >= 0) & (first < self._marked) & (first >= self._marked - self.capacity)
            self._kept.append(self._rows[places[old]])
        a, b, c = self._parts
        self._rows[places, :a] = obs
        self._rows[places, a:b] = next_obs
        self._rows[places, b:c] = actions
        self._rows[places, c] = rewards
        self._rows[places, c + 1] = terminated
        self.added += n

    def at(self, places: I64) -> Transitions:
        """The transitions at these places, each in [0, count), in arrays of their own."""
        rows = self._rows[places]
        a, b, c = self._parts
        return Transitions(
            obs=np.ascontiguousarray(rows[:, :a]),
            next_obs=np.ascontiguousarray(rows[:, a:b]),
            actions=np.ascontiguousarray(rows[:, b:c]),
            rewards=rows[:, c].copy(),
            terminated=rows[:, c + 1].copy(),
        )

    def mark(self) -> None:
        """Let state() give the buffer as it is now, until the next mark."""
        self._marked = self.added
        self._kept.clear()

    def state(self) -> dict[str, Float]:
        """The buffer as it was at the last mark(): its transitions, oldest first, and how many were added."""
        count = min(self._marked, self.capacity)
        oldest = self._marked - count
        rows = self._rows[(oldest + np.arange(count)) % self.capacity]
        if self._kept:
            kept = np.concatenate(self._kept)
            rows[: len(kept)] = kept
        return {"rows": rows, "added": np.array(float(self._marked))}

    def load_state(self, state: dict[str, Float]) -> None:
        """Put back what state() gave for the same capacity, and mark it.

        Raises:
            ValueError: it is of another shape, or has another number of rows than it says.
        """
        rows, added = state["rows"], int(state["added"])
        count = min(added, self.capacity)
        if rows.shape != (count, self._rows.shape[1]):
            raise ValueError(f"{rows.shape} transitions where {(count, self._rows.shape[1])} were due")
        self._rows[(added - count + np.arange(count)) % self.capacity] = rows
        self.added = added
        self.mark()
