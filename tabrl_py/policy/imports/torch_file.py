"""A file of torch.save (its zip format) as NumPy arrays, without torch: a pickle that refers to raw storages.

Layout: PyTorch's notes on serialization: PREFIX/data.pkl holds the structure, PREFIX/data/KEY each storage,
PREFIX/byteorder how its numbers lie. A tensor is `torch._utils._rebuild_tensor_v2(storage, offset, size,
stride, ...)`, a storage the persistent id ("storage", type, KEY, device, length).
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from tabrl_py.errors import PolicyFileError
from tabrl_py.policy.imports.archive import Archive
from tabrl_py.policy.imports.pickles import LARGEST_BYTES, Made, Persistent, Symbol, read_pickle
from tabrl_py.types import F64

_TYPES = {"torch.FloatStorage": "<f4", "torch.DoubleStorage": "<f8"}
_TENSOR, _PARAMETER = "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_parameter"
_LARGEST_RANK = 4


def read_tensors(data: bytes, what: str) -> dict[str, F64]:
    """The tensors of a state dictionary, by name, as float64.

    Args:
        data: the file.
        what: its name, for messages.

    Raises:
        PolicyFileError: it is no such file, or a tensor of it is neither float32 nor float64.
    """
    archive = Archive(data, what)
    pickles = [name for name in archive.names if name.endswith("/data.pkl")]
    if len(pickles) != 1:
        raise PolicyFileError(
            f"{what} is no file of torch.save: it has {len(pickles)} entries .../data.pkl; "
            f"save the policy again with PyTorch 1.6 or later"
        )
    prefix = pickles[0].removesuffix("data.pkl")
    order = f"{prefix}byteorder"
    if order in archive.names and archive.read(order, 16) != b"little":
        raise PolicyFileError(f"{what} was written on a big-endian machine; save it again on another one")
    table = read_pickle(archive.read(pickles[0], LARGEST_BYTES))
    entries = table.items if isinstance(table, Made) else table
    if not isinstance(entries, dict):
        raise PolicyFileError(f"{what} holds no table of tensors; save the policy with Stable-Baselines3")
    return {str(name): _tensor(str(name), value, archive, prefix) for name, value in entries.items()}


def _tensor(name: str, value: Any, archive: Archive, prefix: str) -> F64:  # noqa: ANN401 - what a pickle held
    if isinstance(value, Made) and value.path == _PARAMETER and value.arguments:
        value = value.arguments[0]
    if not isinstance(value, Made) or value.path != _TENSOR or len(value.arguments) < 4:
        raise _refuse(name, "it is no plain tensor")
    storage, offset, size, stride = value.arguments[:4]
    if not (
        _whole((offset,)) and _whole(size) and _whole(stride) and len(size) == len(stride) <= _LARGEST_RANK
    ):
        raise _refuse(name, f"its shape is {size!r}")
    numbers = _storage(name, storage, archive, prefix)
    reach = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    if math.prod(size) == 0:
        return np.zeros(size)
    if reach >= len(numbers) or math.prod(size) > len(numbers):
        raise _refuse(name, f"it needs {reach + 1} numbers and its storage has {len(numbers)}")
    strides = [step * numbers.itemsize for step in stride]
    view = np.lib.stride_tricks.as_strided(numbers[offset:], size, strides, writeable=False)
    return view.astype(np.float64)


def _storage(name: str, reference: object, archive: Archive, prefix: str) -> npt.NDArray[Any]:
    """The numbers of a storage."""
    place = reference.id if isinstance(reference, Persistent) else None
    if not isinstance(place, tuple) or len(place) != 5 or place[0] != "storage":
        raise _refuse(name, "its numbers are not in the file")
    kind = place[1].path if isinstance(place[1], Symbol) else ""
    if kind not in _TYPES:
        raise _refuse(name, f"its numbers are a {kind or 'thing'}; known are {', '.join(_TYPES)}")
    data = archive.read(f"{prefix}data/{place[2]}")
    dtype = np.dtype(_TYPES[kind])
    return np.frombuffer(data[: len(data) - len(data) % dtype.itemsize], dtype)


def _whole(values: object) -> bool:
    return isinstance(values, tuple) and all(type(value) is int and 0 <= value < 2**31 for value in values)


def _refuse(name: str, why: str) -> PolicyFileError:
    return PolicyFileError(
        f"the tensor {name!r} of the policy cannot be read: {why}; save it again on the CPU"
    )
