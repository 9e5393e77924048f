"""Looking into one robot, on the real page: what it touches, where its weight is, joints and actuators."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenLab

pytestmark = pytest.mark.browser


def test_one_robot_is_looked_into(open_lab: OpenLab, isolated_url: str, artifacts: Path) -> None:
    lab = open_lab(isolated_url)
    page = lab.page
    lab.wait_watch("playing")
    page.wait_for_selector("#stage[data-drawn=space]", timeout=60_000)
    expect(page.locator("#look-inside")).to_be_hidden()
    box = page.locator("#view-3d").bounding_box()
    assert box is not None
    page.keyboard.press("v")
    page.locator("#grid-canvas").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#look-inside")).to_be_visible()
    page.keyboard.press("i")
    panel = page.locator("#inside")
    expect(panel).to_be_visible()
    summary = panel.locator(".inside-summary")
    expect(summary).to_have_text(
        re.compile(r"\d+ contacts?, -?\d+ N up; centre of mass \d\.\d\d m high"), timeout=20_000
    )
    rows = panel.locator(".inside-row")
    assert rows.count() == 42, "21 joints and 21 actuators"
    before = rows.all_inner_texts()
    lab.wait_frames(20)
    assert rows.all_inner_texts() != before
    page.screenshot(path=artifacts / "inside.png")
    page.keyboard.press("i")
    expect(panel).to_be_hidden()
    page.get_by_role("button", name="Others").click()
    lab.wait_frames(10)
    page.screenshot(path=artifacts / "inside-others.png")
    assert lab.notices() == []
