"""A training run in the page, started by its buttons and let go on for a few updates at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from tests.browser.lab import Lab
from tests.servers import served

BOOT_S, LIMIT_S = 180.0, 900.0
LISTEN = """
globalThis.progress = [];
globalThis.Worker = class extends Worker {
  constructor(...given) {
    super(...given);
    this.addEventListener("message", ({ data }) => {
      if (data.type === "progressed") progress.push({ at_ms: performance.now(), ...data.progress });
    });
  }
};
"""


@contextmanager
def training_page(browser: Browser, folder: Path) -> Iterator[Page]:
    """The page on the project's own server, isolated, with storage of its own; it hears its workers."""
    with served(folder) as address:
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        page = context.new_page()
        page.add_init_script(LISTEN)
        page.goto(f"{address}/")
        yield page
        context.close()


class PageRun:
    """One run; between two slices it is paused."""

    def __init__(self, page: Page, task: str, settings: Mapping[str, object], workers: int) -> None:
        """Fill the form, press Train, wait until that many workers learn, and pause."""
        self.page, self.lab = page, Lab(page)
        self.lab.enter("train")
        self.lab.choose_task("train", task)
        for path, value in settings.items():
            self.lab.set(path, value)
        page.locator("#workers").fill(str(workers))
        self.lab.press("Train")
        page.wait_for_function(
            "wanted => Number(document.querySelector('[data-figure=workers]').value) === wanted",
            arg=workers,
            timeout=BOOT_S * 1000,
        )
        self._pause()

    def slice(self, updates: int) -> float:
        """Go on for so many whole updates; control steps per second of wall clock, by the page's clock."""
        seen = len(self.records())
        self.lab.press("Resume")
        self.page.wait_for_function(
            "least => progress.length >= least", arg=seen + 1 + updates, timeout=LIMIT_S * 1000
        )
        self._pause()
        first, *rest = self.records()[seen:]
        return float((rest[-1]["steps"] - first["steps"]) / (rest[-1]["at_ms"] - first["at_ms"]) * 1000)

    def records(self) -> list[dict[str, Any]]:
        """The records of the updates so far, with the moment at which each came as `at_ms`."""
        found: list[dict[str, Any]] = self.page.evaluate("progress")
        return found

    def _pause(self) -> None:
        self.lab.press("Pause")
        self.lab.wait_run("paused")
