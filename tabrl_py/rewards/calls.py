"""Who is told when code that is not trusted begins and ends to run: the worker tells the page."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

Observer: TypeAlias = Callable[[bool, str], None]
"""Told (True, function) before the code runs and (False, function) after it, whatever came of it."""

_observers: list[Observer] = []
_running: list[str] = []


def observe(observer: Observer | None) -> None:
    """Tell this observer from now on, and none before it; None: nobody."""
    _observers[:] = [] if observer is None else [observer]


@contextmanager
def running(function: str) -> Iterator[None]:
    """While the code of a function, "reward" or "fitness", is read or runs; only the outermost is told."""
    told = not _running
    _running.append(function)
    try:
        if told:
            _tell(True, function)
        yield
    finally:
        _running.pop()
        if told:
            _tell(False, function)


def _tell(begins: bool, function: str) -> None:
    for observer in _observers:
        observer(begins, function)
