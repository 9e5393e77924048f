"""The ledger of a loop: everything that was asked, answered, decided and measured, one JSON line each.

A line is canonical JSON (sorted keys, no spaces) with

- `id`, `kind`, `data`: what happened. These are the same whenever the loop is repeated;
- `clock`: times and durations, which are not;
- `hash`: SHA-256 of the hash before it and of id, kind and data.

Lines of kind `reserve` say that a request is about to go out, and what it may cost at worst. A loop that is
killed meanwhile repeats the request, so they are not among what is the same: their hash is the one before.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tabrl_py.errors import TabrlError

FIRST_HASH = "0" * 64
RESERVE = "reserve"


class LedgerError(TabrlError):
    """A ledger cannot be read, was changed, or is that of another loop."""


@dataclass(frozen=True)
class Line:
    """One entry.

    Attributes:
        id: of the command or event.
        kind: what it is.
        data: what happened.
        clock: when, and how long it took.
        hash: of everything up to here that is the same in every repetition.
    """

    id: str
    kind: str
    data: dict[str, Any]
    clock: dict[str, Any]
    hash: str

    @property
    def text(self) -> str:
        """The line as it is kept."""
        record = {
            "clock": self.clock,
            "data": self.data,
            "hash": self.hash,
            "id": self.id,
            "kind": self.kind,
        }
        return canonical(record)


class Ledger:
    """Lines in order; they are only ever appended."""

    def __init__(self) -> None:
        self.lines: list[Line] = []

    @property
    def hash(self) -> str:
        """Of everything that happened."""
        return self.lines[-1].hash if self.lines else FIRST_HASH

    def append(self, id_: str, kind: str, data: Mapping[str, Any], clock: Mapping[str, Any]) -> Line:
        """Add an entry.

        Raises:
            LedgerError: its data are not plain JSON, or not finite.
        """
        try:
            # What is read back is what was written: tuples are lists, keys are texts.
            plain = json.loads(canonical(dict(data)))
            times = json.loads(canonical(dict(clock)))
        except (TypeError, ValueError) as error:
            raise LedgerError(f"{kind} {id_} cannot be written into the ledger: {error}") from error
        line = Line(id_, kind, plain, times, _next_hash(self.hash, id_, kind, plain))
        self.lines.append(line)
        return line

    def take(self, text: str) -> Line:
        """Add a line as it was kept.

        Raises:
            LedgerError: it is no line of a ledger, or not what followed the one before.
        """
        number = len(self.lines) + 1
        try:
            record = json.loads(text)
            line = Line(record["id"], record["kind"], record["data"], record["clock"], record["hash"])
        except (ValueError, KeyError, TypeError) as error:
            raise LedgerError(f"line {number} of the ledger cannot be read: {error}") from error
        if line.hash != _next_hash(self.hash, line.id, line.kind, line.data):
            raise LedgerError(
                f"line {number} of the ledger ({line.kind} {line.id}) does not follow the one before: "
                "lines were changed, left out, or belong to another loop"
            )
        self.lines.append(line)
        return line


def canonical(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """JSON text that is the same for the same value.

    Raises:
        ValueError: a number that is not finite.
        TypeError: something that JSON cannot hold.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """SHA-256 of a value's canonical text, in hexadecimal."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def _next_hash(before: str, id_: str, kind: str, data: Mapping[str, Any]) -> str:
    if kind == RESERVE:
        return before
    return hashlib.sha256((before + canonical({"data": data, "id": id_, "kind": kind})).encode()).hexdigest()


def hash_of(lines: Iterable[str]) -> str:
    """The hash of a kept ledger, checked line by line.

    Raises:
        LedgerError: see Ledger.take.
    """
    ledger = Ledger()
    for text in lines:
        ledger.take(text)
    return ledger.hash
