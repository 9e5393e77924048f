"""A deterministic policy, or random actions, on fixed seeds: one episode each."""

from collections.abc import Sequence

import numpy as np

from tabrl_py.policy.file import Policy
from tabrl_py.protocol import Evaluation
from tabrl_py.rewards.library import compute_reward
from tabrl_py.rng import Purpose, stream
from tabrl_py.sim.batch import BatchSim
from tabrl_py.sim.seeded import SeededEpisodes
from tabrl_py.tasks.spec import TaskSpec
from tabrl_py.types import F32, F64, I64, Bool, Float


class RandomActions:
    """Uniform actions in the task's bounds, from a stream of each seed's own: the baseline of every chart."""

    def __init__(self, task: TaskSpec, seeds: Sequence[int]) -> None:
        """One row per seed."""
        self.low = np.array(task.action_low, np.float32)
        self.high = np.array(task.action_high, np.float32)
        self.streams = [stream(seed, Purpose.BASELINE) for seed in seeds]

    def restart(self, row: int, seed: int) -> None:
        """Give a row the stream of another seed, as its episode begins."""
        self.streams[row] = stream(seed, Purpose.BASELINE)

    def act(self, obs: Float) -> F32:
        """(N, A) actions, whatever is observed."""
        draws = np.stack([rng.random(self.low.size, np.float32) for rng in self.streams])
        actions: F32 = self.low + draws * (self.high - self.low)
        return actions


class Evaluator:
    """Runs one episode per seed; call advance until it returns the evaluation.

    Row k of the simulation runs seeds[k], then seeds[k + N], and so on; an episode's first state, commands
    and pushes depend on its seed alone.
    """

    def __init__(self, policy: Policy | None, task: TaskSpec, sim: BatchSim, seeds: Sequence[int]) -> None:
        """Start every row. None evaluates random actions.

        Raises:
            ConfigError: no seeds, or fewer than the simulation has rows.
        """
        self._episodes = SeededEpisodes(task, sim, seeds)
        self.task, self.sim, self.seeds = task, sim, list(seeds)
        self.actor = policy if policy is not None else RandomActions(task, seeds[: sim.n_envs])
        n, rows = len(seeds), sim.n_envs
        self.returns: F64 = np.zeros(n)
        self.lengths: I64 = np.zeros(n, np.int64)
        self.fell: Bool = np.zeros(n, np.bool_)
        self.distances: F64 = np.zeros(n)
        self._starts: F64 = np.zeros(rows)
        place = task.signal_slices().get(task.forward_axis)
        self._forward = None if place is None else place.start
        self._holding: I64 = np.zeros(rows, np.int64)
        self.succeeded: Bool = np.zeros(n, np.bool_)

    @property
    def fraction(self) -> float:
        """Share of the episodes that ended."""
        return self._episodes.fraction

    def advance(self) -> Evaluation | None:
        """One vector step; the evaluation when every episode has ended."""
        sim, episodes = self.sim, self._episodes
        active, current = episodes.active, episodes.current
        episodes.before_step()
        actions = self.actor.act(sim.obs)
        sim.step(actions)
        reward, _ = compute_reward(sim, actions)
        if self._forward is not None:
            fresh = active & (self.lengths[episodes.episode] == 0)
            self._starts[fresh] = sim.prev_signals[fresh, self._forward]
            self.distances[current] = (sim.signals[:, self._forward] - self._starts)[active]
        self.returns[current] += reward[active]
        self.lengths[current] += 1
        self.fell[current] = sim.terminated[active]
        self._look_for_success(current)
        for row in episodes.after_step():
            if isinstance(self.actor, RandomActions):
                self.actor.restart(row, self.seeds[int(episodes.episode[row])])
        return None if active.any() else self._result()

    def _look_for_success(self, current: I64) -> None:
        """Count for how long each row has been as the task's success asks for; `current` are its episodes."""
        success = self.task.success
        if success is None:
            return
        place = self.task.signal_slices()[success.signal].start
        self._holding = np.where(self.sim.signals[:, place] > success.above, self._holding + 1, 0)
        self.succeeded[current] = self._holding[self._episodes.active] >= success.last_steps
        self._holding[self.sim.terminated | self.sim.truncated] = 0

    def _result(self) -> Evaluation:
        returns = [float(x) for x in self.returns]
        return Evaluation(
            seeds=self.seeds,
            returns=returns,
            lengths=[int(x) for x in self.lengths],
            terminated=[bool(x) for x in self.fell],
            distances=[] if self._forward is None else [float(x) for x in self.distances],
            return_mean=float(np.mean(returns)),
            return_std=float(np.std(returns)),
            succeeded=[] if self.task.success is None else [bool(x) for x in self.succeeded],
        )
