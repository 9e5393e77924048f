"""PPO: which samples its minibatches have, its stops, schedules, exploration and mirror images."""

import numpy as np
import pytest

from tabrl_py.algos.algorithm import UpdateStats
from tabrl_py.algos.ppo import PPO
from tabrl_py.algos.rollout import Rollout
from tabrl_py.config import NetworkConfig, PPOConfig, Recipe
from tabrl_py.nn.actor_critic import ActorCritic


def _rollout(nets: ActorCritic, seed: int = 2) -> Rollout:
    rng = np.random.default_rng(seed)
    rollout = Rollout(8, 4, 3, 2)
    rollout.obs[...] = rng.standard_normal(rollout.obs.shape)
    rollout.noise[...] = rng.standard_normal(rollout.noise.shape)
    mean = nets.actor.forward(rollout.obs.reshape(32, 3)).reshape(8, 4, 2)
    rollout.actions[...] = mean + np.exp(nets.log_std) * rollout.noise
    rollout.rewards[...] = rng.standard_normal((8, 4))
    rollout.truncated[5, 1] = True
    rollout.final_obs.append((5, 1, np.ones(3, np.float32)))
    rollout.steps = 8
    return rollout


def _ppo(**settings: object) -> PPO:
    nets = ActorCritic(3, 2, (5, 4), "tanh")
    nets.init(3, -0.5)
    config = PPOConfig(n_steps=8, minibatch_size=12, **settings)  # type: ignore[arg-type]
    network = NetworkConfig(hidden=(5, 4), init_log_std=-0.5)
    return PPO(Recipe("none", n_envs=4, network=network, algo=config), nets)


def _update(ppo: PPO, rollout: Rollout, progress: float = 0.0, update: int = 0) -> UpdateStats:
    stats = list(ppo.update(rollout, None, update, progress))[-1]
    assert stats is not None
    return stats


def test_an_update_uses_every_sample_and_starts_from_the_policy_that_acted() -> None:
    ppo = _ppo(n_epochs=2, target_kl=0.0, learning_rate=1e-6)
    stats = _update(ppo, _rollout(ppo.nets))
    assert ppo.optimizer.step_count == 2 * 3  # 32 samples in 3 minibatches
    assert stats.epochs_run == 2
    assert stats.kl == pytest.approx(0.0, abs=1e-5)
    assert stats.clip_fraction == 0.0


def test_good_actions_become_likelier() -> None:
    ppo = _ppo(n_epochs=5, target_kl=0.0, learning_rate=1e-2, gamma=0.0, normalize_advantage=False)
    rollout = _rollout(ppo.nets)
    rollout.rewards[...] = np.where(rollout.noise[:, :, 0] > 0.0, 1.0, -1.0)
    obs = rollout.obs.reshape(32, 3)
    before = ppo.nets.actor.forward(obs).mean(axis=0)[0]
    _update(ppo, rollout)
    assert ppo.nets.actor.forward(obs).mean(axis=0)[0] > before + 0.01


def test_the_kl_stop_ends_an_update() -> None:
    ppo = _ppo(n_epochs=50, target_kl=0.01, learning_rate=1e-2)
    stats = _update(ppo, _rollout(ppo.nets))
    assert stats.kl > 1.5 * 0.01
    assert 0 < ppo.optimizer.step_count < 50 * 3
    assert stats.epochs_run < 50


def test_minibatches_that_are_not_finite_are_left_out_and_counted() -> None:
    ppo = _ppo(n_epochs=1, target_kl=0.0)
    rollout = _rollout(ppo.nets)
    rollout.rewards[0, 0] = np.nan
    before = ppo.nets.params.copy()
    stats = _update(ppo, rollout)
    assert stats.skipped == 1
    assert ppo.optimizer.step_count == 2
    assert np.isfinite(ppo.nets.params).all()
    assert not np.array_equal(before, ppo.nets.params)


def test_the_linear_schedule_sinks_with_progress() -> None:
    ppo = _ppo(lr_schedule="linear", learning_rate=1e-3)
    assert _update(ppo, _rollout(ppo.nets), progress=0.75).learning_rate == pytest.approx(2.5e-4)


@pytest.mark.parametrize(("rate", "faster"), [(1e-6, True), (3e-2, False)])
def test_the_adaptive_schedule_follows_the_kl(rate: float, faster: bool) -> None:
    ppo = _ppo(lr_schedule="adaptive", learning_rate=rate, target_kl=0.01, n_epochs=4)
    _update(ppo, _rollout(ppo.nets))
    assert (ppo.learning_rate > rate) == faster


def test_an_update_continues_from_its_state_to_the_bit() -> None:
    ppo, other = _ppo(), _ppo()
    _update(ppo, _rollout(ppo.nets))
    other.load_state({name: np.array(value) for name, value in ppo.state().items()})
    _update(ppo, _rollout(ppo.nets, 5), update=1)
    _update(other, _rollout(other.nets, 5), update=1)
    assert ppo.nets.params.tobytes() == other.nets.params.tobytes()
