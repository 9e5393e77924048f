"""Population-based training (arXiv:1711.09846): the worst go on from the best, with other settings."""

from collections.abc import Mapping, Sequence

import numpy as np

from tabrl_py.types import F64

Range = tuple[float, float, bool]
"""Lowest, highest, whether whole."""
FACTORS = (0.8, 1.25)
SHARE = 0.25
"""Of the members, that are replaced, and that they are replaced by; at least one."""


def exploit(fitness: Sequence[float], rng: np.random.Generator) -> list[int]:
    """Whose weights each member goes on from: truncation selection (section 4.1 there).

    Args:
        fitness: of each member; -inf where one has none.
        rng: chooses among the best.

    Returns:
        Indices: a member's own, but for the bottom quarter, which go on from the top quarter.
    """
    n = len(fitness)
    sources = list(range(n))
    if n < 2:
        return sources
    order = sorted(range(n), key=lambda i: (-fitness[i], i))
    count = max(1, int(n * SHARE))
    for loser in order[-count:]:
        if fitness[loser] < fitness[order[0]]:
            sources[loser] = order[int(rng.integers(count))]
    return sources


def explore(
    settings: Mapping[str, float | int | str], ranges: Mapping[str, Range], rng: np.random.Generator
) -> dict[str, float | int | str]:
    """Each number times 0.8 or 1.25; the other factor where one would leave the range."""
    moved: dict[str, float | int | str] = {}
    for name, value in settings.items():
        if isinstance(value, str) or name not in ranges:
            moved[name] = value
            continue
        low, high, whole = ranges[name]
        factors: F64 = rng.permutation(np.array(FACTORS))
        tried = [float(value) * float(factor) for factor in factors]
        if whole:
            tried = [float(round(each)) for each in tried]
        kept = next((each for each in tried if low <= each <= high), float(value))
        moved[name] = int(kept) if whole else kept
    return moved
