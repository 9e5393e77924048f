"""A policy that Stable-Baselines3 trains now, imported: the same mean return from the same first states."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from benchmarks import _runs
from tabrl_py.algos.evaluate import Evaluator
from tabrl_py.policy.imports.read import import_policy
from tabrl_py.sim.native import NativeBatchSim
from tabrl_py.tasks import get_task

ROOT = Path(__file__).resolve().parents[2]
EPISODES = 10


@pytest.mark.slow
def test_a_policy_trained_now_returns_here_what_it_returned_there(tmp_path: Path) -> None:
    """In the environment of `./build.sh bench learning`; the bound is the library's standard error."""
    python = _runs.CACHE / "venv" / "bin" / "python"
    if not python.exists():
        pytest.skip("Stable-Baselines3 is not installed; `./build.sh bench learning` makes its environment")
    script = "benchmarks/runs/stable_baselines3_fixture.py"
    arguments = ["--out", str(tmp_path), "--steps", "8192", "--episodes", str(EPISODES)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([python, script, *arguments], cwd=ROOT, env=environment, check=True, timeout=500)
    record = json.loads((tmp_path / "returns.json").read_text())
    task = get_task(record["task"])
    data, statistics = ((tmp_path / name).read_bytes() for name in ("model.zip", "vec_normalize.pkl"))
    policy = import_policy(data, task.id, statistics)
    evaluator = Evaluator(policy, task, NativeBatchSim(task, EPISODES), range(EPISODES))
    while (evaluation := evaluator.advance()) is None:
        pass
    assert abs(evaluation.return_mean - record["mean"]) <= record["standard_error"]
    assert np.std(record["returns"]) > 0.0
