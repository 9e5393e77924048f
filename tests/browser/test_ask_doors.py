"""The other ways to Claude: a key of one's own and no relay; a relay alone, for a page elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Request, Route, expect

from tests.browser.ask_claude import SIZE, SMALLEST, answer
from tests.browser.ask_lab import AskLab
from tests.messages_api import MessagesApi, running_messages_api
from tests.proxy.relays import Relay, relaying
from tests.servers import SUB_PATH, served, served_plainly

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

OpenPage = Callable[..., Page]
API = "https://api.anthropic.com/"
KEY = "sk-ant-own-canary-9876543210fedcba"
TEXT = "Stand like a lighthouse"
ONE = {**SMALLEST, "generations": 1}
KEPT = """async () => {
  const texts = [document.cookie, JSON.stringify({ ...localStorage }), JSON.stringify({ ...sessionStorage })];
  const settled = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const latin1 = new TextDecoder("latin1");
  const written = (_, value) => value instanceof ArrayBuffer ? latin1.decode(value) : value;
  for (const { name } of await indexedDB.databases()) {
    const database = await settled(indexedDB.open(name));
    for (const store of database.objectStoreNames) {
      const objects = () => database.transaction(store).objectStore(store);
      const found = [await settled(objects().getAllKeys()), await settled(objects().getAll())];
      texts.push(JSON.stringify(found, written));
    }
    database.close();
  }
  return texts.join("\\n");
}"""
"""All that the page has the browser keep, as text."""


def lead_to(api: MessagesApi, page: Page) -> None:
    """Have the browser find the local API where the real one is."""

    def pass_on(route: Route) -> None:
        route.fulfill(response=route.fetch(url=route.request.url.replace(API, f"{api.address}/")))

    page.context.route(f"{API}**", pass_on)


@pytest.fixture
def api() -> Iterator[MessagesApi]:
    with running_messages_api(answer, keys=[KEY]) as running:
        yield running


@pytest.fixture
def elsewhere(open_page: OpenPage, built_page: Path, api: MessagesApi) -> Iterator[tuple[AskLab, Relay]]:
    """The room on a plain host, and the relay that runs alone for it."""
    with served_plainly(built_page) as address:
        origin = address.removesuffix(f"{SUB_PATH}/")
        with relaying(api.address, key=KEY, origin=origin) as relay:
            # The host is asked for its health once it is isolated, and has none.
            lab = AskLab(open_page(address, size=SIZE, expected_errors=[f"{origin}{SUB_PATH}/health"]))
            lab.open_room()
            lab.page.click("#designer-proxy")
            words = lab.panel("ask").inner_text()
            assert f"python -m proxy --origin {origin} --port 8100" in words
            tell_where(lab, relay)
            lab.wait_models()
            yield lab, relay
            assert lab.notices() == []
            assert KEY not in relay.log


def bring_key(lab: AskLab) -> None:
    """Type a key of one's own, and wait for the models that it may ask."""
    lab.open_room()
    lab.page.click("#designer-own-key")
    lab.page.fill("#own-key", KEY)
    lab.page.press("#own-key", "Tab")
    lab.wait_models()


def tell_where(lab: AskLab, relay: Relay) -> None:
    """Type the relay's address."""
    lab.page.fill("#proxy-address", relay.origin)
    lab.page.press("#proxy-address", "Tab")


def test_with_a_key_of_ones_own_the_tab_asks_the_api_itself(
    open_page: OpenPage, built_page: Path, api: MessagesApi
) -> None:
    carried: list[str] = []

    def note(request: Request) -> None:
        if KEY in f"{request.url} {request.headers} {request.post_data_buffer!r}":
            carried.append(request.url)

    with served_plainly(built_page) as address:
        page = open_page(address, size=SIZE)
        lead_to(api, page)
        page.context.on("request", note)
        lab = AskLab(page)
        bring_key(lab)
        lab.begin(TEXT, ONE)
        lab.wait_over(90)
        ledger = lab.ledger()
        kept = page.evaluate(KEPT)
        shown = page.content()
        assert lab.notices() == []
    assert {"train", "evaluate"} <= {line["kind"] for line in ledger}
    assert [request.path for request in api.requests if request.method == "POST"] == [
        "/v1/messages/count_tokens",
        "/v1/messages",
    ]
    for request in api.requests:
        assert request.headers["authorization"] == f"Bearer {KEY}"
        assert request.headers["anthropic-dangerous-direct-browser-access"] == "true"
    assert carried
    assert all(url.startswith(API) for url in carried)
    assert TEXT in kept
    assert str(ledger[-1]["hash"]) in kept
    for text in (kept, shown, str(ledger)):
        assert KEY not in text


def test_the_policy_of_the_page_lets_the_key_through(
    open_page: OpenPage, built_page: Path, api: MessagesApi
) -> None:
    """On the project's own server without a key; what it forbids, it forbids there."""
    with served(built_page) as address:
        page = open_page(address, size=SIZE)
        lead_to(api, page)
        lab = AskLab(page)
        bring_key(lab)
        assert lab.notices() == []
    assert {request.path for request in api.requests} == {"/v1/models"}


def test_a_page_elsewhere_is_told_where_the_relay_is(
    elsewhere: tuple[AskLab, Relay], api: MessagesApi
) -> None:
    lab, _ = elsewhere
    lab.begin(TEXT, ONE)
    lab.wait_over(90)
    assert {"train", "evaluate"} <= {line["kind"] for line in lab.ledger()}
    assert {request.path for request in api.requests} == {
        "/v1/models",
        "/v1/messages/count_tokens",
        "/v1/messages",
    }


def test_a_loop_left_elsewhere_goes_on_when_it_is_told_again(
    elsewhere: tuple[AskLab, Relay], api: MessagesApi
) -> None:
    """The address is not kept, and neither is a key: after a reload the room asks for the way to Claude."""
    lab, relay = elsewhere
    lab.begin(TEXT, SMALLEST)
    lab.wait_status("training")
    lab.page.on("dialog", lambda dialog: dialog.accept())
    lab.page.reload()
    lab.open_room()
    assert lab.room.get_attribute("data-state") == "kept"
    go_on = lab.page.locator("#ask-continue")
    expect(go_on).to_be_disabled()
    expect(lab.page.locator("#designer-builtin")).to_be_hidden()
    expect(lab.panel("ask")).to_contain_text("say where a server with a key is")
    assert "Loading" not in lab.panel("ask").inner_text(), "nobody can be asked yet"
    tell_where(lab, relay)
    go_on.click()
    lab.wait_over(90)
    assert len(api.asked) == 2
    assert sum(line["kind"] == "evaluate" for line in lab.ledger()) == 2
