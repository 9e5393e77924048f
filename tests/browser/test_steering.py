"""Robots that take commands are steered from the page, by keys and by the pad."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenLab
from tests.browser.lab import Lab

pytestmark = pytest.mark.browser


def told(lab: Lab, words: str) -> None:
    """Wait until the robots say that they were told this."""
    expect(lab.page.locator(".steering-words")).to_have_text(words, timeout=15_000)


GAMEPAD = """() => {
  const buttons = Array.from({ length: 17 }, () => ({ pressed: false, touched: false, value: 0 }));
  window.pad = { id: "test", index: 0, connected: true, mapping: "standard", axes: [0, 0, 0, 0], buttons };
  Object.defineProperty(navigator, "getGamepads", { value: () => [window.pad] });
  window.dispatchEvent(new Event("gamepadconnected"));
}"""
"""A gamepad's double: the browser of the tests has none. The page sees what a real one would give it."""


def test_a_gamepad_steers(open_lab: OpenLab, isolated_url: str) -> None:
    lab = open_lab(isolated_url)
    lab.wait_watch("playing")
    lab.choose_task("watch", "humanoid-command")
    expect(lab.page.locator("#steering")).to_be_visible(timeout=30_000)
    lab.page.evaluate(GAMEPAD)
    lab.page.evaluate("pad.axes = [0.1, -1, 0, 0]")
    told(lab, "forward 1.4 m/s")
    lab.page.evaluate("pad.axes = [1, 0.05, 0, 0]")
    told(lab, "right 0.4 m/s")
    lab.page.evaluate("pad.axes = [0, -1, -1, 0]")
    told(lab, "forward 1.4 m/s, turn left 1.0 rad/s")
    lab.page.evaluate("pad.axes = [0, 0, 0, 0]")
    told(lab, "stand still")
    lab.page.evaluate("pad.buttons[13].pressed = true")
    told(lab, "back 0.6 m/s")
    lab.page.evaluate("pad.connected = false")
    told(lab, "stand still")
    assert lab.notices() == []


def test_keys_and_pad_steer_for_as_long_as_they_are_held(open_lab: OpenLab, isolated_url: str) -> None:
    lab = open_lab(isolated_url)
    lab.wait_watch("playing")
    steering = lab.page.locator("#steering")
    expect(steering).to_be_hidden()
    lab.choose_task("watch", "humanoid-command")
    expect(steering).to_be_visible(timeout=30_000)
    drawn = lab.page.locator(".steering-words")
    expect(drawn).to_have_text(re.compile("."), timeout=15_000)
    expect(lab.page.locator("#steering-auto")).to_be_hidden()

    lab.page.keyboard.down("w")
    told(lab, "forward 1.4 m/s")
    lab.page.keyboard.down("ArrowLeft")
    told(lab, "forward 1.4 m/s, turn left 1.0 rad/s")
    assert lab.page.locator("[data-direction=turn-left]").get_attribute("aria-pressed") == "true"
    assert lab.page.locator(".dial-arrow").get_attribute("d")
    lab.page.keyboard.up("w")
    lab.page.keyboard.up("ArrowLeft")
    told(lab, "stand still")

    button = lab.page.locator("[data-direction=right]")
    button.hover()
    lab.page.mouse.down()
    told(lab, "right 0.4 m/s")
    lab.page.mouse.up()
    told(lab, "stand still")

    lab.page.locator("#steering-auto").click()
    expect(lab.page.locator("#steering-auto")).to_be_hidden()
    lab.page.keyboard.down("s")
    told(lab, "back 0.6 m/s")
    lab.choose_task("watch", "humanoid-stand")
    expect(steering).to_be_hidden()
    lab.page.keyboard.up("s")
    lab.wait_watch("playing")
    assert lab.notices() == []
