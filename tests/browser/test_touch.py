"""Fingers on the stage of a phone, and how many robots it holds."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator

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
    box = canvas.bounding_box()
    assert box is not None
    before = at_rest(canvas)
    session = lab.page.context.new_cdp_session(lab.page)
    y = box["y"] + 0.72 * box["height"]
    for x in (330.0, 200.0):
        assert lab.page.evaluate("([x, y]) => document.elementFromPoint(x, y).tagName", [x, y]) == "CANVAS"

    def touch(kind: str, *points: float) -> None:
        where = [{"x": x, "y": y} for x in points]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": where})

    touch("touchStart", 330.0)
    for x in range(320, 200, -10):
        touch("touchMove", float(x))
    touch("touchEnd")
    for _ in range(60):
        lab.page.wait_for_timeout(250)
        if canvas.screenshot() != before:
            break
    else:
        pytest.fail("the picture stays as it was")
    assert lab.page.locator("#panel-watch").get_attribute("data-state") == "paused"
    assert lab.page.evaluate("scrollY") == 0


def at_rest(canvas: Locator) -> bytes:
    """A picture of paused robots that three later ones, over a second and a half, are the same as."""
    last, same = canvas.screenshot(), 0
    for _ in range(60):
        canvas.page.wait_for_timeout(500)
        now = canvas.screenshot()
        same = same + 1 if now == last else 0
        if same == 3:
            return last
        last = now
    pytest.fail("the picture of paused robots does not come to rest")


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
