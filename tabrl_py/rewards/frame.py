"""What is there while reward code runs: its names, and how much it may still compute."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from tabrl_py.rewards.problems import RefusedError
from tabrl_py.rewards.values import MOST_COLUMNS, Value, is_array

MOST_COLUMNS_IN_ALL = 3_000
"""Numbers per environment that one call may compute: some 100 ms for 4096 environments at the worst."""
MOST_OPERATIONS = 2_000
"""Per call."""


class Budget:
    """What one call may still spend."""

    __slots__ = ("columns", "operations")

    def __init__(self) -> None:
        self.columns = self.operations = 0

    def spend(self, value: Value) -> Value:
        """Count a result, and give it back.

        Raises:
            RefusedError: it is too wide, or there were too many.
        """
        self.operations += 1
        if is_array(value):
            columns = value.shape[1] if len(value.shape) == 2 else 1
            if columns > MOST_COLUMNS or len(value.shape) > 2:
                raise RefusedError("size", f"more than {MOST_COLUMNS} columns")
            self.columns += columns
        if self.columns > MOST_COLUMNS_IN_ALL or self.operations > MOST_OPERATIONS:
            raise RefusedError(
                "size",
                f"the code computes too much: at most {MOST_OPERATIONS} operations and "
                f"{MOST_COLUMNS_IN_ALL} numbers per environment",
            )
        return value


class Frame:
    """The names of one call of a function."""

    __slots__ = ("budget", "names")

    def __init__(self, names: dict[str, Value], budget: Budget) -> None:
        self.names, self.budget = names, budget


Code: TypeAlias = Callable[[Frame], Value]
"""An expression, ready to be computed."""
Statement: TypeAlias = Callable[[Frame], None]
Constants: TypeAlias = Mapping[str, Value]
