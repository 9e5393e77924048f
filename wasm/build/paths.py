"""Where everything lies, from the root of the checkout."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache"
VENV = ROOT / ".venv"
DIST = ROOT / "dist"
WASM = ROOT / "wasm"
NODE_MODULES = WASM / "node_modules"
ASSETS_LOCK = WASM / "assets.lock"


def venv_tool(name: str, venv: Path = VENV) -> Path:
    """The path of a program inside the virtual environment, such as `python` or `ruff`."""
    return venv / ("Scripts" if os.name == "nt" else "bin") / name
