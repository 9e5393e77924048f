"""The kernels against NumPy in float64: the same code runs in CPython and, sent over as text, in Pyodide.

Errors are relative to the largest number of the array. All that the kernels give goes into a digest: every
build must give the same bits. Inputs come from uniform draws, whose bits are the same on every platform.
"""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tabrl_py.algos.ppo import Minibatch, ppo_gradient
from tabrl_py.algos.rollout import gae
from tabrl_py.config import PPOConfig
from tabrl_py.nn.actor_critic import ActorCritic
from tabrl_py.nn.kernels import Library, Networks, Outcome, PPOSteps
from tabrl_py.nn.mlp import layer_views
from tabrl_py.nn.optim import Adam, clip_norm
from tabrl_py.types import F32, Float

NETWORKS = [
    (3, (5, 4), 2),
    (1, (1,), 1),
    (7, (), 3),
    (17, (33, 65, 9), 6),
    (72, (64, 32), 21),
    (45, (130, 260), 17),
]
BATCHES = [2, 3, 255, 257, 600]
CONFIG = PPOConfig(entropy_coef=0.01, value_coef=0.5, clip_range=0.2, max_grad_norm=0.5)


class Comparison:
    """Errors found so far, and the digest of everything that the kernels gave."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self.errors: dict[str, float] = {}
        self._digest = hashlib.sha256()

    def note(self, name: str, found: npt.NDArray[Any], expected: npt.NDArray[Any]) -> None:
        """Compare two arrays; single figures, which may cancel to nothing, are compared with at least 1."""
        self._digest.update(np.ascontiguousarray(found).tobytes())
        scale = float(np.abs(expected).max(initial=1.0 if found.dtype == np.float64 else 0.0)) or 1.0
        error = float(np.abs(found.astype(np.float64) - expected).max(initial=0.0)) / scale
        self.errors[name] = max(self.errors.get(name, 0.0), error)

    def report(self) -> dict[str, Any]:
        """Plain JSON."""
        return {"errors": self.errors, "digest": self._digest.hexdigest()}


def uniform(rng: np.random.Generator, *shape: int) -> F32:
    """Mean 0, variance 1."""
    draws: F32 = ((rng.random(shape) - 0.5) * 12.0**0.5).astype(np.float32)
    return draws


def make_nets(
    sizes: tuple[int, tuple[int, ...], int], activation: str, seed: int
) -> tuple[ActorCritic, ActorCritic]:
    """The same networks in float32 and float64, of a usual scale."""
    rng = np.random.default_rng(seed)
    nets, exact = (ActorCritic(sizes[0], sizes[2], sizes[1], activation, d) for d in (np.float32, np.float64))
    for mlp in (nets.actor, nets.critic):
        for w, b in mlp.layers:
            w[...] = uniform(rng, *w.shape) * np.float32(len(w) ** -0.5)
            b[...] = uniform(rng, *b.shape) * np.float32(0.1)
    nets.log_std[...] = uniform(rng, *nets.log_std.shape) * np.float32(0.2) - np.float32(0.5)
    exact.params[...] = nets.params
    return nets, exact


def make_samples(nets: ActorCritic, exact: ActorCritic, count: int, seed: int) -> dict[str, F32]:
    """Samples whose ratios lie on both sides of the clip range, for both signs of the advantage."""
    rng = np.random.default_rng(seed)
    sizes = nets.actor.sizes
    obs, noise = uniform(rng, count, sizes[0]), uniform(rng, count, sizes[-1])
    mean = exact.actor.forward(obs.astype(np.float64))
    actions = (mean + np.exp(exact.log_std) * noise).astype(np.float32)
    z = (actions - mean) * np.exp(-exact.log_std)
    log_prob = -0.5 * (z * z).sum(axis=1) - exact.log_std.sum() - 0.5 * sizes[-1] * np.log(2.0 * np.pi)
    # Rounded to multiples of 1/1024: no library's last bit decides an input.
    old = np.round((log_prob + 0.3 * uniform(rng, count)) * 1024.0) / 1024.0
    return {
        "obs": obs,
        "actions": (np.round(actions * 1024.0) / 1024.0).astype(np.float32),
        "old_log_prob": old.astype(np.float32),
        "advantages": uniform(rng, count) * np.float32(3.0) + np.float32(1.0),
        "returns": uniform(rng, count) * np.float32(2.0),
    }


def compare_passes(to: Comparison) -> None:
    """Forward and backward passes, acting, values, for odd sizes and all activations."""
    for number, sizes in enumerate(NETWORKS):
        for activation in ("tanh", "relu", "elu"):
            nets, exact = make_nets(sizes, activation, number)
            kernels = Networks(to.library, nets)
            for batch in (1, *BATCHES):
                rng = np.random.default_rng(batch)
                obs, noise = uniform(rng, batch, sizes[0]), uniform(rng, batch, sizes[2])
                mean, scale = uniform(rng, sizes[0]), np.abs(uniform(rng, sizes[0])) + np.float32(0.1)
                seen = np.clip((obs.astype(np.float64) - mean) * scale, -10.0, 10.0)
                expected = exact.actor.forward(seen) + np.exp(exact.log_std) * noise
                to.note("act", kernels.act(obs, noise, mean, scale, np.empty_like(noise)), expected)
                by_numpy = np.clip((obs - mean) * scale, np.float32(-10.0), np.float32(10.0))
                to.note(
                    "normalize, exactly",
                    to.library.normalize(obs, mean, scale, np.empty_like(obs)),
                    by_numpy,
                )
                wide = obs.astype(np.float64)
                deterministic = kernels.act(obs, None, None, None, np.empty_like(noise))
                to.note("act without noise", deterministic, exact.actor.forward(wide))
                to.note("values", kernels.values(obs), exact.critic.forward(wide)[:, 0])
                out, hidden = kernels.forward(obs)
                to.note("forward", out, exact.actor.forward(wide))
                kernels.backward(noise, hidden, obs, nets.d_actor)
                exact.actor.backward(noise.astype(np.float64), exact.d_actor)
                _note_layers(to, "backward", nets.actor.sizes, nets.d_actor, exact.d_actor)


def _note_layers(to: Comparison, name: str, sizes: tuple[int, ...], found: Float, expected: Float) -> None:
    pairs = zip(layer_views(sizes, found), layer_views(sizes, expected), strict=True)
    for (w, b), (exact_w, exact_b) in pairs:
        to.note(f"{name} weights", w, exact_w)
        to.note(f"{name} biases", b, exact_b)


def compare_gradients(to: Comparison) -> None:
    """The gradient of PPO's loss and its figures."""
    for number, sizes in enumerate(NETWORKS):
        for activation in ("tanh", "relu", "elu"):
            nets, exact = make_nets(sizes, activation, number)
            steps = PPOSteps(Networks(to.library, nets), Adam(nets.params), CONFIG)
            samples = make_samples(nets, exact, 700, number)
            steps.begin(**samples)
            for batch in BATCHES:
                rows = np.random.default_rng(batch).permutation(700)[:batch].astype(np.int32)
                figures = steps.gradient(rows)
                chosen = {name: array[rows].astype(np.float64) for name, array in samples.items()}
                expected = ppo_gradient(exact, Minibatch(**chosen), CONFIG)
                _note_layers(to, "actor", nets.actor.sizes, nets.d_actor, exact.d_actor)
                to.note("log_std", nets.d_log_std, exact.d_log_std)
                _note_layers(to, "critic", nets.critic.sizes, nets.d_critic, exact.d_critic)
                for name in ("policy_loss", "value_loss", "kl", "clip_fraction"):
                    pair = (np.array([getattr(one, name)]) for one in (figures, expected))
                    to.note(name, *pair)


