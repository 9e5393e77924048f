"""The kernels against NumPy in float64: the same code runs in CPython and, sent over as text, in Pyodide.

Errors are relative to the largest number of the array. All that the kernels give goes into a digest: every
build must give the same bits. Inputs come from uniform draws, whose bits are the same on every platform.
"""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tabrl_py.config import PPOConfig
from tabrl_py.nn.actor_critic import ActorCritic
from tabrl_py.nn.advantages import gae
from tabrl_py.nn.arithmetic import Arithmetic, NumpyArithmetic
from tabrl_py.nn.compiled import CompiledArithmetic
from tabrl_py.nn.kernels import CompiledAdam, CompiledMLP, Library
from tabrl_py.nn.mlp import layer_views
from tabrl_py.nn.optim import Adam, clip_norm
from tabrl_py.nn.ppo_loss import Outcome, tree_sum
from tabrl_py.policy.bounds import ActionBounds
from tabrl_py.types import F32, F64, Float

NETWORKS = [
    (3, (5, 4), 2),
    (1, (1,), 1),
    (7, (), 3),
    (17, (33, 65, 9), 6),
    (72, (64, 32), 21),
    (45, (130, 260), 17),
]
# The spread of few units may nearly vanish in a row: with a norm, float32 then loses digits, in NumPy alike.
CASES = [
    (number, sizes, activation, norm)
    for number, sizes in enumerate(NETWORKS)
    for activation in ("tanh", "relu", "elu")
    for norm in (False, True)
    if sizes[0] > 3 or not norm
]
BATCHES = [2, 3, 255, 257, 600]
SHARDS = [[2], [0, 3], [100, 155], [257], [1, 299, 300, 0]]
CONFIG = PPOConfig(entropy_coef=0.01, value_coef=0.5, clip_range=0.2, max_grad_norm=0.5, target_kl=0.0)


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
    sizes: tuple[int, tuple[int, ...], int], activation: str, seed: int, *, layer_norm: bool = False
) -> tuple[ActorCritic, ActorCritic]:
    """The same networks in float32 and float64, of a usual scale."""
    rng = np.random.default_rng(seed)
    nets, exact = (
        ActorCritic(sizes[0], sizes[2], sizes[1], activation, dtype, layer_norm=layer_norm)
        for dtype in (np.float32, np.float64)
    )
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
    """Forward and backward passes, acting, values, for odd sizes and all forms."""
    for number, sizes, activation, norm in CASES:
        nets, exact = make_nets(sizes, activation, number, layer_norm=norm)
        kernels = CompiledArithmetic(to.library, nets, Adam(nets.params), CONFIG)
        network = CompiledMLP(to.library, nets.actor)
        for batch in (1, *BATCHES):
            _compare_acting(to, kernels, exact, batch)
            rng = np.random.default_rng(batch)
            x, d_out = uniform(rng, batch, sizes[0]), uniform(rng, batch, sizes[2])
            d_x, exact_d_x = np.empty_like(x), np.empty(x.shape)
            to.note("forward", network.forward(x), exact.actor.forward(x.astype(np.float64)))
            network.backward(d_out, nets.d_actor, d_x)
            exact.actor.backward(d_out.astype(np.float64), exact.d_actor, exact_d_x)
            _note_layers(to, "backward", nets.actor.sizes, nets.d_actor, exact.d_actor)
            to.note("backward input", d_x, exact_d_x)
            network.backward(d_out, None, d_x)
            to.note("backward input alone", d_x, exact_d_x)


def _compare_acting(to: Comparison, kernels: CompiledArithmetic, exact: ActorCritic, batch: int) -> None:
    rng = np.random.default_rng(batch)
    sizes = exact.actor.sizes
    obs, noise = uniform(rng, batch, sizes[0]), uniform(rng, batch, sizes[-1])
    mean, scale = uniform(rng, sizes[0]), np.abs(uniform(rng, sizes[0])) + np.float32(0.1)
    seen = np.clip((obs.astype(np.float64) - mean) * scale, -10.0, 10.0)
    expected = exact.actor.forward(seen) + np.exp(exact.log_std) * noise
    to.note("act", kernels.act(obs, noise, mean, scale, np.empty_like(noise)), expected)
    wide = obs.astype(np.float64)
    plain = kernels.act(obs, None, None, None, np.empty_like(noise))
    to.note("act without noise", plain, exact.actor.forward(wide))
    to.note("values", kernels.values(obs), exact.critic.forward(wide)[:, 0])
    low, high = -np.abs(uniform(rng, sizes[-1])), np.abs(uniform(rng, sizes[-1])) + np.float32(0.5)
    by_numpy = ActionBounds(tuple(low.tolist()), tuple(high.tolist())).to_task(noise, np.empty_like(noise))
    to.note("bounds, exactly", to.library.to_bounds(noise, low, high), by_numpy)
    squashed = 0.5 * (low + high) + 0.5 * (high - low) * np.tanh(noise.astype(np.float64))
    to.note("bounds by tanh", to.library.to_bounds(noise, low, high, squash=True), squashed)
    by_numpy = np.clip((obs - mean) * scale, np.float32(-10.0), np.float32(10.0))
    normalised = to.library.normalize(obs, mean, scale, np.empty_like(obs))
    to.note("normalize, exactly", normalised, by_numpy)


