"""Episodes from given seeds on the rows of a simulation, for evaluations and measurements of fitness."""

from collections.abc import Sequence

import numpy as np

from tabrl_py.errors import ConfigError
from tabrl_py.rng import Purpose, stream
from tabrl_py.sim.batch import BatchSim
from tabrl_py.sim.events import Episodes, Events
from tabrl_py.tasks.reset import sample_reset
from tabrl_py.tasks.spec import TaskSpec
from tabrl_py.types import F64, I64, Bool


def evaluation_start(task: TaskSpec, sim: BatchSim, seed: int) -> F64:
    """The first state, (nq + nv,), of the episode that evaluation seed `seed` names."""
    return sample_reset(task, sim.qpos0, sim.nv, stream(seed, Purpose.EVALUATION))


class SeededEpisodes:
    """Row k of the simulation runs seeds[k], then seeds[k + N], and so on.

    An episode's first state, commands and pushes depend on its seed alone.

    Attributes:
        episode: (N,), of the seeds, that each row runs, or ran last.
        active: (N,), whether the row runs one.
    """

    def __init__(self, task: TaskSpec, sim: BatchSim, seeds: Sequence[int]) -> None:
        """Start every row.

        Raises:
            ConfigError: no seeds, or fewer than the simulation has rows.
        """
        if not 1 <= sim.n_envs <= len(seeds):
            raise ConfigError(f"{len(seeds)} seeds for {sim.n_envs} environments; give each one or more")
        self._task, self._sim = task, sim
        self._seeds: I64 = np.array([int(seed) for seed in seeds], np.int64)
        rows = sim.n_envs
        self.episode: I64 = np.arange(rows)
        self.active: Bool = np.ones(rows, np.bool_)
        self._events = Events(task, sim)
        self._nowhere: I64 = np.zeros(rows, np.int64)
        for row in range(rows):
            self._await(row, row)
        sim.reset()
        for row in range(rows):
            self._await(row, row + rows)

    def _await(self, row: int, episode: int) -> None:
        """Put an episode's first state where the row will take it at its next reset."""
        if episode < len(self._seeds):
            self._sim.next_init[row] = evaluation_start(self._task, self._sim, int(self._seeds[episode]))

    @property
    def fraction(self) -> float:
        """Share of the episodes that ended."""
        ended = int((self.episode // self._sim.n_envs).sum()) + int((~self.active).sum())
        return ended / len(self._seeds)

    @property
    def current(self) -> I64:
        """Episodes of the active rows, in the order of the rows."""
        running: I64 = self.episode[self.active]
        return running

    def before_step(self) -> None:
        """Commands and pushes that are due."""
        if self._events.any:
            self._events.before_step(Episodes(self._seeds[self.episode], self._nowhere, self._nowhere))

    def after_step(self) -> list[int]:
        """Give rows whose episode ended their next one; the rows that have begun another."""
        sim, begun = self._sim, []
        for row in np.flatnonzero(self.active & (sim.terminated | sim.truncated)).tolist():
            following = int(self.episode[row]) + sim.n_envs
            if following >= len(self._seeds):
                self.active[row] = False
                continue
            self.episode[row] = following
            self._await(row, following + sim.n_envs)
            begun.append(row)
        return begun
