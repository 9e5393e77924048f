"""A reward function written down as data, for players that have no Python: what it computes, step by step.

The function is called once with arrays that remember what is done with them instead of doing it. What comes
out is a straight list of operations on one environment; web/workers/reward_program.js carries it out.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from numpy.lib.mixins import NDArrayOperatorsMixin

from tabrl_py.rewards.library import reward_of
from tabrl_py.rewards.state import State
from tabrl_py.tasks.spec import TaskSpec

Program: TypeAlias = list[list[Any]]
"""One operation per entry, [name, arguments]; an entry's number names its result, the last is the reward.

An argument is the number of an entry, or [x], the number x itself ("Infinity" where JSON has none). Inputs
are `signals`, `prev`, `action`, `dt` and `terminated` (1 or 0); `part` (entry, start, stop) is a slice,
`item` (entry, index) one number of it; `sum` adds up a slice in NumPy's order; the others are NumPy's
element-wise functions by their names. `term` (argument, name) computes nothing: that number is the reward's
weighted term of this name.
"""

FUNCTIONS = frozenset(
    (
        *("add", "subtract", "multiply", "divide", "negative", "absolute", "square", "sqrt", "power"),
        *("minimum", "maximum", "exp", "tanh", "sin", "cos", "hypot", "arctan2", "greater", "logical_not"),
    )
)
"""What reward_program.js knows; a reward that uses another function is played by Python."""


class UntraceableError(Exception):
    """A reward does something that cannot be written down as a list of operations."""


class _Traced(NDArrayOperatorsMixin):
    """An array of one environment, (1,) or (1, k), that remembers where it comes from."""

    __slots__ = ("entry", "program", "shape")

    def __init__(self, program: Program, shape: tuple[int, ...], *operation: object) -> None:
        program.append(list(operation))
        self.program, self.shape, self.entry = program, shape, len(program) - 1

    def __array_ufunc__(
        self,
        ufunc: np.ufunc,
        method: Literal["__call__", "reduce", "reduceat", "accumulate", "outer", "at"],
        *inputs: Any,  # noqa: ANN401 - NumPy's own words
        **options: Any,  # noqa: ANN401 - NumPy's own words
    ) -> "_Traced":
        """Write down a NumPy function."""
        if method == "reduce" and ufunc is np.add and options.get("axis") in (1, -1):
            return _Traced(self.program, (1,), "sum", self.entry)
        name = "logical_not" if ufunc is np.invert else ufunc.__name__
        out = options.pop("out", None)
        if method != "__call__" or name not in FUNCTIONS or options:
            raise UntraceableError(f"{ufunc.__name__}.{method}")
        shape = np.broadcast_shapes(*(np.shape(x) if not isinstance(x, _Traced) else x.shape for x in inputs))
        result = _Traced(self.program, shape, name, *(_argument(x) for x in inputs))
        if out is None:
            return result
        (target,) = out
        if not isinstance(target, _Traced):
            raise UntraceableError(f"{name} into an array")
        target.entry, target.shape = result.entry, result.shape
        return target

    def __bool__(self) -> bool:
        """Which way a branch goes cannot be written down."""
        raise UntraceableError("a branch")

    def __getitem__(self, key: object) -> "_Traced":
        """A column, or columns, of all environments."""
        match key:
            case (slice(start=None, stop=None), int(index)) if len(self.shape) == 2:
                return _Traced(self.program, (1,), "item", self.entry, range(self.shape[1])[index])
            case (slice(start=None, stop=None), slice() as place) if len(self.shape) == 2:
                start, stop, step = place.indices(self.shape[1])
                if step == 1:
                    return _Traced(self.program, (1, stop - start), "part", self.entry, start, stop)
        raise UntraceableError(f"[{key}]")

    @property
    def T(self) -> Iterator["_Traced"]:  # noqa: N802 (NumPy's name)
        """The columns, one after the other."""
        return (self[:, i] for i in range(self.shape[1]))

    def astype(self, dtype: npt.DTypeLike) -> "_Traced":
        """All numbers are float64 here; truth is 1 and falsehood 0."""
        if np.dtype(dtype) != np.float64:
            raise UntraceableError(f"astype {dtype}")
        return self

    def copy(self) -> "_Traced":
        """Another name of the same numbers; adding to it leaves this one alone."""
        return _Traced(self.program, self.shape, "add", self.entry, [0.0])


def _argument(x: "_Traced | npt.ArrayLike") -> int | list[float | str]:
    if isinstance(x, _Traced):
        return x.entry
    values = np.asarray(x, dtype=np.float64).ravel()
    if values.size != 1 or np.isnan(values[0]):
        raise UntraceableError(f"the constant {x}")
    value = float(values[0])
    return [value if np.isfinite(value) else f"{'-' if value < 0.0 else ''}Infinity"]


def trace_reward(task: TaskSpec) -> Program | None:
    """The task's reward as a program; None where it cannot be written down as one."""
    reward = reward_of(task)
    return trace(reward, task)


def trace(reward: Callable[[State], tuple[Any, Mapping[str, Any]]], task: TaskSpec) -> Program | None:
    """A function of a task's State, which gives total and terms, as a program; None where it cannot be."""
    program: Program = []
    signals: Any = _Traced(program, (1, task.signal_size), "signals")
    before: Any = _Traced(program, (1, task.signal_size), "prev")
    action: Any = _Traced(program, (1, task.action_size), "action")
    dt: Any = _Traced(program, (), "dt")
    terminated: Any = _Traced(program, (1,), "terminated")
    try:
        total, terms = reward(State(task.signal_slices(), signals, before, action, dt, terminated))
        if not isinstance(total, _Traced) or total.shape != (1,):
            return None
        program += [["term", _argument(term), name] for name, term in terms.items()]
    except (UntraceableError, TypeError, ValueError, AttributeError):
        return None
    # The last entry is the reward.
    program.append(["add", total.entry, [0.0]])
    return program
