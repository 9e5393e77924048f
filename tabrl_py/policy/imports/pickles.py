"""Pickles read as data: a walk over their opcodes that imports nothing and calls nothing.

What a pickle would import is a Symbol, what it would call is a Made that holds the arguments; nobody looks
any name up. So there is no list of forbidden names to be incomplete: a pickle can only build inert values
here. Opcodes and their meaning: Python's Lib/pickletools.py, protocols 2 to 5. Unknown ones, and those no
policy's file needs (registered extensions, out-of-band buffers, classic instances), are refused.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tabrl_py.errors import PolicyFileError

MOST_OPCODES = 200_000
LARGEST_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class Symbol:
    """A name that the pickle would import."""

    module: str
    name: str

    @property
    def path(self) -> str:
        """`module.name`."""
        return f"{self.module}.{self.name}"


@dataclass(eq=False)
class Made:
    """What the pickle would make by calling something.

    Attributes:
        maker: what would be called: a Symbol, or anything else in a pickle that makes no sense.
        arguments: of the call.
        state: what BUILD would give it.
        items: what SETITEMS would put into it.
    """

    maker: Any
    arguments: tuple[Any, ...]
    state: Any = None
    items: dict[str | int, Any] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """Of the maker; "" where that is no symbol."""
        return self.maker.path if isinstance(self.maker, Symbol) else ""


@dataclass(frozen=True)
class Persistent:
    """What is kept outside the pickle, by its id."""

    id: Any


def read_pickle(data: bytes) -> Any:  # noqa: ANN401 - whatever it holds
    """The value of a pickle, with Symbol, Made and Persistent for what is no plain data.

    Raises:
        PolicyFileError: it is no pickle, or one that needs more than is understood here.
    """
    if len(data) > LARGEST_BYTES:
        raise _refuse(f"it has {len(data)} bytes; at most {LARGEST_BYTES} are read")
    walk = _Walk(data)
    try:
        return walk.run()
    except (IndexError, struct.error, KeyError, ValueError, TypeError) as error:
        raise _refuse(f"it breaks off or does not hold together at byte {walk.at}") from error


def _refuse(what: str) -> PolicyFileError:
    return PolicyFileError(f"a pickle in the file cannot be read as data: {what}; export the policy again")


class _Walk:
    """The pickle machine's stack, its marks and its memo."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}

    def run(self) -> object:
        for _ in range(MOST_OPCODES):
            code = self._take(1)
            if code == b".":
                return self._stack.pop()
            step = _STEPS.get(code)
            if step is None:
                raise _refuse(f"it has the opcode {code!r} at byte {self.at - 1}")
            step(self)
        raise _refuse(f"it has more than {MOST_OPCODES} opcodes")

    def _take(self, length: int) -> bytes:
        end = self.at + length
        if length < 0 or end > len(self._data):
            raise IndexError(end)
        part = self._data[self.at : end]
        self.at = end
        return part

    def number(self, form: str) -> Any:  # noqa: ANN401 - int or float, as the form says
        """The next number, in a form of `struct`."""
        return struct.unpack(form, self._take(struct.calcsize(form)))[0]

    def block(self, form: str) -> bytes:
        """The next bytes, their length before them."""
        return self._take(self.number(form))

    def line(self) -> str:
        """The rest of a line."""
        end = self._data.index(b"\n", self.at)
        text = self._take(end - self.at).decode("utf-8")
        self.at += 1
        return text

    def push(self, value: object) -> None:
        self._stack.append(value)

    def pop(self) -> Any:  # noqa: ANN401 - what a pickle held
        return self._stack.pop()

    def top(self) -> Any:  # noqa: ANN401 - what a pickle held
        return self._stack[-1]

    def mark(self) -> None:
        self._marks.append(len(self._stack))

    def to_mark(self) -> list[Any]:
        """Remove and return what lies above the last mark."""
        begin = self._marks.pop()
        above = self._stack[begin:]
        del self._stack[begin:]
        return above

    def remember(self, key: int | None = None) -> None:
        self._memo[len(self._memo) if key is None else key] = self._stack[-1]

    def recall(self, key: int) -> None:
        self._stack.append(self._memo[key])


def _symbol(walk: _Walk) -> None:
    module = walk.line()
    walk.push(Symbol(module, walk.line()))


def _stack_symbol(walk: _Walk) -> None:
    name, module = walk.pop(), walk.pop()
    if not isinstance(name, str) or not isinstance(module, str):
        raise TypeError(name)
    walk.push(Symbol(module, name))


def _reduce(walk: _Walk) -> None:
    arguments, maker = walk.pop(), walk.pop()
    walk.push(Made(maker, _tuple(arguments)))


def _new_with_names(walk: _Walk) -> None:
    names, arguments, maker = walk.pop(), walk.pop(), walk.pop()
    if names:
        raise _refuse("an object made with named arguments")
    walk.push(Made(maker, _tuple(arguments)))


