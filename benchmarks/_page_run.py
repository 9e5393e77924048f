"""A training run in the page, started by its buttons and let go on for a few updates at a time."""

from __future__ import annotations

import base64
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
globalThis.policies = [];
globalThis.Worker = class extends Worker {
  constructor(...given) {
    super(...given);
    this.addEventListener("message", ({ data }) => {
      const at_ms = performance.now();
      if (data.type === "progressed") progress.push({ at_ms, ...data.progress });
      if (data.type === "policy_file") policies.push({ at_ms, file: data.policy.slice(0) });
    });
  }
};
"""
POLICIES = """() => policies.map(({ at_ms, file }) => {
  const bytes = Array.from(new Uint8Array(file), (byte) => String.fromCharCode(byte));
  return [at_ms, btoa(bytes.join(""))];
})"""


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
    """One run, driven by the page's buttons."""

    def __init__(
        self, page: Page, task: str, settings: Mapping[str, object], workers: int | None = None
    ) -> None:
        """Fill the form and press Train; None leaves the number of workers to the page."""
        self.page, self.lab, self.workers = page, Lab(page), workers
        self.lab.enter("train")
        self.lab.choose_task("train", task)
        for path, value in settings.items():
            self.lab.set(path, value)
        if workers is not None:
            page.locator("#workers").fill(str(workers))
        self.lab.press("Train")

    def wait_complete(self) -> None:
        """Wait until as many workers learn as were asked for."""
        self.page.wait_for_function(
            "wanted => Number(document.querySelector('[data-figure=workers]').value) === wanted",
            arg=self.workers,
            timeout=BOOT_S * 1000,
        )

    def pause(self) -> None:
        """Press Pause and wait until the run has come to rest."""
        self.lab.press("Pause")
        self.lab.wait_run("paused")

    def slice(self, updates: int) -> float:
        """Of a paused run: go on for so many whole updates; control steps per second by the page's clock."""
        seen = len(self.records())
        self.lab.press("Resume")
        self.page.wait_for_function(
            "least => progress.length >= least", arg=seen + 1 + updates, timeout=LIMIT_S * 1000
        )
        self.pause()
        first, *rest = self.records()[seen:]
        return float((rest[-1]["steps"] - first["steps"]) / (rest[-1]["at_ms"] - first["at_ms"]) * 1000)

    def finish(self, limit_s: float = LIMIT_S) -> list[dict[str, Any]]:
        """Wait until the run has ended and was evaluated; its records."""
        self.lab.wait_run("finished", timeout_s=limit_s)
        return self.records()

    def records(self) -> list[dict[str, Any]]:
        """The records of the updates so far, with the moment at which each came as `at_ms`."""
        found: list[dict[str, Any]] = self.page.evaluate("progress")
        return found

    def policies(self) -> list[tuple[float, bytes]]:
        """The policies that came with checkpoints: seconds since the page was opened, and the file."""
        found = self.page.evaluate(POLICIES)
        return [(at_ms / 1000, base64.b64decode(text)) for at_ms, text in found]