def _note_layers(to: Comparison, name: str, sizes: tuple[int, ...], found: Float, expected: Float) -> None:
    # Layer by layer; biases with their weights, as the gradient of a single bias may cancel to nothing.
    for one, other in zip(layer_views(sizes, found), layer_views(sizes, expected), strict=True):
        to.note(name, *(np.concatenate([w.ravel(), b]) for w, b in (one, other)))


def gradients_of(
    arithmetic: Arithmetic, nets: ActorCritic, counts: list[int], available: int
) -> tuple[Float, F64]:
    """Gradients and figures of shards of a permutation of the samples, which are the whole minibatch."""
    total = sum(counts)
    rows = np.argsort(np.random.default_rng(total).random(available))[:total].astype(np.int32)
    out = np.full((len(counts), nets.params.size), np.nan, nets.params.dtype)
    figures = np.full((len(counts), 4), np.nan)
    arithmetic.gradients(rows, np.array(counts, np.int32), 0.3, 0.4, total, out, figures)
    return out, figures


def compare_gradients(to: Comparison) -> None:
    """The gradients of PPO's loss, shard by shard, their figures and their sum."""
    for number, sizes, activation, norm in CASES:
        nets, exact = make_nets(sizes, activation, number, layer_norm=norm)
        kernels = CompiledArithmetic(to.library, nets, Adam(nets.params), CONFIG)
        numpy = NumpyArithmetic(exact, Adam(exact.params), CONFIG)
        samples = make_samples(nets, exact, 700, number)
        kernels.begin(**samples)
        numpy.begin(**{name: array.astype(np.float64) for name, array in samples.items()})
        for counts in SHARDS:
            found, figures = gradients_of(kernels, nets, counts, 700)
            expected, exact_figures = gradients_of(numpy, exact, counts, 700)
            for one, other in zip(found, expected, strict=True):
                _note_gradient(to, nets, one, other)
            to.note("figures", figures, exact_figures)
        block = np.stack([*found, *found[::-1]])
        by_numpy = tree_sum(block.copy())
        to.note("tree sum, exactly", kernels.tree_sum(block), by_numpy)


def _note_gradient(to: Comparison, nets: ActorCritic, found: Float, expected: Float) -> None:
    mean, actor = nets.actor.params.size, nets.actor_size
    _note_layers(to, "actor", nets.actor.sizes, found[:mean], expected[:mean])
    to.note("log_std", found[mean:actor], expected[mean:actor])
    _note_layers(to, "critic", nets.critic.sizes, found[actor:], expected[actor:])


def compare_steps(to: Comparison) -> None:
    """The step of a minibatch; Adam and the gradient limit with the bits of NumPy, from the same gradient."""
    nets, exact = make_nets((17, (33, 9), 6), "tanh", 5)
    other = exact.params.astype(np.float32)
    adam, theirs, fast = Adam(nets.params), Adam(exact.params), CompiledAdam(to.library, other)
    kernels, numpy = (
        CompiledArithmetic(to.library, nets, adam, CONFIG),
        NumpyArithmetic(exact, theirs, CONFIG),
    )
    place = slice(nets.actor.params.size, nets.actor_size)
    rng = np.random.default_rng(5)
    for step in range(20):
        grads = uniform(rng, nets.params.size) * np.float32(0.02 if step % 2 else 0.001)
        wide = grads.astype(np.float64)
        limited = grads.copy()
        limited[place] -= np.float32(CONFIG.entropy_coef)
        figures = rng.random(4)
        norm = clip_norm(limited, CONFIG.max_grad_norm)
        outcome, found = kernels.apply(grads, figures, 10, 1e-3)
        assert outcome is Outcome.STEPPED
        fast.step(limited, 1e-3)
        to.note("clipped gradient", grads, limited)
        to.note("norm", np.array([found.grad_norm]), np.array([norm]))
        _, expected = numpy.apply(wide, figures, 10, 1e-3)
        for name in found.__dict__:
            to.note(f"step: {name}", *(np.array([getattr(one, name)]) for one in (found, expected)))
        to.note("weights", nets.params, exact.params)
    reference, again = (np.linspace(-1.0, 1.0, 1003).astype(np.float32) for _ in range(2))
    slow, fast = Adam(reference), CompiledAdam(to.library, again)
    for _ in range(20):
        gradient = uniform(rng, 1003)
        slow.step(gradient, 1e-3)
        fast.step(gradient, 1e-3)
        to.note("adam, exactly", again, reference)


def compare_rows(to: Comparison) -> None:
    """A row's action and value have the same bits wherever it lies, in whatever batch."""
    for number, sizes, activation, norm in CASES:
        nets, _ = make_nets(sizes, activation, number, layer_norm=norm)
        kernels = CompiledArithmetic(to.library, nets, Adam(nets.params), CONFIG)
        rng = np.random.default_rng(number)
        obs, noise = uniform(rng, 300, sizes[0]), uniform(rng, 300, sizes[2])
        mean, scale = np.full(sizes[0], 0.1, np.float32), np.full(sizes[0], 1.1, np.float32)
        every = kernels.act(obs, noise, mean, scale, np.empty_like(noise))
        values = kernels.values(obs)
        for first, last in ((0, 1), (3, 4), (5, 12), (1, 258), (253, 300)):
            some = slice(first, last)
            out = np.empty_like(noise[some])
            to.note("a row, exactly", kernels.act(obs[some], noise[some], mean, scale, out), every[some])
            to.note("a value, exactly", kernels.values(obs[some]), values[some])


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
        compare_products, compare_passes, compare_rows, compare_gradients, compare_steps, compare_advantages
    ):  # fmt: skip
        compare(to)
    return to.report()
