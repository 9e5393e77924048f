"""Pictures of Watch and Train at three sizes, kept to be looked at and read by axe-core."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.conftest import OpenLab
from tests.browser.lab import BOOT_MS, Lab
from tests.browser.views_seen import PHONE, Seen, told

pytestmark = pytest.mark.browser

CURVES = "#sections button[data-section=curves]"
DETAILS = "#sections button[data-section=details]"


def test_watch_and_train(open_lab: OpenLab, isolated_url: str, artifacts: Path) -> None:
    lab = open_lab(isolated_url)
    seen = Seen(lab.page, artifacts)
    lab.wait_watch("playing")
    lab.wait_frames(20)
    lab.page.locator("#view-3d canvas").wait_for(state="visible")
    seen.look("watch-3d")
    lab.page.click("#stage-tools [data-mode=figures]")
    lab.panel("watch").locator(".task-now").click()
    lab.wait_frames(10)
    seen.look("watch-figures")
    lab.panel("watch").locator(".task-now").click()
    add_beside(lab, seen)
    look_inside(lab, seen)
    share(lab, seen)
    lab.import_policy("notes.safetensors", b"no policy")
    lab.page.locator(".notice").first.wait_for()
    seen.look("import-refused")
    lab.page.locator(".notice button[aria-label]").first.click()
    train(lab, seen)
    assert lab.notices() == []
    lab.page.keyboard.press("?")
    seen.look("keys")
    lab.page.keyboard.press("Escape")
    assert seen.faults == {}, told(seen.faults)


def add_beside(lab: Lab, seen: Seen) -> None:
    """Another policy beside the first, in a changed world, and what is below them."""
    lab.page.select_option("#beside-policy", label="Random actions")
    lab.page.locator("#side-by-side button", has_text="Add").click()
    lab.page.locator(".arena-part").nth(1).wait_for()
    lab.page.select_option("#world-gravity", "0.165")
    lab.page.locator(".arena-part .arena-figures").first.wait_for()
    seen.look("watch-arena")
    lab.page.locator("#panel-watch .panel-body").evaluate("each => each.scrollTo(0, each.scrollHeight)")
    seen.look("watch-below")
    lab.page.locator(".arena-part").nth(1).get_by_role("button").click()


def look_inside(lab: Lab, seen: Seen) -> None:
    """One robot close up, with what goes on inside it."""
    lab.page.locator("#grid-canvas").focus()
    lab.page.keyboard.press("Enter")
    lab.page.locator("#look-inside").wait_for()
    lab.page.keyboard.press("i")
    lab.page.locator("#inside .inside-row").first.wait_for()
    seen.look("inside")
    lab.page.keyboard.press("i")
    lab.page.keyboard.press("Escape")


def share(lab: Lab, seen: Seen) -> None:
    """The sheet of links."""
    lab.page.click("#share-shown")
    lab.page.locator(".share-sheet button:text-is('Copy link'):enabled").wait_for(timeout=BOOT_MS)
    seen.look("share")
    lab.page.keyboard.press("Escape")


def train(lab: Lab, seen: Seen) -> None:
    """A humanoid run: its settings, its first updates, a robot close up, and when it is over."""
    lab.enter("train")
    lab.page.wait_for_timeout(500)
    seen.look("train-settings")
    lab.page.locator("details.group > summary").click()
    seen.look("train-details")
    lab.page.locator("details.group > summary").click()
    lab.press("Train")
    lab.wait_updates(3, timeout_s=240)
    seen.look("train-curves", PHONE, tab=CURVES)
    seen.look("train-running", tab=DETAILS)
    box = lab.page.locator("#grid-canvas").bounding_box()
    assert box is not None
    lab.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    lab.page.locator("#view-3d canvas").wait_for(state="visible")
    lab.wait_frames(10)
    seen.look("train-close")
    lab.press("Stop")
    lab.wait_run("stopped")
    seen.look("train-stopped")
