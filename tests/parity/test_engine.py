"""The engine that the page has, made faster by the build, beside the official one that it is made of."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tabrl_py.sim.models import model_path
from tabrl_py.tasks import TASKS
from wasm.build import dist
from wasm.build.paths import NODE_MODULES

TWINS = Path(__file__).parent / "engine_twins.mjs"
OFFICIAL = NODE_MODULES / "@mujoco" / "mujoco"
MODELS = sorted({task.model for task in TASKS.values()})


def test_every_model_moves_to_the_same_bits(built_page: Path) -> None:
    faster = built_page / dist.ENGINE
    assert faster.read_bytes() != (OFFICIAL / "mujoco.wasm").read_bytes()
    answer = subprocess.run(
        [
            *("node", TWINS, OFFICIAL / "mujoco.js", OFFICIAL / "mujoco.wasm", faster),
            *(model_path(name) for name in MODELS),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    report = json.loads(answer.stdout.splitlines()[-1])
    assert sorted(report) == MODELS
    for name, found in report.items():
        assert found["different"] == 0, name
        assert found["numbers"] > 1500, name
        assert found["moved"] > 0.01, name
