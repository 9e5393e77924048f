"""PPO: which samples its minibatches have, its stops, schedules, exploration and mirror images."""

from typing import Any

import numpy as np
import pytest

from tabrl_py.algos.algorithm import UpdateStats
from tabrl_py.algos.ppo import PPO
from tabrl_py.algos.rollout import Rollout
from tabrl_py.config import NetworkConfig, PPOConfig, Recipe
from tabrl_py.errors import ConfigError
from tabrl_py.nn.actor_critic import ActorCritic
from tabrl_py.nn.normalize import ObsNormalizer
from tabrl_py.tasks.spec import Mirror


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


MIRROR = Mirror((0, 2, 1), (-1.0, 1.0, 1.0), (1, 0), (-1.0, -1.0))


def _ppo(mirror: Mirror | None = None, **settings: Any) -> PPO:
    nets = ActorCritic(3, 2, (5, 4), "tanh")
    nets.init(3, -0.5)
    config = PPOConfig(n_steps=8, minibatch_size=12, **settings)
    network = NetworkConfig(hidden=(5, 4), init_log_std=-0.5)
    return PPO(Recipe("none", n_envs=4, network=network, algo=config), nets, mirror=mirror)


def _update(
    ppo: PPO,
    rollout: Rollout,
    progress: float = 0.0,
    update: int = 0,
    normalizer: ObsNormalizer | None = None,
) -> UpdateStats:
    stats = list(ppo.update(rollout, normalizer, update, progress))[-1]
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


def test_the_linear_schedule_ends_at_its_last_rate() -> None:
    ppo = _ppo(lr_schedule="linear", learning_rate=1e-3, lr_final=0.2)
    rates = [_update(ppo, _rollout(ppo.nets), progress=at).learning_rate for at in (0.0, 0.5, 1.0)]
    assert rates == pytest.approx([1e-3, 6e-4, 2e-4])


def test_annealed_exploration_is_not_learned_but_sinks_with_progress() -> None:
    ppo = _ppo(exploration="annealed", final_log_std=-2.5, entropy_coef=0.1)
    rollout = Rollout(8, 4, 3, 2)
    for progress, expected in ((0.0, -0.5), (0.25, -1.0), (1.0, -2.5)):
        ppo.begin_rollout(rollout, None, 0, progress)
        assert ppo.nets.log_std == pytest.approx([expected] * 2)
        stats = _update(ppo, _rollout(ppo.nets), progress)
        assert ppo.nets.log_std == pytest.approx([expected] * 2)
        assert stats.action_std == pytest.approx(np.exp(expected))


def test_a_symmetric_policy_stays_so_when_it_learns_from_mirror_images() -> None:
    """From any policy that is its own mirror image; one that learns from the samples alone loses it."""
    obs = np.random.default_rng(7).standard_normal((50, 3)).astype(np.float32)
    images = (obs * MIRROR.observation_sign)[:, list(MIRROR.observation)].astype(np.float32)
    lost = []
    for symmetry in ("augment", "none"):
        ppo = _ppo(MIRROR, symmetry=symmetry, learning_rate=1e-2, n_epochs=5, target_kl=0.0)
        ppo.nets.params[:] = 0.0
        first = ppo.nets.actor.layers
        # Units 0 and 1 of each layer, and 2 and 3, are each other's images.
        first[0][0][...] = np.array([[0.0] * 5, [1, 0, 0.3, 0, 0], [0, 1, 0, 0.3, 0]])
        first[1][0][...] = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0.5, 0, 0, 0], [0, 0.5, 0, 0], [0] * 4])
        first[2][0][...] = np.array([[0.7, 0], [0, -0.7], [0, 0], [0, 0]])
        before = _asymmetry(ppo, obs, images)
        assert before < 1e-6
        _update(ppo, _rollout(ppo.nets))
        lost.append(_asymmetry(ppo, obs, images))
    assert lost[0] < 1e-5 < 1e-2 < lost[1]


def _asymmetry(ppo: PPO, obs: np.ndarray, images: np.ndarray) -> float:
    """How much the action in a mirrored state differs from the mirrored action."""
    actions = ppo.nets.actor.forward(obs).copy()
    mirrored = (actions * MIRROR.action_sign)[:, list(MIRROR.action)]
    return float(np.abs(ppo.nets.actor.forward(images) - mirrored).max())


def test_the_divergence_is_that_of_the_samples_not_of_their_images() -> None:
    """A policy that is far from symmetric has not diverged by that."""
    ppo = _ppo(MIRROR, symmetry="augment", learning_rate=1e-6, target_kl=0.001)
    ppo.nets.params[: ppo.nets.actor_size - 2] = 1.0
    stats = _update(ppo, _rollout(ppo.nets))
    assert stats.epochs_run == ppo.config.n_epochs
    assert stats.kl == pytest.approx(0.0, abs=1e-4)
    assert stats.clip_fraction > 0.1


def test_symmetry_without_a_mirror_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"algo.symmetry=augment .* none does not"):
        _ppo(symmetry="augment")


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
