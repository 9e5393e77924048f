"""Doors out of Python that a worker closes when it has loaded what it needs."""

import sys
from collections.abc import Iterable
from typing import Any


def close(names: Iterable[str]) -> None:
    """Make modules impossible to import. Those who hold one already keep it."""
    modules: dict[str, Any] = sys.modules
    for name in names:
        modules[name] = None
        parent, dot, child = name.rpartition(".")
        if dot and modules.get(parent) is not None and hasattr(modules[parent], child):
            delattr(modules[parent], child)
