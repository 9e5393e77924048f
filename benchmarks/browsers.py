"""What works in which browser: `./build.sh bench browsers`.

Each browser opens the page from the project's own server, from a plain host under a sub-path for the first
time, from there once more with the copy that its service worker keeps, and from that copy with the host
stopped. Each time it is to show walking robots and to train a pendulum for 16 updates; `same` says that the
policy is Chromium's, byte for byte.
"""

import argparse
import base64
import hashlib
import json
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol

from playwright.sync_api import Page, sync_playwright

from benchmarks import _results
from tests.browser.test_firefox import POLICY, SETTINGS, TRAIN
from tests.conftest import CHROMIUM_FLAGS
from tests.firefox import Firefox, FirefoxPage, running_firefox
from tests.kept_copy import KEEP
from tests.servers import served, served_plainly
from tests.webkit import running_webkit
from wasm.build import browser as finder
from wasm.build import dist
from wasm.build.errors import BuildError

LIMIT_S = 240.0
TASK = {"task": "InvertedPendulum-v5", "settings": SETTINGS}
STATE = "([room, state]) => document.querySelector(`#panel-${room}`).dataset.state === state"
MOVED = "() => Number(document.getElementById('stage').dataset.frames ?? 0) >= 5"
UPDATES = "() => Number(document.querySelector('[data-figure=updates]').value)"
HOSTS = ("own server", "plain host, first visit", "plain host, second visit", "host stopped")


class Browser(Protocol):
    """One page of a browser, whoever drives it."""

    def open(self, url: str) -> None:
        """Go there and wait until it is loaded."""

    def evaluate(self, function: str, argument: object = None) -> Any:  # noqa: ANN401 - any JSON value
        """Call a JavaScript function."""


class _Chromium:
    """Chromium's page, by Playwright."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def open(self, url: str) -> None:
        self._page.goto(url)

    def evaluate(self, function: str, argument: object = None) -> Any:  # noqa: ANN401 - any JSON value
        return self._page.evaluate(function, argument)


class _Firefox:
    """Firefox's newest tab."""

    def __init__(self, firefox: Firefox) -> None:
        self._firefox = firefox
        self._page: FirefoxPage | None = None

    def open(self, url: str) -> None:
        if self._page is not None:
            self._page.close()
        self._page = self._firefox.open(url)

    def evaluate(self, function: str, argument: object = None) -> Any:  # noqa: ANN401 - any JSON value
        assert self._page is not None
        return self._page.evaluate(function, argument)


def version(program: str) -> str:
    """What a browser says of itself."""
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"\d+(?:\.\d+)+", said)
    return found[0] if found else "?"


@contextmanager
def chromium() -> Iterator[tuple[str, Browser]]:
    """Headless Chromium."""
    program = finder.require_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=CHROMIUM_FLAGS)
        yield f"Chromium {browser.version}", _Chromium(browser.new_page())
        browser.close()


@contextmanager
def firefox() -> Iterator[tuple[str, Browser]]:
    """Headless Firefox."""
    program = finder.require_firefox()
    with (
        tempfile.TemporaryDirectory(prefix="tabrl-firefox-") as folder,
        running_firefox(program, Path(folder)) as started,
    ):
        yield f"Firefox {version(program)}", _Firefox(started)


@contextmanager
def webkit() -> Iterator[tuple[str, Browser]]:
    """WebKitGTK on a screen that nobody sees."""
    programs = finder.require_webkit()
    with (
        tempfile.TemporaryDirectory(prefix="tabrl-webkit-", ignore_cleanup_errors=True) as folder,
        running_webkit(*programs, folder=Path(folder)) as page,
    ):
        yield f"WebKitGTK {page.version}", page


BROWSERS = {"chromium": chromium, "firefox": firefox, "webkit": webkit}


def wait_for(page: Browser, function: str, argument: object = None) -> None:
    """Wait until a JavaScript function says yes.

    Raises:
        TimeoutError: it never did.
    """
    until = time.monotonic() + LIMIT_S
    while not page.evaluate(function, argument):
        if time.monotonic() > until:
            shown = str(page.evaluate("() => document.body.innerText"))
            raise TimeoutError(f"not within {LIMIT_S:.0f} s; the page shows {shown[-300:]!r}")
        time.sleep(0.3)


