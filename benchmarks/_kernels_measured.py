"""What `./build.sh bench kernels` measures; the same code runs in CPython and in Pyodide."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tabrl_py.config import PPOConfig
from tabrl_py.nn.actor_critic import ActorCritic
from tabrl_py.nn.arithmetic import Arithmetic, NumpyArithmetic
from tabrl_py.nn.compiled import CompiledArithmetic
from tabrl_py.nn.kernels import Library
from tabrl_py.nn.optim import Adam
from tabrl_py.nn.ppo_loss import Outcome

SHAPES = [(4096, 72, 64), (1024, 256, 256)]
SAMPLES, EPOCHS, MINIBATCH, ENVS = 8192, 10, 1024, 32
SHARDS = 8
"""Of a minibatch by the kernels, as in training; NumPy gets one, with which it is faster."""


def measure(path: Path, repeats: int) -> dict[str, float]:
    """All figures of one build, on this interpreter."""
    library = Library(path)
    figures: dict[str, float] = {}
    for m, k, n in SHAPES:
        a, b = np.ones((m, k), np.float32), np.ones((k, n), np.float32)
        operations = 2e-9 * m * k * n
        name = f"{m}x{k}x{n}"
        figures[f"gflops_{name}"] = operations / min(_times(lambda: library.matmul(a, b), 40, 10))  # noqa: B023 - called at once
        figures[f"numpy_gflops_{name}"] = operations / min(_times(lambda: a @ b, 5, 2))  # noqa: B023 - called at once
    figures |= _updates(library, repeats)
    return figures | _acting(library)


def _times(call: Callable[[], object], tries: int, calls: int) -> list[float]:
    """Seconds per call of each try; a browser's clock may tick every 0.1 ms only, so a try is many calls."""
    seconds = []
    for _ in range(tries):
        began = time.perf_counter()
        for _ in range(calls):
            call()
        seconds.append((time.perf_counter() - began) / calls)
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
    config = PPOConfig(n_epochs=EPOCHS, minibatch_size=MINIBATCH, target_kl=0.0)
    first = _networks()
    z = (samples["actions"] - first.actor.forward(samples["obs"])) * np.exp(-first.log_std)
    samples["old_log_prob"] = (
        -0.5 * (z * z).sum(axis=1) - first.log_std.sum() - 10.5 * np.log(2.0 * np.pi)
    ).astype(np.float32)
    orders = [rng.permutation(SAMPLES).astype(np.int32) for _ in range(EPOCHS)]
    seconds: dict[str, list[float]] = {"kernels": [], "numpy": []}
    for _ in range(repeats):
        ours, theirs = _networks(), _networks()
        kernels = CompiledArithmetic(library, ours, Adam(ours.params), config)
        numpy = NumpyArithmetic(theirs, Adam(theirs.params), config)
        began = time.perf_counter()
        _update(kernels, ours, samples, orders, SHARDS)
        seconds["kernels"].append(time.perf_counter() - began)
        began = time.perf_counter()
        _update(numpy, theirs, samples, orders, 1)
        seconds["numpy"].append(time.perf_counter() - began)
    by = {name: min(times) for name, times in seconds.items()}
    moved = float(np.abs(theirs.params - first.params).max())
    return {
        "update_ms": 1e3 * by["kernels"],
        "numpy_update_ms": 1e3 * by["numpy"],
        "update_over_numpy": by["numpy"] / by["kernels"],
        "weights_apart_over_moved": float(np.abs(ours.params - theirs.params).max()) / moved,
    }


def _update(
    arithmetic: Arithmetic, nets: ActorCritic, samples: dict[str, Any], orders: list[Any], shards: int
) -> None:
    """All minibatches of an update, each in so many shards, as algos.ppo makes them."""
    arithmetic.begin(**samples)
    counts = np.full(shards, MINIBATCH // shards, np.int32)
    grads, figures = np.empty((shards, nets.params.size), np.float32), np.empty((shards, 4))
    for order in orders:
        for at in range(0, SAMPLES, MINIBATCH):
            rows = order[at : at + MINIBATCH]
            advantages = samples["advantages"][rows]
            scale = 1.0 / (float(advantages.std(ddof=1)) + 1e-8)
            arithmetic.gradients(rows, counts, float(advantages.mean()), scale, MINIBATCH, grads, figures)
            outcome, _ = arithmetic.apply(arithmetic.tree_sum(grads), figures.sum(axis=0), MINIBATCH, 3e-4)
            assert outcome is Outcome.STEPPED


def _acting(library: Library) -> dict[str, float]:
    """One vector step of 32 environments: normalise, actor, noise."""
    nets = _networks()
    adam, config = Adam(nets.params), PPOConfig()
    obs, noise = np.ones((ENVS, 72), np.float32), np.ones((ENVS, 21), np.float32)
    mean, scale = np.zeros(72, np.float32), np.ones(72, np.float32)
    out = np.empty_like(noise)
    microseconds = []
    for each in (CompiledArithmetic(library, nets, adam, config), NumpyArithmetic(nets, adam, config)):
        times = _times(lambda: each.act(obs, noise, mean, scale, out), 20, 100)  # noqa: B023 - called at once
        microseconds.append(1e6 * float(np.median(times)))
    return {"act_us": microseconds[0], "numpy_act_us": microseconds[1]}
