"""The room in which rewards are designed, as a person uses it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page

from tests.browser.lab import BOOT_MS, Lab

TINY: Mapping[str, object] = {
    "members": 2,
    "generations": 2,
    "steps_per_member": 0.004096,
    "evaluation_seeds": 2,
    "final_seeds": 1,
    "final_steps": 0.004096,
}
"""A whole loop within a minute: nobody learns to walk in it, and everything happens."""


class AskLab(Lab):
    """One open page, and its third room."""

    def __init__(self, page: Page) -> None:
        super().__init__(page)
        self.room = page.locator("#ask")

    def open_room(self) -> None:
        """Enter the room and wait until it is there."""
        self.page.click("#tab-ask")
        self.page.locator(".brief, .loop-top").first.wait_for(state="attached")
        self.page.wait_for_selector("#ask[data-state]", state="attached")

    def wait_models(self) -> None:
        """Wait until Claude's models are listed, for which the SDK is loaded."""
        self.page.wait_for_function(
            "() => document.querySelector('#ask-model').options.length === 3", timeout=150_000
        )

    def set_budget(self, budget: Mapping[str, object]) -> None:
        """Type the numbers of the budget; those under Details are unfolded."""
        for name, value in budget.items():
            field = self.page.locator(f"#ask-{name}")
            if not field.is_visible():
                self.page.locator(".ask-setup details > summary").click()
            field.fill(str(value))

    def begin(self, text: str, budget: Mapping[str, object] = TINY) -> None:
        """Start a loop of the built-in designer."""
        self.page.fill("#brief-text", text)
        self.set_budget(budget)
        self.page.click("#ask-start")

    def wait_stage(self, *stages: str, timeout_s: float = 240) -> None:
        """Wait until the loop is in one of the stages."""
        wanted = ", ".join(f"#ask[data-stage='{stage}']" for stage in stages)
        self.page.wait_for_selector(wanted, state="attached", timeout=timeout_s * 1000)

    def wait_over(self, timeout_s: float = 400) -> None:
        """Wait until nothing more will happen."""
        self.page.wait_for_selector("#ask[data-over=true]", state="attached", timeout=timeout_s * 1000)

    def wait_status(self, status: str, timeout_s: float = BOOT_MS / 1000) -> None:
        """Wait until a member has a status."""
        self.page.wait_for_selector(f".member[data-status='{status}']", timeout=timeout_s * 1000)

    def frames_here(self) -> int:
        """How many pictures of moving robots the room was handed."""
        return int(self.room.get_attribute("data-frames") or 0)

    def wait_frames_here(self, more: int = 3) -> None:
        """Wait until robots have moved in the room."""
        self.page.wait_for_function(
            "least => Number(document.getElementById('ask').dataset.frames ?? 0) >= least",
            arg=self.frames_here() + more,
            timeout=BOOT_MS,
        )

    def ledger(self) -> list[dict[str, Any]]:
        """Export the ledger and read it."""
        with self.page.expect_download() as caught:
            self.page.locator("#panel-ask .panel-foot button:text-is('Export the ledger')").click()
        text = Path(caught.value.path()).read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines()]

    def board(self) -> Locator:
        """The rows of the leaderboard."""
        return self.room.locator(".board-frame tbody tr")

    def look_at(self, member: int) -> None:
        """Open a member's code."""
        card = self.room.locator(".members:not(.lessons) > .member").nth(member)
        card.get_by_role("button", name="Code").click()
        self.room.locator(".detail:not(.review) .cm-content").wait_for()

    def type_code(self, source: str) -> None:
        """Write other code in the editor."""
        self.room.locator(".detail:not(.review) .cm-content").fill(source)
