"""What `./build.sh bench kernels` measures; the same code runs in CPython and in Pyodide."""

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tabrl_py.algos.ppo import Minibatch, ppo_gradient
from tabrl_py.config import PPOConfig
from tabrl_py.nn.actor_critic import ActorCritic
from tabrl_py.nn.kernels import Library, Networks, Outcome, PPOSteps
from tabrl_py.nn.normalize import ObsNormalizer
from tabrl_py.nn.optim import Adam, clip_norm

SHAPES = [(4096, 72, 64), (1024, 256, 256)]
SAMPLES, EPOCHS, MINIBATCH, ENVS = 8192, 10, 1024, 32


def measure(path: Path, repeats: int) -> dict[str, float]:
    """All figures of one build, on this interpreter."""
    library = Library(path)
    figures: dict[str, float] = {}
    for m, k, n in SHAPES:
        a, b = np.ones((m, k), np.float32), np.ones((k, n), np.float32)
        operations = 2e-9 * m * k * n
        name = f"{m}x{k}x{n}"
        figures[f"gflops_{name}"] = operations / min(_times(lambda: library.matmul(a, b), 20, 10))  # noqa: B023 - called at once
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
    by = {name: min(times) for name, times in seconds.items()}
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

    by_kernels = statistics.median(_times(lambda: networks.act(obs, noise, mean, scale, out), 20, 100))
    return {"act_us": 1e6 * by_kernels, "numpy_act_us": 1e6 * statistics.median(_times(by_numpy, 20, 100))}
