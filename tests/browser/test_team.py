"""Workers that learn one policy: how many there are, and what becomes of them, changes no byte."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from tabrl_py.config import NetworkConfig, PPOConfig, Recipe
from tests.browser.conftest import OpenLab
from tests.browser.lab import PENDULUM
from tests.browser.team_page import Crew
from tests.conftest import Prepare

pytestmark = pytest.mark.browser

TASK = "InvertedPendulum-v5"
RECIPE = Recipe(
    task=TASK,
    total_steps=10_000_000,
    n_envs=16,
    network=NetworkConfig(hidden=(32, 32)),
    algo=PPOConfig(n_steps=32, minibatch_size=64, n_epochs=20, target_kl=0.0),
)
"""Most of its time goes into learning, so that a loss falls into the middle of an update."""


class Story:
    """What happened to a group on one server, and to one worker that did the same alone."""

    def __init__(self, crew: Crew) -> None:
        self.isolated: bool = crew.page.evaluate("crossOriginIsolated")
        crew.start(RECIPE, visible=12)
        crew.wait_learning(4)  # the first begins alone; the others join as they are ready
        crew.wait_updates(3)
        self.rows, self.frame = crew.read("rows"), crew.read("frame")
        self.kills = [crew.kill(1, 0.6)]
        crew.wait_updates(2)
        self.kills.append(crew.kill(0, 0.6))
        crew.wait_updates(2)
        self.said = crew.read("said")
        crew.set_workers(2)
        crew.wait_learning(2)
        crew.wait_updates(2)
        self.rest_disturbed(crew)
        crew.set_workers(1)
        crew.wait_learning(1)
        crew.wait_updates(2)
        self.records = crew.read("records")
        crew.send("stop", "stopped")
        self.together = crew.policies()
        crew.start(RECIPE, visible=0)
        crew.wait_steps(max(self.together))
        crew.wait_updates(1)
        crew.send("stop", "stopped")
        self.alone = crew.policies()
        self.trouble = crew.read("said")[len(self.said) + 1 :]

    def rest_disturbed(self, crew: Crew) -> None:
        """A pause in which a member dies; the other goes on when the pause is over."""
        crew.send("pause", "paused")
        crew.end(0)
        before = len(crew.read("records"))
        crew.page.wait_for_timeout(500)
        self.paused_updates = len(crew.read("records")) - before
        crew.send("resume", "running")
        crew.wait_updates(1)


Tell = Callable[[str], Story]


@pytest.fixture(scope="module")
def tell(chromium: Browser, isolated_url: str, plain_url: str, prepare: Prepare) -> Iterator[Tell]:
    """The story of a group on the isolated or on the plain server; each happens once."""
    urls = {"isolated": isolated_url, "plain": plain_url}
    errors: list[str] = []

    @functools.cache
    def story(server: str) -> Story:
        context = chromium.new_context()
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(prepare(page, urls[server] + "build.json"))
        try:
            return Story(Crew(page, wanted=4))
        finally:
            context.close()

    yield story
    assert errors == []


@pytest.fixture(params=["isolated", "plain"])
def story(request: pytest.FixtureRequest, tell: Tell) -> Story:
    return tell(request.param)


def test_joining_leaving_and_dying_change_no_byte(story: Story) -> None:
    assert story.trouble == []
    assert len(story.together) >= 15
    assert {steps: data for steps, data in story.alone.items() if steps in story.together} == story.together


def test_members_died_in_the_middle_of_an_update(story: Story) -> None:
    assert len(story.said) == 2
    assert all(line.startswith("member lost: ") for line in story.said)
    for kill in story.kills:
        assert kill["learning"] > 0.5


def test_a_death_does_not_end_a_pause(story: Story) -> None:
    assert story.paused_updates == 0


def test_the_curve_has_every_update_once(story: Story) -> None:
    kept: list[dict[str, Any]] = []
    for record in story.records:
        # The page drops what lies behind the checkpoint from which the others went on; here nothing does.
        assert not kept or record["update"] == kept[-1]["update"] + 1
        kept.append(record)


def test_the_frames_of_all_members_are_one(story: Story) -> None:
    assert story.rows == list(range(12))
    assert len(story.frame["returns"]) == 12
    assert story.frame["floats"] % (12 * 7) == 0


def test_shared_memory_and_messages_learn_the_same(tell: Tell) -> None:
    isolated, plain = tell("isolated"), tell("plain")
    assert (isolated.isolated, plain.isolated) == (True, False)
    common = isolated.alone.keys() & plain.alone.keys()
    assert len(common) >= 15
    assert all(isolated.alone[steps] == plain.alone[steps] for steps in common)


def test_workers_are_changed_while_a_run_learns(open_lab: OpenLab, isolated_url: str) -> None:
    lab = open_lab(isolated_url)
    lab.enter("train")
    lab.choose_task("train", TASK)
    lab.set("n_envs", 6)
    slider = lab.page.locator("#workers")
    assert slider.get_attribute("max") == "2"
    assert "a multiple of 8 by up to 8" in lab.page.locator("#workers-help").inner_text()
    lab.set("n_envs", 7)
    assert slider.is_disabled()
    lab.train(TASK, {**PENDULUM, "total_steps": 50_000_000}, room=False)
    lab.wait_updates(1)
    workers = lab.page.locator("[data-figure=workers]")
    for count, words in (("2", "2 learn"), ("1", "1 learns"), ("2", "2 learn")):
        lab.page.locator("#workers-now").fill(count)
        lab.page.locator(f"data[data-figure=workers][value='{count}']").wait_for(timeout=120_000)
        workers.get_by_text(words, exact=True).wait_for()
        lab.wait_updates(int(lab.figure("updates") or 0) + 2)
    assert lab.page.locator("[data-figure=arithmetic]").inner_text() == "compiled kernels"
    lab.press("Stop")
    lab.wait_run("stopped")
    assert not lab.page.locator("#workers-now").is_visible()
    assert lab.notices() == []
