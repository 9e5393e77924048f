"""What differs from episode to episode: first states, and all that is drawn while an episode runs."""

from collections.abc import Mapping

import numpy as np

from tabrl_py.algos.curriculum import Level
from tabrl_py.algos.visited import Visited
from tabrl_py.config import Recipe
from tabrl_py.rng import Purpose, stream
from tabrl_py.sim.batch import BatchSim
from tabrl_py.sim.events import Episodes, Events
from tabrl_py.tasks.reset import sample_reset
from tabrl_py.tasks.spec import TaskSpec
from tabrl_py.types import F32, F64, Float, Rows

GOLDEN = 0.6180339887498949
"""Multiples of the golden ratio spread evenly over a circle, however many there are."""
NOISE_STEPS = 32
"""The noise of a row's sensors is drawn for so many control steps at once."""


class Variation:
    """Draws the episodes of a simulation's rows, for training.

    The simulation may hold a part of the run's rows: those from `first_row` on. Every draw is keyed by the
    run's row and the episode or update, so it does not depend on how the rows are spread over workers.

    Call start() once, then for each vector step before_step(t) before the observation is read, and
    after_step() when the step's observations, rewards and ends have been read.
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
        self._events = Events(task, sim, recipe.randomize)
        self._curriculum = None if task.curriculum is None else Level(task.curriculum)
        self._visited = Visited(sim) if recipe.revisit > 0.0 else None
        self._noise = _SensorNoise.of(task, recipe, sim, first_row)
        self._seeds = np.full(sim.n_envs, recipe.seed, np.int64)
        self._rows = np.arange(first_row, first_row + sim.n_envs, dtype=np.int64)
        self._update = 0

    @property
    def level(self) -> float | None:
        """How hard the task's curriculum makes it, 0 to 1; None where the task has none."""
        return None if self._curriculum is None else self._curriculum.level

    @property
    def quiet(self) -> bool:
        """Whether nothing is ever drawn between two steps of an episode."""
        return not self._events.any and self._noise is None

    def start(self) -> None:
        """Begin the first episode of every row, and put the second's first state in wait."""
        for row in range(self._sim.n_envs):
            self._refill(row)
        self._sim.reset()
        if self._task.reset.staggered:
            self._sim.steps[...] = np.floor(self._rows * GOLDEN % 1.0 * self._task.time_limit)
        for row in range(self._sim.n_envs):
            self._refill(row)

    def begin_rollout(self, update: int) -> None:
        """Before the first step of a rollout, and again when a checkpoint is resumed.

        Args:
            update: updates finished in the run.
        """
        self._update = update

    def before_step(self, t: int) -> None:
        """Before step t of the rollout, and before its observation is read from the simulation."""
        if self._events.any:
            running = self._episodes.astype(np.int64) - 2
            self._events.before_step(Episodes(self._seeds, self._rows, running), self._level)
        if self._noise is not None:
            self._noise.add(self._update, t)

    def after_step(self, done: Rows | None = None) -> None:
        """After a step whose results have been read: rows that ended get their next first state.

        Args:
            done: the rows that ended, where that is already known.
        """
        ended = np.flatnonzero(self._sim.terminated | self._sim.truncated) if done is None else done
        for row in ended:
            self._refill(int(row))

    def after_update(self, ended: int, terminated: int, terms: Mapping[str, float]) -> None:
        """Adapt to what the episodes came to, the same on every worker; before the checkpoint is taken.

        Args:
            ended: episodes of the whole run that ended since the last call.
            terminated: how many of them the task ended, rather than time.
            terms: mean per control step of each weighted term of the reward, over the whole run.
        """
        if self._curriculum is not None:
            self._curriculum.after_update(ended, terminated, terms)
        if self._visited is not None:
            for row in range(self._sim.n_envs):
                rng = stream(self._recipe.seed, Purpose.REVISIT, self._first_row + row, 2 * self._update + 1)
                self._visited.note(row, int(self._episodes[row]), rng)
            self._visited.look(self._episodes)

    @property
    def _level(self) -> float:
        return 1.0 if self._curriculum is None else self._curriculum.level

    def _refill(self, row: int) -> None:
        """Put the first state of the row's next episode where the simulation will take it."""
        self._sim.next_init[row] = self._first_state(row, int(self._episodes[row]))
        self._episodes[row] += 1

    def _first_state(self, row: int, episode: int) -> F64:
        """The first state of an episode of one of the simulation's rows."""
        recipe, sim, numbered = self._recipe, self._sim, self._first_row + row
        rng = stream(recipe.seed, Purpose.RESET, numbered, episode)
        first = sample_reset(self._task, sim.qpos0, sim.nv, rng, self._level, recipe.randomize)
        if self._visited is not None:
            again = stream(recipe.seed, Purpose.REVISIT, numbered, 2 * episode)
            if again.random() < recipe.revisit:
                self._visited.draw(row, first, again)
        return first

    def row_state(self) -> dict[str, Float]:
        """What a checkpoint keeps of each row: arrays whose first axis is N, not copied."""
        visited = {} if self._visited is None else self._visited.state()
        return {"episodes_started": self._episodes, **visited}

    def run_state(self) -> dict[str, Float]:
        """What a checkpoint keeps beside the rows, the same on every worker."""
        return {} if self._curriculum is None else {"curriculum": self._curriculum.state()}

    def load_state(self, rows: Mapping[str, Float], run: Mapping[str, Float]) -> None:
        """Put back what row_state() and run_state() gave.

        Raises:
            KeyError: one of them is missing.
            ValueError: they are those of another number of rows.
        """
        self._episodes[...] = rows["episodes_started"]
        if self._visited is not None:
            self._visited.load_state(rows)
        if self._curriculum is not None:
            self._curriculum.load_state(run["curriculum"].astype(np.float64))


class _SensorNoise:
    """Noise on what the policy sees, in place; how strong it is differs from row to row and time to time."""

    def __init__(
        self, sim: BatchSim, spread: F32, strength: tuple[float, float], seed: int, row: int
    ) -> None:
        self._sim, self._spread, self._strength = sim, spread, strength
        self._seed, self._first_row = seed, row
        self._drawn: F32 = np.zeros((NOISE_STEPS, sim.n_envs, spread.size), np.float32)

    @classmethod
    def of(cls, task: TaskSpec, recipe: Recipe, sim: BatchSim, first_row: int) -> "_SensorNoise | None":
        """The noise of a run; None where it has none."""
        found = [entry for entry in task.randomization if entry.name == "noise"]
        if not found or not (recipe.randomize or found[0].always):
            return None
        spread = np.repeat([f.noise for f in task.observation], [f.size for f in task.observation])
        strength = (found[0].low, found[0].high)
        return cls(sim, spread.astype(np.float32), strength, recipe.seed, first_row)

    def add(self, update: int, t: int) -> None:
        """Add the noise of step t of a rollout to the simulation's observations."""
        if t % NOISE_STEPS == 0:
            for row in range(self._sim.n_envs):
                at = (update << 16) | (t // NOISE_STEPS)
                rng = stream(self._seed, Purpose.SENSOR, self._first_row + row, at)
                strength = np.float32(rng.uniform(*self._strength))
                drawn = rng.standard_normal((NOISE_STEPS, self._spread.size), np.float32)
                self._drawn[:, row] = strength * self._spread * drawn
        self._sim.obs += self._drawn[t % NOISE_STEPS]
