"""Pictures of what opens upon Watch, at three sizes, kept to be looked at and read by axe-core."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenLab
from tests.browser.lab import BOOT_MS, Lab
from tests.browser.test_own_robots import SHEET, drop, wait_proposed
from tests.browser.views_seen import Seen, told
from tests.parity.own_robots import FIXTURES, zipped_folder

pytestmark = pytest.mark.browser

CUT = """() => [...document.querySelectorAll("dialog[open], #inside, .record-choices")]
  .flatMap((each) => {
    const { left, right, top, bottom } = each.getBoundingClientRect();
    const seen = !each.checkVisibility() || right === left
      || (left >= 0 && top >= 0 && right <= innerWidth && bottom <= innerHeight);
    return [
      ...(seen ? [] : [`beyond the window: ${each.id || each.className}`]),
      ...(each.scrollWidth > each.clientWidth + 1 ? [`cut off: ${each.id || each.className}`] : []),
    ];
  })"""
"""What opens upon the page and reaches beyond it."""


def test_somebodys_own_robot(open_lab: OpenLab, isolated_url: str, artifacts: Path) -> None:
    lab = open_lab(isolated_url)
    seen = Seen(lab.page, artifacts, "robot-", CUT)
    lab.wait_watch("playing")
    lab.page.click("#own-robot-watch")
    lab.page.locator("#choose-robot").wait_for(timeout=BOOT_MS)
    seen.look("start")
    lab.page.set_input_files("#robot-file", FIXTURES / "crawler" / "crawler.xml")
    lab.page.locator(f"{SHEET} .setting-problem:not(:empty)").first.wait_for(timeout=BOOT_MS)
    seen.look("refused")
    drop(lab, "crawler.zip", zipped_folder(FIXTURES / "crawler"))
    wait_proposed(lab)
    seen.look("found")
    lab.page.click("#watch-robot")
    lab.page.wait_for_selector("#panel-watch[data-task^='own-']", timeout=BOOT_MS, state="attached")
    lab.wait_watch("playing")
    lab.wait_frames(timeout_s=60)
    seen.look("watched")
    lab.page.click("#own-robot-watch")
    lab.page.locator(f"{SHEET} .robot-list li").first.wait_for()
    seen.look("kept")
    assert seen.faults == {}, told(seen.faults)


def test_what_is_done_to_robots(open_lab: OpenLab, isolated_url: str, artifacts: Path) -> None:
    lab = open_lab(isolated_url)
    seen = Seen(lab.page, artifacts, "arena-", CUT)
    lab.wait_watch("playing")
    lab.wait_frames(20)
    lab.page.locator("#view-3d canvas").wait_for(state="visible")
    lab.page.click("#record > summary")
    seen.look("record")
    lab.page.keyboard.press("Escape")
    lab.page.click("#race-start")
    lab.page.locator("ol.race li").first.wait_for(timeout=BOOT_MS)
    lab.wait_frames(20)
    seen.look("race")
    lab.page.click("#race-stop")
    together(lab, seen)
    lab.page.select_option("#show-count", "100")
    lab.wait_frames(10)
    seen.look("hundred")
    lab.page.click("#stage-tools [data-mode=figures]")
    lab.wait_frames(10)
    seen.look("hundred-figures")
    lab.page.select_option("#show-count", "4")
    lab.choose_task("watch", "humanoid-command")
    lab.page.locator("#steering").wait_for(timeout=BOOT_MS)
    lab.page.click("#stage-tools [data-mode=crowd]")
    lab.wait_frames(20)
    seen.look("steering")
    assert lab.notices() == []
    assert seen.faults == {}, told(seen.faults)


def together(lab: Lab, seen: Seen) -> None:
    """Forty-eight robots in one world, pushed, with a ball thrown at them; in 3D and as figures."""
    lab.page.select_option("#show-count", "48")
    lab.press_key("o")
    expect(lab.page.locator(".stage-line")).to_contain_text("one world", timeout=BOOT_MS)
    lab.press_key("t")
    expect(lab.page.locator("#stage")).to_have_attribute("data-balls", "1", timeout=BOOT_MS)
    lab.press_key("p")
    lab.wait_frames(20)
    seen.look("together")
    lab.page.click("#stage-tools [data-mode=figures]")
    lab.wait_frames(20)
    seen.look("together-figures")
    lab.page.click("#stage-tools [data-mode=crowd]")
    lab.press_key("o")
