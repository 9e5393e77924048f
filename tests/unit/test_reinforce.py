"""REINFORCE: its loss by hand, its step against finite differences, its baseline."""

from typing import Any

import numpy as np
import pytest

from tabrl_py.algos.algorithm import UpdateStats
from tabrl_py.algos.reinforce import Reinforce, policy_gradient, reinforce_loss
from tabrl_py.algos.rollout import Rollout
from tabrl_py.config import NetworkConfig, Recipe, ReinforceConfig
from tabrl_py.nn.actor_critic import ActorCritic
from tabrl_py.nn.gaussian import log_prob, standardise


def test_loss_by_hand() -> None:
    loss, d_log_prob = reinforce_loss(np.array([-1.0, -2.0]), np.array([3.0, -1.0]), 4)
    assert loss == pytest.approx(-(-3.0 + 2.0) / 4)
    assert d_log_prob.tolist() == [-0.75, 0.25]


def _nets() -> ActorCritic:
    nets = ActorCritic(3, 2, (5,), "tanh", np.float64)
    nets.params[...] = np.random.default_rng(0).standard_normal(nets.params.size) * 0.5
    return nets


def _loss(nets: ActorCritic, obs: np.ndarray, actions: np.ndarray, advantages: np.ndarray) -> float:
    mean = nets.actor.forward(obs)
    z = standardise(actions, mean, nets.log_std, np.empty_like(mean))
    return float(-(log_prob(z, nets.log_std) * advantages).mean())


def test_the_gradient_equals_finite_differences() -> None:
    nets = _nets()
    rng = np.random.default_rng(1)
    obs, actions, advantages = (rng.standard_normal(shape) for shape in ((20, 3), (20, 2), (20,)))
    grads = np.zeros(nets.actor_size)
    for part in (slice(0, 7), slice(7, 14), slice(14, 20)):  # three pieces, the last a short one
        policy_gradient(nets, obs[part], actions[part], advantages[part], 20, grads)
    eps = 1e-6
    for i in range(nets.actor_size):
        kept = nets.params[i]
        nets.params[i] = kept + eps
        above = _loss(nets, obs, actions, advantages)
        nets.params[i] = kept - eps
        below = _loss(nets, obs, actions, advantages)
        nets.params[i] = kept
        assert grads[i] == pytest.approx((above - below) / (2 * eps), rel=1e-6, abs=1e-8), i


def _rollout(nets: ActorCritic) -> Rollout:
    rng = np.random.default_rng(2)
    rollout = Rollout(16, 4, 3, 2)
    rollout.obs[...] = rng.standard_normal(rollout.obs.shape)
    rollout.noise[...] = rng.standard_normal(rollout.noise.shape)
    mean = nets.actor.forward(rollout.obs.reshape(64, 3)).reshape(16, 4, 2)
    rollout.actions[...] = mean + np.exp(nets.log_std) * rollout.noise
    rollout.rewards[...] = np.where(rollout.noise[:, :, 0] > 0.0, 1.0, -1.0)
    rollout.steps = 16
    return rollout


def _algorithm(**settings: Any) -> Reinforce:
    nets = ActorCritic(3, 2, (5,), "tanh")
    nets.init(3, -0.5)
    config = ReinforceConfig(n_steps=16, **settings)
    network = NetworkConfig(hidden=(5,), init_log_std=-0.5)
    return Reinforce(Recipe("none", "reinforce", n_envs=4, network=network, algo=config), nets)


def _update(algorithm: Reinforce, rollout: Rollout, update: int = 0) -> UpdateStats:
    stats = list(algorithm.update(rollout, None, update, 0.0))[-1]
    assert stats is not None
    return stats


def test_good_actions_become_likelier_in_one_step() -> None:
    algorithm = _algorithm(gamma=0.0)
    rollout = _rollout(algorithm.nets)
    obs = rollout.obs.reshape(64, 3)
    before = algorithm.nets.actor.forward(obs).mean(axis=0)[0]
    stats = _update(algorithm, rollout)
    assert algorithm.nets.actor.forward(obs).mean(axis=0)[0] > before
    assert algorithm.optimizer.step_count == stats.epochs_run == 1
    assert 0.0 < stats.kl < 0.1


def test_the_baseline_comes_to_know_the_returns() -> None:
    algorithm = _algorithm(gamma=0.0, baseline_epochs=50)
    rollout = _rollout(algorithm.nets)
    rollout.rewards[...] = rollout.obs[:, :, 0]
    stats = [_update(algorithm, rollout, i) for i in range(10)]
    assert stats[-1].value_loss < 0.2 * stats[0].value_loss
    assert stats[-1].explained_variance > 0.8


def test_rewards_that_are_not_finite_never_reach_the_weights() -> None:
    algorithm = _algorithm()
    rollout = _rollout(algorithm.nets)
    rollout.rewards[3, 1] = np.inf
    before = algorithm.nets.params.copy()
    with np.errstate(invalid="ignore"):
        stats = _update(algorithm, rollout)
    assert stats.skipped == 1 + algorithm.config.baseline_epochs
    assert np.array_equal(algorithm.nets.params, before)


def test_an_update_continues_from_its_state_to_the_bit() -> None:
    one, two = _algorithm(), _algorithm()
    list(one.update(_rollout(one.nets), None, 0, 0.0))
    two.load_state({name: np.array(value) for name, value in one.state().items()})
    rollout = _rollout(one.nets)
    for algorithm in (one, two):
        list(algorithm.update(rollout, None, 1, 0.0))
    assert one.nets.params.tobytes() == two.nets.params.tobytes()
