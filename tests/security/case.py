"""A piece of hostile code, and where it has to end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Where = Literal["check", "trial", "harmless"]
CANARY = "canary.invalid"
"""A name that hostile code tries to reach; nothing may ask for it."""
SENTINEL = "tabrl-canary"
"""Stands in files and globals that hostile code tries to make."""

GOOD = "def reward(s):\n    return s.upright, {'a': s.upright}\n"


@dataclass(frozen=True)
class Case:
    """One case of the corpus.

    Attributes:
        kind: which attack.
        name: of the case, unique.
        source: the code.
        where: it is refused by the check of its text, by the trial on recorded states, or it does nothing.
        function: that it pretends to be.
    """

    kind: str
    name: str
    source: str
    where: Where = "check"
    function: str = "reward"


def inside(statements: str) -> str:
    """Statements in a reward that is sound otherwise."""
    body = "".join(f"    {line}\n" for line in statements.splitlines())
    return f"def reward(s):\n{body}    return s.upright, {{'a': s.upright}}\n"


def ending(result: str, before: str = "", above_it: str = "") -> str:
    """A reward that returns what is written."""
    body = "".join(f"    {line}\n" for line in before.splitlines())
    return f"{above_it}def reward(s):\n{body}    return {result}\n"


def computing(expression: str) -> str:
    """An expression as the reward itself."""
    return f"def reward(s):\n    x = {expression}\n    return x, {{'a': x}}\n"


def above(statements: str) -> str:
    """Statements before a sound reward."""
    return f"{statements}\n{GOOD}"


def cases(
    kind: str, sources: dict[str, str] | list[str], where: Where = "check", function: str = "reward"
) -> list[Case]:
    """Cases of one kind, numbered where they have no names."""
    named = sources if isinstance(sources, dict) else {str(i): text for i, text in enumerate(sources)}
    return [Case(kind, f"{kind}-{name}", source, where, function) for name, source in named.items()]
