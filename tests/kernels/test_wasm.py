"""The WebAssembly builds: in Pyodide on NumPy's memory, and alone; all give the bits of the native one."""

import base64
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tabrl_py.nn.kernels import Library, Networks, PPOSteps
from tabrl_py.nn.optim import Adam
from tests.kernels.comparison import CONFIG, compare_all, make_nets, make_samples
from wasm.build import kernels

HERE = Path(__file__).parent
SCRIPT = """
import json, sys
sys.path.insert(0, "/checkout")
from pathlib import Path
from tests.kernels.comparison import compare_all
print("REPORT " + json.dumps(compare_all(Path("/kernels.so"))))
"""


def _node(script: str, *arguments: Path, text: str = "") -> str:
    node = shutil.which("node")
    assert node is not None
    command = [node, str(HERE / script), *map(str, arguments)]
    result = subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=300)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_in_pyodide_everything_equals_numpy_and_the_native_bits(
    compiled: Path, built_page: Path, tmp_path: Path
) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    output = _node("compare.mjs", built_page, compiled / kernels.SIDE_MODULE, HERE.parents[1], script)
    line = next(line for line in output.splitlines() if line.startswith("REPORT "))
    found = json.loads(line.removeprefix("REPORT "))
    assert {name: error for name, error in found["errors"].items() if not error < 1e-5} == {}
    assert {error for name, error in found["errors"].items() if "exactly" in name} == {0.0}
    assert found["digest"] == compare_all(compiled / kernels.NATIVE)["digest"]


@pytest.mark.parametrize("name", [kernels.STAND_ALONE, kernels.SCALAR])
def test_a_minibatch_alone_has_the_native_bits(compiled: Path, library: Library, name: str) -> None:
    nets, exact = make_nets((17, (33, 9), 6), "elu", 4)
    adam = Adam(nets.params)
    networks = Networks(library, nets)
    steps = PPOSteps(networks, adam, CONFIG)
    samples = make_samples(nets, exact, 300, 4)
    rows = np.random.default_rng(0).permutation(300)[:270].astype(np.int32)
    before = nets.params.copy()
    steps.begin(**samples)
    steps.minibatch(rows, 1e-3)
    widths, count = np.array(nets.actor.sizes, np.int32), nets.params.nbytes
    arguments = [
        {"size": 8 * 6}, _bytes(before), {"size": count}, {"size": count}, {"size": count},
        *map(_bytes, samples.values()), _bytes(rows), {"size": networks.workspace.nbytes},
        _bytes(steps._settings), _bytes(widths), *({"number": n} for n in (3, 2, 270, 300)),
    ]  # fmt: skip
    job = {"file": str(compiled / name), "function": "ppo_minibatch", "arguments": arguments}
    found = json.loads(_node("stand_alone.mjs", text=json.dumps({**job, "read": [1, 2, 3, 4]})))
    assert found["imports"] == 0
    assert found["answer"] == 0
    expected = [array.tobytes() for array in (nets.params, adam.m, adam.v, nets.grads)]
    assert [base64.b64decode(text) for text in found["arrays"]] == expected
    assert nets.params.tobytes() != before.tobytes()


def _bytes(array: npt.NDArray[Any]) -> dict[str, str]:
    return {"bytes": base64.b64encode(array.tobytes()).decode()}
