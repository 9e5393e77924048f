"""What goes on inside one robot, for people who look into it."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from tabrl_py.sim.batch import BatchSim
from tabrl_py.types import F32


@dataclass(frozen=True)
class Inside:
    """Fields as those of the protocol's Detail."""

    contacts: list[float]
    com: list[float]
    joints: list[float]
    actuator_force: list[float]


@runtime_checkable
class InspectableSim(BatchSim, Protocol):
    """A BatchSim that can be asked about one of its robots."""

    def inside(self, row: int, action: F32) -> Inside:
        """What the engine derives from the row's present state, as (A,) drives it; the row stays as it is."""
        ...
