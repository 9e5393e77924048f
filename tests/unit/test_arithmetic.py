"""The arithmetic of PPO, by NumPy and compiled: finite differences, shards that add up, rows on their own."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tabrl_py.config import PPOConfig
from tabrl_py.errors import ConfigError
from tabrl_py.nn import kernels
from tabrl_py.nn.actor_critic import ActorCritic
from tabrl_py.nn.arithmetic import (
    Arithmetic,
    NumpyArithmetic,
    make_adam,
    make_arithmetic,
    make_perceptron,
)
from tabrl_py.nn.compiled import CompiledArithmetic
from tabrl_py.nn.gaussian import entropy, log_prob, standardise
from tabrl_py.nn.optim import Adam
from tabrl_py.nn.ppo_loss import Minibatch, Outcome, policy_losses, tree_sum
from wasm.build import kernels as compiler

Make = Callable[[ActorCritic, Adam, PPOConfig], Arithmetic]
CONFIG = PPOConfig(entropy_coef=0.01, value_coef=0.5, clip_range=0.2, target_kl=0.0)


@pytest.mark.parametrize(
    ("ratio", "advantage", "objective", "slope"),
    [
        (1.1, 2.0, 2.2, 2.2),  # inside the range: r A
        (1.5, 2.0, 2.4, 0.0),  # too far in the good direction: clipped at 1.2 A, no gradient
        (0.5, 2.0, 1.0, 1.0),  # far, but the wrong way for a good action: the gradient pulls it back
        (0.5, -2.0, -1.6, 0.0),  # too far in the good direction, of a bad action: clipped at 0.8 A
        (1.5, -2.0, -3.0, -3.0),  # a bad action has become likelier: the gradient pulls it back
    ],
)
def test_the_clipped_objective_by_hand(
    ratio: float, advantage: float, objective: float, slope: float
) -> None:
    losses, d_log_prob, _ = policy_losses(
        np.array([np.log(ratio)]), np.array([0.0]), np.array([advantage]), 0.2
    )
    assert losses[0] == pytest.approx(-objective)
    assert d_log_prob[0] == pytest.approx(-slope)


@pytest.fixture(scope="session")
def library() -> kernels.Library:
    return kernels.Library(compiler.build() / compiler.NATIVE)


@pytest.fixture(params=["numpy", "compiled"])
def make(request: pytest.FixtureRequest, library: kernels.Library) -> Make:
    """Either implementation; their results are compared with each other in tests/kernels."""
    if request.param == "numpy":
        return NumpyArithmetic
    return lambda nets, optimizer, config: CompiledArithmetic(library, nets, optimizer, config)


def _nets(dtype: Any = np.float64, **options: Any) -> ActorCritic:
    nets = ActorCritic(3, 2, (5, 4), "tanh", dtype, **options)
    nets.params[...] = np.random.default_rng(0).standard_normal(nets.params.size) * 0.5
    return nets


def _log_prob(nets: ActorCritic, obs: np.ndarray, actions: np.ndarray) -> np.ndarray:
    mean = nets.actor.forward(obs)
    return log_prob(standardise(actions, mean, nets.log_std, np.empty_like(mean)), nets.log_std)


def _samples(nets: ActorCritic, shift: float = 0.5, count: int = 40) -> Minibatch:
    """Samples whose ratios lie on both sides of the clip range, for both signs of the advantage."""
    rng = np.random.default_rng(1)
    obs, advantages = rng.standard_normal((count, 3)), rng.standard_normal(count)
    actions = nets.actor.forward(obs.astype(nets.params.dtype)) + np.exp(nets.log_std) * rng.standard_normal(
        (count, 2)
    )
    old = _log_prob(nets, obs.astype(nets.params.dtype), actions) + shift * rng.standard_normal(count)
    arrays = (obs, actions, old, advantages, rng.standard_normal(count))
    return Minibatch(*(np.ascontiguousarray(array, nets.params.dtype) for array in arrays))


def _begun(arithmetic: Arithmetic, samples: Minibatch) -> Arithmetic:
    arithmetic.begin(**samples.__dict__)
    return arithmetic


def _gradients(
    arithmetic: Arithmetic,
    nets: ActorCritic,
    rows: npt.ArrayLike,
    counts: list[int],
    samples: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    out = np.full((len(counts), nets.params.size), np.nan, nets.params.dtype)
    figures = np.full((len(counts), 4), np.nan)
    chosen = np.asarray(rows, np.int32)
    size = len(chosen) if samples is None else samples
    arithmetic.gradients(chosen, np.array(counts, np.int32), 0.1, 1.3, size, out, figures)
    return out, figures


def _loss(nets: ActorCritic, batch: Minibatch) -> float:
    ratio = np.exp(_log_prob(nets, batch.obs, batch.actions) - batch.old_log_prob)
    advantages = (batch.advantages - 0.1) * 1.3
    surrogate = np.minimum(ratio * advantages, np.clip(ratio, 0.8, 1.2) * advantages).mean()
    error = ((nets.critic.forward(batch.obs)[:, 0] - batch.returns) ** 2).mean()
    return float(-surrogate + 0.5 * error)


@pytest.mark.parametrize("shift", [0.01, 0.5])
def test_the_gradient_equals_finite_differences(shift: float) -> None:
    nets = _nets()
    batch = _samples(nets, shift)
    arithmetic = _begun(NumpyArithmetic(nets, Adam(nets.params), CONFIG), batch)
    out, figures = _gradients(arithmetic, nets, np.arange(40), [25, 15])
    assert (figures[:, 3].sum() > 8) == (shift > 0.1)
    grads = out.sum(axis=0)
    eps = 1e-6
    for i in range(nets.params.size):
        kept = nets.params[i]
        nets.params[i] = kept + eps
        above = _loss(nets, batch)
        nets.params[i] = kept - eps
        below = _loss(nets, batch)
        nets.params[i] = kept
        assert grads[i] == pytest.approx((above - below) / (2 * eps), rel=1e-5, abs=1e-7), i


def test_the_step_adds_the_entropy_limits_the_gradient_and_moves_adam() -> None:
    nets, twin = _nets(), _nets()
    adam, theirs = Adam(nets.params), Adam(twin.params)
    arithmetic = NumpyArithmetic(nets, adam, CONFIG)
    grads = np.random.default_rng(3).standard_normal(nets.params.size)
    expected = grads.copy()
    expected[nets.actor.params.size : nets.actor_size] -= 0.01
    norm = float(np.linalg.norm(expected))
    outcome, figures = arithmetic.apply(grads, np.array([2.0, 4.0, 0.2, 5.0]), 10, 1e-2)
    theirs.step(expected * (0.5 / norm), 1e-2)
    assert outcome is Outcome.STEPPED
    assert nets.params == pytest.approx(twin.params, abs=1e-14)
    assert adam.step_count == 1
    assert figures.grad_norm == pytest.approx(norm)
    assert (figures.policy_loss, figures.value_loss) == pytest.approx((0.2, 0.4))
    assert (figures.kl, figures.clip_fraction) == pytest.approx((0.02, 0.5))
    assert figures.entropy == pytest.approx(entropy(nets.log_std))


def test_shards_add_up_to_their_minibatch_whatever_their_number() -> None:
    nets = _nets()
    arithmetic = _begun(NumpyArithmetic(nets, Adam(nets.params), CONFIG), _samples(nets))
    order = np.random.default_rng(2).permutation(40)[:32]
    whole, sums = _gradients(arithmetic, nets, order, [32])
    parts, figures = _gradients(arithmetic, nets, order, [0, 20, 5, 7])
    assert parts.sum(axis=0) == pytest.approx(whole[0], abs=1e-14)
    assert figures.sum(axis=0) == pytest.approx(sums[0], abs=1e-12)
    assert not parts[0].any()


def test_a_shard_does_not_know_the_others(make: Make) -> None:
    nets = _nets(np.float32)
    arithmetic = _begun(make(nets, Adam(nets.params), CONFIG), _samples(nets))
    order = np.random.default_rng(2).permutation(40)[:30]
    together, _ = _gradients(arithmetic, nets, order, [11, 12, 7])
    alone, _ = _gradients(arithmetic, nets, order[11:23], [12], samples=30)
    assert together[1].tobytes() == alone[0].tobytes()


def test_branches_of_the_tree_may_be_added_up_apart() -> None:
    leaves = np.random.default_rng(0).standard_normal((8, 100)).astype(np.float32)
    whole = tree_sum(leaves.copy()).copy()
    branches = np.stack([tree_sum(leaves[:4].copy()), tree_sum(leaves[4:].copy())])
    assert tree_sum(branches).tobytes() == whole.tobytes()
    assert whole == pytest.approx(leaves.sum(axis=0), abs=1e-5)
    with pytest.raises(ValueError, match="power of two"):
        tree_sum(leaves[:3])


@pytest.mark.parametrize("count", [1, 31, 33, 64, 70])
def test_a_row_depends_on_itself_alone(make: Make, count: int) -> None:
    nets = _nets(np.float32)
    arithmetic = make(nets, Adam(nets.params), CONFIG)
    rng = np.random.default_rng(5)
    obs = rng.standard_normal((80, 3)).astype(np.float32)
    noise = rng.standard_normal((80, 2)).astype(np.float32)
    mean, scale = np.full(3, 0.1, np.float32), np.full(3, 1.2, np.float32)
    every = arithmetic.act(obs, noise, mean, scale, np.empty_like(noise))
    some = slice(3, 3 + count)
    assert arithmetic.act(
        obs[some], noise[some], mean, scale, np.empty((count, 2), np.float32)
    ).tobytes() == (every[some].tobytes())
    assert arithmetic.values(obs[some]).tobytes() == arithmetic.values(obs)[some].tobytes()


def test_acting_normalises_adds_noise_and_may_do_without_either() -> None:
    nets = _nets()
    arithmetic = NumpyArithmetic(nets, Adam(nets.params), CONFIG)
    obs, noise = np.array([[1.0, 2.0, 300.0]]), np.array([[0.5, -1.0]])
    mean, scale = np.array([1.0, 0.0, 0.0]), np.array([1.0, 2.0, 1.0])
    found = arithmetic.act(obs, noise, mean, scale, np.empty((1, 2)))  # type: ignore[arg-type] # in float64
    expected = nets.actor.forward(np.array([[0.0, 4.0, 10.0]])) + noise * np.exp(nets.log_std)
    assert found == pytest.approx(expected, abs=1e-14)
    plain = arithmetic.act(obs, None, None, None, np.empty((1, 2)))  # type: ignore[arg-type] # in float64
    assert plain == pytest.approx(nets.actor.forward(obs), abs=1e-14)


@pytest.mark.parametrize("name", ["obs", "actions", "old_log_prob", "advantages", "returns"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_never_reaches_the_weights(make: Make, name: str, value: float) -> None:
    nets = _nets(np.float32)
    adam = Adam(nets.params)
    samples = _samples(nets)
    getattr(samples, name)[7] = value
    before = nets.params.copy()
    arithmetic = _begun(make(nets, adam, replace(CONFIG, target_kl=0.01)), samples)
    out, figures = _gradients(arithmetic, nets, np.arange(40), [20, 20])
    outcome, _ = arithmetic.apply(arithmetic.tree_sum(out), figures.sum(axis=0), 40, 1e-3)
    assert outcome is Outcome.NOT_FINITE
    assert np.array_equal(nets.params, before)
    assert adam.step_count == 0
    assert not adam.m.any()
    assert not adam.v.any()


@pytest.mark.parametrize("at", [0, -1])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_gradient_that_is_not_finite_is_not_taken(make: Make, at: int, value: float) -> None:
    nets = _nets(np.float32)
    adam = Adam(nets.params)
    before = nets.params.copy()
    grads = np.ones_like(nets.params)
    grads[at] = value
    outcome, _ = make(nets, adam, CONFIG).apply(grads, np.ones(4), 10, 1e-3)
    assert outcome is Outcome.NOT_FINITE
    assert np.array_equal(nets.params, before)
    assert not adam.m.any()


def test_the_kl_stop_changes_nothing(make: Make) -> None:
    nets = _nets(np.float32)
    adam = Adam(nets.params)
    arithmetic = make(nets, adam, replace(CONFIG, target_kl=0.01))
    before = nets.params.copy()
    outcome, figures = arithmetic.apply(np.ones_like(nets.params), np.array([0.0, 0.0, 0.16, 0.0]), 10, 1e-3)
    assert outcome is Outcome.KL_STOP
    assert figures.kl == pytest.approx(0.016)
    assert np.array_equal(nets.params, before)
    assert adam.step_count == 0
    outcome, _ = arithmetic.apply(np.ones_like(nets.params), np.array([0.0, 0.0, 0.14, 0.0]), 10, 1e-3)
    assert outcome is Outcome.STEPPED


def test_annealed_exploration_is_not_learned(make: Make) -> None:
    nets = _nets(np.float32)
    before = nets.params.copy()
    arithmetic = make(nets, Adam(nets.params), replace(CONFIG, exploration="annealed"))
    for _ in range(3):
        arithmetic.apply(np.ones_like(nets.params), np.ones(4), 10, 1e-2)
    assert nets.log_std.tobytes() == before[nets.actor.params.size : nets.actor_size].tobytes()
    assert (nets.actor.params != before[: nets.actor.params.size]).all()
    assert (nets.critic.params != before[nets.actor_size :]).all()


def test_refusals(make: Make) -> None:
    nets = _nets(np.float32)
    arithmetic = make(nets, Adam(nets.params), CONFIG)
    with pytest.raises(IndexError, match=r"lie in \[0, 0\)"):
        _gradients(arithmetic, nets, [0], [1])
    _begun(arithmetic, _samples(nets))
    for rows in ([-1], [40]):
        with pytest.raises(IndexError, match=r"lie in \[0, 40\)"):
            _gradients(arithmetic, nets, rows, [1])
    for counts, samples in (([2], 1), ([1], 0), ([2, -1], 1)):
        with pytest.raises(ValueError, match="a minibatch"):
            _gradients(arithmetic, nets, [0], counts, samples=samples)
    with pytest.raises(ValueError, match="must have samples"):
        arithmetic.apply(np.ones_like(nets.params), np.ones(4), 0, 1e-3)
    with pytest.raises(ValueError, match="power of two"):
        arithmetic.tree_sum(np.ones((3, 2), np.float32))


def test_the_choice_of_the_arithmetic(
    library: kernels.Library, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    nets = _nets(np.float32)

    def name(choice: str, nets: ActorCritic = nets) -> str:
        return make_arithmetic(choice, nets, Adam(nets.params), CONFIG).name

    monkeypatch.setenv(kernels.LIBRARY_VARIABLE, str(compiler.OUT / compiler.NATIVE))
    assert (name("auto"), name("numpy")) == ("compiled", "numpy")
    assert name("auto", _nets()) == "numpy"  # float64
    assert make_perceptron("numpy", nets.actor) is nets.actor
    assert type(make_adam("numpy", nets.params)) is Adam
    assert isinstance(make_perceptron("auto", nets.actor), kernels.CompiledMLP)
    assert isinstance(make_adam("auto", nets.params), kernels.CompiledAdam)
    (tmp_path / "broken.so").write_bytes(b"nothing")
    monkeypatch.setenv(kernels.LIBRARY_VARIABLE, str(tmp_path / "broken.so"))
    assert name("auto") == "numpy"
    assert make_perceptron("auto", nets.actor) is nets.actor
    with pytest.raises(ConfigError, match="kernels='fast'"):
        name("fast")


def test_a_run_of_updates_is_nearly_the_same_by_both(library: kernels.Library) -> None:
    found = []
    for compiled in (False, True):
        nets = _nets(np.float32, layer_norm=True)
        adam, samples = Adam(nets.params), _samples(_nets(np.float32, layer_norm=True))
        arithmetic: Arithmetic = (
            CompiledArithmetic(library, nets, adam, CONFIG)
            if compiled
            else NumpyArithmetic(nets, adam, CONFIG)
        )
        _begun(arithmetic, samples)
        for step in range(50):
            rows = np.random.default_rng(step).permutation(40)
            out, figures = _gradients(arithmetic, nets, rows, [12, 28])
            outcome, _ = arithmetic.apply(arithmetic.tree_sum(out), figures.sum(axis=0), 40, 1e-2)
            assert outcome is Outcome.STEPPED
        found.append(nets.params.copy())
    moved = np.abs(found[0] - _nets(np.float32).params).max()
    assert np.abs(found[0] - found[1]).max() < 1e-3 * moved
