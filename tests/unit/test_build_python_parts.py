"""The page's Python: compiled, complete for what it is used for, the same bytes from the same sources."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile

from wasm.build import python_parts
from wasm.build.assets import read_lock, sha256_of
from wasm.build.wheel import build_wheel

RUN = """
import { readFileSync } from "node:fs";
const [folder, script] = process.argv.slice(1);
const { loadPyodide } = await import(`file://${folder}/pyodide.mjs`);
const python = await loadPyodide({ indexURL: `${folder}/` });
await python.loadPackage(["numpy"], { messageCallback: () => {} });
python.FS.writeFile("/tabrl_py.zip", new Uint8Array(readFileSync(`${folder}/../tabrl_py.zip`)));
console.log("SAID " + python.runPython(script));
"""


def inside(page: Path, script: str) -> str:
    """What a script says in the page's own Python, in Node.js."""
    command = ["node", "--input-type=module", "-e", RUN, str(page / "runtime" / "pyodide"), script]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
    said = [line for line in result.stdout.splitlines() if line.startswith("SAID ")]
    assert said, (result.stdout + result.stderr)[-3000:]
    return said[0].removeprefix("SAID ")


def test_everything_of_the_package_can_be_imported(built_page: Path) -> None:
    script = """
import sys, pkgutil, importlib, json
sys.path.append("/tabrl_py.zip")
import tabrl_py
native = {"tabrl_py.cli", "tabrl_py.gym", "tabrl_py.__main__", "tabrl_py.sim.native", "tabrl_py.meta.native"}
with_the_sdk = {"tabrl_py.meta.claude", "tabrl_py.meta.http", "tabrl_py.meta.schemas"}
names = [m.name for m in pkgutil.walk_packages(tabrl_py.__path__, "tabrl_py.")]
for name in names:
    if name not in native | with_the_sdk:
        importlib.import_module(name)
import numpy, numpy.random, numpy.linalg, numpy.fft, numpy.ma, numpy.lib.recfunctions, ctypes, asyncio
import traceback, logging, json, re, dataclasses, typing, email.message, importlib.metadata, pyodide.http
import decimal, fractions
len(names)
"""
    assert int(inside(built_page, script)) > 50


def test_numpy_is_whole(built_page: Path) -> None:
    script = """
import json, numpy as np
rng = np.random.Generator(np.random.Philox(7))
a = rng.standard_normal((6, 6))
spectrum = float(np.fft.rfft(a)[0, 0].real)
json.dumps([float(np.linalg.det(a)), spectrum, np.version.version, int(rng.integers(9))])
"""
    determinant, spectrum, version, number = json.loads(inside(built_page, script))
    import numpy as np

    rng = np.random.Generator(np.random.Philox(7))
    a = rng.standard_normal((6, 6))
    assert abs(determinant / np.linalg.det(a) - 1.0) < 1e-12
    assert abs(spectrum / np.fft.rfft(a)[0, 0].real - 1.0) < 1e-12
    assert (version, number) == (np.version.version, int(rng.integers(9)))


def test_modules_are_compiled_and_stored(built_page: Path) -> None:
    with ZipFile(built_page / "runtime" / "pyodide" / "python_stdlib.zip") as archive:
        names = archive.namelist()
        assert all(info.compress_type == ZIP_STORED for info in archive.infolist())
    assert "json/__init__.pyc" in names
    assert not [name for name in names if name.endswith(".py") or name.startswith(("unittest/", "tkinter/"))]
    with ZipFile(built_page / "runtime" / "tabrl_py.zip") as archive:
        package = archive.namelist()
    assert {name + "c" for name in package if name.endswith(".py")} <= set(package)


def test_licences_stay_and_the_lock_names_the_new_bytes(built_page: Path) -> None:
    (wheel,) = (built_page / "runtime" / "pyodide").glob("numpy-*.whl")
    with ZipFile(wheel) as archive:
        assert [name for name in archive.namelist() if name.endswith("licenses/LICENSE.txt")]
    lock = json.loads((built_page / "runtime" / "pyodide" / "pyodide-lock.json").read_text())
    assert list(lock["packages"]) == ["numpy"]
    assert lock["packages"]["numpy"]["sha256"] == sha256_of(wheel)


def test_the_same_sources_give_the_same_bytes(tmp_path: Path) -> None:
    python_parts.build(read_lock())
    wheel = build_wheel(tmp_path)
    for name in ("first.zip", "second.zip"):
        python_parts.compile_package(wheel, tmp_path / name)
    assert (tmp_path / "first.zip").read_bytes() == (tmp_path / "second.zip").read_bytes()
