"""Fitness of a policy: episodes from fixed seeds, scored by the fitness and by nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from tabrl_py.rewards.compiled import compile_source
from tabrl_py.rewards.fitness import fitness_source
from tabrl_py.rewards.state import State
from tabrl_py.sim.batch import BatchSim
from tabrl_py.sim.seeded import SeededEpisodes
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
        self._episodes = SeededEpisodes(task, sim, seeds)
        self._policy, self._task, self._sim = policy, task, sim
        self._slices = sim.task.signal_slices()
        n = self._n = len(seeds)
        self._sums: F64 = np.zeros(n)
        self._lengths: I64 = np.zeros(n, np.int64)
        self._falls: Bool = np.zeros(n, np.bool_)
        self._metrics: dict[str, F64] = {}

    @property
    def fraction(self) -> float:
        """Share of the episodes that ended."""
        return self._episodes.fraction

    def advance(self) -> FitnessReport | None:
        """One vector step; the report when every episode has ended."""
        sim, episodes = self._sim, self._episodes
        active, current = episodes.active, episodes.current
        episodes.before_step()
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
        self._sums[current] += np.where(np.isfinite(score), score, 0.0)[active]
        self._lengths[current] += 1
        self._falls[current] = sim.terminated[active]
        for name, values in metrics.items():
            kept = self._metrics.setdefault(name, np.zeros(self._n))
            kept[current] += np.where(np.isfinite(values), values, 0.0)[active]
        episodes.after_step()
        return None if active.any() else self._report()

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
