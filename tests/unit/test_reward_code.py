"""Reward code: what it may say, what it computes, and what is told of it."""

import numpy as np
import pytest

from tabrl_py.algos.training import Training
from tabrl_py.config import Recipe
from tabrl_py.errors import ConfigError
from tabrl_py.rewards.check import RewardError, check_source
from tabrl_py.rewards.compiled import blank_state, compile_source
from tabrl_py.rewards.fields import Layout
from tabrl_py.rewards.fitness import FITNESS, HOP, fitness_source
from tabrl_py.rewards.language import EXAMPLE
from tabrl_py.rewards.state import State
from tabrl_py.rewards.trial import try_source
from tabrl_py.sim.native import NativeBatchSim
from tabrl_py.tasks import TASKS, get_task, with_reward, with_signals
from tabrl_py.tasks.recipes import default_recipe, recipe_task

WALK = get_task("humanoid-walk")
AS_SHIPPED = """
TARGET = 1.4

def reward(s):
    terms = {
        "alive": 1.0 * alive(s),
        "forward": 4.0 * np.clip(s.com_velocity[:, 0], -TARGET, TARGET),
        "upright": 0.5 * s.upright,
        "heading": 0.5 * s.heading[:, 0],
        "sideways": -0.5 * np.minimum(np.abs(s.com_velocity[:, 1]), 2.0),
        "control": -0.05 * np.mean(s.action**2, axis=1),
        "tilt": -6.0 * (1.0 - s.upright**2),
        "change": -0.1 * np.mean((s.control - s.prev.control)**2, axis=1),
        "gait": 2.0 * in_time(s, 0.64),
        "flight": -3.0 * flight(s),
    }
    return sum(terms.values()), terms
"""
"""The shipped reward of walking, in the words of reward code."""


def state(rows: int = 5, seed: int = 0) -> State:
    """Made-up numbers in a state of the walk."""
    blank = blank_state(Layout.of(WALK), rows)
    rng = np.random.default_rng(seed)
    for array in (blank.rows, blank.prev.rows, blank.action):
        array[...] = rng.standard_normal(array.shape)
    return blank


def value(expression: str, before: str = "") -> np.ndarray:
    """What an expression of `s` comes to."""
    body = f"def reward(s):\n{before}    x = {expression}\n    return x, {{'x': x}}\n"
    return compile_source(body, WALK)(state())[0]


def messages(source: str) -> str:
    return " | ".join(str(problem) for problem in check_source(source, WALK))


S = state()


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("s.upright * 2 - 1", S.upright * 2 - 1),
        ("s.com_velocity[:, 0] ** 2", S.com_velocity[:, 0] ** 2),
        ("-s.upright / (1 + np.abs(s.head_height))", -S.upright / (1 + np.abs(S.head_height))),
        ("np.sum(s.com_velocity, axis=1)", S.com_velocity.sum(axis=1)),
        ("s.com_velocity.mean(axis=-1)", S.com_velocity.mean(axis=1)),
        ("np.linalg.norm(s.com_velocity[:, 0:2], axis=1)", np.linalg.norm(S.com_velocity[:, :2], axis=1)),
        ("np.std(s.joint_angles, axis=1)", S.joint_angles.std(axis=1)),
        ("np.max(s.soles, axis=1) - np.min(s.soles, axis=1)", np.ptp(S.soles, axis=1)),
        ("np.where(s.upright > 0, s.upright, 0.0)", np.maximum(S.upright, 0.0)),
        ("((s.upright > 0) & (s.soles[:, 0] > 0)).astype(float)", (S.upright > 0) & (S.soles[:, 0] > 0)),
        ("(s.soles > 0).any(axis=1)", (S.soles > 0).any(axis=1)),
        ("~s.terminated * 1.0", ~S.terminated),
        ("np.sum(s.joint_angles[:, [3, 9]], axis=1)", S.joint_angles[:, [3, 9]].sum(axis=1)),
        ("np.sum(s.upright[:, None] * s.soles, axis=1)", (S.upright[:, None] * S.soles).sum(axis=1)),
        ("np.sum(np.array([1.0, 2.0]) * s.soles, axis=1)", (S.soles * [1.0, 2.0]).sum(axis=1)),
        ("np.stack([s.upright, s.upright], axis=1).sum(axis=1)", 2 * S.upright),
        ("(s.upright - s.prev.upright) / s.dt", (S.upright - S.prev.upright) / S.dt),
        ("np.clip(s.upright, -0.5, a_max=0.5)", np.clip(S.upright, -0.5, 0.5)),
        ("s.upright // 0.3 + s.upright % 0.3", S.upright // 0.3 + S.upright % 0.3),
        ("np.pi * 1.0", np.full(5, np.pi)),
    ],
)
def test_expressions_compute_what_numpy_computes(expression: str, expected: np.ndarray) -> None:
    np.testing.assert_allclose(value(expression), expected.astype(np.float64), rtol=1e-12, atol=1e-15)


