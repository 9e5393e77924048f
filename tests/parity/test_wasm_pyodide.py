"""sim/wasm.py inside Pyodide: NumPy's memory lent to JavaScript, whatever happens to that memory."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tabrl_py.tasks import get_task
from tests.parity.exercise import exercise
from tests.parity.node_sim import Node, NodeBatchSim

HERE = Path(__file__).parent
TASKS = ["Hopper-v5", "humanoid-stand", "humanoid-command"]

SCRIPT = """
import json, sys
sys.path.insert(0, "wheel")
import numpy as np
from pyodide.ffi import JsException
from tabrl_py.errors import ModelError
from tabrl_py.sim.wasm import WasmBatchSim
from tabrl_py.tasks import get_task

{exercise}

grown = []

def grow():
    grown.append(np.ones(40_000_000))

def refused(kind, call, *arguments):
    try:
        call(*arguments)
    except kind as error:
        return str(error)
    raise AssertionError("not refused")

report = {{}}
for name in {tasks!r}:
    task = get_task(name)
    sim = WasmBatchSim(task, model_xml(task.model), 3, engine)
    report[name] = exercise(sim, grow)
    report[name + " refused"] = [
        refused(ValueError, sim.push, 7, 1, (1.0, 0.0, 0.0), (0.0, 0.0, 1.0), 1),
        refused(ValueError, sim.push, 0, 0, (1.0, 0.0, 0.0), (0.0, 0.0, 1.0), 1),
        refused(ValueError, sim.watch, [3]),
        refused(ValueError, sim.step, np.zeros((2, 1))),
        refused(ValueError, sim.load_states, np.zeros((3, 3))),
    ]
    report[name + " told"] = [
        "" if task.command else refused(ValueError, sim.set_commands, [0], np.zeros((1, 3))),
        refused(ValueError, sim.kick, [3], np.zeros((1, 2))),
    ]
    sim.next_init[2, 0] = np.inf
    report[name + " refused"].append(refused(ValueError, sim.reset))
    sim.close()
hopper = get_task("Hopper-v5")
report["models"] = [
    refused(ModelError, WasmBatchSim, hopper, "<mujoco><nonsense/></mujoco>", 1, engine),
    refused(ModelError, WasmBatchSim, hopper, model_xml("ant"), 1, engine),
]
report["memory"] = refused(MemoryError, WasmBatchSim, hopper, model_xml("hopper"), 10**9, engine)
print("REPORT " + json.dumps(report))
"""


@pytest.fixture(scope="module")
def report(built_page: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a Python script in Pyodide saw of its simulations."""
    node = shutil.which("node")
    assert node is not None
    folder = tmp_path_factory.mktemp("pyodide")
    script = folder / "script.py"
    source = (HERE / "exercise.py").read_text().replace("from __future__ import annotations\n", "")
    script.write_text(SCRIPT.format(exercise=source, tasks=TASKS))
    command = [node, str(HERE / "pyodide_sim.mjs"), str(built_page), str(folder), str(script)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    line = next((line for line in result.stdout.splitlines() if line.startswith("REPORT ")), None)
    assert line is not None, result.stdout + result.stderr
    found: dict[str, Any] = json.loads(line.removeprefix("REPORT "))
    return found


@pytest.mark.parametrize("name", TASKS)
def test_python_sees_what_javascript_computes(report: dict[str, Any], node: Node, name: str) -> None:
    sim = NodeBatchSim(node, get_task(name), 3)
    expected = exercise(sim, lambda: None)
    assert len(report[name]) == len(expected)
    for number, (found, wanted) in enumerate(zip(report[name], expected, strict=True)):
        different = [key for key in wanted if found[key] != wanted[key]]
        assert not different, f"snapshot {number}: {', '.join(different)}"
    assert expected[-1]["sizes"][-1] >= 1, "a row was broken on purpose"


@pytest.mark.parametrize("name", TASKS)
def test_what_cannot_be_done_says_why(report: dict[str, Any], name: str) -> None:
    expected = [
        "row=7 does not exist",
        "body=0 cannot be pushed",
        "row=3 does not exist",
        "actions have the shape (2, 1)",
        "states have the shape (3, 3)",
        "next_init[2] is not finite",
    ]
    for words, found in zip(expected, report[f"{name} refused"], strict=True):
        assert words in found


def test_commands_and_kicks_that_cannot_be_say_why(report: dict[str, Any]) -> None:
    assert report["Hopper-v5 told"][0] == "task Hopper-v5 takes no command"
    assert "cannot be kicked" in report["Hopper-v5 told"][1]
    assert "row=3 does not exist" in report["humanoid-command told"][1]


def test_a_model_that_cannot_be_used_is_a_model_error(report: dict[str, Any]) -> None:
    unreadable, unfit = report["models"]
    assert "nonsense" in unreadable
    assert "model hopper has 8 actuators; task Hopper-v5 drives 3" in unfit


def test_more_environments_than_memory_are_refused(report: dict[str, Any]) -> None:
    assert "1000000000 environments of Hopper-v5 do not fit" in report["memory"]
