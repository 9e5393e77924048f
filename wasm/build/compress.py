"""Brotli copies of the files of `dist/`: `NAME.br` beside NAME, for servers that send them to those who ask.

Node.js compresses. The copies are kept in `.cache/brotli` by content, so an unchanged file costs nothing.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from wasm.build import stamps
from wasm.build.assets import sha256_of
from wasm.build.console import run_logged
from wasm.build.paths import CACHE, WASM

SCRIPT = WASM / "build" / "compress.mjs"
KEPT = CACHE / "brotli"
SUFFIX = ".br"
COMPRESSIBLE = {".css", ".html", ".js", ".json", ".mjs", ".svg", ".txt", ".wasm", ".whl", ".xml", ".zip"}
SMALLEST_BYTES = 400
"""Smaller files fit into one packet either way."""
LARGE_BYTES = 8_000_000
OFTEN_CHANGED = "tabrl_py.zip"
BEST, FAST = 11, 9
"""Quality 11 makes a file a tenth smaller than 9 does, in ten times the time: half a minute for an engine."""
WORTH = 0.9
"""A copy that is hardly smaller, as of a compressed archive, only costs the browser time."""


def compress(folder: Path) -> list[Path]:
    """Put a brotli copy beside each file of `folder` that gains by it; returns the copies.

    Raises:
        BuildError: Node.js failed.
    """
    wanted = {path: _kept(path) for path in stamps.source_files(folder) if _is_compressible(path)}
    missing = {kept: path for path, kept in wanted.items() if not kept.is_file()}
    if missing:
        _run([(path, kept) for kept, path in missing.items()])
    copies = []
    for path, kept in wanted.items():
        if kept.stat().st_size < WORTH * path.stat().st_size:
            copies.append(path.with_name(path.name + SUFFIX))
            shutil.copyfile(kept, copies[-1])
    return copies


def _is_compressible(path: Path) -> bool:
    return path.suffix in COMPRESSIBLE and path.stat().st_size >= SMALLEST_BYTES


def _quality(path: Path) -> int:
    return FAST if path.name == OFTEN_CHANGED or path.stat().st_size >= LARGE_BYTES else BEST


def _kept(path: Path) -> Path:
    return KEPT / f"{sha256_of(path)}-{_quality(path)}{SUFFIX}"


def _run(pairs: list[tuple[Path, Path]]) -> None:
    KEPT.mkdir(parents=True, exist_ok=True)
    jobs = [{"from": str(path), "to": str(kept), "quality": _quality(path)} for path, kept in pairs]
    listing = KEPT / f"jobs-{os.getpid()}.json"
    listing.write_text(json.dumps(jobs), encoding="utf-8")
    run_logged(f"Compressing {len(jobs)} files", ["node", SCRIPT, listing], "compress.log")
    listing.unlink()
