"""The page as its service worker keeps it: isolated anywhere, opened without a host, renewed whole."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.browser.conftest import OpenLab
from tests.browser.lab import BOOT_MS, PENDULUM, Lab
from tests.kept_copy import keep_copy
from tests.servers import served_plainly

pytestmark = pytest.mark.browser

CACHES = "async () => (await caches.keys()).length"
STYLE = "style.css"
COLOUR = "getComputedStyle(document.documentElement).getPropertyValue('--test-version')"


@pytest.fixture
def site(built_page: Path, tmp_path: Path) -> Path:
    """The built page as a host has it, to be changed."""
    folder = tmp_path / "site"
    shutil.copytree(built_page, folder, copy_function=os.symlink, ignore=shutil.ignore_patterns("*.br"))
    return folder


def publish(site: Path, version: str, *, broken: bool = False) -> None:
    """Put another version on the host, which differs in a style.

    Args:
        site: the host's folder.
        version: what the style says.
        broken: the style is not the one that the version's record names: half of an upload.
    """
    style = (site / STYLE).read_text() + f"\n:root {{ --test-version: {version}; }}\n"
    record = json.loads((site / "build.json").read_text())
    record["files"][STYLE] = {"bytes": len(style), "sha256": sha256(style.encode()).hexdigest()}
    worker = (site / "service_worker.js").read_text()
    content = sha256(json.dumps(record["files"]).encode()).hexdigest()
    worker, record["content"] = worker.replace(record["content"], content), content
    changed = {"build.json": json.dumps(record), "service_worker.js": worker, STYLE: style + "/**/" * broken}
    for name, text in changed.items():
        (site / name).unlink()
        (site / name).write_text(text)


def wait_for_others(page: Page) -> None:
    """Wait until a newer version stands ready beside the one that serves."""
    page.wait_for_function("navigator.serviceWorker.getRegistration().then((each) => each.waiting !== null)")


def test_a_first_visit_keeps_the_page_and_the_second_needs_no_host(
    open_lab: OpenLab, built_page: Path
) -> None:
    with served_plainly(built_page) as address:
        # Without a host there is no relay either, and the browser notes that nobody answers.
        lab = open_lab(address, expected_errors=["/health"])
        lab.wait_watch("playing")
        assert lab.page.evaluate("crossOriginIsolated") is False
        lab.page.wait_for_function("navigator.serviceWorker.controller !== null", timeout=60_000)
        wanted = len(json.loads((built_page / "build.json").read_text())["files"]) + 1
        count = "async () => (await (await caches.open((await caches.keys())[0])).keys()).length"
        for _ in range(100):
            if lab.page.evaluate(count) == wanted:
                break
            lab.page.wait_for_timeout(300)
        assert lab.page.evaluate(count) == wanted
    lab.page.reload()
    assert lab.page.evaluate("crossOriginIsolated") is True
    lab.wait_watch("playing")
    lab.wait_frames(5)
    lab.train("InvertedPendulum-v5", {**PENDULUM, "total_steps": 4096})
    lab.wait_run("finished")
    assert len(lab.export()) > 1000
    lab.page.click("#tab-ask")
    lab.page.locator("#ask textarea").first.wait_for(state="visible")
    assert lab.notices() == []


def kept(open_page: Callable[..., Page], address: str) -> Lab:
    """The page, kept and controlled."""
    page = open_page(address + "build.json", expected_errors=["favicon.ico"])
    keep_copy(page, address)
    page.goto(address)
    return Lab(page)


def test_a_newer_version_is_offered_whole_and_never_forced(
    open_page: Callable[..., Page], site: Path
) -> None:
    publish(site, "one")
    with served_plainly(site) as address:
        lab = kept(open_page, address)
        page = lab.page
        assert page.evaluate(COLOUR).strip() == "one"
        publish(site, "two")
        page.reload()
        assert page.evaluate(COLOUR).strip() == "one", "the older version serves until the newer is taken"
        words = lab.notice("New version: reload", timeout_s=BOOT_MS / 1000)
        assert "run" not in words
        assert page.evaluate(CACHES) == 2
        with page.expect_navigation():
            page.click(".notice button:text-is('Reload')")
        assert page.evaluate(COLOUR).strip() == "two"
        page.wait_for_function("async () => (await caches.keys()).length === 1 || null")
    page.reload()
    assert page.evaluate("crossOriginIsolated") is True, "what was kept in full is kept in full again"
    lab.wait_watch("playing")


def test_half_an_upload_changes_nothing(open_page: Callable[..., Page], site: Path) -> None:
    publish(site, "one")
    with served_plainly(site) as address:
        lab = kept(open_page, address)
        publish(site, "two", broken=True)
        refused = "navigator.serviceWorker.getRegistration().then((each) => each.update())"
        lab.page.evaluate(f"{refused}.catch(() => null)")
        lab.page.wait_for_function(
            "navigator.serviceWorker.getRegistration().then((each) => (each.installing ? null : true))"
        )
        lab.page.reload()
        assert lab.page.evaluate(COLOUR).strip() == "one"
        assert lab.page.evaluate(
            "navigator.serviceWorker.getRegistration().then((each) => each.waiting === null)"
        )
        lab.wait_watch("playing")
        assert lab.notices() == []


def test_with_another_tab_open_the_older_version_stays(open_page: Callable[..., Page], site: Path) -> None:
    publish(site, "one")
    with served_plainly(site) as address:
        lab = kept(open_page, address)
        other = lab.page.context.new_page()
        other.goto(address)
        publish(site, "two")
        lab.page.reload()
        lab.notice("New version: reload", timeout_s=BOOT_MS / 1000)
        lab.page.click(".notice button:text-is('Reload')")
        assert "Close the other tabs" in lab.notice("TabRL is open in another tab")
        assert lab.page.evaluate(COLOUR).strip() == "one"
        other.close()
        with lab.page.expect_navigation():
            lab.page.click(".notice button:text-is('Reload')")
        assert lab.page.evaluate(COLOUR).strip() == "two"


def limit_storage(context: BrowserContext, page: Page, address: str, quota: int) -> None:
    """Give the page's origin so many bytes of storage."""
    origin = "/".join(address.split("/")[:3])
    session = context.new_cdp_session(page)
    session.send("Storage.overrideQuotaForOrigin", {"origin": origin, "quotaSize": quota})


def test_a_full_disk_is_said_and_costs_only_the_copy(open_lab: OpenLab, plain_url: str) -> None:
    lab = open_lab(plain_url)
    limit_storage(lab.page.context, lab.page, plain_url, 3_000_000)
    lab.wait_watch("playing")
    words = lab.notice("This browser keeps no copy of the page", timeout_s=60)
    assert "disk space" in words
    assert lab.page.evaluate(CACHES) == 0
    before = lab.frames()
    lab.wait_frames(5, since=before)
    lab.page.reload()
    lab.wait_watch("playing")
