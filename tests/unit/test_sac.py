"""SAC's gradient step: targets by hand, gradients against finite differences, what it learns and refuses."""

from collections.abc import Callable

import numpy as np
import pytest

from tabrl_py.algos.replay import Transitions
from tabrl_py.algos.sac import SAC, actor_gradient, critic_gradient, critic_targets, temperature_gradient
from tabrl_py.config import SACConfig
from tabrl_py.nn.mlp import parameter_count
from tabrl_py.nn.soft_actor_critic import SoftActorCritic
from tabrl_py.types import Float

OBS, A, B = 3, 2, 6


def _nets(activation: str = "tanh") -> SoftActorCritic:
    nets = SoftActorCritic(OBS, A, (5, 4), activation, np.float64)
    rng = np.random.default_rng(0)
    nets.params[...] = rng.standard_normal(nets.params.size) * 0.4
    nets.targets[...] = rng.standard_normal(nets.targets.size) * 0.4
    return nets


def _batch(seed: int = 1, rows: int = B, dtype: type = np.float64) -> Transitions:
    rng = np.random.default_rng(seed)
    arrays = [
        rng.standard_normal(shape).astype(dtype) for shape in ((rows, OBS), (rows, A), (rows,), (rows, OBS))
    ]
    arrays[1] = np.tanh(arrays[1])
    return Transitions(*arrays, (rng.random(rows) < 0.3).astype(dtype))


def _noise(seed: int = 2, rows: int = B, dtype: type = np.float64) -> Float:
    noise: Float = np.random.default_rng(seed).standard_normal((2, rows, A)).astype(dtype)
    return noise


def _differences(params: Float, loss: Callable[[], float], eps: float = 1e-6) -> list[float]:
    slopes = []
    for i in range(params.size):
        kept = params[i]
        params[i] = kept + eps
        above = loss()
        params[i] = kept - eps
        below = loss()
        params[i] = kept
        slopes.append((above - below) / (2 * eps))
    return slopes


def test_the_targets_by_hand() -> None:
    nets = _nets()
    batch, noise = _batch(), _noise()[1]
    targets = critic_targets(nets, batch, noise, temperature=0.3, gamma=0.9)
    for i in range(B):
        drawn = nets.draw(batch.next_obs[i : i + 1], noise[i : i + 1])
        pair = np.concatenate([batch.next_obs[i], drawn.action[0]])[None]
        q = min(critic.forward(pair)[0, 0] for critic in nets.target_critics)
        beyond = 0.0 if batch.terminated[i] else q - 0.3 * drawn.log_prob[0]
        assert targets[i] == pytest.approx(batch.rewards[i] + 0.9 * beyond, abs=1e-12)
    assert 0 < batch.terminated.sum() < B


@pytest.mark.parametrize("activation", ["tanh", "elu"])
def test_the_critics_gradient_equals_finite_differences(activation: str) -> None:
    nets, batch = _nets(activation), _batch()
    targets = np.random.default_rng(3).standard_normal(B)
    _, said = critic_gradient(nets, batch, targets)
    pairs = np.concatenate([batch.obs, batch.actions], axis=1)
    assert said.tolist() == nets.critics[0].forward(pairs)[:, 0].tolist()
    grads = nets.d_both_critics.copy()
    slopes = _differences(nets.both_critics, lambda: critic_gradient(nets, batch, targets)[0])
    assert grads == pytest.approx(slopes, rel=1e-5, abs=1e-8)


@pytest.mark.parametrize("activation", ["tanh", "elu"])
def test_the_actors_gradient_equals_finite_differences(activation: str) -> None:
    nets, batch, noise = _nets(activation), _batch(rows=20), _noise(rows=20)[0]
    pairs = np.concatenate([batch.obs, nets.draw(batch.obs, noise).action], axis=1)
    first, second = (critic.forward(pairs)[:, 0].copy() for critic in nets.critics)
    nets.critics[1].layers[-1][1][...] += np.median(first - second)
    # Now each critic is the smaller one for half of the samples.
    actor_gradient(nets, batch.obs, noise, temperature=0.3)
    grads, critics = nets.d_actor.copy(), nets.both_critics.copy()
    slopes = _differences(nets.actor.params, lambda: actor_gradient(nets, batch.obs, noise, 0.3)[0])
    assert grads == pytest.approx(slopes, rel=1e-5, abs=1e-8)
    assert np.array_equal(nets.both_critics, critics)


def test_the_temperature_rises_where_the_policy_is_too_sure_of_itself() -> None:
    # entropy 1 where -2 is wanted: sink; entropy -3: rise. A step goes against the gradient.
    assert temperature_gradient(np.array([-1.0, -1.0]), -2.0) == 3.0
    assert temperature_gradient(np.array([3.0]), -2.0) == -1.0


def _learner(dtype: type = np.float32, **settings: float) -> SAC:
    nets = SoftActorCritic(OBS, A, (16,), "relu", dtype)
    nets.init(5, 0.0, 1.0)
    return SAC(SACConfig(**settings), nets)  # type: ignore[arg-type]


