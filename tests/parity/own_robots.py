"""Robots' files for tests, and the page's reading of them in Node.js."""

from __future__ import annotations

import base64
import io
import json
import shutil
import subprocess
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "tests" / "fixtures" / "robots"
ENGINE = ROOT / "wasm" / "node_modules" / "@mujoco" / "mujoco"


def page(folder: Path) -> Path:
    """The page's modules and the engine where Node.js takes them for modules."""
    shutil.copytree(ROOT / "web", folder)
    (folder / "package.json").write_text('{"type": "module"}')
    runtime = folder / "runtime" / "mujoco"
    runtime.mkdir(parents=True)
    for name in ("mujoco.js", "mujoco.wasm"):
        shutil.copy(ENGINE / name, runtime / name)
    return folder


def read(folder: Path, files: Sequence[tuple[str, bytes]], patience_ms: int = 8000) -> list[dict[str, Any]]:
    """What the page answers to each file."""
    node = shutil.which("node")
    assert node is not None
    jobs = [
        {"name": name, "base64": base64.b64encode(data).decode(), "patience_ms": patience_ms}
        for name, data in files
    ]
    command = [node, str(Path(__file__).with_name("node_robots.mjs")), str(folder)]
    done = subprocess.run(
        command, input=json.dumps(jobs).encode(), capture_output=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    answers: list[dict[str, Any]] = json.loads(done.stdout)
    return answers


def zipped(files: Mapping[str, bytes | str]) -> bytes:
    """A deflated archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in files.items():
            archive.writestr(path, data)
    return out.getvalue()


def zipped_folder(folder: Path, prefix: str = "") -> bytes:
    """All files below a folder."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return zipped({prefix + path.relative_to(folder).as_posix(): path.read_bytes() for path in paths})
