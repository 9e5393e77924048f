"""Packages of the standard library whose modules lie in two archives: the page's own, and the SDK's."""

import importlib

SPLIT = ("asyncio", "email", "encodings", "json", "logging", "urllib")
"""Of which the page's own archive has a part; see wasm/build/python_parts.py."""


def extend(archive: str) -> None:
    """Let these packages find their other modules.

    Args:
        archive: path of the SDK's archive in Python's file system.
    """
    for name in SPLIT:
        importlib.import_module(name).__path__.append(f"{archive}/{name}")
    importlib.invalidate_caches()
