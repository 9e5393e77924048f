"""Stamps: a step runs again only when what it reads has changed.

A stamp is a small file that holds the fingerprint of a step's inputs, written when the step has succeeded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

IGNORED = {"__pycache__", "node_modules", ".DS_Store"}


def source_files(path: Path) -> Iterator[Path]:
    """Every file at or below `path` in a fixed order, without caches of tools; nothing when missing."""
    if path.is_file():
        yield path
    elif path.is_dir():
        for child in sorted(path.iterdir()):
            if child.name not in IGNORED:
                yield from source_files(child)


def fingerprint(inputs: Iterable[Path], *facts: str, root: Path | None = None) -> str:
    """A sha256 over the names and contents of all files at or below `inputs`, and over further facts.

    Args:
        inputs: files and folders; a missing one counts as missing, not as an error.
        facts: anything else the step depends on, such as a version.
        root: names are taken relative to it, so that a moved checkout keeps its stamps.
    """
    digest = hashlib.sha256()
    for fact in facts:
        digest.update(f"fact {fact}\n".encode())
    for path in inputs:
        digest.update(f"input {path.relative_to(root) if root else path.name}\n".encode())
        for file in source_files(path):
            content = hashlib.sha256(file.read_bytes()).hexdigest()
            digest.update(f"{file.relative_to(path)} {content}\n".encode())
    return digest.hexdigest()


def is_fresh(stamp: Path, expected: str) -> bool:
    """Whether the step that writes `stamp` has already succeeded with these inputs."""
    try:
        return stamp.read_text(encoding="ascii").strip() == expected
    except (OSError, UnicodeDecodeError):
        return False


def mark(stamp: Path, value: str) -> None:
    """Record that the step has succeeded with these inputs."""
    stamp.parent.mkdir(parents=True, exist_ok=True)
    beside = stamp.with_suffix(".part")
    beside.write_text(value + "\n", encoding="ascii")
    beside.replace(stamp)
