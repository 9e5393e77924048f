"""The page in Firefox: it shows a policy, learns by its buttons, and learns what Chromium learns."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.browser.conftest import OpenLab
from tests.browser.lab import PENDULUM
from tests.firefox import Firefox, FirefoxPage
from tests.kept_copy import KEEP, checked
from tests.servers import served_plainly

pytestmark = [pytest.mark.browser, pytest.mark.own_server("it opens both kinds of host by itself")]

SETTINGS = {**PENDULUM, "total_steps": 8192}
TRAIN = """({ task, settings }) => {
  document.querySelector("#tab-train").click();
  const panel = document.querySelector("#panel-train");
  panel.querySelector(".task-now").click();
  panel.querySelector(`label:has(input[value="${task}"])`).click();
  for (const [path, value] of Object.entries(settings)) {
    const input = panel.querySelector(`.setting[data-path="${path}"] input`);
    input.value = String(value);
    for (const type of ["input", "change"]) input.dispatchEvent(new Event(type, { bubbles: true }));
  }
  [...panel.querySelectorAll("button")].find((each) => each.textContent === "Train").click();
}"""
POLICY = """async () => {
  const { RunStorage } = await import(new URL("storage.js", location.href).href);
  const { saved } = await (await RunStorage.open()).lastRun();
  return btoa(Array.from(new Uint8Array(saved.policy), (byte) => String.fromCharCode(byte)).join(""));
}"""


@pytest.fixture
def kept(firefox: Firefox, built_page: Path, pytestconfig: pytest.Config) -> Iterator[str]:
    """Where `--server` is not the project's own: the address of a copy that this browser keeps, else ""."""
    server = pytestconfig.getoption("--server")
    with ExitStack() as host:
        address = ""
        if server != "own":
            address = host.enter_context(served_plainly(built_page))
            page = firefox.open(f"{address}build.json")
            checked(page.evaluate(KEEP))
            page.close()
        if server == "offline":
            host.close()
        yield address


def wait_state(page: FirefoxPage, room: str, state: str) -> None:
    page.wait_for(
        "([room, state]) => document.querySelector(`#panel-${room}`).dataset.state === state", [room, state]
    )


@pytest.mark.parametrize("server", ["isolated", "plain"])
def test_watches_trains_and_learns_what_chromium_learns(
    firefox: Firefox, open_lab: OpenLab, isolated_url: str, plain_url: str, kept: str, server: str
) -> None:
    page = firefox.open(kept or isolated_url if server == "isolated" else plain_url)
    assert page.evaluate("() => crossOriginIsolated") is (server == "isolated")
    wait_state(page, "watch", "playing")
    page.wait_for("() => Number(document.getElementById('stage').dataset.frames ?? 0) >= 5")
    page.evaluate(TRAIN, {"task": "InvertedPendulum-v5", "settings": SETTINGS})
    wait_state(page, "train", "finished")
    assert float(page.evaluate("() => document.querySelector('[data-figure=updates]').value")) >= 16
    policy = base64.b64decode(page.evaluate(POLICY))
    # Without a host there is no relay either, and the browser notes that nobody answers.
    assert [error for error in page.errors() if not (kept and "/health" in error)] == []
    page.close()

    lab = open_lab(isolated_url)
    lab.train("InvertedPendulum-v5", SETTINGS)
    lab.wait_run("finished")
    assert policy == lab.export()
