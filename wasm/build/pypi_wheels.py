"""Fetching pure-Python wheels of PyPI that the page ships: what Claude's SDK is made of.

pip finds and downloads them with the user's own settings, so a mirror works as it does for everything else.
What comes is compared with `wasm/assets.lock`, whatever its source.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from wasm.build.assets import WHEELS, Asset, is_intact, sha256_of
from wasm.build.console import DISTRUST, RECONNECT, say
from wasm.build.errors import BuildError

PAGE_PYTHON = "3.14"
"""Of the page's Pyodide, whose wheels are wanted, not this machine's."""


def requirement(wheel: str) -> str:
    """NAME==VERSION of a wheel's file name."""
    name, version, *_ = wheel.split("-")
    return f"{name}=={version}"


def fetch(assets: Iterable[Asset], folder: Path = WHEELS) -> None:
    """Make every `pypi:` asset present and intact in `folder`; what is there is not fetched again.

    Raises:
        BuildError: pip cannot get one, or it is not the locked file.
    """
    missing = [a for a in assets if a.kind == "pypi" and not is_intact(a, folder / a.name)]
    if not missing:
        return
    say(f"Fetching {len(missing)} wheels of Claude's SDK ...")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as place:
        _download([requirement(asset.name) for asset in missing], Path(place))
        for asset in missing:
            got = Path(place) / asset.name
            if not got.is_file():
                raise BuildError(f"pip gave no {asset.name}; {RECONNECT}")
            if not is_intact(asset, got):
                raise BuildError(
                    f"{asset.name} has sha256 {sha256_of(got)[:12]}... but wasm/assets.lock says "
                    f"{asset.sha256[:12]}...; the file was refused: {DISTRUST}"
                )
            got.replace(folder / asset.name)


def _download(requirements: list[str], place: Path) -> None:
    command = [
        sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "download", "--quiet",
        "--no-deps", "--only-binary=:all:", "--python-version", PAGE_PYTHON, "--dest", str(place),
        *requirements,
    ]  # fmt: skip
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        lines = [line for line in answer.stderr.splitlines() if line.startswith("ERROR")]
        raise BuildError(
            f"pip cannot fetch {', '.join(requirements)}: {(lines or ['no answer'])[-1][:160]}; {RECONNECT}"
        )
