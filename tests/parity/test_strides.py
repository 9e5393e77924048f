"""Strides leave what single steps leave, byte for byte: in Pyodide, with the page's kernels."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
CASES = {
    "pendulums that fall twice in a stride": ("InvertedPendulum-v5", 8, 1000, "ppo"),
    "time limits": ("humanoid-walk", 6, 7, "ppo"),
    "falls and time limits": ("Hopper-v5", 16, 20, "reinforce"),
    "bounds other than one": ("Humanoid-v5", 4, 1000, "ppo"),
    "observations that leave the finite numbers": ("InvertedPendulum-v5", 2, 1000, "ppo", 3e38 / 0.15),
}
SCRIPT = """
import hashlib, json, sys
from dataclasses import replace
sys.path.insert(0, "wheel")
import numpy as np
from tabrl_py.algos.training import Training
from tabrl_py.sim.wasm import WasmBatchSim
from tabrl_py.tasks import get_task
from tabrl_py.tasks.recipes import default_recipe

def run(engine, name, n_envs, time_limit, algorithm, scale=None):
    task = replace(get_task(name), time_limit=time_limit)
    changes = {{"n_envs": n_envs, "algo.n_steps": 40, "total_steps": 3 * 40 * n_envs}}
    if scale is None:
        changes["network.init_log_std"] = 1.0
    else:
        task = replace(task, observation=tuple(replace(field, scale=scale) for field in task.observation))
    if algorithm == "ppo":
        changes |= {{"algo.minibatch_size": 8 * n_envs, "algo.n_epochs": 2}}
    sim = WasmBatchSim(task, model_xml(task.model), n_envs, engine)
    training = Training(default_recipe(task, algorithm, changes), task, sim)
    calls = owed = 0
    grown = []
    while not training.finished:
        before = training.rollout.steps
        if training.update == 1 and before == 0 and not grown:
            grown.append(np.ones(40_000_000))  # Python's memory moves
        training.advance()
        if training.rollout.steps > before:
            calls += 1
            owed += len(sim.owed())
    return {{
        "calls": calls,
        "owed": owed,
        "broken": training.unstable,
        "arithmetic": training.algorithm.arithmetic,
        "episodes": training.statistics.episodes,
        "policy": hashlib.sha256(training.policy().params.tobytes()).hexdigest(),
        "rows": hashlib.sha256(sim.states().tobytes()).hexdigest(),
        "inits": hashlib.sha256(sim.next_init.tobytes()).hexdigest(),
    }}

cases = {cases!r}
print("REPORT " + json.dumps({{
    name: [run(which, *case) for which in (engine, striding)] for name, case in cases.items()
}}))
"""


@pytest.fixture(scope="module")
def report(built_page: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What each case came to, step by step and in strides."""
    node = shutil.which("node")
    assert node is not None
    folder = tmp_path_factory.mktemp("strides")
    script = folder / "script.py"
    script.write_text(SCRIPT.format(cases=CASES))
    command = [node, str(HERE / "pyodide_sim.mjs"), str(built_page), str(folder), str(script)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    line = next(line for line in done.stdout.splitlines() if line.startswith("REPORT "))
    found: dict[str, Any] = json.loads(line.removeprefix("REPORT "))
    return found


@pytest.mark.parametrize("case", CASES)
def test_strides_leave_what_steps_leave(report: dict[str, Any], case: str) -> None:
    steps, strides = report[case]
    assert strides["arithmetic"] == steps["arithmetic"] == "compiled"
    assert steps["calls"] == 120
    assert strides["calls"] < steps["calls"]
    for name in ("broken", "episodes", "policy", "rows", "inits"):
        assert strides[name] == steps[name], name


def test_some_rows_end_twice_in_a_stride(report: dict[str, Any]) -> None:
    assert report["pendulums that fall twice in a stride"][1]["owed"] > 0


def test_some_observations_are_not_finite(report: dict[str, Any]) -> None:
    assert report["observations that leave the finite numbers"][1]["broken"] > 0
