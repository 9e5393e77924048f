"""Pictures of every view at three sizes, kept in tests/artifacts to be looked at."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.conftest import OpenLab
from tests.browser.lab import Lab

pytestmark = pytest.mark.browser

SIZES = {"1440x900": (1440, 900), "1024x768": (1024, 768), "390x844": (390, 844)}


@pytest.mark.parametrize("size", SIZES)
def test_pictures(open_lab: OpenLab, isolated_url: str, artifacts: Path, size: str) -> None:
    phone = size == "390x844"
    lab = open_lab(isolated_url, size=SIZES[size], phone=phone)

    def picture(name: str) -> None:
        lab.page.screenshot(path=artifacts / f"{name}-{size}.png")

    lab.wait_watch("playing")
    lab.wait_frames(20)
    picture("watch-3d")
    lab.page.click("#stage-tools [data-mode=figures]")
    lab.wait_frames(10)
    picture("watch-figures")
    train(lab, picture)
    if phone:
        lab.page.click("#sections button[data-section=curves]")
        picture("train-curves")
        lab.page.click("#sections button[data-section=details]")
    box = lab.page.locator("#grid-canvas").bounding_box()
    assert box is not None
    lab.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    lab.page.locator("#view-3d canvas").wait_for(state="visible")
    lab.wait_frames(10)
    picture("train-close")
    lab.page.keyboard.press("?")
    picture("keys")
    lab.page.keyboard.press("Escape")
    assert lab.notices() == []


def train(lab: Lab, picture: object) -> None:
    """A humanoid run, before and after its first updates."""
    assert callable(picture)
    lab.enter("train")
    lab.page.wait_for_timeout(500)
    picture("train-settings")
    lab.press("Train")
    lab.wait_updates(6, timeout_s=240)
    picture("train-running")
