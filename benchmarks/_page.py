"""The built page in a browser of its own, for benchmarks of its loading."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, Playwright, ViewportSize

from tests.conftest import CHROMIUM_FLAGS

SIZE: ViewportSize = {"width": 1440, "height": 900}
LIMIT_S = 120.0
FIRST_ROBOT = """
(() => {
  const look = () => {
    const frames = Number(document.getElementById("stage")?.dataset.frames ?? 0);
    // Two frames: the robots have moved. The next turn of the screen shows them.
    if (frames >= 2) requestAnimationFrame(() => { globalThis.firstRobot_ms = performance.now(); });
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})();
"""
"""Notes when the first robots that moved were drawn, in ms since the navigation."""
FIRST_UPDATE = """
(() => {
  const press = () => {
    const buttons = [...document.querySelectorAll("#panel-train button")];
    const train = buttons.find((button) => button.textContent === "Train");
    if (document.body?.dataset.room !== "train") document.getElementById("tab-train")?.click();
    else if (train && !train.disabled && train.offsetParent) { train.click(); look(); return; }
    setTimeout(press, 10);
  };
  const look = () => {
    if (Number(document.querySelector("[data-figure=updates]")?.value ?? 0) >= 1)
      globalThis.firstUpdate_ms = performance.now();
    else requestAnimationFrame(look);
  };
  press();
})();
"""
"""Opens the Train room, presses Train as soon as there is a button, notes when the first update is shown."""


@contextmanager
def fresh_browser(playwright: Playwright, chromium: str) -> Iterator[BrowserContext]:
    """A browser that has never seen the page, with a disk cache as a person's has; it is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="tabrl-bench-") as profile:
        context = playwright.chromium.launch_persistent_context(
            Path(profile), executable_path=chromium, args=CHROMIUM_FLAGS, viewport=SIZE
        )
        try:
            yield context
        finally:
            context.close()


def when(page: Page, mark: str) -> float:
    """Wait for what an init script notes as `mark`; seconds since the navigation.

    Raises:
        TimeoutError: it did not come; the message has what the page says.
    """
    for _ in range(int(LIMIT_S * 20)):
        found: float | None = page.evaluate(f"globalThis.{mark}_ms ?? null")
        if found is not None:
            return found / 1000.0
        page.wait_for_timeout(50)
    raise TimeoutError(
        f"{mark} did not come within {LIMIT_S:.0f} s: {page.locator('.notices').inner_text()!r}"
    )
