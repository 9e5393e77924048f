"""The page on a phone: one column, nothing to scroll sideways, targets for fingers, and it trains."""

from __future__ import annotations

import pytest

from tests.browser.conftest import OpenLab
from tests.browser.lab import PENDULUM

pytestmark = pytest.mark.browser

PHONE = (390, 844)
SMALL_PHONE = (360, 740)
SMALL_TARGETS = """() => {
  const hidden = ".visually-hidden, .skip, [hidden]";
  const larger = "label.policy, label.task-choice, .segmented > label, .setting";
  return [...document.querySelectorAll("button, select, input, summary")]
    .filter((each) => each.checkVisibility({ visibilityProperty: true }) && !each.closest(hidden))
    .map((each) => (each.closest(larger) ?? each).getBoundingClientRect())
    .filter((box) => box.height < 44 || box.width < 44)
    .map((box) => [box.x, box.y, box.width, box.height]);
}"""
"""Boxes of the controls that are smaller than a finger; a label around a control counts as the control."""

NOTHING_SIDEWAYS = """() => document.scrollingElement.scrollWidth <= innerWidth
  && [...document.querySelectorAll(".panel-body, .curves, .inspector")]
    .every((each) => each.scrollWidth <= each.clientWidth)"""
ONE_COLUMN = """() => {
  const parts = ["stage", "inspector"].map((id) => document.getElementById(id).getBoundingClientRect());
  return parts.every((box) => Math.abs(box.left) < 1 && Math.abs(box.right - innerWidth) < 1)
    && parts[0].bottom <= parts[1].top + 1;
}"""

ANY_SPEED_FITS = """async () => {
  const { times } = await import(new URL("panels/format.js", location.href).href);
  const read = document.getElementById("speed-read");
  const bar = document.querySelector(".readouts");
  const told = [0, 0.0004, 0.0432, 0.256, 0.999, 1.234, 12.34, 123.4].map(times);
  const before = read.textContent;
  const cut = told.filter((text) => {
    read.textContent = text;
    return bar.scrollWidth > bar.clientWidth || document.scrollingElement.scrollWidth > innerWidth;
  });
  read.textContent = before;
  return cut;
}"""
"""Speeds of slow and of fast machines that the top bar does not hold."""


@pytest.mark.parametrize("size", [PHONE, SMALL_PHONE])
def test_one_column_trains(open_lab: OpenLab, isolated_url: str, size: tuple[int, int]) -> None:
    lab = open_lab(isolated_url, size=size, phone=True)
    lab.wait_watch("playing")
    lab.page.locator("#speed-read:not(:empty)").wait_for()
    assert lab.page.evaluate(ONE_COLUMN)
    assert lab.page.evaluate(NOTHING_SIDEWAYS)
    assert lab.page.evaluate(ANY_SPEED_FITS) == []
    assert lab.page.evaluate(SMALL_TARGETS) == []
    lab.train("InvertedPendulum-v5", {**PENDULUM, "total_steps": 50_000_000})
    lab.wait_updates(3)
    assert lab.page.evaluate(NOTHING_SIDEWAYS)
    lab.page.click("#sections button[data-section=curves]")
    lab.page.locator("#curves canvas").first.wait_for(state="visible")
    assert not lab.page.locator("#panel-train").is_visible()
    assert lab.page.evaluate(NOTHING_SIDEWAYS)
    lab.page.click("#sections button[data-section=details]")
    lab.press("Stop")
    lab.wait_run("stopped")
    assert lab.notices() == []


def test_ask_claude_fits(open_lab: OpenLab, isolated_url: str) -> None:
    lab = open_lab(isolated_url, size=PHONE, phone=True)
    lab.wait_watch("playing")
    lab.page.click("#tab-ask")
    lab.page.locator("#brief-text").wait_for()
    assert lab.page.evaluate(NOTHING_SIDEWAYS)
    assert lab.page.evaluate(SMALL_TARGETS) == []


@pytest.mark.parametrize("size", [(320, 640), (844, 390), (768, 1024)])
def test_other_shapes_do_not_scroll_sideways(
    open_lab: OpenLab, isolated_url: str, size: tuple[int, int]
) -> None:
    lab = open_lab(isolated_url, size=size, phone=True)
    assert lab.page.evaluate(NOTHING_SIDEWAYS)
    lab.enter("train")
    assert lab.page.evaluate(NOTHING_SIDEWAYS)
    assert lab.page.locator("#train").is_visible()
