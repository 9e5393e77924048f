"""The wire format of Protocol Buffers, as far as an ONNX file needs it: numbered fields, no schema.

Format: https://protobuf.dev/programming-guides/encoding. A message is read into a table of its fields; what
a field means is for the caller to know. Reading never nests by itself and makes no copies, so its cost is
bounded by the length of what is read.
"""

import struct
from collections.abc import Iterable
from typing import TypeAlias

from tabrl_py.errors import PolicyFileError

Value: TypeAlias = int | memoryview
"""A whole number, or the bytes of a text, a message, packed numbers or a float."""
Fields: TypeAlias = dict[int, list[Value]]

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
MOST_FIELDS = 10_000
"""Of one message: so many fields take memory far beyond their bytes."""


def varint(value: int) -> bytes:
    """A whole number from 0 on, seven bits a byte."""
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)


def number(field: int, value: int) -> bytes:
    """A field with a whole number from 0 on."""
    return varint(field << 3 | _VARINT) + varint(value)


def real(field: int, value: float) -> bytes:
    """A field with a float32."""
    return varint(field << 3 | _FIXED32) + struct.pack("<f", value)


def block(field: int, value: bytes | str) -> bytes:
    """A field with bytes, a text or a message."""
    data = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | _BYTES) + varint(len(data)) + data


def blocks(field: int, values: Iterable[bytes | str]) -> bytes:
    """A repeated field of these."""
    return b"".join(block(field, value) for value in values)


def read(data: memoryview) -> Fields:
    """The fields of a message, in the order in which they stand.

    Raises:
        PolicyFileError: it is no such message, or it has more than MOST_FIELDS fields.
    """
    fields: Fields = {}
    at = count = 0
    while at < len(data):
        key, at = _read_varint(data, at)
        kind = key & 7
        value: Value
        if kind == _VARINT:
            value, at = _read_varint(data, at)
        elif kind in (_FIXED64, _FIXED32, _BYTES):
            length = 8 if kind == _FIXED64 else 4
            if kind == _BYTES:
                length, at = _read_varint(data, at)
            if length > len(data) - at:
                raise _refuse(f"a field of {length} bytes where {len(data) - at} are left")
            value, at = data[at : at + length], at + length
        else:
            raise _refuse(f"a field of the unknown wire type {kind}")
        count += 1
        if count > MOST_FIELDS:
            raise _refuse(f"more than {MOST_FIELDS} fields in one message")
        fields.setdefault(key >> 3, []).append(value)
    return fields


def _read_varint(data: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise _refuse("the end in the middle of a number")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & (1 << 64) - 1, at
    raise _refuse("a number of more than ten bytes")


def text(fields: Fields, field: int) -> str:
    """The text in a field, the last where there are several; "" where there is none.

    Raises:
        PolicyFileError: the field holds no text.
    """
    values = fields.get(field)
    if not values:
        return ""
    value = values[-1]
    try:
        return bytes(_memory(value)).decode("utf-8")
    except UnicodeDecodeError as error:
        raise _refuse("a text that is not UTF-8") from error


def messages(fields: Fields, field: int, most: int) -> list[Fields]:
    """The messages in a field.

    Raises:
        PolicyFileError: there are more than `most`, or one of them is none.
    """
    values = fields.get(field, [])
    if len(values) > most:
        raise _refuse(f"{len(values)} parts where at most {most} are read")
    return [read(_memory(value)) for value in values]


def integer(fields: Fields, field: int, default: int = 0) -> int:
    """The whole number in a field, signed, the last where there are several."""
    values = fields.get(field)
    if not values:
        return default
    value = values[-1]
    if not isinstance(value, int):
        raise _refuse("bytes where a number was due")
    return _signed(value)


def floating(fields: Fields, field: int, default: float) -> float:
    """The float32 in a field, the last where there are several."""
    values = fields.get(field)
    if not values:
        return default
    value = _memory(values[-1])
    if len(value) != 4:
        raise _refuse(f"{len(value)} bytes where a float was due")
    return float(struct.unpack("<f", value)[0])


def integers(fields: Fields, field: int, most: int) -> list[int]:
    """The whole numbers of a repeated field, packed or not, signed.

    Raises:
        PolicyFileError: there are more than `most`.
    """
    found: list[int] = []
    for value in fields.get(field, []):
        if isinstance(value, int):
            found.append(_signed(value))
            continue
        at = 0
        while at < len(value) and len(found) <= most:
            entry, at = _read_varint(value, at)
            found.append(_signed(entry))
    if len(found) > most:
        raise _refuse(f"more than {most} numbers in a list of sizes")
    return found


def data(fields: Fields, field: int) -> bytes:
    """All bytes of a field's values, one behind the other: raw data, or packed numbers of fixed size."""
    return b"".join(bytes(_memory(value)) for value in fields.get(field, []))


def _memory(value: Value) -> memoryview:
    if isinstance(value, int):
        raise _refuse("a number where bytes were due")
    return value


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value


def _refuse(what: str) -> PolicyFileError:
    return PolicyFileError(f"the file is not an ONNX model, or it is damaged: {what}; export it again")
