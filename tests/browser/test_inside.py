"""Looking into one robot, on the real page: what it touches, where its weight is, joints and actuators."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenLab
from tests.browser.views_seen import PHONE, SIZES

pytestmark = pytest.mark.browser

TOLD = """() => {
  const rows = [...document.querySelectorAll("#inside .inside-row")];
  const titles = [...document.querySelectorAll("#inside .inside-title")];
  const joints = titles.find((title) => title.textContent === "Joints");
  const terms = rows.filter((row) => row.compareDocumentPosition(joints) & Node.DOCUMENT_POSITION_FOLLOWING);
  return [
    document.querySelector("#inside .inside-title .num").textContent,
    Object.fromEntries(terms.map((row) => [row.children[0].textContent, row.children[2].textContent])),
    terms.map((row) => Number(/scaleX\\((.*)\\)/.exec(row.children[1].firstChild.style.transform)[1])),
  ];
}"""


def inside_terms(page: Page) -> tuple[float, dict[str, float], list[float]]:
    """The reward as the panel has it, its terms, and how long their bars are; all of one moment."""
    reward, terms, bars = page.evaluate(TOLD)
    read = {name: float(text.replace("\u2212", "-")) for name, text in terms.items()}
    return float(reward.replace("\u2212", "-")), read, bars


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
        re.compile(r"\d+ contacts?, [-\u2212]?\d+\sN up; centre of mass \d\.\d\d\sm high"), timeout=20_000
    )
    rows = panel.locator(".inside-row")
    reward, terms, bars = inside_terms(page)
    assert len(terms) > 5
    assert rows.count() == len(terms) + 42, "21 joints and 21 actuators"
    assert sum(terms.values()) == pytest.approx(reward, abs=0.01 * len(terms))
    assert all(value * bar >= 0 for value, bar in zip(terms.values(), bars, strict=True))
    assert 0.2 < max(abs(bar) for bar in bars) <= 1
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


def robot_pixels(page: Page) -> tuple[float, float, float, float]:
    """Left, top, right and bottom (px) of what is lit in the robot's colour on the stage."""
    view = page.locator("#view-3d")
    style = "#inside, .overlay { visibility: hidden }"
    picture = np.asarray(Image.open(io.BytesIO(view.screenshot(style=style))).convert("RGB"), dtype=np.int16)
    red, green, blue = np.moveaxis(picture, 2, 0)
    lit = (red > 110) & (red - blue > 12) & (red - blue < 90) & (red - green < 40)
    rows, columns = np.flatnonzero(lit.sum(axis=1) > 2), np.flatnonzero(lit.sum(axis=0) > 2)
    return float(columns[0]), float(rows[0]), float(columns[-1]), float(rows[-1])


@pytest.mark.parametrize("size", SIZES)
def test_robot_and_panel_are_both_seen(open_lab: OpenLab, isolated_url: str, size: str) -> None:
    lab = open_lab(isolated_url, size=SIZES[size], phone=size == PHONE)
    page = lab.page
    lab.wait_watch("playing")
    page.wait_for_selector("#stage[data-drawn=space]", timeout=60_000)
    page.keyboard.press("v")
    page.locator("#grid-canvas").focus()
    page.keyboard.press("Enter")
    page.locator("#look-inside").click()
    page.locator("#inside .inside-row").first.wait_for(timeout=20_000)
    page.mouse.click(5, 5)
    lab.wait_frames(30)
    stage, panel = page.locator("#view-3d").bounding_box(), page.locator("#inside").bounding_box()
    assert stage is not None
    assert panel is not None
    scale = 2 if size == PHONE else 1
    left, top, right, bottom = (value / scale for value in robot_pixels(page))
    assert bottom - top > 0.25 * stage["height"]
    if size == PHONE:
        assert left > panel["x"] + panel["width"] - stage["x"]
    else:
        assert right < panel["x"] - stage["x"]
    tools = page.locator("#stage-tools").bounding_box()
    assert tools is not None
    assert top > tools["y"] + tools["height"] - stage["y"], "no button is upon the robot"
    assert lab.notices() == []


def test_a_robot_that_python_moves_is_looked_into(
    open_lab: OpenLab, isolated_url: str, artifacts: Path
) -> None:
    lab = open_lab(isolated_url)
    page = lab.page
    lab.wait_watch("playing")
    page.wait_for_selector("#stage[data-drawn=space]", timeout=60_000)
    lab.choose_task("watch", "HalfCheetah-v5")
    lab.wait_watch("playing")
    lab.wait_frames(timeout_s=60)
    page.keyboard.press("v")
    page.locator("#grid-canvas").focus()
    page.keyboard.press("Enter")
    page.locator("#look-inside").click()
    panel = page.locator("#inside")
    expect(panel.locator(".inside-summary")).to_contain_text("centre of mass", timeout=20_000)
    reward, terms, _ = inside_terms(page)
    assert list(terms) == ["forward", "control"]
    assert sum(terms.values()) == pytest.approx(reward, abs=0.02)
    page.screenshot(path=artifacts / "inside-python.png")
    assert lab.notices() == []
