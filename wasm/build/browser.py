"""Browsers for the tests: the system's, else installed now; Chromium also as Playwright's own."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from wasm.build.console import run_logged, say
from wasm.build.errors import BuildError
from wasm.build.paths import CACHE

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome")
MAC_APPLICATIONS = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
FIREFOX_NAMES = ("firefox-esr", "firefox")
FIREFOX_MAC_APPLICATIONS = ("/Applications/Firefox.app/Contents/MacOS/firefox",)


def find_chromium() -> str | None:
    """The program to start: `$TABRL_CHROMIUM`, Playwright's own browser, or the system's; None without any.

    Raises:
        BuildError: `TABRL_CHROMIUM` names a file that does not exist.
    """
    return _chosen("Chromium") or _playwright_chromium() or _installed(NAMES, MAC_APPLICATIONS)


def find_firefox() -> str | None:
    """The program to start: `$TABRL_FIREFOX`, or the system's; None without any.

    Raises:
        BuildError: `TABRL_FIREFOX` names a file that does not exist.
    """
    return _chosen("Firefox") or _installed(FIREFOX_NAMES, FIREFOX_MAC_APPLICATIONS)


def _chosen(browser: str) -> str | None:
    """The program that the user names in the environment."""
    variable = f"TABRL_{browser.upper()}"
    program = os.environ.get(variable)
    if program and not Path(program).is_file():
        raise BuildError(
            f"{variable}={program} does not exist; name a {browser} program or unset the variable"
        )
    return program or None


def _installed(names: Sequence[str], mac_applications: Sequence[str]) -> str | None:
    """The first of these programs that the system has."""
    for name in names:
        found = shutil.which(name)
        if found is not None:
            return found
    return next((path for path in mac_applications if Path(path).is_file()), None)


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
        if _installs_packages():
            _install_package("chromium")
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


def require_firefox() -> str:
    """Find a Firefox, or install Debian's as root on Debian.

    Raises:
        BuildError: there is none and none can be installed.
    """
    found = find_firefox()
    if found is not None:
        return found
    advice = "install Firefox yourself, or set TABRL_FIREFOX to its program"
    if not _installs_packages():
        raise BuildError(f"there is no Firefox; {advice}")
    try:
        _install_package("firefox-esr")
    except BuildError as error:
        raise BuildError(f"there is no Firefox and none could be installed: {error}; {advice}") from None
    found = find_firefox()
    if found is None:
        raise BuildError("Firefox was installed but is not found; set TABRL_FIREFOX to its program")
    return found


def require_webkit() -> tuple[str, str, str]:
    """WebKitGTK's driver, its browser and Xvfb, or install Debian's as root on Debian.

    Raises:
        BuildError: one of them is missing and cannot be installed.
    """
    found = _find_webkit()
    if found is None and _installs_packages():
        _install_package("webkit2gtk-driver")
        _install_package("xvfb")
        found = _find_webkit()
    if found is None:
        raise BuildError("there is no WebKitGTK; install WebKitWebDriver, its MiniBrowser and Xvfb yourself")
    return found


def _find_webkit() -> tuple[str, str, str] | None:
    driver, screen = shutil.which("WebKitWebDriver"), shutil.which("Xvfb")
    browser = max(Path("/usr/lib").glob("*/webkit*gtk-*/MiniBrowser"), default=None)
    return None if driver is None or screen is None or browser is None else (driver, str(browser), screen)


def _installs_packages() -> bool:
    """Whether this is root on Debian."""
    return _is_debian() and os.geteuid() == 0 and shutil.which("apt-get") is not None


def _install_package(name: str) -> None:
    # Two processes of tests may want browsers at once; the package manager takes one at a time.
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "packages.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _install_alone(name)


def _install_alone(name: str) -> None:
    run_logged("Updating the package lists", ["apt-get", "update"], "apt-update.log")
    install = ["apt-get", "install", "--yes", "--no-install-recommends", name]
    run_logged(f"Installing Debian's {name}", install, "apt.log", env={"DEBIAN_FRONTEND": "noninteractive"})


def _is_debian() -> bool:
    try:
        release = Path("/etc/os-release").read_text(encoding="utf-8")
    except OSError:
        return False
    return "ID=debian" in release.splitlines()
