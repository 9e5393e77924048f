"""Claude designs in the page: the real SDK in its worker, through the proxy, against a local Messages API."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.ask_claude import KEY, answer
from tests.browser.ask_lab import TINY, AskLab
from tests.messages_api import MessagesApi, running_messages_api
from tests.servers import served

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Page]


@pytest.fixture
def api() -> Iterator[MessagesApi]:
    with running_messages_api(answer, keys=[KEY]) as running:
        yield running


@pytest.fixture
def open_claude(open_page: OpenPage, built_page: Path, api: MessagesApi) -> Iterator[Callable[..., AskLab]]:
    """Opens the room on a server that has a key and relays to the local API."""
    with served(built_page, "--upstream", api.address, key=KEY) as address:

        def open_() -> AskLab:
            lab = AskLab(open_page(address))
            lab.open_room()
            return lab

        yield open_


def test_a_loop_of_four_members_and_three_generations(
    open_claude: Callable[..., AskLab], api: MessagesApi
) -> None:
    """The fitness is proposed and frozen first; the key is nowhere in the page; usage adds up."""
    lab = open_claude()
    lab.page.wait_for_function(
        "() => document.querySelector('#ask-model').options.length === 3", timeout=120_000
    )
    assert lab.page.locator("#designer-proxy").is_checked()
    assert lab.page.locator("#ask-model").input_value() == "claude-opus-5-5"
    lab.page.select_option("#ask-fitness", "proposed")
    lab.begin("Stand like a lighthouse", {**TINY, "members": 4, "generations": 3})
    lab.page.wait_for_selector("#ask-freeze", timeout=120_000)
    lab.room.locator(".review .cm-content").wait_for()
    lab.page.click("#ask-freeze")
    lab.wait_status("training")
    assert "balance comes first" in lab.page.locator(".analysis").inner_text()
    lab.wait_over(580)
    assert len(lab.page.locator(".timeline-dot").all()) >= 12
    lines = lab.ledger()
    used = [line["data"]["usage"] for line in lines if line["data"].get("usage")]
    assert len(used) == len(api.asked)
    assert lab.notices() == []
    html = lab.page.content()
    assert KEY not in html
    lab.page.click("#ask-watch")
    lab.page.wait_for_function(
        "() => document.querySelector('[data-figure=fitness-now]').value !== ''", timeout=120_000
    )
    before, now = (
        lab.page.locator(f"[data-figure=fitness-{when}]").evaluate("each => each.value")
        for when in ("then", "now")
    )
    assert float(before) == float(now)


@pytest.mark.own_server("a relay without a key is asked")
def test_a_server_without_a_key_says_how_to_start_one(open_page: OpenPage, isolated_url: str) -> None:
    lab = AskLab(open_page(isolated_url))
    lab.open_room()
    words = lab.panel("ask").inner_text()
    assert "has no key" in words
    assert "ANTHROPIC_API_KEY=... ./build.sh serve" in words
    lab.page.click("#designer-proxy")
    lab.page.fill("#brief-text", "Stand")
    assert lab.room.locator("#ask-start").is_disabled()
