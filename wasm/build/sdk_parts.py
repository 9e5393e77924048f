"""What Claude's SDK needs in the page's Python: `runtime/sdk/`, loaded when Claude is first asked.

sdk.zip       the SDK and what it imports, and the modules of Python's standard library that the rest of the
page does without; compiled beforehand, imported as it is
*.whl         what is compiled to WebAssembly; Pyodide's loader unpacks it
wheels.json   their names
"""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

from wasm.build import python_parts, stamps
from wasm.build.assets import Asset
from wasm.build.paths import ROOT, WASM

FOLDER = "runtime/sdk"
ARCHIVE = "sdk.zip"
LISTING = "wheels.json"
PURE = "-none-any.whl"
OUT = python_parts.OUT / "sdk"
TOOLS = (*python_parts.TOOLS, "sdk_parts.py")
LEFT_OUT = (
    "_aix_support", "_apple_support", "_android_support", "_ios_support", "_pyrepl/",
    "curses/", "ensurepip/", "idlelib/", "lib2to3/", "pydoc_data/", "sqlite3/", "tkinter/", "turtle", "venv/",
    "wsgiref/", "encodings/mac_", "encodings/cp", "encodings/big5", "encodings/euc_", "encodings/iso20",
    "encodings/gb", "encodings/johab", "encodings/shift_", "encodings/hz", "encodings/koi8", "encodings/ptcp",
)  # fmt: skip
"""Beginnings of names that neither the SDK nor what it imports needs."""


def is_merged(asset: Asset) -> bool:
    """Whether an asset is part of sdk.zip rather than a file of its own."""
    return asset.destination.startswith(f"{FOLDER}/") and asset.name.endswith(PURE)


def build(locked: list[Asset], folder: Path) -> None:
    """Write the archive and the list of wheels; call python_parts.build() first.

    Args:
        locked: all assets, already verified.
        folder: `runtime/sdk` of the page that is assembled.

    Raises:
        BuildError: Node.js or the Python inside it failed.
    """
    pure = [asset for asset in locked if is_merged(asset)]
    compiled = [a for a in locked if a.destination.startswith(f"{FOLDER}/") and not is_merged(a)]
    tools = [WASM / "build" / name for name in TOOLS]
    wanted = stamps.fingerprint(tools, *(asset.sha256 for asset in locked), root=ROOT)
    if not (stamps.is_fresh(OUT / "stamp", wanted) and (OUT / ARCHIVE).is_file()):
        _compile(pure, python_parts.stdlib_of(locked))
        stamps.mark(OUT / "stamp", wanted)
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(OUT / ARCHIVE, folder / ARCHIVE)
    names = json.dumps([Path(asset.destination).name for asset in compiled])
    (folder / LISTING).write_text(names + "\n", encoding="utf-8")


def _compile(pure: list[Asset], stdlib: Path) -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "stamp").unlink(missing_ok=True)
    sources = OUT / "sources.zip"
    with zipfile.ZipFile(sources, "w", zipfile.ZIP_STORED) as merged:
        for wheel in pure:
            _add(merged, wheel.local_path(), ())
        # What the page's own library was left without: the SDK imports much more of it.
        _add(merged, stdlib, python_parts.UNUSED_MODULES)
    job = python_parts.job(
        sources, OUT / ARCHIVE, prefix=f"/{ARCHIVE}/", drop=LEFT_OUT, drop_endings=(".pyi", ".typed", "/"),
        optimize=1,
    )  # fmt: skip
    python_parts.compile_archives("Compiling Claude's SDK", [job], stdlib)


def _add(merged: zipfile.ZipFile, archive: Path, beginnings: tuple[str, ...]) -> None:
    """Copy an archive's files whose names begin so, all of them without beginnings; what is there stays."""
    present = set(merged.namelist())
    with zipfile.ZipFile(archive) as read:
        for name in read.namelist():
            wanted = not beginnings or name.startswith(beginnings)
            if wanted and name not in present and not name.endswith("/"):
                merged.writestr(zipfile.ZipInfo(name, (2024, 1, 1, 0, 0, 0)), read.read(name))