def test_one_step_is_the_three_of_adam_and_the_targets_follow() -> None:
    learner = _learner(np.float64, learning_rate=1e-3, tau=0.25)
    nets = learner.nets
    before, old_targets = nets.params.copy(), nets.targets.copy()
    figures = learner.step(_batch(), _noise())
    moved = nets.params - before
    # Adam's first step has the length of the learning rate wherever there is a gradient.
    assert np.abs(moved[np.abs(nets.grads) > 1e-6]) == pytest.approx(1e-3, rel=1e-2)
    assert np.sign(moved[-1]) == -np.sign(nets.d_log_temperature[0])
    assert nets.targets == pytest.approx(0.75 * old_targets + 0.25 * nets.both_critics)
    assert figures.temperature == pytest.approx(1.0)
    assert not figures.skipped


def test_a_fixed_temperature_stays() -> None:
    learner = SAC(SACConfig(temperature="fixed"), _learner().nets)
    learner.step(_batch(dtype=np.float32), _noise(dtype=np.float32))
    assert learner.nets.log_temperature[0] == 0.0


def test_it_finds_the_action_that_pays() -> None:
    """A bandit: the reward is highest at the action (0.6, -0.3) whatever is observed."""
    learner = _learner(learning_rate=1e-2, gamma=0.0)
    learner.nets.log_temperature[...] = np.log(0.1)
    rng = np.random.default_rng(7)
    for _ in range(600):
        obs = rng.standard_normal((64, OBS)).astype(np.float32)
        actions = rng.uniform(-1.0, 1.0, (64, A)).astype(np.float32)
        rewards = -10.0 * np.square(actions - np.array([0.6, -0.3], np.float32)).sum(axis=1)
        batch = Transitions(obs, actions, rewards, obs, np.ones(64, np.float32))
        figures = learner.step(batch, rng.standard_normal((2, 64, A)).astype(np.float32))
    out = learner.nets.actor.forward(rng.standard_normal((256, OBS)).astype(np.float32))
    assert np.tanh(out[:, :A]).mean(axis=0) == pytest.approx([0.6, -0.3], abs=0.1)
    assert figures.explained_variance > 0.9


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_never_reaches_the_weights(bad: float) -> None:
    learner = _learner()
    before = [array.copy() for array in (learner.nets.params, learner.nets.targets)]
    batch = _batch(dtype=np.float32)
    batch.rewards[2] = bad
    assert learner.step(batch, _noise(dtype=np.float32)).skipped
    noise = _noise(dtype=np.float32)
    noise[1, 0, 0] = bad  # a following action, and so a target
    assert learner.step(_batch(dtype=np.float32), noise).skipped
    assert np.array_equal(learner.nets.params, before[0])
    assert np.array_equal(learner.nets.targets, before[1])
    noise = _noise(dtype=np.float32)
    noise[0, 0, 0] = np.nan  # an action of the actor's own: only its step is left out
    assert learner.step(_batch(dtype=np.float32), noise).skipped
    assert np.array_equal(learner.nets.actor.params, before[0][: learner.nets.actor.params.size])
    assert np.isfinite(learner.nets.params).all()


def test_a_step_continues_from_its_state_to_the_bit() -> None:
    one, two = _learner(), _learner()
    one.step(_batch(dtype=np.float32), _noise(dtype=np.float32))
    two.load_state({name: np.array(value) for name, value in one.state().items()})
    for learner in (one, two):
        learner.step(_batch(8, dtype=np.float32), _noise(9, dtype=np.float32))
    assert one.nets.params.tobytes() == two.nets.params.tobytes()
    assert one.nets.targets.tobytes() == two.nets.targets.tobytes()
    assert one.steps == two.steps == 2


def test_first_weights_are_uniform_and_the_targets_are_the_critics() -> None:
    nets = SoftActorCritic(17, 6, (256, 256), "relu")
    nets.init(1, init_log_std=-1.0, init_temperature=0.5)
    w = nets.actor.layers[1][0]
    assert np.abs(w).max() <= 1.0 / 16.0
    assert w.std() == pytest.approx(1.0 / 16.0 / np.sqrt(3.0), rel=0.02)
    assert nets.actor.layers[-1][1][6:].mean() == pytest.approx(-1.0, abs=0.1)
    assert nets.log_temperature[0] == pytest.approx(np.log(0.5))
    assert np.array_equal(nets.targets, nets.both_critics)
    assert not np.array_equal(nets.critics[0].params, nets.critics[1].params)


def test_the_policy_file_has_the_means_network() -> None:
    nets = _nets()
    log_std = np.array([-1.0, -2.0])
    params = nets.policy_params(log_std)
    assert params.size == parameter_count((OBS, 5, 4, A)) + A
    assert params[-A:].tolist() == log_std.tolist()
    other = _nets()
    other.params[...] = 0.0
    other.load_policy_params(params)
    obs = np.random.default_rng(4).standard_normal((5, OBS))
    mine, theirs = nets.actor.forward(obs), other.actor.forward(obs)
    assert theirs[:, :A] == pytest.approx(mine[:, :A], abs=1e-15)
    assert (theirs[:, A:] == log_std).all()