def compare_steps(to: Comparison) -> None:
    """Adam and the gradient limit: the bits of NumPy, from the same gradient."""
    nets, exact = make_nets((17, (33, 9), 6), "tanh", 5)
    reference = nets.params.copy()
    adam, theirs = Adam(nets.params), Adam(reference)
    steps = PPOSteps(Networks(to.library, nets), adam, CONFIG)
    samples = make_samples(nets, exact, 300, 5)
    steps.begin(**samples)
    for step in range(20):
        rows = np.random.default_rng(step).permutation(300)[:100].astype(np.int32)
        steps.gradient(rows)
        gradient = nets.grads.copy()
        norm = clip_norm(gradient, CONFIG.max_grad_norm)
        outcome, figures = steps.minibatch(rows, 1e-3)
        assert outcome is Outcome.STEPPED
        theirs.step(nets.grads, 1e-3)
        to.note("clipped gradient", nets.grads, gradient)
        to.note("norm", np.array([figures.grad_norm]), np.array([norm]))
        to.note("adam, exactly", nets.params, reference)


def compare_advantages(to: Comparison) -> None:
    """GAE: the bits of NumPy."""
    rng = np.random.default_rng(9)
    for shape in [(1, 1), (5, 3), (64, 33)]:
        rewards, values, following = (uniform(rng, *shape) for _ in range(3))
        ended, cut = rng.random(shape) < 0.1, rng.random(shape) < 0.1
        arguments = (rewards, values, following, ended, cut, 0.99, 0.95)
        to.note("gae, exactly", to.library.gae(*arguments), gae(*arguments))


def compare_products(to: Comparison) -> None:
    """Matrix products of odd sizes, on both sides of every block of the code."""
    rng = np.random.default_rng(3)
    for m, k, n in [(1, 1, 1), (3, 5, 7), (4, 256, 8), (5, 257, 9), (13, 600, 33), (257, 72, 65)]:
        a, b = uniform(rng, m, k), uniform(rng, k, n)
        to.note("matmul", to.library.matmul(a, b), a.astype(np.float64) @ b.astype(np.float64))


def compare_all(path: Path) -> dict[str, Any]:
    """Everything above."""
    to = Comparison(Library(path))
    for compare in (
        compare_products, compare_passes, compare_gradients, compare_steps, compare_advantages
    ):  # fmt: skip
        compare(to)
    return to.report()