def test_loops_functions_and_terms() -> None:
    source = """
SIDES = (0, 1)

def late(x, scale):
    return np.exp(-x**2) * scale

def reward(s):
    \"\"\"Words.\"\"\"
    vx, vy, vz = s.com_velocity.T
    terms = {"late": late(vx, scale=2.0)}
    carried = 0.0
    for side in (0, 1):
        carried += s.soles[:, side]
    for j in range(2, 4):
        carried += s.joint_angles[:, j]
    terms["carried"] = carried
    terms["carried"] -= vy * vz
    return sum(terms.values()), terms
"""
    total, terms = compile_source(source, WALK)(S)
    v = S.com_velocity
    expected = S.soles.sum(axis=1) + S.joint_angles[:, 2:4].sum(axis=1) - v[:, 1] * v[:, 2]
    np.testing.assert_allclose(terms["carried"], expected)
    np.testing.assert_allclose(terms["late"], 2 * np.exp(-(v[:, 0] ** 2)))
    np.testing.assert_allclose(total, terms["late"] + terms["carried"])


def test_truth_counts_as_one() -> None:
    np.testing.assert_array_equal(
        value("(s.soles[:, 0] > 0) + (s.soles[:, 1] > 0)"), (S.soles > 0).sum(axis=1).astype(float)
    )


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("", "there is no code"),
        ("def reward(s):\n    return s.hed_height, {'a': s.upright}", "did you mean head_height"),
        ("def reward(s):\n    return s.upright", "returns two things"),
        ("def reward(s, t):\n    return 1.0, {'a': 1.0}", "takes one argument"),
        ("def other(s):\n    return 1.0, {'a': 1.0}", "must define"),
        (
            "def reward(s):\n    x = s.com_velocity + s.upright\n    return x, {'a': x}",
            "line 2: (N, 3) and (N,)",
        ),
        ("def reward(s):\n    return np.sum(s.upright), {'a': 1.0}", "no numbers to combine"),
        ("def reward(s):\n    return np.sum(s.soles), {'a': 1.0}", "axis=1"),
        ("def reward(s):\n    return s.soles[0], {'a': 1.0}", "the first index is the environment"),
        ("def reward(s):\n    return s.soles[:, 2], {'a': 1.0}", "column 2 does not exist"),
        ("def reward(s):\n    x = y\n    return x, {'a': x}", "line 2: the name 'y' is not known"),
        ("import os\ndef reward(s):\n    return 1.0, {'a': 1.0}", "line 1: nothing is imported"),
        ("def reward(s):\n    return 1.0, {'a b': 1.0}", "plain name"),
    ],
)
def test_problems_name_line_and_remedy(source: str, told: str) -> None:
    assert told in messages(source)


