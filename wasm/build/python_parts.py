"""The page's Python made small and quick to start: compiled beforehand, without what nobody imports.

    python_stdlib.zip   Python's standard library, from npm's `pyodide`
    numpy-*.whl         NumPy, from the Pyodide distribution
    pyodide-lock.json   what Pyodide's package loader knows: NumPy alone, with its new sha256
    tabrl_py.zip        this project's package; its sources stay inside for tracebacks
    tabrl_design.zip    what of it only the designer's worker needs

Compiling in the browser was more than half of the time until Python ran. The originals are verified against
`wasm/assets.lock` before; the same originals give the same bytes.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from wasm.build import stamps
from wasm.build.assets import Asset, sha256_of
from wasm.build.console import run_logged
from wasm.build.errors import BuildError
from wasm.build.paths import CACHE, NODE_MODULES, ROOT, WASM

OUT = CACHE / "python_parts"
STDLIB = "python_stdlib.zip"
LOCK = "pyodide-lock.json"
PACKAGE = "tabrl_py.zip"
DESIGN = "tabrl_design.zip"
PYODIDE = NODE_MODULES / "pyodide"
TOOLS = ("compile_python.mjs", "compile_inside.py", "python_parts.py")

UNUSED_MODULES = (
    "_aix_support", "_apple_support", "_android_support", "_ios_support", "_pyio", "_pyrepl/",
    "asyncio/__main__", "asyncio/proactor", "asyncio/tools", "asyncio/windows", "bdb", "cProfile", "cmd",
    "code.", "colorsys", "compileall", "configparser", "ctypes/_aix", "ctypes/macholib/", "ctypes/wintypes",
    "curses/", "dbm/", "doctest", "email/mime/", "encodings/", "ensurepip/", "filecmp", "fileinput",
    "ftplib", "getpass", "html/", "http/", "idlelib/", "imaplib", "json/tool", "lib2to3/", "logging/config",
    "logging/handlers", "mailbox", "mimetypes", "modulefinder", "multiprocessing/", "netrc", "nturl2path",
    "optparse", "pdb", "pickletools", "plistlib", "poplib", "profile", "profiling/", "pstats", "pty",
    "py_compile", "pyclbr", "pydoc", "pydoc_data/", "rlcompleter", "sched", "shelve", "smtplib",
    "socketserver", "sqlite3/", "statistics", "symtable", "sysconfig/__main__", "tabnanny", "this",
    "timeit", "tkinter/", "tomllib/", "trace.", "turtle", "turtledemo/", "unittest/", "urllib/request",
    "urllib/robotparser", "venv/", "wave", "webbrowser", "wsgiref/", "xml/", "xmlrpc/", "zipapp",
    "zoneinfo/",
)  # fmt: skip
"""Beginnings of names in the standard library: programs, servers, formats and codings nobody here needs."""
USED_CODINGS = (
    "__init__", "aliases", "ascii", "charmap", "cp1252", "cp437", "hex_codec", "idna", "latin_1", "punycode",
    "raw_unicode_escape", "unicode_escape", "utf_16", "utf_32", "utf_8",
)  # fmt: skip
UNUSED_NUMPY = (
    "numpy/f2py/", "numpy/_pyinstaller/", "numpy/testing/", "numpy/doc/", "numpy/conftest",
    "numpy/_configtool", "numpy/_build_utils/", "numpy/polynomial/", "numpy/_core/include/",
    "numpy/_core/lib/", "numpy/random/_examples/",
)  # fmt: skip

NATIVE_MODULES = (
    "tabrl_py-", "tabrl_py/__main__", "tabrl_py/cli", "tabrl_py/export", "tabrl_py/gym",
    "tabrl_py/progress_bar", "tabrl_py/sim/description", "tabrl_py/sim/native",
    "tabrl_py/sim/robot_file", "tabrl_py/typescript",
)  # fmt: skip
"""Of the package: what only its native doors and the build use."""


DESIGN_MODULES = ("tabrl_py/meta/", "tabrl_py/population/", "tabrl_py/workers/designer")


def build(locked: list[Asset]) -> dict[str, Path]:
    """The repacked standard library, NumPy and lock, as paths by their destinations in `dist/`.

    Args:
        locked: all assets, already verified.

    Raises:
        BuildError: Node.js or the Python inside it failed.
    """
    stdlib, numpy, lock = (_asset(locked, name) for name in (STDLIB, "numpy-", LOCK))
    made = {asset.destination: OUT / Path(asset.destination).name for asset in (stdlib, numpy, lock)}
    tools = [WASM / "build" / name for name in TOOLS]
    wanted = stamps.fingerprint(tools, *(asset.sha256 for asset in locked), root=ROOT)
    if stamps.is_fresh(OUT / "stamp", wanted) and all(path.is_file() for path in made.values()):
        return made
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "stamp").unlink(missing_ok=True)
    library = job(
        stdlib.local_path(),
        made[stdlib.destination],
        prefix="/lib/python314.zip/",
        drop=UNUSED_MODULES,
        keep=[f"encodings/{name}" for name in USED_CODINGS],
        optimize=2,
    )
    numeric = job(
        numpy.local_path(),
        made[numpy.destination],
        prefix="/lib/python3.14/site-packages/",
        drop=UNUSED_NUMPY,
        drop_endings=(
            ".pyi",
            ".pxd",
            ".h",
            ".c",
            ".a",
            ".ini",
            ".npz",
            ".pkl",
            ".csv",
            ".typed",
            ".build",
            ".src",
        ),
        optimize=2,
    )
    compile_archives("Compiling Python's library and NumPy", [library, numeric], stdlib.local_path())
    _write_lock(lock.local_path(), made[lock.destination], made[numpy.destination])
    stamps.mark(OUT / "stamp", wanted)
    return made


def compile_package(wheel: Path, target: Path) -> None:
    """Make `tabrl_py.zip` and, beside it, `tabrl_design.zip` from the package's wheel; call build() first.

    Raises:
        BuildError: Node.js or the Python inside it failed.
    """
    package = job(
        wheel,
        target,
        prefix=f"/{PACKAGE}/",
        drop=(*NATIVE_MODULES, *DESIGN_MODULES),
        optimize=0,
        sources=True,
    )
    design = job(
        wheel,
        target.with_name(DESIGN),
        prefix=f"/{DESIGN}/",
        drop=("tabrl_py",),
        keep=DESIGN_MODULES,
        optimize=0,
        sources=True,
    )
    compile_archives("Compiling tabrl_py for the page", [package, design], OUT / STDLIB)


def _asset(locked: list[Asset], beginning: str) -> Asset:
    found = [asset for asset in locked if Path(asset.name).name.startswith(beginning)]
    if len(found) != 1:
        raise BuildError(
            f"wasm/assets.lock names {len(found)} files {beginning}*; restore it from the repository"
        )
    return found[0]


def stdlib_of(locked: list[Asset]) -> Path:
    """Python's standard library as npm's `pyodide` has it."""
    return _asset(locked, STDLIB).local_path()


def job(source: Path, target: Path, **options: object) -> dict[str, object]:
    """An archive to be compiled; the options are those of compile_inside.py."""
    defaults: dict[str, object] = {"drop": (), "keep": (), "drop_endings": ("/",), "sources": False}
    return {"from": str(source), "to": str(target), **defaults, **options}


def compile_archives(label: str, jobs: list[dict[str, object]], stdlib: Path) -> None:
    """Carry out jobs in the Pyodide of Node.js.

    Raises:
        BuildError: Node.js or the Python inside it failed.
    """
    listing = OUT / f"jobs-{os.getpid()}.json"
    record = {"pyodide": str(PYODIDE), "stdlib": str(stdlib), "jobs": jobs}
    listing.write_text(json.dumps(record), encoding="utf-8")
    run_logged(label, ["node", WASM / "build" / "compile_python.mjs", listing], "compile-python.log")
    listing.unlink()


def _write_lock(original: Path, target: Path, numpy: Path) -> None:
    lock = json.loads(original.read_text(encoding="utf-8"))
    package = {**lock["packages"]["numpy"], "sha256": sha256_of(numpy), "depends": []}
    lock["packages"] = {"numpy": package}
    target.write_text(json.dumps(lock, separators=(",", ":")) + "\n", encoding="utf-8")