def visit(page: Browser, address: str) -> dict[str, Any]:
    """Open the page, watch, train; what came of it, up to the first thing that did not work."""
    row: dict[str, Any] = {"opens": False, "isolated": False, "watches": False, "trains": False, "policy": ""}
    try:
        page.open(address)
        row["isolated"] = bool(page.evaluate("() => crossOriginIsolated"))
        wait_for(page, STATE, ["watch", "playing"])
        row["opens"] = True
        wait_for(page, MOVED)
        row["watches"] = True
        page.evaluate(TRAIN, TASK)
        wait_for(page, STATE, ["train", "finished"])
        row["trains"] = page.evaluate(UPDATES) >= 16
        row["policy"] = hashlib.sha256(base64.b64decode(page.evaluate(POLICY))).hexdigest()
    except (RuntimeError, TimeoutError) as error:
        row["error"] = str(error)
    return row


def keep(page: Browser, address: str) -> None:
    """Let the browser keep the whole page."""
    page.open(address)
    adopted, kept = page.evaluate(KEEP)
    if not adopted.get("same") or kept.get("missing") != 0:
        raise RuntimeError(f"the service worker said {adopted} and {kept}")


def measure(page: Browser, built: Path) -> dict[str, dict[str, Any]]:
    """One browser on all hosts; each host is one of its own, so nothing is left from the one before."""
    rows: dict[str, dict[str, Any]] = {}
    with served(built) as address:
        rows[HOSTS[0]] = visit(page, f"{address}/")
    with served_plainly(built) as address:
        rows[HOSTS[1]] = visit(page, address)
    for host, stopped in zip(HOSTS[2:], (False, True), strict=True):
        with ExitStack() as running:
            address = running.enter_context(served_plainly(built))
            try:
                keep(page, address)
            except RuntimeError as error:
                rows[host] = {"error": str(error)}
                continue
            if stopped:
                running.close()
            rows[host] = visit(page, address)
    return rows


def table_of(found: dict[str, dict[str, dict[str, Any]]], reference: str) -> str:
    """Markdown: a line per browser and host."""
    lines = ["| browser | page from | isolated | watches | trains | same |", "|---|---|---|---|---|---|"]
    said = {True: "yes", False: "no"}
    for name, hosts in found.items():
        for host, row in hosts.items():
            cells = [said[bool(row.get(key))] for key in ("isolated", "watches", "trains")]
            same = said[bool(row.get("policy")) and row.get("policy") == reference]
            lines.append(f"| {name} | {host} | {' | '.join(cells)} | {same} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Try, print a table and a line of JSON."""
    parser = argparse.ArgumentParser(prog="./build.sh bench browsers", description="What works where.")
    parser.add_argument("--only", choices=BROWSERS, nargs="+", default=list(BROWSERS), help="all unless told")
    chosen: list[str] = parser.parse_args().only
    built = dist.build()
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for name in chosen:
        opened: Callable[[], Any] = BROWSERS[name]
        try:
            with opened() as (title, page):
                found[title] = measure(page, built)
        except BuildError as error:
            print(f"{name}: {error}")
    policies = [row.get("policy", "") for hosts in found.values() for row in hosts.values()]
    table = table_of(found, next(iter(policies), ""))
    print(table)
    for name, hosts in found.items():
        for host, row in hosts.items():
            if "error" in row:
                print(f"{name}, {host}: {row['error']}")
    figures = {
        "rows": len(policies),
        "trained": sum(bool(row.get("trains")) for hosts in found.values() for row in hosts.values()),
        "policies": len(set(policies)),
    }
    if set(chosen) == set(BROWSERS):
        _results.write("browsers", "./build.sh bench browsers", table, {"figures": figures, "rows": found})
    print(json.dumps({"bench": "browsers", "figures": figures}))


if __name__ == "__main__":
    main()