def _tuple(value: object) -> tuple[Any, ...]:
    if not isinstance(value, tuple):
        raise TypeError(value)
    return value


def _build(walk: _Walk) -> None:
    state, made = walk.pop(), walk.top()
    if not isinstance(made, Made):
        raise TypeError(made)
    made.state = state


def _set(target: object, pairs: list[Any]) -> None:
    table = target.items if isinstance(target, Made) else target
    if not isinstance(table, dict) or len(pairs) % 2:
        raise TypeError(table)
    for key, value in zip(pairs[::2], pairs[1::2], strict=True):
        if not isinstance(key, str | int):
            raise _refuse(f"a table with keys of type {type(key).__name__}")
        table[key] = value


def _set_item(walk: _Walk) -> None:
    value, key = walk.pop(), walk.pop()
    _set(walk.top(), [key, value])


def _set_items(walk: _Walk) -> None:
    pairs = walk.to_mark()
    _set(walk.top(), pairs)


def _append(walk: _Walk) -> None:
    value = walk.pop()
    _extend(walk.top(), [value])


def _appends(walk: _Walk) -> None:
    values = walk.to_mark()
    _extend(walk.top(), values)


def _extend(target: object, values: list[Any]) -> None:
    if isinstance(target, Made):  # a deque or the like: nobody here reads one
        return
    if not isinstance(target, list):
        raise TypeError(target)
    target.extend(values)


def _dict(walk: _Walk) -> None:
    pairs = walk.to_mark()
    walk.push({})
    _set(walk.top(), pairs)


def _long(length: int, walk: _Walk) -> None:
    walk.push(int.from_bytes(walk._take(length), "little", signed=True))


def _tuple_of(count: int) -> Callable[[_Walk], None]:
    def step(walk: _Walk) -> None:
        values = [walk.pop() for _ in range(count)]
        walk.push(tuple(reversed(values)))

    return step


_STEPS: dict[bytes, Callable[[_Walk], None]] = {
    b"\x80": lambda w: _protocol(w.number("<B")),
    b"\x95": lambda w: (w.number("<Q"), None)[1],
    b"(": lambda w: w.mark(),
    b"0": lambda w: (w.pop(), None)[1],
    b"N": lambda w: w.push(None),
    b"\x88": lambda w: w.push(True),
    b"\x89": lambda w: w.push(False),
    b"J": lambda w: w.push(w.number("<i")),
    b"K": lambda w: w.push(w.number("<B")),
    b"M": lambda w: w.push(w.number("<H")),
    b"\x8a": lambda w: _long(w.number("<B"), w),
    b"\x8b": lambda w: _long(w.number("<i"), w),
    b"G": lambda w: w.push(w.number(">d")),
    b"X": lambda w: w.push(w.block("<I").decode("utf-8", "surrogatepass")),
    b"\x8c": lambda w: w.push(w.block("<B").decode("utf-8", "surrogatepass")),
    b"\x8d": lambda w: w.push(w.block("<Q").decode("utf-8", "surrogatepass")),
    b"B": lambda w: w.push(w.block("<I")),
    b"C": lambda w: w.push(w.block("<B")),
    b"\x8e": lambda w: w.push(w.block("<Q")),
    b"\x96": lambda w: w.push(w.block("<Q")),
    b")": lambda w: w.push(()),
    b"t": lambda w: w.push(tuple(w.to_mark())),
    b"\x85": _tuple_of(1),
    b"\x86": _tuple_of(2),
    b"\x87": _tuple_of(3),
    b"]": lambda w: w.push([]),
    b"l": lambda w: w.push(w.to_mark()),
    b"a": _append,
    b"e": _appends,
    b"}": lambda w: w.push({}),
    b"d": _dict,
    b"s": _set_item,
    b"u": _set_items,
    b"\x8f": lambda w: w.push([]),
    b"\x90": _appends,
    b"\x91": lambda w: w.push(w.to_mark()),
    b"q": lambda w: w.remember(w.number("<B")),
    b"r": lambda w: w.remember(w.number("<I")),
    b"\x94": lambda w: w.remember(),
    b"h": lambda w: w.recall(w.number("<B")),
    b"j": lambda w: w.recall(w.number("<I")),
    b"c": _symbol,
    b"\x93": _stack_symbol,
    b"R": _reduce,
    b"\x81": _reduce,
    b"\x92": _new_with_names,
    b"b": _build,
    b"Q": lambda w: w.push(Persistent(w.pop())),
}
"""By opcode. Sets become lists here: nothing that is read is one."""


def _protocol(version: int) -> None:
    if not 2 <= version <= 5:
        raise _refuse(f"it is of protocol {version}; 2 to 5 are read")
