"""NumPy's arrays and numbers inside a pickle that was read as data (pickles.py).

Layouts, from NumPy's array_reduce, array_setstate and scalar reductions: protocols 2 to 4 call
`multiarray._reconstruct` and give it (version, shape, dtype, Fortran order, bytes); protocol 5 calls
`numeric._frombuffer(bytes, dtype, shape, order)`; a scalar is `multiarray.scalar(dtype, bytes)`.
"""

import math
from typing import Any

import numpy as np

from tabrl_py.errors import PolicyFileError
from tabrl_py.policy.imports.pickles import Made
from tabrl_py.types import F64

_MODULES = ("numpy.core.", "numpy._core.")
_TYPES = {"f4": "f4", "f8": "f8"}
LARGEST_ARRAY = 1_000_000


def array_of(value: Any, name: str) -> F64:  # noqa: ANN401 - what a pickle held
    """The array that a pickle would make, as float64.

    Args:
        value: of the pickle.
        name: of the array, for messages.

    Raises:
        PolicyFileError: it is no array of float32 or float64.
    """
    path = _path(value)
    if path == "multiarray._reconstruct" and isinstance(value.state, tuple) and len(value.state) == 5:
        _, shape, dtype, fortran, data = value.state
    elif path == "numeric._frombuffer" and len(value.arguments) == 4:
        data, dtype, shape, order = value.arguments
        fortran = order == "F"
    else:
        raise PolicyFileError(f"{name} in the .pkl file is no array of NumPy; save it again")
    if isinstance(data, Made) and data.path == "builtins.bytearray" and data.arguments:
        data = data.arguments[0]
    numbers = _numbers(data, dtype, name)
    sound = isinstance(shape, tuple) and all(type(n) is int and 0 <= n <= LARGEST_ARRAY for n in shape)
    if not sound or math.prod(shape) != numbers.size:
        raise PolicyFileError(f"{name} in the .pkl file has the shape {shape!r} and {numbers.size} numbers")
    return numbers.reshape(shape, order="F" if fortran else "C")


def number_of(value: Any, default: float) -> float:  # noqa: ANN401 - what a pickle held
    """A number of a pickle, plain or NumPy's; the default where it is none."""
    if isinstance(value, int | float):
        return float(value)
    if _path(value) == "multiarray.scalar" and len(value.arguments) == 2:
        numbers = _numbers(value.arguments[1], value.arguments[0], "a number")
        if numbers.size == 1:
            return float(numbers[0])
    return default


def _path(value: object) -> str:
    """Of the maker below NumPy's core; "" where it is another one."""
    path = value.path if isinstance(value, Made) else ""
    return next((path.removeprefix(module) for module in _MODULES if path.startswith(module)), "")


def _numbers(data: object, dtype: object, name: str) -> F64:
    """Bytes as numbers of a pickled dtype: `numpy.dtype("f8", False, True)` with a state (_, order, ...)."""
    kind = (
        dtype.arguments[0]
        if isinstance(dtype, Made) and dtype.path == "numpy.dtype" and dtype.arguments
        else ""
    )
    state = dtype.state if isinstance(dtype, Made) else None
    order = state[1] if isinstance(state, tuple) and len(state) > 1 else "<"
    if (
        not isinstance(data, bytes)
        or not isinstance(kind, str)
        or kind not in _TYPES
        or order not in ("<", ">", "=")
    ):
        raise PolicyFileError(f"{name} in the .pkl file has the type {kind!r}; float32 and float64 are read")
    code = np.dtype(("<" if order == "=" else order) + _TYPES[kind])
    if len(data) % code.itemsize or len(data) > LARGEST_ARRAY * code.itemsize:
        raise PolicyFileError(f"{name} in the .pkl file has {len(data)} bytes; save it again")
    return np.frombuffer(data, code).astype(np.float64)
