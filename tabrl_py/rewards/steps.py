"""Rewards of several vector steps at once."""

import numpy as np

from tabrl_py.rewards.library import reward_of
from tabrl_py.rewards.state import State
from tabrl_py.rewards.sums import Terms
from tabrl_py.sim.batch import BatchSim
from tabrl_py.types import F32, F64, Bool, Float

ROWS = 4096
"""About so many rows are rewarded at once."""


class UnrewardedSteps:
    """Vector steps of a simulation that wait for their reward.

    A reward function takes as long to be called as to compute hundreds of rows, and straight after the engine
    ran its code has to be fetched into the processor's caches anew: so it is called once for many steps.

    K is the number of steps that fit, k that of those that wait.

    Attributes:
        count: k.
        signals: (K, N, S) after each step, before any reset.
        prev_signals: (K, N, S) before each step.
        actions: (K, N, A) within the task's bounds.
        terminated: (K, N).
        unstable: (K, N).
    """

    def __init__(self, sim: BatchSim, most: int) -> None:
        """Make room for as many steps as have ROWS rows, and at most for `most`.

        Raises:
            ConfigError: the task names a reward that does not exist.
        """
        task, n = sim.task, sim.n_envs
        steps = max(1, min(most, ROWS // n))
        self.count = 0
        self.signals: F64 = np.zeros((steps, n, task.signal_size))
        self.prev_signals: F64 = np.zeros_like(self.signals)
        self.terminated: Bool = np.zeros((steps, n), np.bool_)
        self.unstable: Bool = np.zeros((steps, n), np.bool_)
        self.actions: F32 = np.zeros((steps, n, task.action_size), np.float32)
        self._reward, self._slices, self._dt = reward_of(task), task.signal_slices(), sim.dt

    @property
    def full(self) -> bool:
        """Whether no other step fits."""
        return self.count == len(self.signals)

    def put(self, sim: BatchSim, actions: Float) -> None:
        """Keep what the reward of the step that was just made with these actions, (N, A), depends on."""
        k = self.count
        self.signals[k] = sim.signals
        self.prev_signals[k] = sim.prev_signals
        self.terminated[k] = sim.terminated
        self.unstable[k] = sim.unstable
        self.actions[k] = actions
        self.count = k + 1

    def rewards(self) -> tuple[F64, Terms]:
        """The (k, N) rewards of the steps that wait, and their weighted terms, (k, N) each."""
        k, n = self.count, self.signals.shape[1]
        state = State(
            self._slices,
            self.signals[:k].reshape(k * n, -1),
            self.prev_signals[:k].reshape(k * n, -1),
            self.actions[:k].reshape(k * n, -1).astype(np.float64),
            self._dt,
            self.terminated[:k].reshape(-1),
        )
        total, terms = self._reward(state)
        return total.reshape(k, n), {name: term.reshape(k, n) for name, term in terms.items()}
