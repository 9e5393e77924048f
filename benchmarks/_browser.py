"""The headless Chromium of the benchmarks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from tests.conftest import CHROMIUM_FLAGS
from wasm.build import browser as chromium_finder

FLAGS = [flag for flag in CHROMIUM_FLAGS if "swiftshader" not in flag]
"""Without WebGL in software, which takes a core for itself: the page draws stick figures."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless browser for one benchmark."""
    program = chromium_finder.require_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


def name_of(browser: Browser) -> str:
    """What a record says of it."""
    return f"headless Chromium {browser.version}, {os.cpu_count()} cores"
