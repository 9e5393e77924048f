"""What reward code computes with: numbers, (N,) and (N, k) arrays, and what may be done with them.

A row of an array is an environment. Every operation keeps rows apart and every width below a bound, so that a
reward depends on its own environment alone and its cost is known before it runs. Numbers are float64; truth
counts as 1 and 0 where it is calculated with.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from tabrl_py.rewards.problems import RefusedError

Value: TypeAlias = Any
"""A float, an array of 1 or 2 dimensions, a State, a dict of terms, a tuple or a list of values, a str."""
MOST_COLUMNS = 128
"""Of an array."""


def is_array(x: Value) -> bool:
    """Whether a value is an array, real or traced."""
    return hasattr(x, "shape")


def width(x: Value) -> int:
    """Numbers per environment."""
    return x.shape[1] if is_array(x) and len(x.shape) == 2 else 1


def number(x: Value) -> Value:
    """A value that can be calculated with: truth as 1.0 and 0.0.

    Raises:
        RefusedError: it is a text, a state, a dict or a list.
    """
    if type(x) is float:
        return x
    if isinstance(x, np.ndarray):
        return x if x.dtype == np.float64 else x.astype(np.float64)
    if is_array(x):
        return x
    raise RefusedError("type", f"{kind(x)} is not a number; calculate with numbers and signals")


def truth(x: Value) -> Value:
    """A value that can be combined with &, | and ~: what is not 0 is true."""
    x = number(x) if not is_array(x) else x
    if isinstance(x, np.ndarray) and x.dtype != np.bool_:
        return x != 0.0
    return x


def kind(x: Value) -> str:
    """What a value is, in words."""
    if type(x) is float:
        return "a number"
    if is_array(x):
        return f"an array {shape(x)}"
    words: dict[type, str] = {str: "a text", dict: "a dict", tuple: "several values", list: "a list"}
    return words.get(type(x), "the state")


def shape(x: Value) -> str:
    """The shape of an array, in words."""
    if not is_array(x):
        return "a number"
    if len(x.shape) == 1:
        return "(N,)"
    return f"({'1' if x.shape[0] == 1 else 'N'}, {x.shape[1]})"


def fit(*values: Value) -> int:
    """The width of what element-wise operations on these values give.

    Raises:
        RefusedError: an (N,) with an (N, k), or different widths.
    """
    arrays = [x for x in values if type(x) is not float and is_array(x)]
    if len(arrays) < 2 or all(x.shape == arrays[0].shape for x in arrays):
        return width(arrays[0]) if arrays else 1
    dimensions = {len(x.shape) for x in arrays}
    if len(dimensions) > 1:
        raise RefusedError(
            "shape",
            f"{' and '.join(shape(x) for x in arrays)} do not fit: one number per environment and several; "
            "write x[:, None] for the one, or take a column y[:, 0] of the other",
        )
    widths = {width(x) for x in arrays} - {1}
    if len(widths) > 1:
        raise RefusedError("shape", f"{' and '.join(shape(x) for x in arrays)} do not fit: different widths")
    return widths.pop() if widths else 1


def elementwise(function: Callable[..., Value], *values: Value) -> Value:
    """A NumPy function of numbers, element by element."""
    fit(*values)
    result = function(*[number(x) for x in values])
    return result if is_array(result) and result.shape else float(result)


def logical(function: Callable[..., Value], *values: Value) -> Value:
    """A NumPy function of truths, element by element."""
    fit(*values)
    result = function(*(truth(x) for x in values))
    return result if is_array(result) and result.shape else float(result)


def column(x: Value, key: Value) -> Value:
    """x[:, key]: one column as (N,), several as (N, k), or a new axis of one column.

    Args:
        x: (N, k), or (N,) where key is None.
        key: a whole number, a list of them, (start, stop), or None.

    Raises:
        RefusedError: there are no such columns.
    """
    if not is_array(x):
        raise RefusedError("type", f"{kind(x)} has no columns")
    if key is None:
        if len(x.shape) != 1:
            raise RefusedError("shape", f"[:, None] needs one number per environment, this is {shape(x)}")
        return x.reshape(-1, 1) if isinstance(x, np.ndarray) else x[:, None]
    if len(x.shape) != 2:
        raise RefusedError("shape", f"the value is {shape(x)}: one number per environment, without columns")
    columns = x.shape[1]
    if isinstance(key, tuple):
        start, stop, _ = slice(*key).indices(columns)
        if start >= stop:
            raise RefusedError("shape", f"the slice {key[0]}:{key[1]} of {shape(x)} is empty")
        return x[:, start:stop]
    for index in key if isinstance(key, list) else [key]:
        if not -columns <= index < columns:
            raise RefusedError("shape", f"column {index} does not exist: the value is {shape(x)}")
    if isinstance(key, list):
        return joined([x[:, index] for index in key])
    return x[:, key]


def joined(values: list[Value]) -> Value:
    """Arrays side by side, (N,) as one column each: (N, k)."""
    parts = [x if width(x) > 1 or len(x.shape) == 2 else column(x, None) for x in values if is_array(x)]
    if not values or len(parts) != len(values):
        raise RefusedError("type", "only arrays can be put side by side; a number has no environments")
    if sum(width(x) for x in parts) > MOST_COLUMNS:
        raise RefusedError("size", f"more than {MOST_COLUMNS} columns")
    if any(isinstance(x, np.ndarray) and x.shape[0] != parts[0].shape[0] for x in parts):
        raise RefusedError("shape", "constants cannot be put beside signals; add them with +")
    result: Value = np.concatenate([number(x) for x in parts], axis=1)
    return result


def constants(values: list[Value]) -> Value:
    """(1, k) numbers that are the same for every environment."""
    if not values or len(values) > MOST_COLUMNS or not all(type(x) is float for x in values):
        raise RefusedError(
            "type",
            f"np.array takes a list of 1 to {MOST_COLUMNS} numbers; put signals side by side with np.stack",
        )
    return np.array([values])
