"""A long run in Node.js is kept on its way: what is kept, and for which recipe."""

from __future__ import annotations

from pathlib import Path

from benchmarks._node import KEPT, Unfinished, place_of
from tabrl_py.tasks import get_task
from tabrl_py.tasks.recipes import default_recipe


def test_a_run_without_a_file_is_at_its_beginning(tmp_path: Path) -> None:
    assert Unfinished.read(tmp_path / "none.json") == Unfinished([], "", 0.0)


def test_records_after_the_checkpoint_are_made_again(tmp_path: Path) -> None:
    place = tmp_path / "zoo" / "run.json"
    records = [{"steps": steps, "kl": None} for steps in (10, 20, 30)]
    Unfinished(records, "before", 3.0).keep(place, "QUJD", 20, 7.5)
    assert Unfinished.read(place) == Unfinished(records[:2], "QUJD", 7.5)
    assert [file.name for file in place.parent.iterdir()] == ["run.json"]


def test_another_recipe_is_another_run() -> None:
    tasks = [get_task(name) for name in ("humanoid-run", "humanoid-command")]
    recipes = [default_recipe(task, "ppo", {"seed": seed}) for task in tasks for seed in (1, 2)]
    places = [place_of(recipe) for recipe in recipes]
    assert len(set(places)) == len(places)
    assert all(place.parent == KEPT for place in places)
    assert place_of(recipes[0]) == places[0]
