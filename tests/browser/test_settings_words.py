"""The form refuses a bad value in the words of tabrl_py.config."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Page

from tabrl_py.config import Recipe
from tabrl_py.errors import ConfigError
from tabrl_py.tasks import TASKS
from tests.browser.conftest import OpenLab

pytestmark = pytest.mark.browser

CHANGES: list[tuple[str, str, Any]] = [
    ("ppo", "n_envs", 0),
    ("ppo", "n_envs", 5000),
    ("ppo", "n_envs", 1.5),
    ("ppo", "n_envs", "many"),
    ("ppo", "n_envs", "it's"),
    ("ppo", "seed", -1),
    ("ppo", "seed", 2**32),
    ("ppo", "total_steps", 10**13),
    ("ppo", "algo.gamma", 2),
    ("ppo", "algo.gamma", -0.25),
    ("ppo", "algo.learning_rate", 1e-7),
    ("ppo", "algo.learning_rate", 0.5),
    ("ppo", "algo.learning_rate", 1.2345678e-9),
    ("ppo", "algo.lr_schedule", "cosine"),
    ("ppo", "algo.minibatch_size", 60000),
    ("ppo", "algo.normalize_advantage", "yes"),
    ("ppo", "algo.n_steps", 8192 * 2),
    ("ppo", "network.hidden", [64, 0]),
    ("ppo", "network.hidden", [64, 2000]),
    ("ppo", "network.hidden", [8, 8, 8, 8, 8]),
    ("ppo", "network.hidden", "wide"),
    ("ppo", "network.activation", "sine"),
    ("ppo", "network.init_log_std", 7),
    ("reinforce", "algo.baseline_epochs", 51),
    ("reinforce", "algo.max_grad_norm", 0.001),
    ("sac", "algo.tau", 2),
    ("sac", "algo.temperature", "warm"),
    ("sac", "algo.n_steps", 8000),
    ("ars", "algo.noise", 0),
    ("ars", "algo.top_directions", 40),
    ("ars", "n_envs", 65),
    ("ppo", "kernels", "fast"),
    ("ppo", "randomize", "yes"),
    ("ppo", "revisit", 1.5),
    ("ppo", "algo.symmetry", "both"),
    ("ppo", "algo.final_log_std", -7),
    ("ppo", "n_envs", 64),
]


def recipe_with(algorithm: str, path: str, value: object) -> dict[str, Any]:
    """A good recipe with one change."""
    record: dict[str, Any] = json.loads(json.dumps(default_recipe(algorithm).to_json()))
    *outer, name = path.split(".")
    (record[outer[0]] if outer else record)[name] = value
    return record


def default_recipe(algorithm: str) -> Recipe:
    return Recipe.from_json({"task": "InvertedPendulum-v5", "algorithm": algorithm})


def words_of_python(record: dict[str, Any]) -> str:
    try:
        Recipe.from_json(record)
    except ConfigError as error:
        return str(error)
    return ""


def words_of_the_page(page: Page, record: dict[str, Any]) -> str:
    script = """async (record) => {
      const { problemsOf } = await import("./panels/settings_check.js");
      const settings = await (await fetch("settings.json")).json();
      return [...problemsOf(record, settings).values()][0] ?? "";
    }"""
    found: str = page.evaluate(script, record)
    return found


def test_both_refuse_in_the_same_words(open_lab: OpenLab, isolated_url: str) -> None:
    page = open_lab(isolated_url).page
    refused = 0
    for algorithm, path, value in CHANGES:
        record = recipe_with(algorithm, path, value)
        expected = words_of_python(record)
        assert words_of_the_page(page, record) == expected, f"{path}={value}"
        refused += expected != ""
    assert refused == len(CHANGES) - 1


def test_too_many_samples_are_refused_in_the_same_words(open_lab: OpenLab, isolated_url: str) -> None:
    page = open_lab(isolated_url).page
    record = recipe_with("ppo", "n_envs", 4096)
    record["algo"]["n_steps"] = 8192
    expected = words_of_python(record)
    assert "do not fit in memory" in expected
    assert words_of_the_page(page, record) == expected


def test_every_default_of_every_task_is_accepted(open_lab: OpenLab, isolated_url: str) -> None:
    lab = open_lab(isolated_url)
    lab.enter("train")
    ids = lab.panel("train").locator(".task-list input").evaluate_all("all => all.map(each => each.value)")
    for task_id in ids:
        lab.choose_task("train", task_id)
        for algorithm in ("reinforce", "sac", "ars", "ppo"):
            lab.choose_algorithm(algorithm)
            assert lab.page.locator(".setting-problem:visible").all_inner_texts() == []


def test_a_setting_is_shown_where_it_does_something(open_lab: OpenLab, isolated_url: str) -> None:
    lab = open_lab(isolated_url)
    lab.enter("train")
    lab.page.locator("details.group > summary").click()

    def shown(path: str) -> bool:
        return lab.page.locator(f".setting[data-path='{path}']").is_visible()

    for task in (TASKS["humanoid-walk"], TASKS["InvertedPendulum-v5"], TASKS["Hopper-v5"]):
        lab.choose_task("train", task.id)
        assert shown("algo.symmetry") is (task.mirror is not None)
        assert shown("randomize") is (task.randomization != ())
    for path, choice, other, decided in (
        ("algo.exploration", "annealed", "learned", "algo.final_log_std"),
        ("algo.lr_schedule", "linear", "constant", "algo.lr_final"),
    ):
        lab.set(path, choice)
        assert shown(decided)
        lab.set(decided, 1000)
        assert lab.page.locator(".setting-problem:visible").count() == 1
        lab.set(path, other)
        assert not shown(decided)
        assert lab.page.locator(".setting-problem:visible").count() == 0, "what is not shown is as usual"


def test_a_changed_setting_can_be_put_back(open_lab: OpenLab, isolated_url: str) -> None:
    lab = open_lab(isolated_url)
    lab.enter("train")
    lab.set("n_envs", 3)
    back = lab.page.locator("[data-path=n_envs] .setting-reset")
    back.wait_for(state="visible")
    back.click()
    assert lab.page.locator("#set-n_envs").input_value() == "64"
    assert not back.is_visible()
