"""A Chromium for the browser tests: Playwright's own, else the system's, else one that is installed now."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from wasm.build.console import run_logged, say
from wasm.build.errors import BuildError

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome")
MAC_APPLICATIONS = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)


def find_chromium() -> str | None:
    """The program to start: `$TABRL_CHROMIUM`, Playwright's own browser, or the system's; None without any.

    Raises:
        BuildError: `TABRL_CHROMIUM` names a file that does not exist.
    """
    chosen = os.environ.get("TABRL_CHROMIUM")
    if chosen:
        if not Path(chosen).is_file():
            raise BuildError(
                f"TABRL_CHROMIUM={chosen} does not exist; name a Chromium program or unset the variable"
            )
        return chosen
    own = _playwright_chromium()
    if own is not None:
        return own
    for name in NAMES:
        found = shutil.which(name)
        if found is not None:
            return found
    return next((path for path in MAC_APPLICATIONS if Path(path).is_file()), None)


ASK_PLAYWRIGHT = """
from playwright.sync_api import sync_playwright
with sync_playwright() as playwright:
    print(playwright.chromium.executable_path)
"""


def _playwright_chromium() -> str | None:
    # In a process of its own: Playwright refuses a second session beside the one that drives the tests.
    answer = subprocess.run(
        [sys.executable, "-c", ASK_PLAYWRIGHT], capture_output=True, text=True, check=False, timeout=60
    )
    path = answer.stdout.strip()
    return path if path and Path(path).is_file() else None


def require_chromium() -> str:
    """Find a Chromium, or install one: Debian's package as root on Debian, else Playwright's download.

    Raises:
        BuildError: there is none and none can be installed.
    """
    found = find_chromium()
    if found is not None:
        return found
    say("No Chromium was found for the browser tests.")
    try:
        if _is_debian() and os.geteuid() == 0 and shutil.which("apt-get"):
            run_logged("Updating the package lists", ["apt-get", "update"], "apt-update.log")
            install = ["apt-get", "install", "--yes", "--no-install-recommends", "chromium"]
            run_logged(
                "Installing Debian's chromium", install, "apt.log", env={"DEBIAN_FRONTEND": "noninteractive"}
            )
        else:
            install = [sys.executable, "-m", "playwright", "install", "chromium"]
            run_logged("Downloading Playwright's Chromium", install, "playwright.log")
    except BuildError as error:
        raise BuildError(
            f"there is no Chromium for the browser tests and none could be installed: {error};"
            " install Chromium or Chrome yourself, or set TABRL_CHROMIUM to its program"
        ) from None
    found = find_chromium()
    if found is None:
        raise BuildError("Chromium was installed but is not found; set TABRL_CHROMIUM to its program")
    return found


def _is_debian() -> bool:
    try:
        release = Path("/etc/os-release").read_text(encoding="utf-8")
    except OSError:
        return False
    return "ID=debian" in release.splitlines()
