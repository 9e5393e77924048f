"""Settings: every bad value is refused with its name, its value and what to do."""

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabrl_py.config import (
    ALGORITHMS,
    RECIPE_VERSION,
    NetworkConfig,
    PPOConfig,
    Recipe,
    ReinforceConfig,
    describe_settings,
)
from tabrl_py.errors import ConfigError


def test_a_recipe_survives_json() -> None:
    recipe = Recipe(
        "Hopper-v5", "reinforce", seed=7, network=NetworkConfig(hidden=(8,)), algo=ReinforceConfig(gamma=0.9)
    )
    assert Recipe.from_json(json.loads(json.dumps(recipe.to_json()))) == recipe
    assert recipe.to_json()["recipe_version"] == RECIPE_VERSION


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"seed": -1}, "seed=-1 is too small; the least is 0"),
        ({"seed": 2**32}, "seed=4294967296 is too large"),
        ({"n_envs": 0}, "n_envs=0 is too small; the least is 1"),
        ({"n_envs": 1.5}, "n_envs=1.5 must be a whole number"),
        ({"n_envs": True}, "n_envs=True must be a whole number"),
        ({"n_envs": "many"}, "n_envs='many' must be a whole number"),
        ({"total_steps": float("inf")}, "total_steps=inf must be a whole number"),
        ({"algo": {"learning_rate": float("nan")}}, "algo.learning_rate=nan must be a finite number"),
        ({"algo": {"gamma": 1.01}}, "algo.gamma=1.01 is too large; the most is 1"),
        ({"algo": {"lr_schedule": "warp"}}, "choose one of constant, linear, adaptive"),
        ({"algo": {"scale_reward": 1}}, "algo.scale_reward=1 must be true or false"),
        ({"algo": {"momentum": 0.9}}, "algo.momentum is not a setting"),
        ({"algo": []}, "expected settings by name"),
        ({"network": {"hidden": 64}}, "network.hidden=64 must be a list of whole numbers"),
        ({"n_envs": [8]}, "n_envs=(8,) must be a whole number"),
        ({"network": {"hidden": [64, 0]}}, "network.hidden=0 is too small"),
        ({"network": {"hidden": [8, 8, 8, 8, 8]}}, "has 5 layers; the most is 4"),
        ({"network": {"activation": "gelu"}}, "choose one of tanh, relu, elu"),
        ({"algorithm": "dqn"}, "algorithm='dqn' is not known; choose one of ppo, reinforce, sac, ars"),
        ({"algorithm": "ars", "algo": {"top_directions": 40}}, "algo.top_directions=40 is more than"),
        ({"algorithm": "ars", "n_envs": 65}, "n_envs=65 is more than the 2*n_directions=64 episodes"),
        ({"algorithm": "sac", "n_envs": 100, "algo": {"n_steps": 4000}}, "algo.buffer_size=300000 is less"),
        ({"n_envs": 4096, "algo": {"n_steps": 8192}}, "samples per update do not fit in memory"),
        ({"n_envs": 4, "algo": {"n_steps": 8}}, "algo.minibatch_size=1024 is more than"),
        ({"colour": "red"}, "colour is not a setting; the settings are algo, algorithm"),
        ({"recipe_version": 99}, "recipe_version=99 cannot be read"),
    ],
)
def test_a_bad_setting_is_refused_by_name_and_value(record: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        Recipe.from_json({"task": "Hopper-v5", **record})
    assert message in str(error.value)


def test_a_missing_task_is_refused() -> None:
    with pytest.raises(ConfigError, match="task"):
        Recipe.from_json({})


def test_the_settings_of_another_algorithm_are_refused() -> None:
    with pytest.raises(ConfigError, match="algorithm=ppo needs PPOConfig, not ReinforceConfig"):
        Recipe("Hopper-v5", algo=ReinforceConfig())


PLAIN = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.lists(st.integers(), max_size=3)
)
KEYS = st.sampled_from(
    ["task", "algorithm", "seed", "total_steps", "n_envs", "network", "algo", "recipe_version", "x"]
)
NESTED = st.dictionaries(
    st.sampled_from(["hidden", "gamma", "n_steps", "minibatch_size", "x"]), PLAIN, max_size=3
)


@given(st.dictionaries(KEYS, PLAIN | NESTED, max_size=5))
def test_any_json_gives_a_recipe_or_a_config_error(record: dict[str, Any]) -> None:
    try:
        recipe = Recipe.from_json(record)
    except ConfigError:
        return
    assert isinstance(recipe, Recipe)


def test_every_setting_explains_itself_within_its_limits() -> None:
    described = describe_settings()
    assert set(described) == {"run", "network", *ALGORITHMS}
    for group in described.values():
        for entry in group:
            assert entry["label"]
            assert entry["help"].endswith(".")
            assert entry["type"] in ("int", "float", "bool", "choice", "int_list")
            if entry["type"] == "choice":
                assert entry["default"] in entry["choices"]
            elif entry["type"] != "bool":
                assert entry["low"] is not None
                assert entry["high"] is not None
    json.dumps(described)


def test_every_field_of_an_algorithm_is_described() -> None:
    for name, cls in ALGORITHMS.items():
        assert [e["name"] for e in describe_settings()[name]] == [f.name for f in dataclasses.fields(cls)]
    assert PPOConfig() == ALGORITHMS["ppo"]()