def test_the_state_is_not_changed_and_results_are_copies() -> None:
    given = state()
    before = given.rows.copy()
    total, terms = compile_source("def reward(s):\n    return s.upright, {'a': s.upright}", WALK)(given)
    total += 1.0
    terms["a"] += 1.0
    np.testing.assert_array_equal(given.rows, before)


def test_a_written_reward_trains_as_the_shipped_one() -> None:
    """The library's function and the same reward as code give the same weights, byte for byte."""

    def weights(reward: str) -> np.ndarray:
        changes = {"total_steps": 2 * 256, "n_envs": 16, "algo.n_steps": 16, "algo.minibatch_size": 64}
        recipe = default_recipe(WALK, "ppo", {**changes, "reward": reward})
        task = recipe_task(recipe)
        training = Training(recipe, task, NativeBatchSim(task, recipe.n_envs))
        while not training.finished:
            training.advance()
        assert training.policy().reward == reward
        return training.policy().params

    assert weights("").tobytes() == weights(AS_SHIPPED).tobytes()


def test_training_refuses_unsound_code_and_another_tasks_reward() -> None:
    recipe = default_recipe(WALK, "ppo", {"n_envs": 16, "reward": "def reward(s):\n    return s.x, {}"})
    task = recipe_task(recipe)
    with pytest.raises(RewardError, match="line 2"):
        Training(recipe, task, NativeBatchSim(task, 16))
    with pytest.raises(ConfigError, match="recipe_task"):
        Training(recipe, WALK, NativeBatchSim(WALK, 16))
    with pytest.raises(ConfigError, match="source of a reward"):
        Recipe(task="humanoid-walk", reward=3)  # type: ignore[arg-type] # wrong on purpose


def test_recipes_carry_the_reward() -> None:
    recipe = Recipe(task="humanoid-walk", reward=AS_SHIPPED)
    assert Recipe.from_json(recipe.to_json()) == recipe
    assert with_reward(WALK, "") == WALK
    assert with_reward(WALK, AS_SHIPPED).signals == with_signals(WALK).signals


def test_the_documents_example_and_every_shipped_fitness_are_sound() -> None:
    assert check_source(EXAMPLE, WALK) == []
    for name, fitness in FITNESS.items():
        task = WALK if name == HOP else get_task(name)
        trial = try_source(fitness.source, task, None, "fitness")
        assert trial.problems == [], name
        assert fitness_source(name, task) == fitness.source
    assert set(FITNESS) == {*TASKS, HOP}
    with pytest.raises(ConfigError, match="neither code"):
        fitness_source("fast", WALK)


def test_described_signals_lie_where_the_robots_have_them() -> None:
    """Each task can be simulated with every signal that is described, and says what its words say."""
    for task in TASKS.values():
        sim = NativeBatchSim(with_signals(task), 1)
        assert sim.signals.shape == (1, with_signals(task).signal_size)
        sizes = {"qpos": sim.nq, "qvel": sim.nv}
        for field in with_signals(task).signals:
            assert field.stop <= sizes.get(field.source, 10_000), (task.id, field.name)
        if "qpos" in Layout.of(task).sizes:
            assert (Layout.of(task).sizes["qpos"], Layout.of(task).sizes["qvel"]) == (sim.nq, sim.nv)
        sim.close()


def test_trials_find_what_no_reading_can() -> None:
    def told(source: str) -> str:
        return " ".join(problem.rule for problem in try_source(source, WALK).problems)

    assert told("def reward(s):\n    x = np.log(s.upright)\n    return x, {'a': x}") == "finite"
    assert told("def reward(s):\n    return 2.0 * s.upright, {'a': s.upright}") == "terms"
    assert told("def reward(s):\n    x = 1e9 * s.upright\n    return x, {'a': x}") == "size"
    trial = try_source(AS_SHIPPED, WALK)
    assert trial.problems == []
    assert trial.ms_per_4096 > 0.0
    assert set(trial.terms) == {*trial.function.terms} if trial.function else False
