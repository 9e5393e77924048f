"""What differs from episode to episode: first states, and all that is drawn while an episode runs."""

from collections.abc import Mapping

import numpy as np

from tabrl_py.config import Recipe
from tabrl_py.rng import Purpose, stream
from tabrl_py.sim.batch import BatchSim
from tabrl_py.tasks.reset import sample_reset
from tabrl_py.tasks.spec import TaskSpec
from tabrl_py.types import F64, Float


class Variation:
    """Draws the episodes of a simulation's rows, for training.

    The simulation may hold a part of the run's rows: those from `first_row` on. Every draw is keyed by the
    run's row and the episode, so it does not depend on how the rows are spread over workers.

    Call start() once, then for each vector step before_step(t) before the observation is read, and
    after_step() when the step's observations, rewards and ends have been read.

    Attributes:
        level: how hard the task's curriculum makes it, 0 to 1; None where the task has none.
    """

    def __init__(self, task: TaskSpec, recipe: Recipe, sim: BatchSim, first_row: int = 0) -> None:
        """Nothing is drawn yet.

        Args:
            task: what is simulated.
            recipe: its seed, and what it asks to vary.
            sim: the rows first_row to first_row + N of the run.
            first_row: the run's number of the simulation's row 0.
        """
        self._task, self._recipe, self._sim, self._first_row = task, recipe, sim, first_row
        self._episodes: F64 = np.zeros(sim.n_envs)
        self.level: float | None = None

    def start(self) -> None:
        """Begin the first episode of every row, and put the second's first state in wait."""
        for row in range(self._sim.n_envs):
            self._refill(row)
        self._sim.reset()
        for row in range(self._sim.n_envs):
            self._refill(row)

    def begin_rollout(self, update: int) -> None:
        """Before the first step of a rollout, and again when a checkpoint is resumed.

        Args:
            update: updates finished in the run.
        """

    def before_step(self, t: int) -> None:
        """Before step t of the rollout, and before its observation is read from the simulation."""

    def after_step(self) -> None:
        """After a step whose results have been read: rows that ended get their next first state."""
        for row in np.flatnonzero(self._sim.terminated | self._sim.truncated).tolist():
            self._refill(row)

    def after_update(self, ended: int, terminated: int, terms: Mapping[str, float]) -> None:
        """Adapt to what the episodes came to, the same on every worker; before the checkpoint is taken.

        Args:
            ended: episodes of the whole run that ended since the last call.
            terminated: how many of them the task ended, rather than time.
            terms: mean per control step of each weighted term of the reward, over the whole run.
        """

    def _refill(self, row: int) -> None:
        """Put the first state of the row's next episode where the simulation will take it."""
        self._sim.next_init[row] = self._first_state(self._first_row + row, int(self._episodes[row]))
        self._episodes[row] += 1

    def _first_state(self, row: int, episode: int) -> F64:
        """The first state of an episode of one of the run's rows."""
        rng = stream(self._recipe.seed, Purpose.RESET, row, episode)
        return sample_reset(self._task, self._sim.qpos0, self._sim.nv, rng)

    def row_state(self) -> dict[str, Float]:
        """What a checkpoint keeps of each row: arrays whose first axis is N, not copied."""
        return {"episodes_started": self._episodes}

    def run_state(self) -> dict[str, Float]:
        """What a checkpoint keeps beside the rows, the same on every worker."""
        return {}

    def load_state(self, rows: Mapping[str, Float], run: Mapping[str, Float]) -> None:
        """Put back what row_state() and run_state() gave.

        Raises:
            KeyError: one of them is missing.
            ValueError: they are those of another number of rows.
        """
        self._episodes[...] = rows["episodes_started"]
