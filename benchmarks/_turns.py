"""Measurements that take turns, so that what else the machine does hits them all."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence


def in_turns(
    sides: Mapping[str, Callable[[], float]], rounds: int, warm_up: int = 0
) -> dict[str, list[float]]:
    """What each side gives in each round; each round begins with another side.

    Args:
        sides: measurements by name.
        rounds: that count.
        warm_up: rounds before them, which do not.
    """
    names = list(sides)
    found: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(warm_up + rounds):
        for at in range(len(names)):
            name = names[(at + turn) % len(names)]
            value = sides[name]()
            if turn >= warm_up:
                found[name].append(value)
    return found


def spread(values: Sequence[float]) -> str:
    """The middle half of some measurements, in words."""
    if len(values) < 2:
        return "-"
    low, _, high = statistics.quantiles(values, n=4)
    return f"{low:,.4g} to {high:,.4g}"
