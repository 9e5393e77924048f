"""The README's pictures, made from the real page.

`./build.sh test tests/browser/test_pictures.py --update-pictures` renews them.
"""

from __future__ import annotations

import io
import shutil
import time
from itertools import pairwise
from pathlib import Path

import pytest
from PIL import Image

from tests.browser.conftest import OpenLab
from tests.browser.lab import Lab

pytestmark = pytest.mark.browser

PICTURES = Path(__file__).resolve().parents[2] / "docs" / "pictures"
ANIMATION_SIZE = (720, 450)
FRAMES = 24


@pytest.fixture
def keep(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-pictures"))


def filmed(lab: Lab, frames: int) -> tuple[list[Image.Image], list[int]]:
    """Pictures of the stage and how long each was in sight, ms."""
    stage = lab.page.locator("#stage")
    pictures, times = [], [time.monotonic()]
    for frame in range(frames):
        if frame == frames // 4:
            lab.page.keyboard.press("p")
        lab.wait_frames(2)
        picture = Image.open(io.BytesIO(stage.screenshot())).convert("RGB")
        pictures.append(picture.resize(ANIMATION_SIZE, Image.Resampling.LANCZOS))
        times.append(time.monotonic())
    return pictures, [round(1000 * (b - a)) for a, b in pairwise(times)]


def test_the_first_screen_moves(open_lab: OpenLab, isolated_url: str, artifacts: Path, keep: bool) -> None:
    lab = open_lab(isolated_url)
    lab.wait_watch("playing")
    lab.wait_frames(40)
    lab.page.screenshot(path=artifacts / "watch.png")
    pictures, durations = filmed(lab, FRAMES)
    assert len({picture.tobytes() for picture in pictures}) > FRAMES // 2, "the robots move"
    film = artifacts / "watch.webp"
    pictures[0].save(film, save_all=True, append_images=pictures[1:], duration=durations, loop=0, quality=60)
    assert film.stat().st_size < 2_000_000
    if keep:
        for name in ("watch.png", "watch.webp"):
            shutil.copy(artifacts / name, PICTURES / name)


def test_the_training_screen_shows_curves(
    open_lab: OpenLab, isolated_url: str, artifacts: Path, keep: bool
) -> None:
    lab = open_lab(isolated_url)
    lab.train("humanoid-stand", {"total_steps": 1_000_000})
    lab.wait_updates(12, timeout_s=120)
    lab.page.screenshot(path=artifacts / "train.png")
    assert lab.notices() == []
    if keep:
        shutil.copy(artifacts / "train.png", PICTURES / "train.png")
