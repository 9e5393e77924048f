"""Training runs of benchmarks: a process each, kept when finished, so an interrupted benchmark goes on."""

import hashlib
import json
import os
import subprocess
import sys
import venv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / ".cache" / "benchmarks"
REQUIREMENTS = ROOT / "benchmarks" / "requirements.txt"
T_95 = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571, 7: 2.447, 8: 2.365, 9: 2.306, 10: 2.262}
"""97.5 % points of Student's t distribution with n - 1 degrees of freedom, by n."""


def kept(folder: str, name: str, python: Path | str, arguments: Sequence[str]) -> dict[str, Any]:
    """The JSON object that a program prints as its last line, from the cache where it ran before.

    Args:
        folder: in the cache, of the benchmark.
        name: of the run; everything that decides its numbers must be in it.
        python: that runs it.
        arguments: of python.
    """
    place = CACHE / folder / f"{name}.json"
    if not place.exists():
        print(f"{name}: running ...", file=sys.stderr, flush=True)
        # One thread each: these matrices are too small for more, and the two sides are then alike.
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        answer = subprocess.run(
            [str(python), *arguments],
            cwd=ROOT,
            env={**os.environ, **threads},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        place.parent.mkdir(parents=True, exist_ok=True)
        beside = place.with_suffix(".part")
        beside.write_text(answer.stdout.splitlines()[-1])
        beside.replace(place)
    record: dict[str, Any] = json.loads(place.read_text())
    return record


def sources(names: Iterable[str]) -> str:
    """A hash of files, and of the Python and C in folders: runs of other code are made again."""
    digest = hashlib.sha256()
    for name in names:
        path = ROOT / name
        inside = sorted(file for file in path.rglob("*") if file.suffix in (".py", ".c", ".h"))
        for file in inside if path.is_dir() else [path]:
            digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def reference_key() -> str:
    """A hash of what the reference environment is made of."""
    return hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]


def reference_python() -> Path:
    """Python of the environment with Stable-Baselines3, made or renewed when its requirements changed."""
    home = CACHE / "venv"
    python, stamp = home / "bin" / "python", home / "requirements.txt"
    if not stamp.exists() or stamp.read_bytes() != REQUIREMENTS.read_bytes():
        print("Installing Stable-Baselines3 and PyTorch for the comparison ...", file=sys.stderr, flush=True)
        venv.create(home, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "-r", REQUIREMENTS], check=True)
        stamp.write_bytes(REQUIREMENTS.read_bytes())
    return python


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Mean, and half of its 95 % interval."""
    n = len(values)
    return float(np.mean(values)), float(T_95[n] * np.std(values, ddof=1) / np.sqrt(n))
