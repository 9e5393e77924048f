"""The rollout of one member's rows: act, step, reward."""

import math

import numpy as np

from tabrl_py.algos.algorithm import Algorithm
from tabrl_py.algos.clock import Clock
from tabrl_py.algos.episodes import EpisodeStatistics
from tabrl_py.algos.rollout import Rollout
from tabrl_py.algos.strider import Strider
from tabrl_py.algos.variation import Variation
from tabrl_py.policy.bounds import ActionBounds
from tabrl_py.rewards.steps import UnrewardedSteps
from tabrl_py.rewards.sums import Terms
from tabrl_py.sim.batch import BatchSim
from tabrl_py.types import F32, F64, I64

LARGEST = 1e38
"""A larger reward is not a finite float32, or soon leads to one that is not."""


class Collector:
    """Fills a rollout, one vector step at a time, with what the algorithm does in the simulation.

    Rewards, and what follows from them, are computed for many steps at once: they are asked for seldom.

    Attributes:
        broken: rows whose reward or observation was not finite, in all, while the simulation itself was in
            order. Such a reward counts as 0; such an observation ends the episode.
    """

    def __init__(
        self,
        sim: BatchSim,
        rollout: Rollout,
        variation: Variation,
        statistics: EpisodeStatistics,
        clock: Clock,
    ) -> None:
        """Collect from `sim` into `rollout`."""
        task = sim.task
        self._sim, self._rollout, self._variation = sim, rollout, variation
        self._statistics, self._clock = statistics, clock
        self._bounds = ActionBounds(task.action_low, task.action_high)
        self._actions: F32 = np.zeros((sim.n_envs, task.action_size), np.float32)
        self._seen = sim.obs.reshape(-1)
        self._steps = UnrewardedSteps(sim, rollout.n_steps)
        self._ended: list[I64] = []
        self._strider = Strider.of(sim, rollout, variation, self._steps)
        self._striding = False
        self.broken = 0

    def begin_rollout(self, algorithm: Algorithm) -> None:
        """Before the first step of a rollout, when the algorithm knows of it."""
        acting = None if self._strider is None or algorithm.acts_on_rewards else algorithm.acting()
        self._striding = acting is not None
        if self._strider is not None and acting is not None:
            self._strider.begin(acting)

    def step(self, algorithm: Algorithm) -> int:
        """One control step of every row, or several where the simulation makes them by itself: how many."""
        before = self._rollout.steps
        if self._striding:
            self._stride()
        else:
            self._step(algorithm)
        if self._steps.full or self._rollout.full or algorithm.acts_on_rewards:
            self.catch_up()
        self._clock.lap("reward")
        return self._rollout.steps - before

    def _stride(self) -> None:
        """Some control steps of every row."""
        strider, clock = self._strider, self._clock
        assert strider is not None
        self._ended.extend(strider.step(self._mend_stride))
        clock.move("physics", "policy", strider.policy_s)

    def _mend_stride(self) -> None:
        """What follows the last physics of a stride at once."""
        self._clock.lap("physics")
        self._mend()

    def _mend(self) -> None:
        """End the episodes whose observation is not finite: their next ones begin at once."""
        # The sum of the squares is the quickest way to see that every number is finite: nearly always.
        if not math.isfinite(self._seen.dot(self._seen)):
            self._end_broken()

    def _step(self, algorithm: Algorithm) -> None:
        """One control step of every row."""
        sim, rollout, clock = self._sim, self._rollout, self._clock
        t = rollout.steps
        self._variation.before_step(t)
        obs, actions = rollout.obs[t], rollout.actions[t]
        obs[...] = sim.obs
        algorithm.act(t, obs, actions)
        self._bounds.to_task(actions, self._actions)
        clock.lap("policy")
        sim.step(self._actions)
        clock.lap("physics")
        self._mend()
        self._steps.put(sim, self._actions)
        rollout.terminated[t] = sim.terminated
        rollout.truncated[t] = sim.truncated
        done = np.logical_or(sim.terminated, sim.truncated).nonzero()[0]
        self._ended.append(done)
        for row in done[sim.truncated[done]].tolist() if done.size else ():
            rollout.final_obs.append((t, row, sim.final_obs[row].astype(np.float32)))
        self._variation.after_step(done)
        rollout.steps = t + 1

    def catch_up(self) -> None:
        """Reward the steps that still wait for it, and take them into the statistics of the episodes."""
        steps, count = self._steps, self._steps.count
        if count == 0:
            return
        reward, terms = steps.rewards()
        flat = reward.reshape(-1)
        if not flat.dot(flat) <= LARGEST * LARGEST:
            reward, terms = self._mended(reward, terms)
        self._rollout.raw_rewards[self._rollout.steps - count : self._rollout.steps] = reward
        self._statistics.add(steps, reward, terms, self._ended)
        self._ended.clear()
        steps.count = 0

    def _mended(self, reward: F64, terms: Terms) -> tuple[F64, Terms]:
        """The rewards and their terms with 0 where they are not finite; those are counted."""
        with np.errstate(invalid="ignore"):
            fine = np.abs(reward) <= LARGEST
        self.broken += int((~fine & ~self._steps.unstable[: len(fine)]).sum())
        return np.where(fine, reward, 0.0), {name: np.where(fine, x, 0.0) for name, x in terms.items()}

    def _end_broken(self) -> None:
        sim = self._sim
        bad = np.flatnonzero(~np.isfinite(sim.obs).all(axis=1))
        if not bad.size:
            return
        self.broken += int((~sim.unstable[bad]).sum())
        sim.terminated[bad], sim.truncated[bad] = True, False
        signals, before = sim.signals[bad], sim.prev_signals[bad]
        sim.reset(bad.tolist())
        sim.signals[bad], sim.prev_signals[bad] = signals, before
