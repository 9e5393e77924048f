"""The page in Firefox: it shows a policy, learns by its buttons, and learns what Chromium learns."""

from __future__ import annotations

import base64

import pytest

from tests.browser.conftest import OpenLab
from tests.browser.lab import PENDULUM
from tests.firefox import Firefox, FirefoxPage

pytestmark = pytest.mark.browser

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


def wait_state(page: FirefoxPage, room: str, state: str) -> None:
    page.wait_for(
        "([room, state]) => document.querySelector(`#panel-${room}`).dataset.state === state", [room, state]
    )


@pytest.mark.parametrize("server", ["isolated", "plain"])
def test_watches_trains_and_learns_what_chromium_learns(
    firefox: Firefox, open_lab: OpenLab, isolated_url: str, plain_url: str, server: str
) -> None:
    page = firefox.open(isolated_url if server == "isolated" else plain_url)
    assert page.evaluate("() => crossOriginIsolated") is (server == "isolated")
    wait_state(page, "watch", "playing")
    page.wait_for("() => Number(document.getElementById('stage').dataset.frames ?? 0) >= 5")
    page.evaluate(TRAIN, {"task": "InvertedPendulum-v5", "settings": SETTINGS})
    wait_state(page, "train", "finished")
    assert float(page.evaluate("() => document.querySelector('[data-figure=updates]').value")) >= 16
    policy = base64.b64decode(page.evaluate(POLICY))
    assert page.errors() == []
    page.close()

    lab = open_lab(isolated_url)
    lab.train("InvertedPendulum-v5", SETTINGS)
    lab.wait_run("finished")
    assert policy == lab.export()
