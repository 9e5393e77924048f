"""The official SDK in Pyodide, in Chromium: through the proxy it behaves as it does natively."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.messages_api import MessagesApi, running_messages_api
from tests.messages_wire import Answer, Json, text
from tests.proxy import sdk_calls
from tests.proxy.relays import BLOCKS, relaying
from tests.servers import SUB_PATH, served, served_plainly

pytestmark = pytest.mark.browser

BOOT_MS = 240_000
CANARY = "sk-ant-canary-Xw81TabTab"
EXPECTED = ["favicon.ico", "Failed to load resource"]
MANY = ("--requests-per-minute", "100000", "--client-requests-per-minute", "100000")
PROBE = """
import { bootPython } from "./boot.js";
import { fetchBytes } from "./parts.js";
import { loadSdk } from "./sdk.js";
const run = async ({ data: { code, url, key, headers } }) => {
  try {
    const { pyodide } = await bootPython(() => {}, Promise.resolve(null));
    pyodide.FS.writeFile("/tabrl_design.zip", new Uint8Array(await fetchBytes("runtime/tabrl_design.zip")));
    pyodide.pyimport("tabrl_py.workers.archives").extend_package("/tabrl_design.zip");
    await loadSdk(pyodide, () => {});
    pyodide.FS.writeFile("/sdk_calls.py", code);
    pyodide.runPython("import sys; sys.path.insert(0, '/')");
    const { observe } = pyodide.pyimport("sdk_calls");
    self.postMessage({ found: await observe(url, key, pyodide.toPy(headers)) });
  } catch (error) {
    self.postMessage({ failed: String(error) });
  }
};
self.onmessage = run;
"""
ASK = """(asking) => new Promise((resolve) => {
  const worker = new Worker("workers/sdk_probe.js", { type: "module" });
  worker.onmessage = ({ data }) => { resolve(data); worker.terminate(); };
  worker.onerror = (event) => resolve({ failed: event.message });
  worker.postMessage(asking);
})"""


def answers() -> Callable[[Json], Answer]:
    """By the model that is asked for; "second try" is refused the first time."""
    tried: list[str] = []

    def answer_for(request: Json) -> Answer:
        model = request["model"]
        if model in sdk_calls.ERRORS:
            return Answer(status=int(model), error=f"refused: {model}", headers={"retry-after": "3"})
        if model == "second try" and not tried:
            tried.append(model)
            return Answer(status=529, error="later", headers={"retry-after-ms": "20"})
        return {
            "whole": Answer(content=BLOCKS, piece=5),
            "slow": Answer(content=[text("Slowly")], delay_s=0.3, event_delay_s=0.1),
            "error event": Answer(content=BLOCKS, error="Overloaded", after=5),
            "cut": Answer(content=BLOCKS, cut=True, after=4.5),
            "second try": Answer(content=[text("Yes")]),
        }[model]

    return answer_for


@pytest.fixture(scope="module")
def api() -> Iterator[MessagesApi]:
    with running_messages_api(keys=[CANARY]) as running:
        yield running


@pytest.fixture(scope="module")
def page_folder(built_page: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built page with one more worker, which runs the calls."""
    folder = tmp_path_factory.mktemp("sdk") / "page"
    shutil.copytree(built_page, folder)
    (folder / "workers" / "sdk_probe.js").write_text(PROBE, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def natively(api: MessagesApi) -> dict[str, Any]:
    """What CPython finds through the relay."""
    with relaying(api.address, *MANY, key=CANARY) as relay:
        return _natively(api, relay.address, "any")


def _natively(api: MessagesApi, url: str, key: str) -> dict[str, Any]:
    api.script(answers())
    # In a thread: Playwright has an event loop in this one.
    with ThreadPoolExecutor(1) as thread:
        calls = thread.submit(lambda: asyncio.run(sdk_calls.observe(url, key, {})))
        found: dict[str, Any] = json.loads(calls.result())
    return found


@pytest.fixture(scope="module")
def page_elsewhere(page_folder: Path) -> Iterator[str]:
    """The same page on a plain host, whose origin is neither the relay's nor the API's."""
    with served_plainly(page_folder) as address:
        yield address


def _in_the_tab(
    api: MessagesApi, page: Page, url: str, key: str = "any", headers: dict[str, str] | None = None
) -> dict[str, Any]:
    page.set_default_timeout(BOOT_MS)
    api.script(answers())
    code = Path(sdk_calls.__file__).read_text(encoding="utf-8")
    asking = {"code": code, "url": url, "key": key, "headers": headers or {}}
    said = page.evaluate(ASK, asking)
    assert "found" in said, said
    assert CANARY not in said["found"]
    found: dict[str, Any] = json.loads(said["found"])
    return found


OpenPage = Callable[..., Page]


@pytest.mark.own_server("the relay of the page's own origin is tested")
def test_from_the_page_that_the_proxy_serves(
    api: MessagesApi, natively: dict[str, Any], page_folder: Path, open_page: OpenPage
) -> None:
    with served(page_folder, "--upstream", api.address, *MANY, key=CANARY) as address:
        page = open_page(f"{address}/build.json", expected_errors=EXPECTED)
        assert page.evaluate("crossOriginIsolated")
        found = _in_the_tab(api, page, f"{address}/anthropic")
    assert found == natively
    assert len(found["events"]) > 40
    assert found["cut"][-1][:3] == ["APIStatusError", 200, "api_error"]
    assert found["429"][:3] == ["RateLimitError", 429, "rate_limit_error"]


def test_from_a_page_elsewhere_through_the_proxy(
    api: MessagesApi, natively: dict[str, Any], page_elsewhere: str, open_page: OpenPage
) -> None:
    origin = page_elsewhere.removesuffix(f"{SUB_PATH}/")
    with relaying(api.address, *MANY, key=CANARY, origin=origin) as relay:
        assert relay.origin != origin
        page = open_page(f"{page_elsewhere}build.json", expected_errors=EXPECTED)
        found = _in_the_tab(api, page, relay.address)
        assert CANARY not in relay.log
    assert found == natively


def test_from_a_page_that_the_proxy_was_not_started_for(
    api: MessagesApi, page_elsewhere: str, open_page: OpenPage
) -> None:
    with relaying(api.address, *MANY, key=CANARY, origin="https://someone.example") as relay:
        page = open_page(f"{page_elsewhere}build.json", expected_errors=[*EXPECTED, "CORS policy"])
        before = len(api.requests)
        page.set_default_timeout(BOOT_MS)
        code = Path(sdk_calls.__file__).read_text(encoding="utf-8")
        said = page.evaluate(ASK, {"code": code, "url": relay.address, "key": "any", "headers": {}})
    assert "APIConnectionError" in said["failed"]
    assert len(api.requests) == before


def test_straight_to_the_api_with_a_key_of_ones_own(
    api: MessagesApi, page_elsewhere: str, open_page: OpenPage
) -> None:
    """As natively without a proxy, but that a browser drops what it holds when a stream is cut."""
    directly = _natively(api, api.address, CANARY)
    page = open_page(f"{page_elsewhere}build.json", expected_errors=EXPECTED)
    headers = {"anthropic-dangerous-direct-browser-access": "true"}
    found = _in_the_tab(api, page, api.address, CANARY, headers)
    assert found.pop("cut")[-1] == directly.pop("cut")[-1] == sdk_calls.BROKEN_OFF
    assert _readable(found) == _readable(directly)
    assert found["529"][:2] == ["OverloadedError", 529]


def _readable(found: Any) -> Any:
    """What a page of another origin may read: errors without what headers say."""
    if isinstance(found, dict):
        return {name: _readable(value) for name, value in found.items()}
    if isinstance(found, list):
        is_error = len(found) == 6 and str(found[0]).endswith("Error")
        return found[:4] if is_error else [_readable(value) for value in found]
    return found
