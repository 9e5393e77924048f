"""Every check that needs no run of the product: format, lint, types, layers, stale generated files."""

from __future__ import annotations

import subprocess
import sys
import time

from wasm.build.console import say
from wasm.build.paths import NODE_MODULES, ROOT, venv_tool

PYTHON = sys.executable
SHELL_FILES = ["build.sh", ".ci/run"]


def commands() -> dict[str, list[str]]:
    """Name -> command, in the order in which they run: fast ones first."""
    node_bin = NODE_MODULES / ".bin"
    return {
        "ruff format": [str(venv_tool("ruff")), "format", "--check", "--quiet", "."],
        "ruff check": [str(venv_tool("ruff")), "check", "--quiet", "."],
        "shellcheck": [str(venv_tool("shellcheck")), *SHELL_FILES],
        "biome": [str(node_bin / "biome"), "check", "--error-on-warnings", "--max-diagnostics=50"],
        "tsc": [str(node_bin / "tsc"), "--project", "tsconfig.json"],
        "JavaScript imports": [PYTHON, "-m", "wasm.build.js_imports"],
        "protocol.d.ts is current": [PYTHON, "-m", "tabrl_py.typescript", "--check"],
        "layout.js of links is current": [PYTHON, "-m", "tabrl_py.policy.link_layout", "--check"],
        "layers": [str(venv_tool("lint-imports")), "--no-cache"],
        "mypy": [str(venv_tool("mypy"))],
    }


def run(only: list[str]) -> int:
    """Run all checks, or those whose names contain one of `only`; returns 1 when any failed."""
    chosen = {
        name: command for name, command in commands().items() if not only or any(o in name for o in only)
    }
    if not chosen:
        say(f"no check is called {' '.join(only)!r}; the checks are: {', '.join(commands())}")
        return 1
    failed = [name for name, command in chosen.items() if not _passes(name, command)]
    say(f"checks failed: {', '.join(failed)}" if failed else f"all {len(chosen)} checks passed")
    return 1 if failed else 0


def _passes(name: str, command: list[str]) -> bool:
    started = time.monotonic()
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    passed = result.returncode == 0
    say(f"{'ok    ' if passed else 'FAILED'} {name} ({time.monotonic() - started:.1f} s)")
    if not passed:
        say(result.stdout + result.stderr)
    return passed
