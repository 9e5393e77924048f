"""Packages whose modules lie in more than one archive: what some workers need, or need later."""

import importlib
from collections.abc import Iterable

STANDARD_LIBRARY = ("asyncio", "email", "encodings", "json", "logging", "urllib")
"""Of which the page's own archive has a part; see wasm/build/python_parts.py."""
PACKAGE = ("tabrl_py", "tabrl_py.workers")


def extend(archive: str, packages: Iterable[str]) -> None:
    """Let packages find their other modules.

    Args:
        archive: path of the archive in Python's file system.
        packages: of which it has a part.
    """
    for name in packages:
        importlib.import_module(name).__path__.append(f"{archive}/{name.replace('.', '/')}")
    importlib.invalidate_caches()


def extend_standard_library(archive: str) -> None:
    """Let Python's own packages find what the SDK's archive has of them."""
    extend(archive, STANDARD_LIBRARY)


def extend_package(archive: str) -> None:
    """Let tabrl_py find what only the designer's worker has of it."""
    extend(archive, PACKAGE)
