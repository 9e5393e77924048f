"""A symmetric network does the mirrored thing in the mirrored state, and goes on doing so while it learns."""

from dataclasses import replace

import numpy as np
import pytest

from tabrl_py.algos.training import Training
from tabrl_py.errors import ConfigError, PolicyFileError
from tabrl_py.nn.actor_critic import ActorCritic
from tabrl_py.nn.normalize import RunningMoments
from tabrl_py.nn.optim import Adam
from tabrl_py.nn.symmetry import Symmetry
from tabrl_py.sim.native import NativeBatchSim
from tabrl_py.tasks import get_task
from tabrl_py.tasks.recipes import default_recipe
from tabrl_py.tasks.spec import Mirror
from tabrl_py.types import F32


def _house() -> tuple[ActorCritic, Mirror]:
    task = get_task("humanoid-walk")
    assert task.mirror is not None
    nets = ActorCritic(task.obs_size, task.action_size, (64, 32), "tanh")
    nets.init(3, -1.0)
    return nets, task.mirror


def _image(rows: F32, source: tuple[int, ...], sign: tuple[float, ...]) -> F32:
    return rows[:, list(source)] * np.array(sign, np.float32)


def _asymmetry(nets: ActorCritic, mirror: Mirror) -> tuple[float, float]:
    obs = np.random.default_rng(0).standard_normal((200, nets.actor.sizes[0])).astype(np.float32)
    images = _image(obs, mirror.observation, mirror.observation_sign)
    actions, values = nets.actor.forward(obs).copy(), nets.values(obs)
    expected = _image(actions, mirror.action, mirror.action_sign)
    off = float(np.abs(nets.actor.forward(images) - expected).max() / np.abs(actions).max())
    return off, float(np.abs(nets.values(images) - values).max() / np.abs(values).max())


def test_tied_networks_mirror_their_actions_and_keep_their_values() -> None:
    nets, mirror = _house()
    assert min(_asymmetry(nets, mirror)) > 0.1, "free networks are not symmetric"
    Symmetry(nets, mirror).tie(nets)
    assert max(_asymmetry(nets, mirror)) < 1e-5


def test_the_image_of_the_image_is_the_original() -> None:
    nets, mirror = _house()
    symmetry = Symmetry(nets, mirror)
    np.testing.assert_array_equal(symmetry.source[symmetry.source], np.arange(nets.params.size))
    np.testing.assert_array_equal(symmetry.sign * symmetry.sign[symmetry.source], 1.0)


def test_tying_keeps_the_spread_of_the_first_weights() -> None:
    nets, mirror = _house()
    before = float(np.std(nets.critic.layers[1][0]))
    Symmetry(nets, mirror).tie(nets)
    assert float(np.std(nets.critic.layers[1][0])) == pytest.approx(before, rel=0.1)
    np.testing.assert_array_equal(nets.log_std, np.float32(-1.0))


def test_steps_along_averaged_gradients_keep_the_parameters_exactly_symmetric() -> None:
    nets, mirror = _house()
    symmetry = Symmetry(nets, mirror)
    symmetry.tie(nets)
    adam, rng = Adam(nets.params), np.random.default_rng(1)
    before = nets.params.copy()
    for _ in range(20):
        gradient = rng.standard_normal(nets.params.size).astype(np.float32)
        symmetry.average(gradient)
        adam.step(gradient, 1e-2)
    assert not np.array_equal(nets.params, before)
    assert symmetry.holds(nets)
    nets.params[5] += 1e-3
    assert not symmetry.holds(nets)


def test_even_moments_are_those_of_observations_and_images_together() -> None:
    nets, mirror = _house()
    rows = np.random.default_rng(2).normal(0.7, 2.0, (500, nets.actor.sizes[0]))
    images = rows[:, list(mirror.observation)] * np.array(mirror.observation_sign)
    both, evened = RunningMoments(rows.shape[1]), RunningMoments(rows.shape[1])
    both.update(np.concatenate([rows, images]))
    evened.update(rows)
    Symmetry(nets, mirror).even_out(evened)
    np.testing.assert_allclose(evened.mean, both.mean, atol=1e-12)
    np.testing.assert_allclose(evened.var, both.var, rtol=1e-12)


def test_a_layer_that_cannot_be_paired_is_named() -> None:
    task = get_task("humanoid-walk")
    assert task.mirror is not None
    nets = ActorCritic(task.obs_size, task.action_size, (64, 33), "tanh")
    with pytest.raises(ConfigError, match=r"make 33 even, for example 34"):
        Symmetry(nets, task.mirror)


def test_a_run_with_symmetric_networks_ends_with_a_symmetric_policy() -> None:
    task = replace(get_task("humanoid-stand"), time_limit=9)
    changes = {"algo.n_steps": 6, "algo.minibatch_size": 20, "n_envs": 8, "total_steps": 200}
    recipe = default_recipe(task, changes={**changes, "algo.symmetry": "network"})
    training = Training(recipe, task, NativeBatchSim(task, recipe.n_envs))
    while not training.finished:
        training.advance()
    policy = training.policy()
    assert policy.normalizer is not None
    assert task.mirror is not None
    obs = np.random.default_rng(5).standard_normal((50, task.obs_size)).astype(np.float32)
    images = _image(obs, task.mirror.observation, task.mirror.observation_sign)
    expected = _image(policy.act(obs).astype(np.float32), task.mirror.action, task.mirror.action_sign)
    np.testing.assert_allclose(policy.act(images), expected, atol=1e-5)
    free = default_recipe(task, changes={**changes, "algo.symmetry": "none"})
    unequal = Training(free, task, NativeBatchSim(task, free.n_envs)).policy()
    with pytest.raises(PolicyFileError, match=r"left and right differently.*algo\.symmetry"):
        training.start_from(unequal)
