"""SAC: its gradient step, what it remembers, when it acts at random and when it learns, what it refuses."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tabrl_py.algos.algorithm import UpdateStats
from tabrl_py.algos.rollout import Rollout
from tabrl_py.algos.sac import SAC, Steps
from tabrl_py.algos.shards import Share
from tabrl_py.algos.team import together
from tabrl_py.algos.training import Training
from tabrl_py.config import NetworkConfig, Recipe, SACConfig
from tabrl_py.errors import ConfigError
from tabrl_py.nn.normalize import ObsNormalizer
from tabrl_py.nn.sac_loss import Transitions
from tabrl_py.nn.soft_actor_critic import SoftActorCritic
from tabrl_py.policy import load_policy, save_policy
from tabrl_py.sim.native import NativeBatchSim
from tabrl_py.tasks import get_task
from tabrl_py.types import F32, Float

OBS, A, B = 3, 2, 6


def _batch(seed: int = 1, dtype: Any = np.float32) -> Transitions:
    rng = np.random.default_rng(seed)
    return Transitions(
        obs=rng.standard_normal((B, OBS)).astype(dtype),
        actions=np.tanh(rng.standard_normal((B, A))).astype(dtype),
        rewards=rng.standard_normal(B).astype(dtype),
        next_obs=rng.standard_normal((B, OBS)).astype(dtype),
        terminated=(np.arange(B) % 3 == 0).astype(dtype),
    )


def _noise(seed: int = 2, dtype: Any = np.float32) -> Float:
    noise: Float = np.random.default_rng(seed).standard_normal((2, B, A)).astype(dtype)
    return noise


def _steps(dtype: Any = np.float32, **settings: Any) -> Steps:
    nets = SoftActorCritic(OBS, A, (16,), "relu", dtype)
    nets.init(5, 0.0, 1.0)
    return Steps(SACConfig(**settings), nets)


def test_one_step_is_the_three_of_adam_and_the_targets_follow() -> None:
    steps = _steps(np.float64, learning_rate=1e-3, tau=0.25)
    nets = steps.nets
    before, old_targets = nets.params.copy(), nets.targets.copy()
    figures = steps.step(_batch(dtype=np.float64), _noise(dtype=np.float64))
    moved = nets.params - before
    # Adam's first step has the length of the learning rate wherever there is a gradient.
    assert np.abs(moved[np.abs(nets.grads) > 1e-6]) == pytest.approx(1e-3, rel=1e-2)
    assert np.sign(moved[-1]) == -np.sign(nets.d_log_temperature[0])
    assert nets.targets == pytest.approx(0.75 * old_targets + 0.25 * nets.both_critics)
    assert figures is not None
    assert figures.temperature == pytest.approx(1.0)


def test_a_fixed_temperature_stays() -> None:
    steps = _steps(temperature="fixed")
    steps.step(_batch(), _noise())
    assert steps.nets.log_temperature[0] == 0.0


def test_it_finds_the_action_that_pays() -> None:
    """A bandit: the reward is highest at the action (0.6, -0.3) whatever is observed."""
    steps = _steps(learning_rate=1e-2, gamma=0.0)
    steps.nets.log_temperature[...] = np.log(0.1)
    rng = np.random.default_rng(7)
    for _ in range(600):
        obs = rng.standard_normal((64, OBS)).astype(np.float32)
        actions = rng.uniform(-1.0, 1.0, (64, A)).astype(np.float32)
        rewards = -10.0 * np.square(actions - np.array([0.6, -0.3], np.float32)).sum(axis=1)
        batch = Transitions(obs, actions, rewards, obs, np.ones(64, np.float32))
        figures = steps.step(batch, rng.standard_normal((2, 64, A)).astype(np.float32))
    out = steps.nets.actor.forward(rng.standard_normal((256, OBS)).astype(np.float32))
    assert np.tanh(out[:, :A]).mean(axis=0) == pytest.approx([0.6, -0.3], abs=0.1)
    assert figures is not None
    assert figures.explained_variance > 0.9


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_never_reaches_the_weights(bad: float) -> None:
    steps = _steps()
    nets = steps.nets
    before, targets = nets.params.copy(), nets.targets.copy()
    batch, noise = _batch(), _noise()
    batch.rewards[2] = bad
    assert steps.step(batch, noise) is None
    noise[1, 1, 0] = bad  # a following action, and so a target
    assert steps.step(_batch(), noise) is None
    assert np.array_equal(nets.params, before)
    assert np.array_equal(nets.targets, targets)
    noise = _noise()
    noise[0, 0, 0] = np.nan  # an action of the actor's own: its step is left out
    assert steps.step(_batch(), noise) is None
    assert np.array_equal(nets.actor.params, before[: nets.actor.params.size])
    assert np.isfinite(nets.params).all()
    assert steps.count == 3


def test_a_step_continues_from_its_state_to_the_bit() -> None:
    one, two = _steps(), _steps()
    one.step(_batch(), _noise())
    two.load_state({name: np.array(value) for name, value in one.state().items()})
    for steps in (one, two):
        steps.step(_batch(8), _noise(9))
    assert one.nets.params.tobytes() == two.nets.params.tobytes()
    assert one.nets.targets.tobytes() == two.nets.targets.tobytes()
    assert one.count == two.count == 2


def _recipe(**settings: Any) -> Recipe:
    algo = SACConfig(
        **{"n_steps": 4, "warmup_steps": 10, "minibatch_size": 8, "buffer_size": 1000, **settings}
    )
    network = NetworkConfig(hidden=(8,), activation="relu", normalize_obs=False)
    return Recipe("Hopper-v5", "sac", seed=3, n_envs=2, network=network, algo=algo)


def _sac(**settings: Any) -> SAC:
    return SAC(_recipe(**settings), OBS, A)


def _run(sac: SAC, rollout: Rollout, update: int) -> tuple[F32, UpdateStats]:
    """One rollout whose numbers all tell where they are from; its actions, and the last figures."""
    rollout.clear()
    sac.begin_rollout(rollout, None, update, 0.0)
    for t in range(rollout.n_steps):
        rollout.obs[t] = np.arange(2)[:, None] + 0.1 * (update * rollout.n_steps + t)
        sac.act(t, rollout.obs[t], rollout.actions[t])
        rollout.rewards[t] = rollout.obs[t, :, 0]
        rollout.steps = t + 1
    rollout.last_obs[...] = np.arange(2)[:, None] + 0.1 * (update + 1) * rollout.n_steps
    stats = list(sac.update(rollout, None, update, 0.0))[-1]
    assert stats is not None
    return rollout.actions.copy(), stats


def test_it_learns_as_often_as_is_due_after_the_random_steps() -> None:
    sac, rollout = _sac(updates_per_step=1.5), Rollout(4, 2, OBS, A)
    counts = []
    for update in range(4):
        _run(sac, rollout, update)
        counts.append(sac.steps.count)
    # 8 control steps a rollout, the first 10 of them random
    assert counts == [0, 9, 21, 33]


def test_random_actions_are_uniform_and_the_later_ones_the_policys() -> None:
    sac, rollout = _sac(), Rollout(4, 2, OBS, A)
    first, _ = _run(sac, rollout, 0)
    second, _ = _run(sac, rollout, 1)
    random = np.concatenate([first.reshape(-1), second[:1].reshape(-1)])
    assert np.abs(random).max() <= 1.0
    assert len(set(random.tolist())) == random.size
    for update, t, is_random in ((1, 0, True), (1, 1, False), (2, 0, False)):
        rollout.clear()
        sac.begin_rollout(rollout, None, update, 0.0)
        out = np.empty((2, A), np.float32)
        sac.act(t, rollout.obs[t], out)
        assert np.array_equal(out, rollout.noise[t]) == is_random
        if not is_random:
            assert np.array_equal(out, sac.nets.draw(rollout.obs[t], rollout.noise[t]).action)
    big = SAC(_recipe(warmup_steps=4000, n_steps=2000, buffer_size=4000), OBS, A)
    many = Rollout(2000, 2, OBS, A)
    big.begin_rollout(many, None, 0, 0.0)
    assert many.noise.mean() == pytest.approx(0.0, abs=0.02)
    assert many.noise.var() == pytest.approx(1.0 / 3.0, abs=0.01)


def test_it_remembers_the_true_next_observation_and_what_ended_how() -> None:
    sac, rollout = _sac(), Rollout(4, 2, OBS, A)
    rollout.truncated[1, 0] = rollout.terminated[2, 1] = True
    final = np.full(OBS, 9.0, np.float32)
    rollout.final_obs.append((1, 0, final))
    rollout.obs[...] = np.arange(8).reshape(4, 2, 1)
    rollout.last_obs[...] = [[8.0], [9.0]]
    sac._remember(rollout)
    held = sac.buffer.at(np.arange(8))
    assert held.obs[:, 0].tolist() == [0, 1, 2, 3, 4, 5, 6, 7]
    following = held.next_obs[:, 0].tolist()
    assert following[:2] == [2, 3]
    assert following[2] == 9.0  # cut off by the clock: its last observation, not the next episode's first
    assert following[6:] == [8, 9]
    assert held.terminated.tolist() == [0, 0, 0, 0, 0, 1, 0, 0]


def test_the_record_is_of_all_gradient_steps() -> None:
    sac, rollout = _sac(warmup_steps=0), Rollout(4, 2, OBS, A)
    _, stats = _run(sac, rollout, 0)
    assert stats.learning_rate == 3e-4
    assert stats.value_loss > 0.0
    assert stats.grad_norm > 0.0
    assert stats.action_std == pytest.approx(float(np.mean(np.exp(sac.actor().params[-A:]))))
    assert stats.skipped == 0


def test_rewards_that_are_not_finite_are_counted() -> None:
    sac, rollout = _sac(warmup_steps=0), Rollout(4, 2, OBS, A)
    rollout.clear()
    sac.begin_rollout(rollout, None, 0, 0.0)
    rollout.rewards[...] = np.nan
    before = sac.nets.params.copy()
    stats = list(sac.update(rollout, None, 0, 0.0))[-1]
    assert stats is not None
    assert stats.skipped == 8
    assert np.array_equal(sac.nets.params, before)


def test_observations_are_remembered_raw_and_normalised_when_learned_from() -> None:
    normalizer = ObsNormalizer(OBS)
    normalizer.update(np.array([[0.0, 0.0, 0.0], [4.0, 4.0, 4.0]]))
    rollout = Rollout(4, 2, OBS, A)
    plain, seen = _sac(warmup_steps=0), _sac(warmup_steps=0)
    for sac, norm, obs in ((plain, None, 0.5), (seen, normalizer, 3.0)):
        rollout.clear()
        sac.begin_rollout(rollout, norm, 0, 0.0)
        rollout.obs[...], rollout.last_obs[...] = obs, obs
        rollout.actions[...], rollout.rewards[...] = 0.3, 1.0
        list(sac.update(rollout, norm, 0, 0.0))
    assert seen.buffer.at(np.arange(1)).obs[0, 0] == 3.0
    assert seen.nets.params == pytest.approx(plain.nets.params, abs=1e-6)  # (3 - 2) / 2 = 0.5


def test_the_policy_is_squashed_and_can_be_begun_with() -> None:
    one, two = _sac(), _sac()
    one.nets.params[...] = np.random.default_rng(0).standard_normal(one.nets.params.size)
    actor = one.actor()
    assert (actor.sizes, actor.activation, actor.squash) == ((OBS, 8, A), "relu", "tanh")
    two.load_actor(actor.params)
    assert np.array_equal(two.actor().params, actor.params)
    obs = np.ones((4, OBS), np.float32)
    still = np.zeros((4, A), np.float32)
    ours, theirs = two.nets.draw(obs, still).action, one.nets.draw(obs, still).action
    assert ours == pytest.approx(theirs, abs=1e-6)


@pytest.mark.parametrize("layer_norm", [False, True])
def test_the_policy_file_acts_as_the_run_does_without_noise(layer_norm: bool) -> None:
    task = get_task("Hopper-v5")
    recipe = _recipe(n_steps=4, warmup_steps=0)
    recipe = replace(recipe, total_steps=64, network=replace(recipe.network, layer_norm=layer_norm))
    training = Training(recipe, task, NativeBatchSim(task, 2))
    while not training.finished:
        training.advance()
    policy = load_policy(save_policy(training.policy()))
    assert (policy.squash, policy.layer_norm) == ("tanh", layer_norm)
    assert isinstance(training.algorithm, SAC)
    obs = np.random.default_rng(0).standard_normal((5, task.obs_size)).astype(np.float32)
    acted = training.algorithm.nets.draw(obs, np.zeros((5, task.action_size), np.float32)).action
    assert policy.act(obs) == pytest.approx(acted, abs=1e-5)


def test_what_cannot_be_says_which_number_to_change() -> None:
    with pytest.raises(ConfigError, match=r"algo.buffer_size=1000 is less than .* lower n_steps"):
        _recipe(n_steps=2000)
    with pytest.raises(ConfigError, match=r"algo.buffer_size=10000000 .* lower it to"):
        SAC(_recipe(buffer_size=10_000_000), 348, 17)
    with pytest.raises(ConfigError, match="members=2: sac is learned by one worker"):
        SAC(_recipe(), OBS, A, Share(2, together(2)[0]))
