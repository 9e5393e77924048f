"""The part of NumPy that reward code may call: nothing here reads, writes or asks for memory by size."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from tabrl_py.rewards.problems import RefusedError
from tabrl_py.rewards.values import (
    Value,
    column,
    constants,
    elementwise,
    fit,
    is_array,
    joined,
    kind,
    logical,
    number,
    shape,
    truth,
    width,
)


@dataclass(frozen=True)
class Function:
    """Something that reward code may call.

    Attributes:
        call: computes it.
        names: of its arguments, in order; axis is always the last.
        needed: how many of them must be given.
    """

    call: Callable[..., Value]
    names: tuple[str, ...]
    needed: int


AXIS_OF_NUMBERS = (1.0, -1.0)


def _reduced(function: Callable[..., Value], a: Value, axis: Value = None) -> Value:
    """Over the numbers of each environment: (N, k) to (N,)."""
    if not is_array(a) or len(a.shape) != 2:
        raise RefusedError("shape", f"{kind(a)} has no numbers to combine: it needs (N, k)")
    if axis not in AXIS_OF_NUMBERS:
        raise RefusedError(
            "axis", "write axis=1: environments (axis 0) must not be mixed, each is rewarded by itself"
        )
    return function(a)


def _sum(x: Value) -> Value:
    return np.add.reduce(number(x), axis=1)


def _mean(x: Value) -> Value:
    return _sum(x) / float(x.shape[1])


def _largest(x: Value) -> Value:
    return _folded(np.maximum, x)


def _smallest(x: Value) -> Value:
    return _folded(np.minimum, x)


def _product(x: Value) -> Value:
    return _folded(np.multiply, x)


def _folded(function: Callable[..., Value], x: Value) -> Value:
    """Column by column, in order."""
    x = number(x)
    result = x[:, 0]
    for index in range(1, x.shape[1]):
        result = function(result, x[:, index])
    return result


def _any(x: Value) -> Value:
    return np.greater(_largest(truth(x)), 0.0)


def _all(x: Value) -> Value:
    return np.greater(_smallest(truth(x)), 0.0)


def _variance(x: Value) -> Value:
    x = number(x)
    return _mean(np.square(x - column(_mean(x), None)))


def _deviation(x: Value) -> Value:
    return np.sqrt(_variance(x))


def _norm(x: Value) -> Value:
    return np.sqrt(_sum(np.square(number(x))))


def clip(a: Value, a_min: Value, a_max: Value) -> Value:
    """np.clip, in whole environments."""
    return elementwise(np.minimum, elementwise(np.maximum, a, a_min), a_max)


def where(condition: Value, x: Value, y: Value) -> Value:
    """np.where of three values."""
    fit(condition, x, y)
    condition = truth(condition)
    if not is_array(condition):
        return number(x) if condition else number(y)
    return np.where(condition, number(x), number(y))


def _stack(arrays: Value, axis: Value = None) -> Value:
    if not isinstance(arrays, list | tuple):
        raise RefusedError("type", "give a list of arrays: np.stack([x, y], axis=1)")
    if axis is not None and axis not in AXIS_OF_NUMBERS:
        raise RefusedError("axis", "write axis=1: what is put together stays with its environment")
    return joined(list(arrays))


def _side_by_side(arrays: Value) -> Value:
    return _stack(arrays)


def _constants(values: Value) -> Value:
    if not isinstance(values, list | tuple):
        raise RefusedError("type", "np.array takes a list of numbers")
    return constants(list(values))


def _filled(value: float, a: Value) -> Value:
    if not is_array(a):
        return value
    return number(a) * 0.0 + value if not isinstance(a, np.ndarray) else np.full(a.shape, value)


def _full(a: Value, fill_value: Value) -> Value:
    if type(fill_value) is not float:
        raise RefusedError("type", "np.full_like fills with one number")
    return _filled(fill_value, a)


def _differences(a: Value, axis: Value = None) -> Value:
    if width(a) < 2 or (axis is not None and axis not in AXIS_OF_NUMBERS):
        raise RefusedError("shape", f"np.diff needs an (N, k) with k of 2 or more, this is {shape(a)}")
    a = number(a)
    return a[:, 1:] - a[:, :-1]


def _finite(x: Value) -> Value:
    """np.nan_to_num, with 0 for what is infinite, too: a reward of 1e308 helps nobody."""
    return where(elementwise(np.isfinite, x), x, 0.0)


def _of_one(function: Callable[..., Value]) -> Function:
    return Function(partial(elementwise, function), ("x",), 1)


def _of_two(function: Callable[..., Value]) -> Function:
    return Function(partial(elementwise, function), ("x1", "x2"), 2)


def _over_numbers(function: Callable[..., Value]) -> Function:
    return Function(partial(_reduced, function), ("a", "axis"), 1)


_ONE = (
    *("absolute", "negative", "square", "sqrt", "cbrt", "exp", "expm1", "log", "log1p", "log2", "log10"),
    *("sin", "cos", "tan", "sinh", "cosh", "tanh", "arcsin", "arccos", "arctan"),
    *("sign", "floor", "ceil", "rint", "trunc", "isfinite", "isnan", "reciprocal"),
    *("deg2rad", "rad2deg", "degrees", "radians"),
)
_TWO = (
    *("add", "subtract", "multiply", "divide", "power", "minimum", "maximum", "hypot", "arctan2", "fmod"),
    *("greater", "greater_equal", "less", "less_equal", "equal", "not_equal", "heaviside", "remainder"),
    *("fmin", "fmax"),
)

NUMPY: dict[str, Function] = {
    **{name: _of_one(getattr(np, name)) for name in _ONE},
    "abs": _of_one(np.absolute),
    "round": _of_one(np.rint),
    **{name: _of_two(getattr(np, name)) for name in _TWO},
    "mod": _of_two(np.remainder),
    "logical_and": Function(partial(logical, np.logical_and), ("x1", "x2"), 2),
    "logical_or": Function(partial(logical, np.logical_or), ("x1", "x2"), 2),
    "logical_xor": Function(partial(logical, np.not_equal), ("x1", "x2"), 2),
    "logical_not": Function(partial(logical, np.logical_not), ("x",), 1),
    "clip": Function(clip, ("a", "a_min", "a_max"), 3),
    "where": Function(where, ("condition", "x", "y"), 3),
    "nan_to_num": Function(_finite, ("x",), 1),
    "sum": _over_numbers(_sum),
    "mean": _over_numbers(_mean),
    "max": _over_numbers(_largest),
    "amax": _over_numbers(_largest),
    "min": _over_numbers(_smallest),
    "amin": _over_numbers(_smallest),
    "prod": _over_numbers(_product),
    "any": _over_numbers(_any),
    "all": _over_numbers(_all),
    "var": _over_numbers(_variance),
    "std": _over_numbers(_deviation),
    "linalg.norm": Function(partial(_reduced, _norm), ("x", "axis"), 1),
    "stack": Function(_stack, ("arrays", "axis"), 1),
    "concatenate": Function(_stack, ("arrays", "axis"), 1),
    "column_stack": Function(_side_by_side, ("arrays",), 1),
    "array": Function(_constants, ("values",), 1),
    "zeros_like": Function(partial(_filled, 0.0), ("a",), 1),
    "ones_like": Function(partial(_filled, 1.0), ("a",), 1),
    "full_like": Function(_full, ("a", "fill_value"), 2),
    "diff": Function(_differences, ("a", "axis"), 1),
}
"""By the name after `np.`."""
NUMBERS = {"pi": float(np.pi), "e": float(np.e), "inf": float(np.inf)}
"""Constants, by the name after `np.`."""
METHODS = {
    **{name: NUMPY[name] for name in ("sum", "mean", "max", "min", "prod", "any", "all", "var", "std")},
    "clip": NUMPY["clip"],
    "copy": Function(number, ("x",), 1),
}
"""What an array may be asked, as x.NAME(...); `astype` and `T` beside them."""
