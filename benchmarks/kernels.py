"""The compiled kernels beside NumPy, in Pyodide and natively: `./build.sh bench kernels`.

Products in GFLOP/s, the best of many short tries; a whole PPO update (72-64-32-21 actor, critic alike, 8 192
samples, 10 epochs, minibatch 1 024) by the kernels and by NumPy in turn, medians; one vector step of acting.
Pyodide runs in Node, whose engine is Chromium's.
"""

import json
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import _results
from tabrl_py.algos.ppo import Minibatch, ppo_gradient
from tabrl_py.config import PPOConfig
from tabrl_py.nn.actor_critic import ActorCritic
from tabrl_py.nn.kernels import Library, Networks, Outcome, PPOSteps
from tabrl_py.nn.normalize import ObsNormalizer
from tabrl_py.nn.optim import Adam, clip_norm

SHAPES = [(4096, 72, 64), (1024, 256, 256)]
SAMPLES, EPOCHS, MINIBATCH, ENVS = 8192, 10, 1024, 32
ROOT = Path(__file__).resolve().parents[1]
SCRIPT = """
import json, sys
sys.path.insert(0, "/checkout")
from pathlib import Path
from benchmarks.kernels import measure
print("REPORT " + json.dumps(measure(Path("/kernels.so"), {repeats})))
"""


def measure(path: Path, repeats: int) -> dict[str, float]:
    """All figures of one build, on this interpreter."""
    library = Library(path)
    figures: dict[str, float] = {}
    for m, k, n in SHAPES:
        a, b = np.ones((m, k), np.float32), np.ones((k, n), np.float32)
        operations = 2e-9 * m * k * n
        name = f"{m}x{k}x{n}"
        figures[f"gflops_{name}"] = operations / min(_times(lambda: library.matmul(a, b), 100))  # noqa: B023
        figures[f"numpy_gflops_{name}"] = operations / min(_times(lambda: a @ b, 10))  # noqa: B023
    figures |= _updates(library, repeats)
    return figures | _acting(library)


def _times(call: Callable[[], object], count: int) -> list[float]:
    seconds = []
    for _ in range(count):
        began = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - began)
    return seconds


def _networks() -> ActorCritic:
    nets = ActorCritic(72, 21, (64, 32), "tanh")
    nets.init(seed=0, init_log_std=-0.5)
    return nets


def _updates(library: Library, repeats: int) -> dict[str, float]:
    """Whole updates from the same start, in turn; the largest difference of the weights after the first."""
    rng = np.random.default_rng(0)
    widths = {"obs": (72,), "actions": (21,), "old_log_prob": (), "advantages": (), "returns": ()}
    samples = {
        name: rng.standard_normal((SAMPLES, *width)).astype(np.float32) for name, width in widths.items()
    }
    config = PPOConfig(n_epochs=EPOCHS, minibatch_size=MINIBATCH)
    first = _networks()
    z = (samples["actions"] - first.actor.forward(samples["obs"])) * np.exp(-first.log_std)
    samples["old_log_prob"] = (
        -0.5 * (z * z).sum(axis=1) - first.log_std.sum() - 10.5 * np.log(2.0 * np.pi)
    ).astype(np.float32)
    orders = [rng.permutation(SAMPLES) for _ in range(EPOCHS)]
    seconds: dict[str, list[float]] = {"kernels": [], "numpy": []}
    for _ in range(repeats):
        ours, theirs = _networks(), _networks()
        began = time.perf_counter()
        _update_by_kernels(library, ours, samples, orders, config)
        seconds["kernels"].append(time.perf_counter() - began)
        began = time.perf_counter()
        _update_by_numpy(theirs, samples, orders, config)
        seconds["numpy"].append(time.perf_counter() - began)
    by = {name: statistics.median(times) for name, times in seconds.items()}
    moved = float(np.abs(theirs.params - first.params).max())
    return {
        "update_ms": 1e3 * by["kernels"],
        "numpy_update_ms": 1e3 * by["numpy"],
        "update_over_numpy": by["numpy"] / by["kernels"],
        "weights_apart_over_moved": float(np.abs(ours.params - theirs.params).max()) / moved,
    }


def _update_by_kernels(
    library: Library, nets: ActorCritic, samples: dict[str, Any], orders: list[Any], config: PPOConfig
) -> None:
    steps = PPOSteps(Networks(library, nets), Adam(nets.params), config)
    steps.begin(**samples)
    for order in orders:
        rows = order.astype(np.int32)
        for at in range(0, SAMPLES, MINIBATCH):
            outcome, _ = steps.minibatch(rows[at : at + MINIBATCH], config.learning_rate)
            assert outcome is Outcome.STEPPED


def _update_by_numpy(
    nets: ActorCritic, samples: dict[str, Any], orders: list[Any], config: PPOConfig
) -> None:
    adam = Adam(nets.params)
    for order in orders:
        for at in range(0, SAMPLES, MINIBATCH):
            rows = order[at : at + MINIBATCH]
            ppo_gradient(nets, Minibatch(**{name: array[rows] for name, array in samples.items()}), config)
            clip_norm(nets.grads, config.max_grad_norm)
            adam.step(nets.grads, config.learning_rate)


def _acting(library: Library) -> dict[str, float]:
    """One vector step of 32 environments: normalise, actor, noise."""
    nets, normalizer = _networks(), ObsNormalizer(72)
    networks = Networks(library, nets)
    obs, noise = np.ones((ENVS, 72), np.float32), np.ones((ENVS, 21), np.float32)
    mean, scale = np.zeros(72, np.float32), np.ones(72, np.float32)
    out, seen, std = np.empty_like(noise), np.empty_like(obs), np.exp(nets.log_std)

    def by_numpy() -> None:
        hidden = nets.actor.forward(normalizer.normalize(obs, seen))
        np.multiply(noise, std, out=out)
        np.add(out, hidden, out=out)

    by_kernels = statistics.median(_times(lambda: networks.act(obs, noise, mean, scale, out), 500))
    return {"act_us": 1e6 * by_kernels, "numpy_act_us": 1e6 * statistics.median(_times(by_numpy, 500))}


def measure_in_pyodide(page: Path, module: Path, repeats: int) -> dict[str, float]:
    """The same figures, in Pyodide in Node."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "script.py"
        script.write_text(SCRIPT.format(repeats=repeats))
        runner = ROOT / "tests" / "kernels" / "compare.mjs"
        node = shutil.which("node") or "node"
        command = [node, str(runner), str(page), str(module), str(ROOT), str(script)]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
    line = next((line for line in result.stdout.splitlines() if line.startswith("REPORT ")), None)
    if line is None:
        raise RuntimeError(result.stdout + result.stderr)
    figures: dict[str, float] = json.loads(line.removeprefix("REPORT "))
    return figures


def main() -> None:
    """Measure, print a table and a line of JSON, keep both."""
    from wasm.build import dist, kernels

    folder = kernels.build()
    page = dist.build()
    pyodide = measure_in_pyodide(page, folder / kernels.SIDE_MODULE, 5)
    native = measure(folder / kernels.NATIVE, 5)
    lines = ["| figure | Pyodide in Node | native |", "|---|---|---|"]
    lines += [f"| {name} | {pyodide[name]:.4g} | {native[name]:.4g} |" for name in pyodide]
    table = "\n".join(lines) + "\n"
    print(table)
    record = {"figures": pyodide, "native": native}
    _results.write("kernels", "./build.sh bench kernels", table, record)
    print(json.dumps({"bench": "kernels", "figures": {k: float(f"{v:.4g}") for k, v in pyodide.items()}}))


if __name__ == "__main__":
    main()
