"""Fingers on the stage of a phone, and how many robots it holds."""

from __future__ import annotations

import pytest

from tests.browser.conftest import OpenLab
from tests.browser.test_phone import NOTHING_SIDEWAYS, PHONE, SMALL_PHONE, SMALL_TARGETS

pytestmark = pytest.mark.browser


def test_ask_claude_fits_a_small_phone(open_lab: OpenLab, isolated_url: str) -> None:
    lab = open_lab(isolated_url, size=SMALL_PHONE, phone=True)
    lab.wait_watch("playing")
    lab.page.click("#tab-ask")
    lab.page.locator("#brief-text").wait_for()
    assert lab.page.evaluate(NOTHING_SIDEWAYS)
    assert lab.page.evaluate(SMALL_TARGETS) == []


def test_a_finger_orbits(open_lab: OpenLab, isolated_url: str) -> None:
    """One finger on the empty floor turns the view, and scrolls nothing."""
    lab = open_lab(isolated_url, size=PHONE, phone=True)
    lab.wait_watch("playing")
    canvas = lab.page.locator("#view-3d canvas")
    canvas.wait_for(state="visible")
    lab.page.locator("#transport button[aria-label='Pause']").click()
    lab.wait_watch("paused")
    lab.page.wait_for_timeout(500)
    box = canvas.bounding_box()
    assert box is not None
    before = canvas.screenshot()
    session = lab.page.context.new_cdp_session(lab.page)
    y = box["y"] + 0.9 * box["height"]

    def touch(kind: str, *points: float) -> None:
        where = [{"x": x, "y": y} for x in points]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": where})

    touch("touchStart", 120.0)
    for x in range(130, 260, 10):
        touch("touchMove", float(x))
    touch("touchEnd")
    lab.page.wait_for_timeout(800)
    assert canvas.screenshot() != before
    assert lab.page.evaluate("scrollY") == 0


def test_so_many_robots_as_move_in_real_time(open_lab: OpenLab, isolated_url: str) -> None:
    lab = open_lab(isolated_url, size=PHONE, phone=True)
    lab.wait_watch("playing")
    fewer = lab.page.evaluate(
        """async () => {
          const { robotsInRealTime } = await import(new URL("crowd_pace.js", location.href).href);
          return [robotsInRealTime(12, 0.5), robotsInRealTime(12, 0.89), robotsInRealTime(2, 0.1)];
        }"""
    )
    assert fewer == [6, 10, 1]
