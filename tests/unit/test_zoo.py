"""The policies that come with the page are what their reports and the page's list say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.zoo import POLICIES, RESULTS, ZOO
from tabrl_py.config import Recipe
from tabrl_py.policy import check_fits, load_policy
from tabrl_py.tasks import get_task
from tabrl_py.tasks.recipes import default_recipe

LISTED: list[dict[str, str]] = json.loads((POLICIES / "index.json").read_text())
NAMES = [Path(entry["file"]).stem for entry in LISTED]


def report(name: str) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text())
    return record


def test_the_page_lists_the_files_that_are_there() -> None:
    assert sorted(NAMES) == sorted(path.stem for path in POLICIES.glob("*.safetensors"))
    assert [name for name in ZOO if name in NAMES] == NAMES, "in the zoo's order, and nothing else"


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_policy_is_one_for_its_task(name: str) -> None:
    entry = next(each for each in LISTED if each["file"] == f"{name}.safetensors")
    policy = load_policy((POLICIES / entry["file"]).read_bytes())
    assert policy.task == entry["task"] == ZOO[name].task
    assert entry["title"] == get_task(policy.task).title
    check_fits(policy, get_task(policy.task))


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_policy_was_made_by_the_recipe_that_the_zoo_runs(name: str) -> None:
    entry = ZOO[name]
    made_by = Recipe.from_json(report(name)["recipe"])
    assert made_by == default_recipe(get_task(entry.task), entry.algorithm, entry.settings)


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_policy_falls_on_no_evaluation_seed(name: str) -> None:
    evaluation = report(name)["evaluation"]
    assert evaluation["seeds"] == list(range(10))
    assert not any(evaluation["terminated"])
    assert set(evaluation["lengths"]) == {get_task(ZOO[name].task).time_limit}
