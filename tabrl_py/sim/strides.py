"""Strides: several vector steps that a simulation makes by itself, with the policy's compiled kernels.

A visit to Python at every vector step costs time (`./build.sh bench rollout`). A stride makes some steps in a
row and leaves in Python's arrays what each of them would have left. Which rows ended is read afterwards;
nothing about a run's numbers depends on strides.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from tabrl_py.sim.batch import BatchSim


@dataclass(frozen=True)
class Plan:
    """Where a stride finds and leaves what: addresses of arrays that stay where they are.

    With those of nn/acting.py: Acting it is all that a stride needs.

    Attributes:
        low, high: (A,) the task's bounds, float32.
        rollout_obs, rollout_noise, rollout_actions, rollout_terminated, rollout_truncated: see Rollout.
        kept_signals, kept_prev_signals, kept_actions, kept_terminated, kept_unstable: see UnrewardedSteps.
    """

    low: int
    high: int
    rollout_obs: int
    rollout_noise: int
    rollout_actions: int
    rollout_terminated: int
    rollout_truncated: int
    kept_signals: int
    kept_prev_signals: int
    kept_actions: int
    kept_terminated: int
    kept_unstable: int


@runtime_checkable
class StridingSim(BatchSim, Protocol):
    """A BatchSim that may be able to stride.

    Attributes:
        can_stride: whether it can.
        policy_s: seconds that the policy took in the last stride.
    """

    can_stride: bool
    policy_s: float

    def plan(self, places: Mapping[str, int]) -> None:
        """Say where strides find and leave everything from now on: the fields of a Plan and of an Acting."""
        ...

    def stride(self, t: int, slot: int, most: int) -> int:
        """Make control steps of every row, as act() and step() would one after the other.

        It ends early after a step in which a row reached its time limit, in which a row ended for the second
        time, or after which an observation is not finite; `owed` then has the rows that ended twice.

        Args:
            t: the rollout's step to begin with.
            slot: the first of the kept steps to fill.
            most: steps, at least 1.

        Returns:
            steps made.
        """
        ...

    def owed(self) -> list[int]:
        """Rows that ended twice in the last stride: reset() must put them at their next first state."""
        ...
