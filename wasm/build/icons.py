"""The PNGs of the page's icon, drawn from `web/icons/icon.svg` by Chromium (for maintainers).

`python -m wasm.build.icons` writes them beside it; they are kept in the repository.
"""

from __future__ import annotations

import re

from playwright.sync_api import sync_playwright

from wasm.build.browser import require_chromium
from wasm.build.dist import WEB

FOLDER = WEB / "icons"
INK = "#0e1116"
SAFE = 0.75
"""Of a maskable icon: a circle of four fifths stays (https://www.w3.org/TR/appmanifest/#icon-masks)."""


def main() -> None:
    """Draw all sizes."""
    svg = (FOLDER / "icon.svg").read_text(encoding="utf-8")
    bare = re.sub(r"<rect [^>]*/>", "", svg)
    # Apple's devices round the corners themselves.
    drawings = [
        ("icon-192.png", 192, svg, 1.0, "transparent"),
        ("icon-512.png", 512, svg, 1.0, "transparent"),
        ("icon-180.png", 180, bare, 0.9, INK),
        ("icon-maskable-512.png", 512, bare, SAFE, INK),
    ]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=require_chromium(), args=["--no-sandbox"])
        for name, pixels, drawing, share, ground in drawings:
            page = browser.new_page(viewport={"width": pixels, "height": pixels})
            page.set_content(
                f"<style>html {{ background: {ground}; height: 100%; display: grid; place-content: center }}"
                f"body {{ margin: 0 }} svg {{ display: block; width: {pixels * share}px }}</style>{drawing}"
            )
            page.screenshot(path=FOLDER / name, omit_background=True)
        browser.close()


if __name__ == "__main__":
    main()
