"""The ablation changes what it says, one thing at a time, and counts what the runs came to."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from benchmarks.ablation import TASK, VARIANTS, Variant, figures_of, settings_of, stood_at, table_of
from tabrl_py.rewards.library import REWARDS
from tabrl_py.tasks import get_task
from tabrl_py.tasks.recipes import default_recipe


def record(seeds_walked: int, metres: float, lengths: list[float]) -> dict[str, Any]:
    return {
        "task": TASK,
        "seeds_walked": seeds_walked,
        "seeds_that_fell": 10 - seeds_walked,
        "metres": metres,
        "tilt_deg": 12.4,
        "verdicts": [{}] * 10,
        "curve": [{"steps": 100_000 * (k + 1), "length": length} for k, length in enumerate(lengths)],
    }


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_is_a_recipe_that_can_be_run(name: str) -> None:
    variant = VARIANTS[name]
    recipe = default_recipe(get_task(variant.task), "ppo", settings_of(variant, 1, 1000)).to_json()
    shipped = default_recipe(get_task(TASK), "ppo", {"total_steps": 1000}).to_json()
    changed = {f"{part}.{key}": recipe[part][key] for part in ("network", "algo") for key in recipe[part]}
    plain = {f"{part}.{key}": shipped[part][key] for part in ("network", "algo") for key in shipped[part]}
    outer = {key: recipe[key] for key in recipe if key not in ("network", "algo", "task")}
    differing = {key for key in plain if changed[key] != plain[key]}
    differing |= {key for key in outer if outer[key] != shipped[key]}
    assert differing == set(variant.settings)
    known = inspect.signature(REWARDS[get_task(variant.task).reward.name]).parameters
    assert set(variant.reward) <= set(known)
    assert variant == Variant("the task's own recipe") or differing or variant.reward or variant.task != TASK


def test_when_it_stood_is_the_first_long_stretch() -> None:
    assert stood_at(record(10, 30.0, [60.0, 400.0, 500.0, 900.0])) == "0.3 M steps"
    assert stood_at(record(0, 1.0, [60.0, 70.0])) == "never"


def test_the_figures_count_who_walks_on_every_seed() -> None:
    records = {"shipped": record(10, 36.04, [900.0]), "torque": record(9, 1.26, [50.0])}
    assert figures_of(records) == {"walking": 1, "shipped": 36.0, "torque": 1.3}
    lines = table_of(records).splitlines()
    assert lines[2] == "| the task's own recipe | 10 of 10 | 0 | 36.0 | 12 degrees | 0.1 M steps | 900 |"
    assert lines[3].endswith("| 9 of 10 | 1 | 1.3 | 12 degrees | never | 50 |")
