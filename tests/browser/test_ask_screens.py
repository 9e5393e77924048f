"""Pictures of the room at three sizes, kept to be looked at and read by axe-core; no number is cut off."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.ask_claude import KEY, answer
from tests.browser.ask_lab import TINY, AskLab
from tests.browser.lab import BOOT_MS
from tests.browser.views_seen import PHONE, Seen, told
from tests.messages_api import running_messages_api
from tests.messages_wire import Answer
from tests.servers import served

pytestmark = [pytest.mark.browser, pytest.mark.own_server("Claude is asked through its relay")]

CUT = """() => [...document.querySelectorAll(
  ".member:not(.lesson) .member-metrics dd, .member .term output, .member .term-axis span, .member-fitness",
)].filter((each) => {
  const card = each.closest(".member").getBoundingClientRect();
  const box = each.getBoundingClientRect();
  const cut = each.clientWidth > 0 && each.scrollWidth > each.clientWidth + 1;
  return box.width > 0 && (box.right > card.right || cut);
}).map((each) => `${each.className} ${each.textContent}`)"""
"""Numbers of the cards that reach beyond their card or their own box."""


MEMBERS = "#ask-sections [data-ask=members]"
DESIGNER = "#ask-sections [data-ask=designer]"


def test_pictures_of_the_room(open_page: Callable[..., Page], built_page: Path, artifacts: Path) -> None:
    refused: list[int] = []

    def answer_later(request: dict[str, Any]) -> Answer:
        """The first rewards that are asked for are refused, as where an account has run dry."""
        if request["tool_choice"]["name"] == "propose_rewards" and not refused:
            refused.append(1)
            return Answer(status=400, error="Your credit balance is too low to access the Anthropic API.")
        return answer(request)

    with (
        running_messages_api(answer_later, keys=[KEY]) as api,
        served(built_page, "--upstream", api.address, key=KEY) as address,
    ):
        lab = AskLab(open_page(address, expected_errors=["Failed to load resource"]))
        lab.page.set_default_timeout(BOOT_MS)
        seen = Seen(lab.page, artifacts, "ask-", CUT)
        lab.open_room()
        lab.wait_models()
        lab.page.select_option("#ask-fitness", "proposed")
        lab.page.fill("#brief-text", "Stand like a lighthouse")
        seen.look("setup", tab=MEMBERS)
        lab.set_budget({**TINY, "members": 4, "generations": 1, "final_seeds": 1})
        seen.look("designer", tab=DESIGNER)
        lab.page.click("#ask-start")
        lab.room.locator(".review .cm-content").wait_for(timeout=120_000)
        seen.look("fitness", tab=MEMBERS)
        lab.page.click("#ask-freeze")
        lab.page.get_by_text("credit balance").first.wait_for(timeout=120_000)
        seen.look("refused", tab=MEMBERS)
        seen.look("refused-designer", PHONE, tab=DESIGNER)
        lab.page.get_by_role("button", name="Resume", exact=True).click()
        lab.wait_status("training")
        lab.wait_frames_here()
        seen.look("training", tab=MEMBERS)
        lab.wait_over()
        seen.look("over", tab=MEMBERS)
        lab.look_at(0)
        seen.look("member", tab=MEMBERS)
        seen.look("analysis", tab=DESIGNER)
        assert lab.notices() == []
    assert seen.faults == {}, told(seen.faults)
