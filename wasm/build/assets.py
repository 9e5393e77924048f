"""The files of others that the page ships, each pinned by its sha256 in `wasm/assets.lock`.

A line of that file is `sha256 bytes destination source`; the destination is a path in `dist/`, the source
`npm:PACKAGE/FILE`, a file of an installed npm package, `pyodide:FILE`, a wheel of Pyodide, or `pypi:FILE`, a
wheel of PyPI.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from wasm.build.errors import BuildError
from wasm.build.paths import ASSETS_LOCK, CACHE, NODE_MODULES, ROOT

WHEELS = CACHE / "pyodide"
KINDS = ("npm", "pyodide", "pypi")


@dataclass(frozen=True)
class Asset:
    """One file of another project."""

    sha256: str
    bytes: int
    destination: str
    """Path in `dist/`, with forward slashes."""
    source: str
    """`npm:PACKAGE/FILE`, `pyodide:FILE` or `pypi:FILE`."""

    @property
    def kind(self) -> str:
        """One of KINDS."""
        return self.source.partition(":")[0]

    @property
    def name(self) -> str:
        """The source without its kind: where the file lies in its package."""
        return self.source.partition(":")[2]

    def local_path(self, node_modules: Path = NODE_MODULES, wheels: Path = WHEELS) -> Path:
        """Where the file lies on this machine once installed or fetched."""
        return (node_modules if self.kind == "npm" else wheels) / self.name

    def line(self) -> str:
        """The line of `assets.lock`."""
        return f"{self.sha256} {self.bytes:>9} {self.destination} {self.source}"


def parse_lock(text: str, where: str = "wasm/assets.lock") -> list[Asset]:
    """Read the lines of an asset lock; `#` starts a comment line.

    Raises:
        BuildError: a line is malformed, a destination leaves `dist/` or stands twice.
    """
    assets: list[Asset] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        fields = line.split()
        problem = _problem(fields)
        if problem:
            raise BuildError(f"{where}:{number}: {problem}; restore the file from the repository")
        assets.append(Asset(fields[0], int(fields[1]), fields[2], fields[3]))
    destinations = [asset.destination for asset in assets]
    twice = {name for name in destinations if destinations.count(name) > 1}
    if twice:
        raise BuildError(
            f"{where}: {', '.join(sorted(twice))} stands there twice; restore the file from the repository"
        )
    return assets


def _problem(fields: list[str]) -> str | None:
    if len(fields) != 4:
        return f"expected 4 fields (sha256, bytes, destination, source) but found {len(fields)}"
    sha256, size, destination, source = fields
    if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
        return f"{sha256!r} is not a sha256"
    if not size.isascii() or not size.isdigit():
        return f"{size!r} is not a size in bytes"
    if source.partition(":")[0] not in KINDS:
        return f"source {source!r} does not start with {' or '.join(kind + ':' for kind in KINDS)}"
    for path in (destination, source.partition(":")[2]):
        if not path or PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
            return f"{path!r} is not a relative path without '..'"
    return None


def read_lock(path: Path = ASSETS_LOCK) -> list[Asset]:
    """The assets of the repository.

    Raises:
        BuildError: the file is missing or malformed.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BuildError(f"{path} is missing; restore it from the repository") from None
    return parse_lock(text, path.name)


def sha256_of(path: Path) -> str:
    """The sha256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_intact(asset: Asset, path: Path) -> bool:
    """Whether `path` exists and has exactly the locked content."""
    try:
        return path.stat().st_size == asset.bytes and sha256_of(path) == asset.sha256
    except FileNotFoundError:
        return False


def verify_npm(assets: Iterable[Asset], node_modules: Path = NODE_MODULES) -> None:
    """Check every file that comes from an npm package.

    Raises:
        BuildError: one is missing or has other content than the lock says.
    """
    for asset in assets:
        path = asset.local_path(node_modules)
        if asset.kind != "npm" or is_intact(asset, path):
            continue
        shown = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
        if not path.exists():
            raise BuildError(f"{shown} is missing; delete the folder wasm/node_modules and run this again")
        raise BuildError(
            f"{shown} has sha256 {sha256_of(path)[:12]}... but wasm/assets.lock says {asset.sha256[:12]}...;"
            " delete wasm/node_modules and run this again, and if it stays so, do not trust that package"
        )
