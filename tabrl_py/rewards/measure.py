"""Fitness of a policy: episodes from fixed seeds, scored by the fitness and by nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from tabrl_py.errors import ConfigError
from tabrl_py.rewards.compiled import compile_source
from tabrl_py.rewards.fitness import fitness_source
from tabrl_py.rewards.state import State
from tabrl_py.rng import Purpose, stream
from tabrl_py.sim.batch import BatchSim
from tabrl_py.sim.events import Episodes, Events
from tabrl_py.tasks.reset import sample_reset
from tabrl_py.tasks.spec import TaskSpec
from tabrl_py.types import F32, F64, I64, Bool, Float


class Acting(Protocol):
    """A policy, or whatever else chooses actions."""

    def act(self, obs: Float) -> F32:
        """(N, A) actions, within the task's bounds, for (N, O) observations."""
        ...


@dataclass(frozen=True)
class FitnessReport:
    """What a policy is worth.

    Attributes:
        fitness: mean of per_seed.
        per_seed: each episode's sum of scores over the task's time limit.
        metrics: mean of each metric per control step, over all episodes.
        lengths: control steps of each episode.
        falls: whether each episode was terminated by the task.
    """

    fitness: float
    per_seed: list[float]
    metrics: dict[str, float]
    lengths: list[int]
    falls: list[bool]


class Measurement:
    """Episodes that are being scored; call advance until it returns the report.

    Row k runs seeds[k], then seeds[k + N], and so on; an episode depends on its seed alone.
    """

    def __init__(
        self, policy: Acting, task: TaskSpec, fitness: str, sim: BatchSim, seeds: Sequence[int]
    ) -> None:
        """Start every row.

        Args:
            policy: what acts.
            task: what it is to do.
            fitness: a name of FITNESS or code; "" for the task's own.
            sim: of tasks.with_signals(task), with at most as many rows as there are seeds.
            seeds: of the episodes.

        Raises:
            RewardError: the fitness code is not sound.
            ConfigError: the fitness is unknown, or seeds and simulation do not fit.
        """
        self._score = compile_source(fitness_source(fitness, task), task, "fitness")
        if not 1 <= sim.n_envs <= len(seeds):
            raise ConfigError(f"{len(seeds)} seeds for {sim.n_envs} environments; give each one or more")
        self._policy, self._task, self._sim, self._seeds = policy, task, sim, [int(seed) for seed in seeds]
        self._slices = sim.task.signal_slices()
        n, rows = len(seeds), sim.n_envs
        self._sums: F64 = np.zeros(n)
        self._lengths: I64 = np.zeros(n, np.int64)
        self._falls: Bool = np.zeros(n, np.bool_)
        self._metrics: dict[str, F64] = {}
        self._episode: I64 = np.arange(rows)
        self._active: Bool = np.ones(rows, np.bool_)
        self._events = Events(task, sim)
        for row in range(rows):
            self._await(row, row)
        sim.reset()
        for row in range(rows):
            self._await(row, row + rows)

    def _await(self, row: int, episode: int) -> None:
        """Put an episode's first state where the row will take it at its next reset."""
        if episode < len(self._seeds):
            rng = stream(self._seeds[episode], Purpose.EVALUATION)
            self._sim.next_init[row] = sample_reset(self._task, self._sim.qpos0, self._sim.nv, rng)

    @property
    def fraction(self) -> float:
        """Share of the episodes that ended."""
        rows = self._sim.n_envs
        return (int((self._episode // rows).sum()) + int((~self._active).sum())) / len(self._seeds)

    def advance(self) -> FitnessReport | None:
        """One vector step; the report when every episode has ended."""
        sim, active = self._sim, self._active
        if self._events.any:
            nowhere: I64 = np.zeros(sim.n_envs, np.int64)
            seeds: I64 = np.array(self._seeds, np.int64)[self._episode]
            self._events.before_step(Episodes(seeds, nowhere, nowhere))
        actions = self._policy.act(sim.obs)
        sim.step(actions)
        state = State(
            self._slices,
            sim.signals,
            sim.prev_signals,
            np.asarray(actions, dtype=np.float64),
            sim.dt,
            sim.terminated,
        )
        score, metrics = self._score(state)
        current = self._episode[active]
        self._sums[current] += np.where(np.isfinite(score), score, 0.0)[active]
        self._lengths[current] += 1
        self._falls[current] = sim.terminated[active]
        for name, values in metrics.items():
            kept = self._metrics.setdefault(name, np.zeros(len(self._seeds)))
            kept[current] += np.where(np.isfinite(values), values, 0.0)[active]
        for row in np.flatnonzero(active & (sim.terminated | sim.truncated)).tolist():
            self._next_episode(row)
        return None if active.any() else self._report()

    def _next_episode(self, row: int) -> None:
        following = int(self._episode[row]) + self._sim.n_envs
        if following >= len(self._seeds):
            self._active[row] = False
            return
        self._episode[row] = following
        self._await(row, following + self._sim.n_envs)

    def _report(self) -> FitnessReport:
        per_seed = self._sums / self._task.time_limit
        steps = float(self._lengths.sum())
        return FitnessReport(
            fitness=float(per_seed.mean()),
            per_seed=per_seed.tolist(),
            metrics={name: float(values.sum()) / steps for name, values in self._metrics.items()},
            lengths=self._lengths.tolist(),
            falls=self._falls.tolist(),
        )


def measure_fitness(
    policy: Acting, task: TaskSpec, fitness: str, sim: BatchSim, seeds: Sequence[int]
) -> FitnessReport:
    """Run one episode for each seed and score it; see Measurement for arguments and errors."""
    measurement = Measurement(policy, task, fitness, sim, seeds)
    while True:
        report = measurement.advance()
        if report is not None:
            return report
