"""A task's recipe: general defaults, the task's own, the user's."""

from dataclasses import replace

import pytest

from tabrl_py.config import ALGORITHMS, PPOConfig, Recipe
from tabrl_py.errors import ConfigError
from tabrl_py.tasks import TASKS, get_task
from tabrl_py.tasks.recipes import default_recipe

TASK = replace(
    get_task("Hopper-v5"), defaults={"ppo": {"n_envs": 16, "algo.gamma": 0.9, "network.hidden": [5]}}
)


def test_the_task_speaks_before_the_user_and_after_the_general_defaults() -> None:
    recipe = default_recipe(TASK, "ppo", {"algo.gamma": 0.8, "seed": 4})
    assert isinstance(recipe.algo, PPOConfig)
    assert (recipe.n_envs, recipe.seed, recipe.algo.gamma, recipe.network.hidden) == (16, 4, 0.8, (5,))
    assert recipe.algo.n_steps == PPOConfig().n_steps
    assert default_recipe(TASK, "reinforce").n_envs == Recipe("Hopper-v5").n_envs


def test_an_algorithm_has_general_defaults_of_its_own() -> None:
    recipe = default_recipe(TASK, "sac")
    assert (recipe.n_envs, recipe.network.hidden, recipe.network.activation) == (8, (256, 256), "relu")
    assert default_recipe(TASK, "ars").network.hidden == ()
    assert default_recipe(replace(TASK, defaults={"sac": {"n_envs": 4}}), "sac").n_envs == 4


@pytest.mark.parametrize("algorithm", list(ALGORITHMS))
@pytest.mark.parametrize("task_id", list(TASKS))
def test_every_shipped_task_has_a_valid_recipe(task_id: str, algorithm: str) -> None:
    assert default_recipe(TASKS[task_id], algorithm).task == task_id


@pytest.mark.parametrize("name", ["gamma", "algo.gama", "algorithm.gamma", "network", "algo"])
def test_unknown_names_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=name):
        default_recipe(TASK, "ppo", {name: 1})
