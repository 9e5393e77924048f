"""The recipe of a task: general defaults, the algorithm's, the task's own, then what the user asks for."""

from collections.abc import Mapping
from typing import Any

from tabrl_py.config import ALGORITHM_DEFAULTS, ALGORITHMS, Recipe
from tabrl_py.errors import ConfigError
from tabrl_py.tasks.registry import get_task
from tabrl_py.tasks.signals import with_reward
from tabrl_py.tasks.spec import TaskSpec

SECTIONS = ("network", "algo")


def defaults(task: TaskSpec, algorithm: str) -> dict[str, Any]:
    """What differs from the general defaults in a task's runs with an algorithm, by dotted name."""
    return {**ALGORITHM_DEFAULTS.get(algorithm, {}), **task.defaults.get(algorithm, {})}


def task_record(task: TaskSpec) -> dict[str, Any]:
    """A task's whole record as the page reads it, with the algorithms' defaults among its own."""
    named = {algorithm: defaults(task, algorithm) for algorithm in ALGORITHMS}
    return {**task.to_json(), "defaults": {name: some for name, some in named.items() if some}}


def default_recipe(
    task: TaskSpec, algorithm: str = "ppo", changes: Mapping[str, Any] | None = None
) -> Recipe:
    """A task's recipe, with some settings changed.

    Args:
        task: its `defaults` for the algorithm come before `changes`.
        algorithm: ppo, reinforce, sac or ars.
        changes: values by dotted name, as in TaskSpec.defaults: {"seed": 2, "algo.gamma": 0.995}.

    Raises:
        ConfigError: an unknown name, a value out of its limits, or settings that contradict each other.
    """
    record: dict[str, Any] = {"task": task.id, "algorithm": algorithm, "network": {}, "algo": {}}
    for name, value in {**defaults(task, algorithm), **(changes or {})}.items():
        section, dot, setting = name.partition(".")
        if not dot and name not in ("task", "algorithm", *SECTIONS):
            record[name] = value
        elif dot and section in SECTIONS:
            record[section][setting] = value
        else:
            raise ConfigError(
                f"{name} is not a setting; write seed, n_envs, total_steps, network.NAME or algo.NAME"
            )
    return Recipe.from_json(record)


def recipe_task(recipe: Recipe) -> TaskSpec:
    """The task of a recipe, rewarded as the recipe says.

    Raises:
        ConfigError: there is no such task.
    """
    return with_reward(get_task(recipe.task), recipe.reward)
