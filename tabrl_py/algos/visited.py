"""States that a run's rows have been in, from which some of their episodes begin.

Beginning where the robot already got to lets it practise what comes late in an episode as often as what comes
first. Peng et al. (arXiv:1804.02717, section 6.2) begin in states of a reference motion; here there is none,
and the run's own states stand in for it, as in restart distributions (arXiv:1811.11298).
"""

from collections.abc import Mapping

import numpy as np

from tabrl_py.sim.batch import BatchSim
from tabrl_py.types import F64, Float

CAPACITY = 8
"""States kept of each row."""


class Visited:
    """A few states of each row, refreshed by its own later ones.

    A state is kept only when its episode still goes on an update later: beginning in a fall teaches little.
    """

    def __init__(self, sim: BatchSim) -> None:
        """Nothing has been visited yet."""
        self._sim = sim
        n, size = sim.n_envs, sim.nq + sim.nv
        self._kept: F64 = np.zeros((n, CAPACITY, size))
        self._count: F64 = np.zeros(n)
        self._latest: F64 = np.zeros((n, size))
        self._latest_episode: F64 = np.full(n, -1.0)

    def note(self, row: int, episode: int, rng: np.random.Generator) -> None:
        """Keep the row's latest state if its episode still goes on; once full, in place of one at random."""
        if self._latest_episode[row] != episode:
            return
        count = int(self._count[row])
        slot = count if count < CAPACITY else int(rng.integers(CAPACITY))
        self._kept[row, slot] = self._latest[row]
        self._count[row] = min(count + 1, CAPACITY)

    def look(self, episodes: F64) -> None:
        """Take the present state of every row, each in the episode of that number, for the next note()."""
        sim = self._sim
        self._latest[...] = sim.states()[:, 2 : 2 + sim.nq + sim.nv]
        self._latest_episode[...] = episodes

    def draw(self, row: int, first: F64, rng: np.random.Generator) -> None:
        """Put one of the row's states into a first state, in the place where that one begins."""
        count = int(self._count[row])
        if not count:
            return
        sim = self._sim
        place = first[:2].copy()
        first[: sim.nq + sim.nv] = self._kept[row, int(rng.integers(count))]
        if sim.nq == sim.nv + 1:  # a free joint: without this, runs would wander ever further from the start
            first[:2] = place

    def state(self) -> dict[str, Float]:
        """What a checkpoint keeps: arrays whose first axis is N, not copied."""
        return {
            "visited": self._kept,
            "visited_count": self._count,
            "visited_latest": self._latest,
            "visited_episode": self._latest_episode,
        }

    def load_state(self, state: Mapping[str, Float]) -> None:
        """Put back what state() gave."""
        for name, array in self.state().items():
            array[...] = state[name]
