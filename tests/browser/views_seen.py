"""Every state of the page, looked at: pictures at three sizes, what axe-core says of it, what is cut off."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from wasm.build.paths import NODE_MODULES

SIZES = {"1440x900": (1440, 900), "1024x768": (1024, 768), "390x844": (390, 844)}
TABLET, PHONE = "1024x768", "390x844"
AXE = NODE_MODULES / "axe-core" / "axe.min.js"
READ = """async () => {
  // While robots are drawn on the same thread it takes several times as long.
  const draw = window.requestAnimationFrame;
  const held = [];
  window.requestAnimationFrame = (call) => held.push(call);
  const { violations } = await axe.run(document, { resultTypes: ["violations"] }).finally(() => {
    window.requestAnimationFrame = draw;
    for (const call of held) requestAnimationFrame(call);
  });
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) =>
      `${id}: ${target.join(" ")}: ${failureSummary}`));
}"""
SIDEWAYS = """() => [...document.querySelectorAll("html, .panel-body, .curves, .inspector, #ask")]
  .filter((each) => each.checkVisibility() && each.scrollWidth > each.clientWidth)
  .map((each) => `wider than its place: ${each.id || each.className}`)"""


def serious_faults(page: Page) -> list[str]:
    """What axe-core calls serious or critical in the page as it is now."""
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[str] = page.evaluate(READ)
    return found


class Seen:
    """Looks at a page, state after state, and remembers what is wrong with each.

    Attributes:
        faults: by the picture's name; to be compared with `{}` at the end, when all pictures are made.
    """

    def __init__(self, page: Page, folder: Path, prefix: str = "", cut: str = "") -> None:
        """See a page.

        Args:
            page: where; it is as large as the first of `SIZES` between two looks.
            folder: for the pictures.
            prefix: of the pictures' names.
            cut: JavaScript, a function that lists what else is cut off.
        """
        self.page, self.folder, self.prefix, self.cut = page, folder, prefix, cut
        self.faults: dict[str, list[str]] = {}

    def look(self, name: str, *sizes: str, tab: str = "") -> None:
        """Look at the page as it is.

        Args:
            name: of the picture.
            sizes: of `SIZES`; without any all of them.
            tab: of a phone's column, under which this is found there: a selector, pressed first.
        """
        for size in sizes or SIZES:
            self._resize(size)
            if tab and size == PHONE:
                self.page.click(tab)
            # A canvas is drawn at its new size with its next picture.
            self.page.wait_for_timeout(250)
            self.page.screenshot(path=self.folder / f"{self.prefix}{name}-{size}.png")
            found: list[str] = self.page.evaluate(SIDEWAYS)
            if size != TABLET:
                # There the elements are those of the desk, and axe-core takes a second.
                found += serious_faults(self.page)
            if self.cut:
                found += self.page.evaluate(self.cut)
            if found:
                self.faults[f"{name}-{size}"] = found
        self._resize(next(iter(SIZES)))

    def _resize(self, size: str) -> None:
        width, height = SIZES[size]
        self.page.set_viewport_size({"width": width, "height": height})


def told(faults: dict[str, list[str]]) -> str:
    """All faults, to be read."""
    lines: list[Any] = [f"{name}: {fault}" for name, found in faults.items() for fault in found]
    return "\n".join(lines)
