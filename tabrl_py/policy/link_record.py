"""Packs and unpacks the fields of a share link as link_layout.py describes them.

Unpacked values: str for texts, int for counts, list[int] for several, str for choices, uint16 arrays for
halves (the bits of float16), int8 arrays for bytes, and for settings a dict of path to int, float, bool, str
or list.
"""

import math
import struct
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from tabrl_py.errors import TabrlError
from tabrl_py.policy.link_layout import LARGEST_COUNT, LAYOUT, SETTING_TYPES

Values = dict[str, Any]
Field = dict[str, Any]
SETTING_TEXT: int = LAYOUT["setting_text"]
MOST_NUMBERS = 16
"""Of one setting that is a list."""
DIRECTIONS = {chr(c) for c in (0x200E, 0x200F, 0x061C, *range(0x202A, 0x202F), *range(0x2066, 0x206A))}
"""Marks that change the direction of writing: with them a text could show itself as another."""
AGAIN = "ask for it again, or copy it whole"


class LinkError(TabrlError):
    """A link that is cut short, damaged, foreign or of another version, or something that fits in none."""


def array_size(size: str, sizes: Sequence[int]) -> int:
    """How many numbers a field of that size has in a network of these layers."""
    return {
        "inputs": sizes[0],
        "outputs": sizes[-1],
        "units": sum(sizes[1:]),
        "weights": sum(a * b for a, b in pairwise(sizes)),
    }[size]


def there(field: Field, values: Values) -> bool:
    """Whether a field is there, by the choices before it."""
    return all(values[name] == value for name, value in field.get("when", {}).items())


def clean(text: str, lines: bool) -> bool:
    """Whether a text holds nothing but what can be seen."""
    allowed = "\t\n" if lines else ""
    return not any(
        (c < " " and c not in allowed)
        or "\x7f" <= c <= "\x9f"
        or "\ud800" <= c <= "\udfff"
        or c in DIRECTIONS
        for c in text
    )


def pack(fields: Sequence[Field], values: Values) -> bytes:
    """The payload of these values.

    Raises:
        LinkError: a value that a link does not hold.
    """
    return b"".join(PACKERS[f["type"]](f, values[f["name"]], values) for f in fields if there(f, values))


def unpack(fields: Sequence[Field], data: bytes) -> Values:
    """The values of a payload.

    Raises:
        LinkError: it is not exactly such a payload.
    """
    reader = Reader(data)
    values: Values = {}
    for field in fields:
        if there(field, values):
            values[field["name"]] = UNPACKERS[field["type"]](field, reader, values)
            if (
                field["name"] == "sizes"
                and array_size("weights", values["sizes"]) > LAYOUT["largest_weights"]
            ):
                raise damaged("sizes", values["sizes"])
    if reader.at != len(data):
        raise LinkError(f"the link is damaged: {len(data) - reader.at} bytes follow its last field; {AGAIN}")
    return values


def damaged(name: str, value: object) -> LinkError:
    """What is said of a field that cannot be."""
    return LinkError(f"the link is damaged: {name} cannot be {value!r:.60}; {AGAIN}")


