"""Assembling `dist/`, the folder that is the whole page: any static host can serve it, under any path.

    index.html, style.css, main.js, panels/, views/, workers/   copies of web/
    models/NAME.xml, NAME.scene.json                            from the model builder, wasm/models
    kernels/kernels.side.wasm, kernels.wasm                     compiled from wasm/kernels: for Python, for JS
    tasks.json, settings.json                                   from tabrl_py.export
    runtime/, vendor/, fonts/                                   files of others, wasm/assets.lock
    runtime/pyodide/python_stdlib.zip, numpy-*.whl              repacked by python_parts
    runtime/mujoco/mujoco.wasm                                  without its debugging information
    runtime/tabrl_py.zip                                        the Python package, compiled, for the workers
    wheels/tabrl_py-VERSION-py3-none-any.whl                    the Python package, for people
    NAME.br                                                     brotli copies, for servers that send them
    service_worker.js                                           with the fingerprint of all other files
    LICENSE, NOTICE, build.json                                 what it is made of

The folder is made beside the old one and swapped in when complete, so a server never sees half of it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wasm.build import assets, compress, kernels, pyodide_wheels, pypi_wheels, python_parts, sdk_parts, stamps
from wasm.build.console import run_logged, say
from wasm.build.errors import BuildError
from wasm.build.js_imports import modules_at_start
from wasm.build.paths import ASSETS_LOCK, CACHE, DIST, NODE_MODULES, ROOT, WASM
from wasm.build.wasm_sections import without_custom_sections
from wasm.build.wheel import build_wheel

WEB = ROOT / "web"
MODELS = CACHE / "models"
STAMPS = CACHE / "stamps"
CODE = ROOT / "tabrl_py"
LEGAL = (ROOT / "LICENSE", ROOT / "NOTICE")
ENGINE = "runtime/mujoco/mujoco.wasm"
PACKAGE = f"runtime/{python_parts.PACKAGE}"
PRELOADS = re.compile(r"^ *<!-- Here the build writes a modulepreload .*-->$", re.MULTILINE)
SERVICE_WORKER = "service_worker.js"
VERSION = re.compile(r'(?<=^const VERSION = ")the build writes it here(?=";$)', re.MULTILINE)
NOT_SHIPPED = shutil.ignore_patterns("*.d.ts", "__pycache__", ".DS_Store")


def build() -> Path:
    """Bring `dist/` up to date and return it; does nothing when no input has changed.

    Raises:
        BuildError: an asset cannot be fetched or verified, or a builder failed.
    """
    with _one_at_a_time():
        inputs = [WEB, CODE, WASM / "models", WASM / "kernels", WASM / "build", ASSETS_LOCK, *LEGAL]
        inputs += [ROOT / "pyproject.toml", ROOT / "requirements-models.lock"]
        wanted = stamps.fingerprint(inputs, root=ROOT)
        stamp = STAMPS / "dist"
        if (DIST / "build.json").is_file() and stamps.is_fresh(stamp, wanted):
            return DIST
        locked = assets.read_lock()
        assets.verify_npm(locked)
        pyodide_wheels.fetch(locked)
        pypi_wheels.fetch(locked)
        _build_models()
        kernels.build()
        say("Assembling dist/ ...")
        _swap_in(_assemble(locked, DIST.with_name("dist.tmp")))
        stamps.mark(stamp, wanted)
    return DIST


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "dist.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build_models() -> None:
    """Make the robot models in `.cache/models`, when their builder or its packages have changed."""
    wanted = stamps.fingerprint(
        [WASM / "models", ROOT / "requirements.lock", ROOT / "requirements-models.lock"], root=ROOT
    )
    if MODELS.is_dir() and stamps.is_fresh(STAMPS / "models", wanted):
        return
    shutil.rmtree(MODELS, ignore_errors=True)
    run_logged(
        "Building the robot models", [sys.executable, "-m", "wasm.models", "--out", MODELS], "models.log"
    )
    stamps.mark(STAMPS / "models", wanted)


def _assemble(locked: list[assets.Asset], folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(WEB, folder, ignore=NOT_SHIPPED)
    shutil.copytree(MODELS, folder / "models")
    (folder / "kernels").mkdir()
    for name in (kernels.SIDE_MODULE, kernels.STAND_ALONE):
        shutil.copyfile(kernels.OUT / name, folder / "kernels" / name)
    repacked = python_parts.build(locked)
    sdk_parts.build(locked, folder / sdk_parts.FOLDER)
    for asset in locked:
        if sdk_parts.is_merged(asset):
            continue
        target = folder / asset.destination
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(repacked.get(asset.destination, asset.local_path()), target)
    engine = folder / ENGINE
    engine.write_bytes(without_custom_sections(engine.read_bytes()))
    wheel = build_wheel(folder / "wheels")
    python_parts.compile_package(wheel, folder / PACKAGE)
    _export(folder)
    _write_preloads(folder)
    for file in LEGAL:
        shutil.copyfile(file, folder / file.name)
    record = _build_record(folder, wheel)
    (folder / "build.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    _write_version(folder, str(record["content"]))
    compress.compress(folder)
    return folder


def _write_preloads(folder: Path) -> None:
    """Name the modules that the page starts with in `index.html`: so none waits for another to name it."""
    page = folder / "index.html"
    html = page.read_text(encoding="utf-8")
    links = "\n".join(f'  <link rel="modulepreload" href="{name}">' for name in modules_at_start(folder))
    written, count = PRELOADS.subn(links, html)
    if count != 1:
        raise BuildError(f"web/index.html has {count} places for the build's modulepreload lines, not 1")
    page.write_text(written, encoding="utf-8")


def _write_version(folder: Path, content: str) -> None:
    """Tell the service worker which version it keeps: browsers look for a newer one in this file alone."""
    worker = folder / SERVICE_WORKER
    written, count = VERSION.subn(content, worker.read_text(encoding="utf-8"))
    if count != 1:
        raise BuildError(f"web/{SERVICE_WORKER} has {count} places for its version, not 1")
    worker.write_text(written, encoding="utf-8")


def _export(folder: Path) -> None:
    """Let the Python package write its tasks and settings as data for the page."""
    command = [sys.executable, "-m", "tabrl_py.export", "--out", str(folder)]
    run_logged(
        "Writing tasks.json and settings.json",
        command,
        "export.log",
        env={"TABRL_MODELS": str(folder / "models")},
    )


def _build_record(folder: Path, wheel: Path) -> dict[str, object]:
    """What the page is made of: versions, where the package lies, and every file with its size and sha256.

    `content` is a fingerprint of these files, the version that the service worker keeps. That one is no part
    of it: it names it, and comes to the browser by a way of its own.
    """
    npm = json.loads((WASM / "package.json").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    paths = [path for path in stamps.source_files(folder) if path != folder / SERVICE_WORKER]
    files = {
        path.relative_to(folder).as_posix(): {"bytes": path.stat().st_size, "sha256": assets.sha256_of(path)}
        for path in paths
    }
    return {
        "version": project["version"],
        "content": hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest(),
        "wheel": wheel.relative_to(folder).as_posix(),
        "package": PACKAGE,
        "packages": npm["dependencies"],
        "files": files,
    }


def _swap_in(folder: Path) -> None:
    old = DIST.with_name("dist.old")
    shutil.rmtree(old, ignore_errors=True)
    if DIST.exists():
        os.rename(DIST, old)
    os.rename(folder, DIST)
    shutil.rmtree(old, ignore_errors=True)


def relock_assets() -> None:
    """Write `wasm/assets.lock` anew from the installed npm packages and Pyodide's own lock (for maintainers).

    The wheels' hashes are those that Pyodide publishes in its `pyodide-lock.json`; the rest is what npm has
    installed, which `package-lock.json` has verified.
    """
    lines = [line for line in ASSETS_LOCK.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    published = json.loads((NODE_MODULES / "pyodide" / "pyodide-lock.json").read_text(encoding="utf-8"))
    hashes = {package["file_name"]: package["sha256"] for package in published["packages"].values()}
    for asset in assets.read_lock():
        path = asset.local_path()
        sha256 = hashes[asset.name] if asset.kind == "pyodide" else assets.sha256_of(path)
        if assets.sha256_of(path) != sha256:
            raise BuildError(
                f"{path.relative_to(ROOT)} is not what pyodide-lock.json names; delete it and fetch it again"
            )
        lines.append(assets.Asset(sha256, path.stat().st_size, asset.destination, asset.source).line())
    ASSETS_LOCK.write_text("\n".join(lines) + "\n", encoding="utf-8")
