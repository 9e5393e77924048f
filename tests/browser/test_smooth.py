"""The page stays quick: no task of its main thread is long while a humanoid learns."""

from __future__ import annotations

import pytest

from tests.browser.conftest import OpenLab

pytestmark = pytest.mark.browser

LONGEST_MS = 50
WATCH = """() => {
  window.longTasks = [];
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) window.longTasks.push(entry.duration);
  }).observe({ type: "longtask" });
}"""


def test_no_long_task_while_the_humanoid_trains(open_lab: OpenLab, isolated_url: str) -> None:
    lab = open_lab(isolated_url)
    lab.train("humanoid-stand", {})
    lab.wait_updates(1, timeout_s=180)
    lab.page.wait_for_timeout(2000)
    lab.page.evaluate(WATCH)
    before = lab.frames()
    lab.wait_updates(int(lab.figure("updates") or 0) + 3, timeout_s=180)
    assert lab.frames() > before + 20
    tasks = lab.page.evaluate("window.longTasks")
    assert max(tasks, default=0) < LONGEST_MS