class Reader:
    """Bytes that are taken one after the other."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, size: int) -> bytes:
        """The next bytes."""
        if self.at + size > len(self.data):
            raise LinkError(
                f"the link is cut short: {len(self.data)} bytes, {self.at + size} were due; {AGAIN}"
            )
        self.at += size
        return self.data[self.at - size : self.at]

    def count(self, name: str, low: int, high: int) -> int:
        """The next count."""
        value = shift = 0
        while True:
            (byte,) = self.take(1)
            value += (byte & 127) << shift
            if byte < 128:
                break
            shift += 7
            if shift > 49:
                raise damaged(name, "so long a number")
        if (byte == 0 and shift > 0) or not low <= value <= high:
            raise damaged(name, value)
        return value

    def text(self, name: str, longest: int, lines: bool) -> str:
        """The next text."""
        raw = self.take(self.count(name, 0, longest))
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise damaged(name, raw) from error
        if not clean(text, lines):
            raise damaged(name, text)
        return text


def pack_count(name: str, value: int, low: int, high: int) -> bytes:
    """A whole number as LEB128."""
    if type(value) is not int or not low <= value <= high:
        raise LinkError(f"{name}={value!r} does not fit in a link; it takes {low} to {high}")
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def pack_text(name: str, text: str, longest: int, lines: bool) -> bytes:
    """A text with its length."""
    if not isinstance(text, str) or not clean(text, lines):
        raise LinkError(f"{name}={text!r:.60} holds characters that cannot be seen; take them out")
    raw = text.encode("utf-8")
    if len(raw) > longest:
        raise LinkError(f"{name} has {len(raw)} bytes, a link takes {longest}; make it shorter")
    return pack_count(name, len(raw), 0, longest) + raw


def _pack_halves(field: Field, bits: npt.ArrayLike, values: Values) -> bytes:
    raw = np.ascontiguousarray(bits, dtype="<u2")
    assert raw.shape == (array_size(field["size"], values["sizes"]),)
    return raw.view(np.uint8).reshape(-1, 2).T.tobytes()


def _unpack_halves(field: Field, reader: Reader, values: Values) -> npt.NDArray[np.uint16]:
    size = array_size(field["size"], values["sizes"])
    planes = np.frombuffer(reader.take(2 * size), np.uint8).reshape(2, size)
    bits: npt.NDArray[np.uint16] = planes[0].astype(np.uint16) | planes[1].astype(np.uint16) << 8
    if (bits & 0x7C00 == 0x7C00).any():
        raise damaged(field["name"], "a number that is not finite")
    return bits


def _pack_bytes(field: Field, weights: npt.NDArray[np.int8], values: Values) -> bytes:
    assert weights.shape == (array_size(field["size"], values["sizes"]),)
    return bytes(np.asarray(weights, np.int8).tobytes())


def _unpack_bytes(field: Field, reader: Reader, values: Values) -> npt.NDArray[np.int8]:
    weights = np.frombuffer(reader.take(array_size(field["size"], values["sizes"])), np.int8)
    if (weights == -128).any():
        raise damaged(field["name"], -128)
    return weights


def _pack_setting(path: str, value: object) -> bytes:
    head = pack_text("a setting", path, SETTING_TEXT, False)
    match value:
        case bool():
            return head + bytes([SETTING_TYPES.index("bool"), value])
        case int():
            return head + bytes([SETTING_TYPES.index("int")]) + pack_count(path, value, 0, LARGEST_COUNT)
        case float() if math.isfinite(value):
            return head + bytes([SETTING_TYPES.index("float")]) + struct.pack("<d", value)
        case str():
            return head + bytes([SETTING_TYPES.index("choice")]) + pack_text(path, value, SETTING_TEXT, False)
        case list() | tuple():
            numbers = b"".join(pack_count(path, x, 0, LARGEST_COUNT) for x in value)
            tag = bytes([SETTING_TYPES.index("int_list")])
            return head + tag + pack_count(path, len(value), 0, MOST_NUMBERS) + numbers
    raise LinkError(f"{path}={value!r:.60} does not fit in a link; give a finite number, a word or a list")


def _pack_settings(field: Field, settings: Mapping[str, object], values: Values) -> bytes:
    head = pack_count(field["name"], len(settings), 0, field["most"])
    return head + b"".join(_pack_setting(path, settings[path]) for path in sorted(settings))


def _unpack_setting(path: str, reader: Reader) -> object:
    (tag,) = reader.take(1)
    if tag >= len(SETTING_TYPES):
        raise damaged(path, f"of type {tag}")
    match SETTING_TYPES[tag]:
        case "int":
            return reader.count(path, 0, LARGEST_COUNT)
        case "float":
            (value,) = struct.unpack("<d", reader.take(8))
            if not math.isfinite(value):
                raise damaged(path, value)
            return value
        case "bool":
            return bool(reader.count(path, 0, 1))
        case "choice":
            return reader.text(path, SETTING_TEXT, False)
    return [reader.count(path, 0, LARGEST_COUNT) for _ in range(reader.count(path, 0, MOST_NUMBERS))]


def _unpack_settings(field: Field, reader: Reader, values: Values) -> dict[str, object]:
    settings: dict[str, object] = {}
    before = ""
    for _ in range(reader.count(field["name"], 0, field["most"])):
        path = reader.text("a setting", SETTING_TEXT, False)
        if path <= before or not path.isascii():
            raise damaged("a setting", path)
        settings[path] = _unpack_setting(path, reader)
        before = path
    return settings


def _unpack_choice(field: Field, reader: Reader, values: Values) -> object:
    (index,) = reader.take(1)
    if index >= len(field["choices"]):
        raise damaged(field["name"], index)
    return field["choices"][index]


def _pack_counts(field: Field, numbers: Sequence[int], values: Values) -> bytes:
    head = pack_count(field["name"], len(numbers), field["least"], field["most"])
    return head + b"".join(pack_count(field["name"], n, field["low"], field["high"]) for n in numbers)


def _unpack_counts(field: Field, reader: Reader, values: Values) -> list[int]:
    size = reader.count(field["name"], field["least"], field["most"])
    return [reader.count(field["name"], field["low"], field["high"]) for _ in range(size)]


PACKERS: dict[str, Callable[[Field, Any, Values], bytes]] = {
    "text": lambda f, value, _: pack_text(f["name"], value, f["longest"], f.get("lines", False)),
    "count": lambda f, value, _: pack_count(f["name"], value, f["low"], f["high"]),
    "counts": _pack_counts,
    "choice": lambda f, value, _: bytes([f["choices"].index(value)]),
    "halves": _pack_halves,
    "bytes": _pack_bytes,
    "settings": _pack_settings,
}
UNPACKERS: dict[str, Callable[[Field, Reader, Values], Any]] = {
    "text": lambda f, reader, _: reader.text(f["name"], f["longest"], f.get("lines", False)),
    "count": lambda f, reader, _: reader.count(f["name"], f["low"], f["high"]),
    "counts": _unpack_counts,
    "choice": _unpack_choice,
    "halves": _unpack_halves,
    "bytes": _unpack_bytes,
    "settings": _unpack_settings,
}
