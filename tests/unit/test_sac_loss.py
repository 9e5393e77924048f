"""SAC's formulas: targets by hand, gradients against finite differences, first weights, the policy's part."""

from collections.abc import Callable

import numpy as np
import pytest

from tabrl_py.nn.mlp import parameter_count
from tabrl_py.nn.sac_loss import (
    Transitions,
    actor_gradient,
    critic_gradient,
    critic_targets,
    temperature_gradient,
)
from tabrl_py.nn.soft_actor_critic import SoftActorCritic
from tabrl_py.types import Float

OBS, A, B = 3, 2, 6


def _nets(activation: str = "tanh") -> SoftActorCritic:
    nets = SoftActorCritic(OBS, A, (5, 4), activation, np.float64)
    rng = np.random.default_rng(0)
    nets.params[...] = rng.standard_normal(nets.params.size) * 0.4
    nets.targets[...] = rng.standard_normal(nets.targets.size) * 0.4
    return nets


def _batch(rows: int = B) -> Transitions:
    rng = np.random.default_rng(1)
    return Transitions(
        obs=rng.standard_normal((rows, OBS)),
        actions=np.tanh(rng.standard_normal((rows, A))),
        rewards=rng.standard_normal(rows),
        next_obs=rng.standard_normal((rows, OBS)),
        terminated=(np.arange(rows) % 3 == 0).astype(np.float64),
    )


def _noise(rows: int = B) -> Float:
    noise: Float = np.random.default_rng(2).standard_normal((rows, A))
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
    batch, noise = _batch(), _noise()
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
    nets, batch, noise = _nets(activation), _batch(20), _noise(20)
    pairs = np.concatenate([batch.obs, nets.draw(batch.obs, noise).action], axis=1)
    first, second = (critic.forward(pairs)[:, 0].copy() for critic in nets.critics)
    nets.critics[1].params[-1] += np.median(first - second)
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


def test_first_weights_are_uniform_and_the_targets_are_the_critics() -> None:
    nets = SoftActorCritic(17, 6, (256, 256), "relu")
    nets.init(1, init_log_std=-1.0, init_temperature=0.5)
    w = nets.actor_layers[1][0]
    assert np.abs(w).max() <= 1.0 / 16.0
    assert w.std() == pytest.approx(1.0 / 16.0 / np.sqrt(3.0), rel=0.02)
    assert nets.actor_layers[-1][1][6:].mean() == pytest.approx(-1.0, abs=0.1)
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
