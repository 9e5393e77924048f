"""A loop in which rewards are designed, in the page, from the sentence to the winner in Watch."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.browser.ask_lab import TINY, AskLab
from tests.browser.test_accessible import press, tabbed_through

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Page]
NOTHING_SIDEWAYS = """() => [
  document.scrollingElement,
  document.getElementById("ask"),
  ...document.querySelectorAll("#panel-ask .panel-body"),
].every((each) => each.scrollWidth <= each.clientWidth)"""
WRONG = 'def reward(s):\n    import os\n    return s.upright, {"upright": s.upright}\n'


@pytest.fixture
def open_ask(open_page: OpenPage, isolated_url: str) -> Callable[..., AskLab]:
    """Opens the page in the room."""

    def open_() -> AskLab:
        lab = AskLab(open_page(isolated_url))
        lab.open_room()
        return lab

    return open_


def test_who_goes_straight_to_the_room_shares_the_cores_with_no_trainer(
    open_ask: Callable[..., AskLab],
) -> None:
    lab = open_ask()
    lab.wait_watch("playing", "paused")
    lab.page.wait_for_timeout(600)
    assert not [worker.url for worker in lab.page.workers if "role=trainer" in worker.url]
    lab.page.click("#tab-train")
    lab.page.wait_for_function("() => document.querySelector('#panel-train').checkVisibility()")
    lab.page.wait_for_timeout(300)
    assert [worker.url for worker in lab.page.workers if "role=trainer" in worker.url]


def test_a_whole_loop_and_its_winner(open_ask: Callable[..., AskLab]) -> None:
    """2 members, then one that trains for twice as long; a reload in the middle: nothing is done twice."""
    lab = open_ask()
    assert lab.page.locator("#designer-builtin").is_checked()
    assert lab.room.locator("#ask-start").is_disabled()
    lab.begin("Stand still and upright")
    lab.wait_status("training")
    lab.wait_frames_here()
    lab.page.wait_for_function(
        "() => document.querySelectorAll('.timeline-dot').length >= 1", timeout=240_000
    )
    before = lab.page.locator("#panel-ask .ledger li").count()
    assert before >= 1
    lab.page.on("dialog", lambda dialog: dialog.accept())
    lab.page.reload()
    lab.open_room()
    assert lab.room.get_attribute("data-state") == "kept"
    assert lab.page.locator("#panel-ask .ledger li").count() >= before
    lab.page.click("#ask-continue")
    lab.wait_over()
    judged = lab.board().count()
    assert judged == 3
    lines = lab.ledger()
    trained = [line["data"]["spec"]["recipe"]["total_steps"] for line in lines if line["kind"] == "train"]
    assert trained[1:3] == [trained[0], 2 * trained[0]]
    ids = [line["id"] for line in lines]
    assert len(set(ids)) == len(ids)
    assert lab.notices() == []
    assert lab.room.locator(".loop-result").is_visible()
    lab.page.click("#ask-watch")
    lab.wait_watch("playing")
    lab.page.wait_for_function(
        "() => document.querySelector('[data-figure=fitness-now]').value !== ''", timeout=120_000
    )
    then, now = (
        lab.page.locator(f"[data-figure=fitness-{when}]").evaluate("each => each.value")
        for when in ("then", "now")
    )
    assert float(then) == float(now)


def test_a_wrong_reward_shows_its_error_at_its_line(open_ask: Callable[..., AskLab]) -> None:
    lab = open_ask()
    lab.begin("Stand still", {**TINY, "generations": 1, "final_seeds": 0})
    lab.wait_status("training")
    lab.look_at(0)
    own = lab.room.locator(".detail .cm-content").first.inner_text()
    lab.type_code(WRONG)
    lab.room.get_by_role("button", name="Use this code").click()
    lab.room.locator(".code-problem:not(:empty)").first.wait_for(timeout=120_000)
    assert lab.room.locator(".code-problem:not(:empty)").inner_text().startswith("Line 2:")
    marker = lab.room.locator(".cm-lint-marker-error")
    line = lab.room.locator(".cm-line", has_text="import os")
    gap = marker.bounding_box(), line.bounding_box()
    assert gap[0] is not None
    assert gap[1] is not None
    assert abs(gap[0]["y"] - gap[1]["y"]) < gap[1]["height"]
    lab.room.get_by_role("button", name="Undo edits").click()
    assert lab.room.locator(".detail .cm-content").first.inner_text() == own
    lab.room.locator(".detail .cm-content").first.press("ControlOrMeta+z")
    assert lab.room.locator(".detail .cm-content").first.inner_text() == own, "undo went behind it"
    lab.page.get_by_role("button", name="Stop", exact=True).click()
    lab.wait_over(60)
    assert tabbed_through(lab.page) == [], "a member closely"
    press(lab.page, "#ask-back")
    assert lab.page.evaluate("document.activeElement.textContent") == "Code"
    lab.page.keyboard.press("Enter")
    assert lab.page.evaluate("document.activeElement.id") == "ask-back"


def test_pause_holds_every_member(open_ask: Callable[..., AskLab]) -> None:
    lab = open_ask()
    lab.begin("Stand still", {**TINY, "steps_per_member": 0.05, "generations": 1})
    lab.wait_status("training")
    lab.wait_frames_here()
    lab.page.get_by_role("button", name="Pause", exact=True).click()
    lab.page.get_by_role("button", name="Resume", exact=True).wait_for()
    lab.page.wait_for_timeout(1_500)
    held = lab.room.locator(".member-status").all_inner_texts()
    lab.page.wait_for_timeout(2_000)
    assert lab.room.locator(".member-status").all_inner_texts() == held
    lab.page.get_by_role("button", name="Resume", exact=True).click()
    lab.wait_frames_here()
    lab.page.get_by_role("button", name="Stop", exact=True).click()
    lab.wait_over(60)
    lab.page.click("#ask-new")
    lab.page.wait_for_selector("#ask[data-state=setup]", state="attached")


def test_numbers_that_cannot_be_used_are_told(open_ask: Callable[..., AskLab]) -> None:
    lab = open_ask()
    lab.page.fill("#brief-text", "Stand")
    lab.page.fill("#ask-members", "0")
    assert lab.room.locator("#ask-start").is_disabled()
    assert "Members is 0; the least is 1" in lab.panel("ask").inner_text()
    lab.page.fill("#ask-members", "2")
    assert lab.room.locator("#ask-start").is_enabled()


def test_on_a_phone_nothing_scrolls_sideways(open_page: OpenPage, isolated_url: str) -> None:
    lab = AskLab(open_page(isolated_url, size=(390, 844), phone=True))
    lab.wait_watch("playing")
    lab.open_room()
    assert lab.page.evaluate(NOTHING_SIDEWAYS)
    lab.page.click("#ask-sections [data-ask=designer]")
    lab.page.wait_for_selector("#ask-members", state="visible")
    assert not lab.room.is_visible()
    assert lab.page.evaluate(NOTHING_SIDEWAYS)
