"""Watch and Train on the project's own server, with isolation headers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tabrl_py.config import RECIPE_VERSION
from tests.browser.conftest import OpenLab
from tests.browser.lab import PENDULUM, Lab

pytestmark = pytest.mark.browser

TASK = "InvertedPendulum-v5"


def metadata(policy: bytes) -> dict[str, Any]:
    """The metadata of a safetensors file."""
    length = int.from_bytes(policy[:8], "little")
    found: dict[str, Any] = json.loads(policy[8 : 8 + length])["__metadata__"]
    return found


def test_watch_opens_first_and_robots_move(open_lab: OpenLab, isolated_url: str) -> None:
    lab = open_lab(isolated_url)
    assert lab.page.evaluate("crossOriginIsolated") is True
    lab.wait_watch("playing")
    lab.wait_frames(10)
    assert lab.page.locator("#grid-canvas").is_visible() or lab.page.locator("#view-3d canvas").is_visible()
    lab.page.locator("#view-3d canvas").wait_for(state="visible")
    assert lab.page.locator("#train-your-own").is_visible()
    assert lab.notices() == []


def test_watch_pauses_steps_resets_pushes_and_changes_speed(open_lab: OpenLab, isolated_url: str) -> None:
    lab = open_lab(isolated_url)
    lab.wait_watch("playing")
    lab.page.keyboard.press("Space")
    lab.wait_watch("paused")
    before = lab.frames()
    lab.page.wait_for_timeout(500)
    assert lab.frames() == before
    lab.page.keyboard.press(".")
    lab.wait_frames(1, since=before)
    lab.page.wait_for_timeout(300)
    assert lab.frames() == before + 1, "one key, one step"
    lab.page.keyboard.press("Space")
    lab.wait_watch("playing")
    lab.page.keyboard.press("p")
    assert "12 robots" in lab.page.locator("#live").inner_text()
    for _ in range(3):
        lab.page.keyboard.press("+")
    assert lab.page.locator(".speed-asked").inner_text() == "8x"
    lab.page.locator(".speed-measured", has_text="x").wait_for()
    lab.panel("watch").get_by_text("disturbed episodes left out").wait_for(timeout=60_000)
    lab.page.keyboard.press("r")
    lab.wait_frames(2)


def test_every_task_can_be_watched(open_lab: OpenLab, isolated_url: str) -> None:
    lab = open_lab(isolated_url)
    lab.wait_watch("playing")
    ids = lab.panel("watch").locator(".task-list input").evaluate_all("all => all.map(each => each.value)")
    assert len(ids) >= 15
    for task_id in ids[1:]:
        lab.choose_task("watch", task_id)
        lab.page.wait_for_selector(f"#panel-watch[data-task='{task_id}']", state="attached", timeout=60_000)
        lab.wait_watch("playing")
        lab.wait_frames(2)
    assert lab.notices() == []


def test_a_pendulum_learns_is_exported_imported_and_plays_as_reported(
    open_lab: OpenLab, isolated_url: str
) -> None:
    lab = open_lab(isolated_url)
    lab.train(TASK, {**PENDULUM, "total_steps": 120_000})
    lab.wait_run("finished", "evaluating", timeout_s=200)
    reached = lab.figure("return")
    seconds = lab.figure("time")
    assert reached is not None
    assert seconds is not None
    assert reached >= 950
    assert seconds < 60
    evaluated = lab.evaluation("train", "Deterministic policy, 10 seeds")
    assert evaluated >= 950
    lab.wait_run("finished")
    policy = lab.export()

    lab.import_policy("mine.safetensors", policy)
    lab.wait_watch("playing")
    assert lab.page.locator(".policy:has(:checked)").inner_text().startswith("mine")
    assert lab.export() == policy
    lab.page.locator("#transport input[type=range]").fill("6")
    first = lab.page.locator("#panel-watch .group data[data-count='12']")
    first.wait_for(timeout=120_000, state="attached")
    # Else the table is written anew while it is read, and its oldest episodes leave it.
    lab.page.locator("#transport button[aria-label='Pause']").click()
    lab.wait_watch("paused")
    lab.press("Evaluate on 10 seeds")
    assert lab.evaluation("watch", "Evaluated here") == pytest.approx(evaluated, rel=1e-9)
    assert played_by_seed(lab) == evaluated_by_seed(lab)


def played_by_seed(lab: Lab) -> dict[str, str]:
    """Seed -> return, as the table of the show's episodes has them, of the evaluation's ten seeds."""
    rows = lab.page.locator("table.episodes tbody tr").all_inner_texts()
    cells = [row.split("\t") for row in rows]
    return {seed: value for _, seed, value, *_ in cells if seed in map(str, range(10))}


def evaluated_by_seed(lab: Lab) -> dict[str, str]:
    """Seed -> return, as the evaluation on show has them."""
    shown = lab.panel("watch").locator(".evaluation", has_text="Evaluated here")
    titles = shown.locator("i").evaluate_all("all => all.map((each) => each.title)")
    found = [title.removeprefix("Seed ").split(": ") for title in titles]
    return {seed: value for seed, value in found}


def test_reinforce_beats_the_random_policy(open_lab: OpenLab, isolated_url: str) -> None:
    lab = open_lab(isolated_url)
    lab.train(TASK, {"n_envs": 16, "total_steps": 120_000}, algorithm="reinforce")
    lab.wait_run("finished", timeout_s=240)
    learned = lab.evaluation("train", "Deterministic policy, 10 seeds")
    baseline = lab.evaluation("train", "Random policy, 10 seeds")
    assert learned > 3 * baseline


def test_the_same_recipe_gives_the_same_bytes(open_lab: OpenLab, isolated_url: str) -> None:
    def once() -> bytes:
        lab = open_lab(isolated_url)
        lab.train(TASK, {**PENDULUM, "total_steps": 4096, "seed": 7})
        lab.wait_run("finished")
        return lab.export()

    first, second = once(), once()
    assert first == second
    assert metadata(first)


def test_pause_resume_and_stop(open_lab: OpenLab, isolated_url: str) -> None:
    lab = open_lab(isolated_url)
    lab.train(TASK, {**PENDULUM, "total_steps": 50_000_000})
    lab.wait_run("running")
    lab.wait_updates(2)
    lab.press("Pause")
    lab.wait_run("paused")
    at = lab.figure("updates")
    lab.page.wait_for_timeout(700)
    assert lab.figure("updates") == at
    lab.press("Resume")
    lab.wait_run("running")
    lab.wait_updates(int(at or 0) + 2)
    lab.press("Stop")
    lab.wait_run("stopped")
    lab.press("Continue")
    lab.wait_run("running")
    lab.wait_updates(int(at or 0) + 4)
    lab.press("Stop")
    lab.wait_run("stopped")
    lab.press("Reset")
    assert "not exported" in lab.page.locator(".foot-note").inner_text()
    lab.press("Reset")
    lab.wait_run("idle")
    lab.page.locator(".notice button:text-is('Undo')").click()
    lab.wait_run("stopped")


def test_a_run_survives_a_reload(open_lab: OpenLab, isolated_url: str) -> None:
    lab = open_lab(isolated_url)
    lab.train(TASK, {**PENDULUM, "total_steps": 50_000_000})
    lab.wait_updates(40)
    lab.press("Stop")
    lab.wait_run("stopped")
    before = lab.figure("updates")
    lab.page.reload()
    lab.page.locator(".notice button:text-is('Continue the last run')").click(timeout=30_000)
    assert lab.figure("updates") == before
    lab.wait_run("running")
    lab.wait_updates(int(before or 0) + 2)
    lab.press("Stop")
    lab.wait_run("stopped")


def test_a_robot_is_looked_at_closely_and_pushed_while_it_trains(
    open_lab: OpenLab, isolated_url: str
) -> None:
    lab = open_lab(isolated_url)
    lab.train(TASK, {**PENDULUM, "total_steps": 50_000_000})
    lab.wait_updates(1)
    lab.page.locator("#grid-canvas").click(position={"x": 60, "y": 60})
    lab.page.locator("#view-3d canvas").wait_for(state="visible")
    lab.wait_frames(3)
    lab.page.keyboard.press("p")
    assert "robot 1" in lab.page.locator("#live").inner_text()
    lab.page.keyboard.press("Escape")
    lab.page.locator("#grid-canvas").wait_for(state="visible")
    assert lab.notices() == []


def recipe_of(lab: Lab) -> dict[str, Any]:
    """The recipe that a run shows."""
    lab.page.locator("#panel-train .recipe summary").click()
    found: dict[str, Any] = json.loads(lab.page.locator("#panel-train .recipe pre").inner_text())
    return found


def test_a_run_shows_its_recipe(open_lab: OpenLab, isolated_url: str) -> None:
    lab = open_lab(isolated_url)
    lab.train(TASK, {**PENDULUM, "total_steps": 1_000_000, "network.hidden": "32, 16"})
    lab.wait_run("running")
    recipe = recipe_of(lab)
    assert recipe["recipe_version"] == RECIPE_VERSION
    assert recipe["task"] == TASK
    assert recipe["n_envs"] == PENDULUM["n_envs"]
    assert recipe["network"]["hidden"] == [32, 16]
    assert "Hidden layers 32,16" in lab.page.locator("#panel-train .recipe").inner_text()
