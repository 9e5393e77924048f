"""A run with normalised layers: its policy acts as its networks do, and fits no recipe without them."""

from dataclasses import replace

import numpy as np
import pytest

from tabrl_py.algos.training import Training
from tabrl_py.config import NetworkConfig, PPOConfig, Recipe, ReinforceConfig
from tabrl_py.errors import ConfigError, PolicyFileError
from tabrl_py.policy import load_policy, save_policy
from tabrl_py.sim.native import NativeBatchSim
from tabrl_py.tasks import get_task

TASK = get_task("Hopper-v5")
RECIPE = Recipe(
    TASK.id, seed=3, total_steps=128, n_envs=4, network=NetworkConfig(hidden=(8, 4), layer_norm=True),
    algo=PPOConfig(n_steps=16, minibatch_size=32, n_epochs=2),
)  # fmt: skip


def _start(recipe: Recipe) -> Training:
    return Training(recipe, TASK, NativeBatchSim(TASK, recipe.n_envs))


@pytest.mark.parametrize("algorithm", ["ppo", "reinforce"])
def test_the_policy_of_a_run_normalises_as_the_run_does(algorithm: str) -> None:
    algo = RECIPE.algo if algorithm == "ppo" else ReinforceConfig(n_steps=16)
    training = _start(replace(RECIPE, algorithm=algorithm, algo=algo))
    while not training.finished:
        training.advance()
    policy = load_policy(save_policy(training.policy()))
    assert policy.layer_norm
    obs = np.random.default_rng(0).standard_normal((5, TASK.obs_size)).astype(np.float32)
    acted = np.empty((5, TASK.action_size), np.float32)
    training.rollout.noise[...] = 0.0
    for row in range(5):  # the run acts for its 4 rows at a time
        wide = np.repeat(obs[row : row + 1], RECIPE.n_envs, axis=0)
        out = np.empty((RECIPE.n_envs, TASK.action_size), np.float32)
        training.algorithm.act(0, wide, out)
        acted[row] = out[0]
    assert policy.mean(obs) == pytest.approx(acted, abs=1e-5)
    plain = replace(policy, layer_norm=False)
    assert np.abs(plain.mean(obs) - acted).max() > 1e-3


def test_a_policy_begins_only_a_recipe_with_its_layers() -> None:
    policy = _start(RECIPE).policy()
    _start(replace(RECIPE, seed=4)).start_from(policy)
    other = replace(RECIPE, network=replace(RECIPE.network, layer_norm=False))
    with pytest.raises(PolicyFileError, match="layer norm"):
        _start(other).start_from(policy)


def test_a_layer_of_one_unit_cannot_be_normalised() -> None:
    with pytest.raises(ConfigError, match="use 2 units or more"):
        NetworkConfig(hidden=(8, 1), layer_norm=True)
