"""Runs inside Pyodide, whose Python must be the one that compiles; see compile_python.mjs."""

import importlib._bootstrap_external as bootstrap
import json
import zipfile
from collections.abc import Iterator
from importlib.util import source_hash
from typing import Any

DATE = (2024, 1, 1, 0, 0, 0)


def compile_archive(source: str, target: str, options: str) -> None:
    """Write an archive anew: modules compiled, unneeded files left out, nothing compressed.

    Args:
        source: path of a zip file.
        target: path of the new one.
        options: JSON with `prefix` (where the files will lie, for tracebacks), `drop` and `keep` (beginnings
            of names; `keep` wins), `drop_endings`, `optimize` (as Python's -O), and
            `sources` (whether .py files stay beside the compiled ones, so that tracebacks show their lines).
    """
    chosen = json.loads(options)
    with zipfile.ZipFile(source) as archive, zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as out:
        names = sorted(name for name in archive.namelist() if not name.endswith("/") and _stays(name, chosen))
        for name in names:
            for new_name, data in _files(name, archive.read(name), chosen):
                entry = zipfile.ZipInfo(new_name, DATE)
                entry.external_attr = 0o644 << 16
                out.writestr(entry, data)


def _stays(name: str, options: dict[str, list[str]]) -> bool:
    if name.startswith(tuple(options["keep"])):
        return True
    return not name.startswith(tuple(options["drop"])) and not name.endswith(tuple(options["drop_endings"]))


def _files(name: str, data: bytes, options: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    if not name.endswith(".py"):
        yield name, data
        return
    if options["sources"]:
        yield name, data
    code = compile(
        data, f"{options['prefix']}{name}", "exec", dont_inherit=True, optimize=options["optimize"]
    )
    # "Unchecked": Python takes the compiled file as it is and asks no source for its date.
    make: Any = bootstrap._code_to_hash_pyc  # type: ignore[attr-defined]  # CPython's own, not in its stubs
    yield name + "c", bytes(make(code, source_hash(data), False))
