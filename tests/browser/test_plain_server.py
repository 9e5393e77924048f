"""The page on a plain static host, under a sub-path, without isolation headers."""

from __future__ import annotations

import pytest

from tests.browser.conftest import OpenLab
from tests.browser.lab import PENDULUM

pytestmark = pytest.mark.browser


def test_boots_watches_and_trains(open_lab: OpenLab, plain_url: str) -> None:
    lab = open_lab(plain_url)
    assert lab.page.evaluate("crossOriginIsolated") is False
    lab.wait_watch("playing")
    lab.wait_frames(5)
    lab.train("InvertedPendulum-v5", {**PENDULUM, "total_steps": 8192})
    lab.wait_run("finished")
    assert (lab.figure("updates") or 0) >= 16
    assert len(lab.export()) > 1000
    assert lab.notices() == []
