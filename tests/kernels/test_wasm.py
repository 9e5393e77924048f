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

from tabrl_py.nn.compiled import CompiledArithmetic
from tabrl_py.nn.kernels import CompiledMLP, Library
from tabrl_py.nn.optim import Adam
from tabrl_py.policy import Policy
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


class Alone:
    """A stand-alone build in Node: arrays in its memory, calls on them, and what is there afterwards."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.arrays: dict[str, Any] = {}
        self.calls: list[Any] = []

    def put(self, **arrays: npt.NDArray[Any]) -> None:
        """Copy arrays into the memory."""
        for name, array in arrays.items():
            self.arrays[name] = base64.b64encode(array.tobytes()).decode()

    def call(self, function: str, *arguments: str | tuple[str, int] | float | None) -> None:
        """Call a function with arrays by name, or by name and offset in bytes, and with numbers."""
        given: list[Any] = []
        for argument in arguments:
            name, offset = argument if isinstance(argument, tuple) else (argument, 0)
            given.append({"array": name, "offset": offset} if isinstance(name, str) else argument)
        self.calls.append([function, given])

    def run(self, *read: str) -> tuple[list[Any], list[bytes]]:
        """Run the calls; what they gave, and the arrays."""
        job = {"file": str(self.file), "arrays": self.arrays, "calls": self.calls, "read": read}
        found = json.loads(_node("stand_alone.mjs", text=json.dumps(job)))
        assert found["imports"] == 0
        return found["answers"], [base64.b64decode(text) for text in found["arrays"]]


@pytest.fixture(params=[kernels.STAND_ALONE, kernels.SCALAR])
def alone(request: pytest.FixtureRequest, compiled: Path) -> Alone:
    return Alone(compiled / request.param)


@pytest.mark.parametrize(("activation", "norm"), [("elu", False), ("tanh", True)])
def test_a_minibatch_alone_has_the_native_bits(
    alone: Alone, library: Library, activation: str, norm: bool
) -> None:
    nets, exact = make_nets((17, (33, 9), 6), activation, 4, layer_norm=norm)
    adam = Adam(nets.params)
    arithmetic = CompiledArithmetic(library, nets, adam, CONFIG)
    samples = make_samples(nets, exact, 300, 4)
    rows = np.random.default_rng(0).permutation(300)[:270].astype(np.int32)
    counts = np.array([261, 0, 2, 7], np.int32)
    size = nets.params.size
    alone.put(
        params=nets.params, m=adam.m, v=adam.v, rows=rows, counts=counts, **samples,
        widths=np.array(nets.actor.sizes, np.int32), workspace=arithmetic._actor.workspace,
        grads=np.zeros((4, size), np.float32), sums=np.zeros((4, 4)), figures=np.zeros(6),
    )  # fmt: skip
    out, sums = np.zeros((4, size), np.float32), np.zeros((4, 4))
    arithmetic.begin(**samples)
    arithmetic.gradients(rows, counts, 0.2, 1.1, 270, out, sums)
    arithmetic.apply(arithmetic.tree_sum(out), sums[0], 270, 1e-3)
    alone.put(settings=arithmetic._settings)
    form = arithmetic._actor.shape[2]
    alone.call(
        "ppo_shards", "sums", "grads", "params", *samples, "rows", "counts", "workspace", "settings",
        "widths", 3, form, 4, 270, 300,
    )  # fmt: skip
    alone.call("tree_sum", "grads", 4, size)
    alone.call("ppo_apply", "figures", "params", "m", "v", "grads", "sums", "settings", "widths", 3)
    answers, found = alone.run("params", "m", "v", "grads", "sums")
    assert answers[::2] == [0, 0]
    assert found == [array.tobytes() for array in (nets.params, adam.m, adam.v, out, sums)]
    assert adam.m.any()


@pytest.mark.parametrize(("activation", "norm"), [("tanh", False), ("relu", True), ("elu", False)])
def test_acting_alone_has_the_native_bits_wherever_a_row_lies(
    alone: Alone, library: Library, activation: str, norm: bool
) -> None:
    nets, _ = make_nets((17, (33, 9), 6), activation, 4, layer_norm=norm)
    arithmetic = CompiledArithmetic(library, nets, Adam(nets.params), CONFIG)
    obs = np.random.default_rng(1).random((270, 17), np.float32)
    mean, scale = np.full(17, 0.5, np.float32), np.full(17, 2.0, np.float32)
    expected = arithmetic.act(obs, None, mean, scale, np.empty((270, 6), np.float32))
    shape = (3, arithmetic._actor.shape[2])
    alone.put(
        obs=obs, mean=mean, scale=scale, params=nets.params, out=np.zeros_like(expected),
        widths=np.array(nets.actor.sizes, np.int32), workspace=arithmetic._actor.workspace,
    )  # fmt: skip
    rest = ("mean", "scale", "params", "workspace", "widths", *shape)
    for first, last in ((0, 1), (1, 6), (6, 263), (263, 270)):
        alone.call("act", ("out", first * 24), ("obs", first * 68), None, *rest, last - first)
    _, (found,) = alone.run("out")
    assert found == expected.tobytes()


def test_a_player_in_javascript_acts_as_the_policy_does(alone: Alone, library: Library) -> None:
    nets, _ = make_nets((17, (33, 9), 6), "tanh", 4, layer_norm=True)
    low, high = tuple(np.linspace(-2.0, -0.1, 6).tolist()), tuple(np.linspace(0.2, 3.0, 6).tolist())
    rng = np.random.default_rng(1)
    policy = Policy(
        task="", model="", layout_version=1, sizes=nets.actor.sizes, activation="tanh", layer_norm=True,
        action_low=low, action_high=high, params=nets.params[: nets.actor_size], obs_mean=rng.random(17),
        obs_var=rng.random(17) + 0.1, obs_count=9.0,
    )  # fmt: skip
    normalizer = policy.normalizer
    assert normalizer is not None
    obs = rng.random((7, 17)).astype(np.float32)
    network = CompiledMLP(library, nets.actor)
    alone.put(
        obs=obs, mean=normalizer.mean.astype(np.float32), scale=normalizer.scale.astype(np.float32),
        params=policy.params, low=np.array(low, np.float32), high=np.array(high, np.float32),
        out=np.zeros((7, 6), np.float32), widths=np.array(policy.sizes, np.int32),
        workspace=network.workspace,
    )  # fmt: skip
    shape = network.shape[1:]
    alone.call("act", "out", "obs", None, "mean", "scale", "params", "workspace", "widths", *shape, 7)
    alone.call("to_bounds", "out", "out", "low", "high", 7, 6, 0)
    _, (found,) = alone.run("out")
    # float32 beside the policy's float64: what a show may do, and an evaluation not.
    assert np.frombuffer(found, np.float32).reshape(7, 6) == pytest.approx(policy.act(obs), abs=1e-5)
