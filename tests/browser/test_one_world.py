"""All robots of Watch in one physics world, and balls that are thrown at them."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenLab
from tests.browser.test_arena import add

pytestmark = pytest.mark.browser


def test_robots_share_a_world_and_balls_are_thrown(open_lab: OpenLab, isolated_url: str) -> None:
    lab = open_lab(isolated_url)
    lab.wait_watch("playing")
    line, words = lab.page.locator(".stage-line"), lab.page.locator("#one-world p")
    add(lab, "Random actions")
    expect(line).to_contain_text("24 robots", timeout=60_000)
    lab.press_key("o")
    expect(line).to_contain_text("24 robots · 2 policies side by side · one world", timeout=60_000)
    expect(lab.page.locator("#together")).to_have_attribute("aria-pressed", "true")
    expect(words).to_contain_text(
        re.compile(r"24 robots in one world, physics at [\d.]+x real time"), timeout=60_000
    )
    stage = lab.page.locator("#stage")
    expect(stage).to_have_attribute("data-balls", "0")
    lab.press_key("t")
    expect(stage).to_have_attribute("data-balls", "1", timeout=30_000)
    # As stick figures they share one picture too, on which one is chosen; apart, each has a cell again.
    lab.press_key("v")
    world, cells = lab.page.locator("#world-canvas"), lab.page.locator("#grid-canvas")
    expect(world).to_be_visible()
    expect(cells).to_be_hidden()
    lab.wait_frames(timeout_s=60)
    assert world.locator("[role=option]").count() == 24
    world.focus()
    lab.page.keyboard.press("End")
    lab.page.keyboard.press("Enter")
    expect(lab.page.locator("#look-inside")).to_be_visible()
    lab.page.keyboard.press("Escape")
    expect(world).to_be_visible()
    lab.page.keyboard.press("v")
    lab.page.click("#throw-ball")
    expect(stage).to_have_attribute("data-balls", "2", timeout=30_000)
    lab.page.locator(".arena-part").nth(1).get_by_role("button").click()
    expect(words).to_contain_text("12 robots in one world, physics at", timeout=60_000)
    lab.press_key("o")
    expect(line).not_to_contain_text("one world", timeout=60_000)
    lab.wait_frames(timeout_s=60)
    lab.page.select_option("#show-count", "100")
    expect(words).to_contain_text("One world holds up to 50 robots; there are 100.", timeout=60_000)
    expect(lab.page.locator("#together")).to_be_disabled()
    assert lab.notices() == []
    lab.page.select_option("#show-count", "4")
    lab.choose_task("watch", "Walker2d-v5")
    lab.wait_watch("playing")
    lab.press_key("o")
    assert "only robots that move freely" in lab.notice("These robots cannot share a world")
    expect(lab.page.locator("#together")).to_have_attribute("aria-pressed", "false")
    lab.wait_watch("playing")
    lab.wait_frames()
