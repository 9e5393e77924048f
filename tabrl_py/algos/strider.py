"""Strides of a rollout: steps that the simulation makes by itself, and what Python does after them."""

import time
from collections.abc import Callable
from dataclasses import asdict

import numpy as np

from tabrl_py.algos.rollout import Rollout
from tabrl_py.algos.variation import Variation
from tabrl_py.nn.acting import Acting
from tabrl_py.rewards.steps import UnrewardedSteps
from tabrl_py.sim.batch import BatchSim
from tabrl_py.sim.strides import Plan, StridingSim
from tabrl_py.types import F32, I64

STRIDE_S = 0.08
"""A stride takes about so long: messages, and a person's press of Pause, wait for its end."""
ROW_STEPS = 256
"""So many control steps of single rows has the first stride, when nobody knows yet how long they take."""
MOST = 64


def next_length(steps: int, step_s: float) -> int:
    """How many steps a stride may have after one whose steps took so long, 1 to MOST.

    It grows at most to the double, since a short stride measures coarsely, and shrinks at once.
    """
    fitting = MOST if step_s * MOST <= STRIDE_S else int(STRIDE_S / step_s)
    return max(1, min(fitting, 2 * steps, MOST))


class Strider:
    """Makes the steps of a rollout that need nothing of Python.

    Attributes:
        policy_s: seconds that the policy took in the last stride.
    """

    def __init__(
        self, sim: StridingSim, rollout: Rollout, variation: Variation, steps: UnrewardedSteps
    ) -> None:
        """Step `sim` into `rollout` and `steps`."""
        self._sim, self._rollout, self._variation, self._steps = sim, rollout, variation, steps
        self._most = max(1, min(MOST, ROW_STEPS // sim.n_envs))
        self._low: F32 = np.array(sim.task.action_low, np.float32)
        self._high: F32 = np.array(sim.task.action_high, np.float32)
        self.policy_s = 0.0

    @classmethod
    def of(
        cls, sim: BatchSim, rollout: Rollout, variation: Variation, steps: UnrewardedSteps
    ) -> "Strider | None":
        """One for a run in which nothing is drawn between two steps and the simulation can; else None."""
        if isinstance(sim, StridingSim) and sim.can_stride and variation.quiet:
            return cls(sim, rollout, variation, steps)
        return None

    def begin(self, acting: Acting) -> None:
        """A rollout begins in which the policy acts so."""
        rollout, steps = self._rollout, self._steps
        arrays = {
            "low": self._low,
            "high": self._high,
            "rollout_obs": rollout.obs,
            "rollout_noise": rollout.noise,
            "rollout_actions": rollout.actions,
            "rollout_terminated": rollout.terminated,
            "rollout_truncated": rollout.truncated,
            "kept_signals": steps.signals,
            "kept_prev_signals": steps.prev_signals,
            "kept_actions": steps.actions,
            "kept_terminated": steps.terminated,
            "kept_unstable": steps.unstable,
        }
        plan = Plan(**{name: array.ctypes.data for name, array in arrays.items()})
        self._sim.plan({**asdict(plan), **asdict(acting)})

    def step(self, mend: Callable[[], None]) -> list[I64]:
        """Make some steps of every row.

        Args:
            mend: called when the simulation stands as after the last of them; may end episodes.

        Returns:
            for each step, the rows whose episodes ended with it.
        """
        sim, rollout, steps = self._sim, self._rollout, self._steps
        t, slot = rollout.steps, steps.count
        most = min(self._most, rollout.n_steps - t, len(steps.signals) - slot)
        began = time.perf_counter()
        made = sim.stride(t, slot, most)
        self._most = next_length(self._most, (time.perf_counter() - began) / made)
        self.policy_s = sim.policy_s
        rollout.steps, steps.count = t + made, slot + made
        last = t + made - 1
        ended = np.logical_or(rollout.terminated[t : last + 1], rollout.truncated[t : last + 1])
        earlier: I64 = np.flatnonzero(ended[:-1].any(axis=0))
        self._variation.after_step(earlier)
        if earlier.size:
            self._begin(sim.owed())
        mend()
        rollout.terminated[last] = steps.terminated[slot + made - 1] = sim.terminated
        rollout.truncated[last] = sim.truncated
        np.logical_or(sim.terminated, sim.truncated, out=ended[-1])
        for row in np.flatnonzero(sim.truncated).tolist():
            rollout.final_obs.append((last, row, sim.final_obs[row].astype(np.float32)))
        every = [np.flatnonzero(rows) for rows in ended]
        self._variation.after_step(every[-1])
        return every

    def _begin(self, rows: list[int]) -> None:
        """Begin the episodes of rows that ended twice; their signals stay those of the last step."""
        if not rows:
            return
        sim = self._sim
        signals, before = sim.signals[rows], sim.prev_signals[rows]
        sim.reset(rows)
        sim.signals[rows], sim.prev_signals[rows] = signals, before
