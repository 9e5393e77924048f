"""A deterministic policy, or random actions, on fixed seeds: one episode each."""

from collections.abc import Sequence

import numpy as np

from tabrl_py.policy.file import Policy
from tabrl_py.protocol import Evaluation
from tabrl_py.rewards.library import compute_reward
from tabrl_py.rng import Purpose, stream
from tabrl_py.sim.batch import BatchSim
from tabrl_py.tasks.reset import sample_reset
from tabrl_py.tasks.spec import TaskSpec
from tabrl_py.types import F32, F64, Bool


class RandomActions:
    """Uniform actions in the task's bounds, from a stream of each seed's own: the baseline of every chart."""

    def __init__(self, task: TaskSpec, seeds: Sequence[int]) -> None:
        """One row per seed."""
        self.low = np.array(task.action_low, np.float32)
        self.high = np.array(task.action_high, np.float32)
        self.streams = [stream(seed, Purpose.BASELINE) for seed in seeds]

    def act(self, obs: F32) -> F32:
        """(N, A) actions, whatever is observed."""
        draws = np.stack([rng.random(self.low.size, np.float32) for rng in self.streams])
        actions: F32 = self.low + draws * (self.high - self.low)
        return actions


class Evaluator:
    """Runs one episode per seed; call advance until it returns the evaluation.

    Attributes:
        fraction: share of the episodes that ended.
    """

    def __init__(self, policy: Policy | None, task: TaskSpec, sim: BatchSim, seeds: Sequence[int]) -> None:
        """Start every row; sim must have one environment per seed. None evaluates random actions."""
        if sim.n_envs != len(seeds):
            raise ValueError(f"{sim.n_envs} environments for {len(seeds)} seeds")
        self.actor = policy if policy is not None else RandomActions(task, seeds)
        self.task, self.sim, self.seeds = task, sim, list(seeds)
        for row, seed in enumerate(seeds):
            sim.next_init[row] = sample_reset(task, sim.qpos0, sim.nv, stream(seed, Purpose.EVALUATION))
        sim.reset()
        n = len(seeds)
        self.returns: F64 = np.zeros(n)
        self.lengths = np.zeros(n, np.int64)
        self.fell: Bool = np.zeros(n, np.bool_)
        self.active: Bool = np.ones(n, np.bool_)
        self.distances: F64 = np.zeros(n)
        self._starts: F64 | None = None
        place = task.signal_slices().get(task.forward_axis)
        self._forward = None if place is None else place.start

    @property
    def fraction(self) -> float:
        """Share of the episodes that ended."""
        return 1.0 - float(self.active.mean())

    def advance(self) -> Evaluation | None:
        """One vector step; the evaluation when every episode has ended."""
        sim, active = self.sim, self.active
        actions = self.actor.act(sim.obs)
        sim.step(actions)
        reward, _ = compute_reward(sim, actions)
        self.returns[active] += reward[active]
        self.lengths[active] += 1
        if self._forward is not None:
            if self._starts is None:
                self._starts = sim.prev_signals[:, self._forward].copy()
            self.distances[active] = (sim.signals[:, self._forward] - self._starts)[active]
        self.fell |= active & sim.terminated
        active &= ~(sim.terminated | sim.truncated)
        return None if active.any() else self._result()

    def _result(self) -> Evaluation:
        returns = [float(x) for x in self.returns]
        return Evaluation(
            self.seeds,
            returns,
            [int(x) for x in self.lengths],
            [bool(x) for x in self.fell],
            [] if self._forward is None else [float(x) for x in self.distances],
            float(np.mean(returns)),
            float(np.std(returns)),
        )
