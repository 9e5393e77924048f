"""The safetensors container: 8 bytes of length, a JSON header, raw little-endian tensors.

Format: https://github.com/huggingface/safetensors, README, "Format". Written deterministically, read
strictly: a file that is cut short, has gaps, overlaps or anything unknown is refused, with what is wrong.
"""

import json
import math
from typing import Any, TypeAlias, TypeGuard

import numpy as np

from tabrl_py.errors import PolicyFileError

Tensors: TypeAlias = dict[str, np.ndarray[Any, np.dtype[Any]]]

DTYPES = {"F64": "<f8", "I64": "<i8", "F32": "<f4", "BOOL": "|b1", "U8": "|u1"}
"""Names of the format, and NumPy's for them: what TabRL writes; other types are refused."""
_NAMES = {np.dtype(code): name for name, code in DTYPES.items()}
LONGEST_HEADER = 10_000_000
LARGEST_RANK = 8


def write(tensors: Tensors, metadata: dict[str, str]) -> bytes:
    """A file of these tensors; equal contents give equal bytes.

    Tensors lie by falling element size, then by name, so that each is aligned; the header is padded with
    spaces to 8 bytes.

    Raises:
        TypeError: a dtype the format has no name for here (DTYPES).
    """
    order = sorted(tensors, key=lambda name: (-tensors[name].dtype.itemsize, name))
    header: dict[str, Any] = {"__metadata__": dict(sorted(metadata.items()))}
    blocks, at = [], 0
    for name in order:
        tensor = tensors[name]
        if tensor.dtype not in _NAMES:
            raise TypeError(f"{name} is {tensor.dtype}; the file holds {', '.join(DTYPES)}")
        block = np.ascontiguousarray(tensor).tobytes()
        header[name] = {
            "dtype": _NAMES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [at, at + len(block)],
        }
        blocks.append(block)
        at += len(block)
    text = json.dumps(header, separators=(",", ":"), allow_nan=False).encode()
    text += b" " * (-len(text) % 8)
    return b"".join([len(text).to_bytes(8, "little"), text, *blocks])


def read(data: bytes) -> tuple[Tensors, dict[str, str]]:
    """The tensors (copies) and metadata of a file.

    Raises:
        PolicyFileError: the file is not a whole, well-formed safetensors file of the types in DTYPES.
    """
    header, start = _header(data)
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise _refuse("its metadata is not a table of texts")
    body = memoryview(data)[start:]
    places = sorted((_place(name, entry), name) for name, entry in header.items())
    tensors: Tensors = {}
    at = 0
    for (begin, end, code, shape), name in places:
        if begin != at:
            raise _refuse(f"tensor {name!r} begins at byte {begin} of the data where {at} was due")
        if end > len(body):
            raise PolicyFileError(
                f"the file is cut short: tensor {name!r} ends at byte {start + end}, "
                f"the file at {len(data)}; export or copy it again"
            )
        tensors[name] = np.frombuffer(body[begin:end], dtype=code).reshape(shape).copy()
        at = end
    if at != len(body):
        raise _refuse(f"{len(body) - at} bytes follow the last tensor")
    return tensors, metadata


def _refuse(what: str) -> PolicyFileError:
    return PolicyFileError(
        f"the file is corrupt or not TabRL's: {what}; use a .safetensors file that TabRL exported"
    )


def _header(data: bytes) -> tuple[dict[str, Any], int]:
    """The header as parsed, and where the data begins."""
    if len(data) < 8:
        raise _refuse(f"it has {len(data)} bytes, and a safetensors file at least 8")
    length = int.from_bytes(data[:8], "little")
    if not 2 <= length <= LONGEST_HEADER:
        raise _refuse(f"it begins with {length}, not with the length of a header (2 to {LONGEST_HEADER})")
    if 8 + length > len(data):
        raise PolicyFileError(
            f"the file is cut short: its header ends at byte {8 + length}, the file at {len(data)}; "
            f"export or copy it again"
        )
    try:
        header = json.loads(data[8 : 8 + length].decode("utf-8"), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise _refuse(f"its header is not JSON ({error})") from error
    if not isinstance(header, dict):
        raise _refuse("its header is not a table")
    return header, 8 + length


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) != len(pairs):
        raise ValueError("a name appears twice")
    return table


def _place(name: str, entry: object) -> tuple[int, int, str, tuple[int, ...]]:
    """Begin, end, NumPy dtype and shape of a tensor, as its header entry says and its size confirms."""
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise _refuse(f"tensor {name!r} is not described by dtype, shape and data_offsets")
    code = DTYPES.get(entry["dtype"]) if isinstance(entry["dtype"], str) else None
    if code is None:
        raise _refuse(f"tensor {name!r} has the type {entry['dtype']!r}; known are {', '.join(DTYPES)}")
    shape, offsets = entry["shape"], entry["data_offsets"]
    if not _whole_numbers(shape) or len(shape) > LARGEST_RANK:
        raise _refuse(f"tensor {name!r} has the shape {shape!r}")
    if not _whole_numbers(offsets) or len(offsets) != 2 or offsets[1] < offsets[0]:
        raise _refuse(f"tensor {name!r} has the offsets {offsets!r}")
    begin, end = offsets
    size = math.prod(shape) * np.dtype(code).itemsize
    if end - begin != size:
        raise _refuse(f"tensor {name!r} of shape {shape} takes {size} bytes, not {end - begin}")
    return begin, end, code, tuple(shape)


def _whole_numbers(value: object) -> TypeGuard[list[int]]:
    return isinstance(value, list) and all(type(x) is int and 0 <= x < 2**53 for x in value)
