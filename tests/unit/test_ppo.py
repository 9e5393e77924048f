"""PPO: its loss by hand, its whole gradient by finite differences, its stops and schedules."""

from dataclasses import replace

import numpy as np
import pytest

from tabrl_py.algos.algorithm import UpdateStats
from tabrl_py.algos.ppo import PPO, Minibatch, ppo_gradient, ppo_policy_loss, value_loss
from tabrl_py.algos.rollout import Rollout
from tabrl_py.config import PPOConfig
from tabrl_py.nn.actor_critic import ActorCritic
from tabrl_py.nn.gaussian import entropy, log_prob, standardise

CONFIG = PPOConfig(entropy_coef=0.01, value_coef=0.5, clip_range=0.2)


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
    loss, d_log_prob, _ = ppo_policy_loss(
        np.array([np.log(ratio)]), np.array([0.0]), np.array([advantage]), 0.2
    )
    assert loss == pytest.approx(-objective)
    assert d_log_prob[0] == pytest.approx(-slope)


def test_value_loss_by_hand() -> None:
    loss, d_values = value_loss(np.array([1.0, 2.0]), np.array([0.0, 4.0]))
    assert loss == pytest.approx((1.0 + 4.0) / 2)
    assert d_values.tolist() == [1.0, -2.0]


def _nets(seed: int = 0) -> ActorCritic:
    nets = ActorCritic(3, 2, (5, 4), "tanh", np.float64)
    nets.params[...] = np.random.default_rng(seed).standard_normal(nets.params.size) * 0.5
    return nets


def _batch(nets: ActorCritic, shift: float) -> Minibatch:
    """Samples whose ratios lie on both sides of the clip range, for both signs of the advantage."""
    rng = np.random.default_rng(1)
    obs, advantages = rng.standard_normal((40, 3)), rng.standard_normal(40)
    actions = nets.actor.forward(obs) + np.exp(nets.log_std) * rng.standard_normal((40, 2))
    old = _log_prob(nets, obs, actions) + shift * rng.standard_normal(40)
    return Minibatch(obs, actions, old, advantages, rng.standard_normal(40))


def _log_prob(nets: ActorCritic, obs: np.ndarray, actions: np.ndarray) -> np.ndarray:
    mean = nets.actor.forward(obs)
    return log_prob(standardise(actions, mean, nets.log_std, np.empty_like(mean)), nets.log_std)


def _loss(nets: ActorCritic, batch: Minibatch, config: PPOConfig) -> float:
    """The loss written down once more, straight from the paper's equations 7 and 9."""
    advantages = batch.advantages
    if config.normalize_advantage:
        advantages = (advantages - advantages.mean()) / (advantages.std(ddof=1) + 1e-8)
    ratio = np.exp(_log_prob(nets, batch.obs, batch.actions) - batch.old_log_prob)
    clipped = np.clip(ratio, 1.0 - config.clip_range, 1.0 + config.clip_range)
    surrogate = np.minimum(ratio * advantages, clipped * advantages).mean()
    error = ((nets.critic.forward(batch.obs)[:, 0] - batch.returns) ** 2).mean()
    return float(-surrogate - config.entropy_coef * entropy(nets.log_std) + config.value_coef * error)


@pytest.mark.parametrize("shift", [0.01, 0.5])
@pytest.mark.parametrize("normalize", [True, False])
def test_the_whole_gradient_equals_finite_differences(shift: float, normalize: bool) -> None:
    nets = _nets()
    config = replace(CONFIG, normalize_advantage=normalize)
    batch = _batch(nets, shift)
    figures = ppo_gradient(nets, batch, config)
    assert (figures.clip_fraction > 0.2) == (shift > 0.1)
    grads = nets.grads.copy()
    eps = 1e-6
    for i in range(nets.params.size):
        kept = nets.params[i]
        nets.params[i] = kept + eps
        above = _loss(nets, batch, config)
        nets.params[i] = kept - eps
        below = _loss(nets, batch, config)
        nets.params[i] = kept
        assert grads[i] == pytest.approx((above - below) / (2 * eps), rel=1e-5, abs=1e-7), i


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
    return PPO(PPOConfig(n_steps=8, minibatch_size=12, **settings), nets, seed=1)  # type: ignore[arg-type]


def _update(ppo: PPO, rollout: Rollout, progress: float = 0.0, update: int = 0) -> UpdateStats:
    return list(ppo.update(rollout, None, update, progress))[-1]


def test_an_update_uses_every_sample_and_starts_from_the_policy_that_acted() -> None:
    ppo = _ppo(n_epochs=2, target_kl=0.0, learning_rate=1e-6)
    stats = _update(ppo, _rollout(ppo.nets))
    assert ppo.optimizer.step_count == 2 * 3  # 32 samples in minibatches of 12, 12 and 8
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
