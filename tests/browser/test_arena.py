"""Several policies beside each other in Watch, in a world that is changed and set back, and in a race."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import OpenLab
from tests.browser.lab import Lab

pytestmark = pytest.mark.browser


def add(lab: Lab, title: str) -> None:
    lab.page.select_option("#beside-policy", label=title)
    lab.page.locator("#side-by-side button", has_text="Add").click()


def parts(lab: Lab) -> Locator:
    return lab.page.locator(".arena-part")


def test_policies_side_by_side_come_and_go(open_lab: OpenLab, isolated_url: str) -> None:
    lab = open_lab(isolated_url)
    lab.wait_watch("playing")
    expect(lab.page.locator(".stage-name")).to_have_text("Walk")
    add(lab, "Random actions")
    add(lab, "Stand")
    line = lab.page.locator(".stage-line")
    expect(line).to_contain_text("36 robots · 3 policies side by side", timeout=60_000)
    # Random actions fall within seconds; nobody else does.
    expect(parts(lab).nth(1).locator(".arena-figures")).to_contain_text(
        re.compile(r"[1-9]\d* falls?"), timeout=60_000
    )
    lab.press_key(" ")
    lab.wait_watch("paused")
    walked = parts(lab).nth(0).locator(".arena-figures")
    expect(walked).to_contain_text(re.compile(r"\d\sm from .*, 0 falls"))
    lab.page.wait_for_timeout(1000)
    words = walked.inner_text()
    parts(lab).nth(1).get_by_role("button").click()
    expect(line).to_contain_text("24 robots · 2 policies side by side")
    # The others stand where they stood.
    expect(walked).to_have_text(words)
    lab.press_key(" ")
    lab.wait_watch("playing")
    lab.page.locator("[aria-label^='Robots of B']").select_option("24")
    expect(line).to_contain_text("36 robots", timeout=60_000)
    lab.wait_frames(timeout_s=60)
    assert lab.notices() == []


def test_the_world_is_changed_and_set_back_by_one_key(open_lab: OpenLab, isolated_url: str) -> None:
    lab = open_lab(isolated_url)
    lab.wait_watch("playing")
    lab.wait_frames()
    line = lab.page.locator(".stage-line")
    lab.page.select_option("#world-friction", "0.05")
    expect(line).to_contain_text("floor ice, a twentieth")
    figures = parts(lab).nth(0).locator(".arena-figures")
    expect(figures).to_contain_text(re.compile(r"[1-9]\d* falls?"), timeout=90_000)
    lab.page.select_option("#world-motor", label="right knee")
    expect(line).to_contain_text("right knee without force")
    lab.press_key("b")
    expect(line).not_to_contain_text("floor")
    expect(lab.page.locator("#world-plain")).to_be_disabled()
    assert lab.page.locator("#world-motor").input_value() == "-1"
    assert lab.notices() == []


def test_a_race_ranks_everybody(open_lab: OpenLab, isolated_url: str) -> None:
    lab = open_lab(isolated_url)
    lab.wait_watch("playing")
    add(lab, "Random actions")
    expect(lab.page.locator(".stage-line")).to_contain_text("24 robots", timeout=60_000)
    lab.press_key("g")
    clock = lab.page.locator("#race [role=status]")
    expect(clock).to_contain_text("came furthest", timeout=240_000)
    first = lab.page.locator(".race li").first
    expect(first).to_contain_text(re.compile(r"A\d+"))
    expect(clock).to_contain_text(re.compile(r": A\d+ came furthest"))
    lab.page.click("#race-stop")
    expect(lab.page.locator(".race")).to_be_hidden()
    assert lab.notices() == []
