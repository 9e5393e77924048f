"""A deterministic policy, or random actions, on fixed seeds: one episode each."""

from collections.abc import Sequence

import numpy as np

from tabrl_py.errors import ConfigError
from tabrl_py.policy.file import Policy
from tabrl_py.protocol import Evaluation
from tabrl_py.rewards.library import compute_reward
from tabrl_py.rng import Purpose, stream
from tabrl_py.sim.batch import BatchSim
from tabrl_py.sim.events import Episodes, Events
from tabrl_py.tasks.reset import sample_reset
from tabrl_py.tasks.spec import TaskSpec
from tabrl_py.types import F32, F64, I64, Bool, Float


def evaluation_start(task: TaskSpec, sim: BatchSim, seed: int) -> F64:
    """The first state, (nq + nv,), of the episode that evaluation seed `seed` names."""
    return sample_reset(task, sim.qpos0, sim.nv, stream(seed, Purpose.EVALUATION))


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
        if not 1 <= sim.n_envs <= len(seeds):
            raise ConfigError(f"{len(seeds)} seeds for {sim.n_envs} environments; give each one or more")
        self.task, self.sim, self.seeds = task, sim, list(seeds)
        self.actor = policy if policy is not None else RandomActions(task, seeds[: sim.n_envs])
        n, rows = len(seeds), sim.n_envs
        self.returns: F64 = np.zeros(n)
        self.lengths: I64 = np.zeros(n, np.int64)
        self.fell: Bool = np.zeros(n, np.bool_)
        self.distances: F64 = np.zeros(n)
        self._episode: I64 = np.arange(rows)
        self._active: Bool = np.ones(rows, np.bool_)
        self._starts: F64 = np.zeros(rows)
        place = task.signal_slices().get(task.forward_axis)
        self._forward = None if place is None else place.start
        self._events = Events(task, sim)
        self._seed_of: I64 = np.array(self.seeds, np.int64)
        self._nowhere: I64 = np.zeros(rows, np.int64)
        self._holding: I64 = np.zeros(rows, np.int64)
        self.succeeded: Bool = np.zeros(n, np.bool_)
        for row in range(rows):
            self._await(row, row)
        sim.reset()
        for row in range(rows):
            self._await(row, row + rows)

    def _await(self, row: int, episode: int) -> None:
        """Put an episode's first state where the row will take it at its next reset."""
        if episode < len(self.seeds):
            self.sim.next_init[row] = evaluation_start(self.task, self.sim, self.seeds[episode])

    @property
    def fraction(self) -> float:
        """Share of the episodes that ended."""
        rows = self.sim.n_envs
        return (int((self._episode // rows).sum()) + int((~self._active).sum())) / len(self.seeds)

    def advance(self) -> Evaluation | None:
        """One vector step; the evaluation when every episode has ended."""
        sim, active = self.sim, self._active
        if self._events.any:
            episodes = Episodes(self._seed_of[self._episode], self._nowhere, self._nowhere)
            self._events.before_step(episodes)
        actions = self.actor.act(sim.obs)
        sim.step(actions)
        reward, _ = compute_reward(sim, actions)
        current = self._episode[active]
        if self._forward is not None:
            fresh = active & (self.lengths[self._episode] == 0)
            self._starts[fresh] = sim.prev_signals[fresh, self._forward]
            self.distances[current] = (sim.signals[:, self._forward] - self._starts)[active]
        self.returns[current] += reward[active]
        self.lengths[current] += 1
        self.fell[current] = sim.terminated[active]
        self._look_for_success(current)
        for row in np.flatnonzero(active & (sim.terminated | sim.truncated)):
            self._next_episode(int(row))
        return None if active.any() else self._result()

    def _look_for_success(self, current: I64) -> None:
        """Count for how long each row has been as the task's success asks for; `current` are its episodes."""
        success = self.task.success
        if success is None:
            return
        place = self.task.signal_slices()[success.signal].start
        self._holding = np.where(self.sim.signals[:, place] > success.above, self._holding + 1, 0)
        self.succeeded[current] = self._holding[self._active] >= success.last_steps
        self._holding[self.sim.terminated | self.sim.truncated] = 0

    def _next_episode(self, row: int) -> None:
        following = int(self._episode[row]) + self.sim.n_envs
        if following >= len(self.seeds):
            self._active[row] = False
            return
        self._episode[row] = following
        if isinstance(self.actor, RandomActions):
            self.actor.restart(row, self.seeds[following])
        self._await(row, following + self.sim.n_envs)

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
