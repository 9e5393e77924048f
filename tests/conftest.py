"""What tests share: the built page, real servers of it, a real browser, a folder for pictures."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from urllib.parse import urlsplit

import hypothesis
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.firefox import Firefox, running_firefox
from tests.kept_copy import keep_copy
from tests.servers import served, served_plainly
from wasm import models
from wasm.build import browser as chromium_finder
from wasm.build import dist
from wasm.build.errors import BuildError

# How fast a busy machine draws examples says nothing about the code; CI always draws the same ones.
hypothesis.settings.register_profile(
    "tabrl",
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
    derandomize="CI" in os.environ,
)
hypothesis.settings.load_profile("tabrl")

ROOT = Path(__file__).resolve().parents[1]
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--enable-unsafe-swiftshader",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
"""WebGL in software; no requests of the browser's own."""
PATIENCE_MS = 90_000
"""How long a page may take over what a person would see at once: many may share a slow machine."""
expect.set_options(timeout=30_000)
LEFT_OUT = pytest.StashKey[list[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--update-pictures` keeps the tests' pictures in docs/pictures/; `--server` chooses the host."""
    parser.addoption("--update-pictures", action="store_true", help="renew docs/pictures")
    parser.addoption(
        "--server",
        choices=("own", "plain", "offline"),
        default="own",
        help="who isolates the page: the project's own server, or the service worker on a plain host under a"
        " sub-path (plain), whose server is then stopped (offline)",
    )


def pytest_sessionfinish(session: pytest.Session) -> None:
    """With `--update-pictures`, keep what was seen of the page's views, small, in docs/pictures/views/."""
    if not session.config.getoption("--update-pictures") or hasattr(session.config, "workerinput"):
        return
    folder = ROOT / "docs" / "pictures" / "views"
    folder.mkdir(parents=True, exist_ok=True)
    for seen in (ROOT / "tests" / "artifacts").glob("*-*x*.png"):
        with Image.open(seen) as picture:
            picture.convert("RGB").save(folder / f"{seen.stem}.webp", quality=50, method=6)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Order the files; with another `--server` than ours, tests of our server are left out, and told."""
    items[:] = _browser_and_others_in_turn(items)
    if config.getoption("--server") == "own":
        return
    left_out = {item: mark for item in items if (mark := item.get_closest_marker("own_server"))}
    config.hook.pytest_deselected(items=list(left_out))
    items[:] = [item for item in items if item not in left_out]
    config.stash[LEFT_OUT] = [f"{item.nodeid}: {mark.args[0]}" for item, mark in left_out.items()]


def _browser_and_others_in_turn(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """A file that drives a browser, then one that does not: two at a time, they share the cores well."""
    files: dict[Path, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    kinds: tuple[list[list[pytest.Item]], list[list[pytest.Item]]] = ([], [])
    for tests in files.values():
        kinds[tests[0].get_closest_marker("browser") is None].append(tests)
    turns: Iterator[tuple[list[pytest.Item], ...]] = zip_longest(*kinds, fillvalue=[])
    return [item for turn in turns for tests in turn for item in tests]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Name the tests that `--server` leaves out, each with its reason."""
    if told := config.stash.get(LEFT_OUT, []):
        terminalreporter.section("left out: they need the project's own server")
        for line in told:
            terminalreporter.line(line)


@pytest.fixture(scope="session")
def artifacts() -> Path:
    """The folder for screenshots and recordings; it is not in the repository."""
    folder = ROOT / "tests" / "artifacts"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session", autouse=True)
def robot_models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The robot models, built anew, where native simulations look for them: no `dist/` is needed."""
    folder = tmp_path_factory.mktemp("models")
    models.build(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TABRL_MODELS", str(folder))
        yield folder


@pytest.fixture(scope="session")
def built_page() -> Path:
    """`dist/`, up to date with the sources."""
    return dist.build()


@pytest.fixture(scope="session")
def isolated_url(built_page: Path, pytestconfig: pytest.Config) -> Iterator[str]:
    """The address of the built page, isolated: by the project's own server, or as `--server` says."""
    if pytestconfig.getoption("--server") == "own":
        with served(built_page) as address:
            yield f"{address}/"
    else:
        with served_plainly(built_page) as address:
            yield address


Prepare = Callable[[Page, str], str]
"""`prepare(page, url)`: makes a fresh page ready for an address of the built page; the address to open."""


@pytest.fixture(scope="session")
def prepare(built_page: Path, isolated_url: str, pytestconfig: pytest.Config) -> Prepare:
    """What `--server` asks for: nothing, a copy kept in the page's browser, or that and no host any more."""
    server = pytestconfig.getoption("--server")
    gone: set[str] = set()

    def kept_from(page: Page, port: int) -> str:
        """Let the page's browser visit a host that is gone afterwards; the host's address."""
        with served_plainly(built_page, port) as address:
            keep_copy(page, address)
        gone.add(address)
        return address

    def prepare_(page: Page, url: str) -> str:
        # An address that one browser shows and another opens, such as a link: that host comes back for it.
        for address in gone:
            if url.startswith(address):
                kept_from(page, urlsplit(address).port or 0)
                return url
        if server == "own" or not url.startswith(isolated_url):
            return url
        if server == "plain":
            keep_copy(page, isolated_url)
            return url
        # A host of its own, so that it can be gone for this page alone.
        return kept_from(page, 0) + url.removeprefix(isolated_url)

    return prepare_


@pytest.fixture(scope="session")
def plain_url(built_page: Path) -> Iterator[str]:
    """The address of the built page on a plain host, under a sub-path, without isolation headers."""
    with served_plainly(built_page) as address:
        yield address


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A headless Chromium for the whole session."""
    program = chromium_finder.require_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def firefox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firefox]:
    """A headless Firefox for the whole session; where there is none and none can be installed, a skip."""
    try:
        program = chromium_finder.require_firefox()
    except BuildError as error:
        pytest.skip(str(error))
    with running_firefox(program, tmp_path_factory.mktemp("firefox")) as started:
        yield started


OpenPage = Callable[..., Page]
"""`open_page(url, size=(1440, 900), phone=False, expected_errors=())`"""


@pytest.fixture
def open_page(chromium: Browser, pytestconfig: pytest.Config, prepare: Prepare) -> Iterator[OpenPage]:
    """Opens pages of their own storage; a console error that the test did not announce fails it."""
    unexpected: list[str] = []
    contexts = []

    # No relay answers on a plain host, and the browser notes it.
    nobody = [] if pytestconfig.getoption("--server") == "own" else ["/health"]

    def note(text: str, expected: Sequence[str]) -> None:
        if not any(part in text for part in [*expected, *nobody]):
            unexpected.append(text)

    def open_(
        url: str,
        *,
        size: tuple[int, int] = (1440, 900),
        phone: bool = False,
        expected_errors: Sequence[str] = (),
    ) -> Page:
        context = chromium.new_context(
            viewport={"width": size[0], "height": size[1]},
            has_touch=phone,
            is_mobile=phone,
            device_scale_factor=2 if phone else 1,
            accept_downloads=True,
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        url = prepare(page, url)
        page.on(
            "console",
            lambda message: (
                note(f"{message.text} ({message.location.get('url')})", expected_errors)
                if message.type == "error"
                else None
            ),
        )
        page.on("pageerror", lambda error: note(str(error), expected_errors))
        page.goto(url)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert not unexpected, "console errors:\n" + "\n".join(unexpected)
