"""A worker's silence is told when it is one, and not when the computer slept or the page stood still."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import OpenLab
from tests.browser.views_page import views_page
from tests.conftest import Prepare

pytestmark = pytest.mark.browser

SLEPT_MS = 10 * 60 * 1000
HELD_BACK = """(() => {
  // What workers send is kept while `asleep`, and given when that is over: so it is after a computer's sleep.
  const kept = [];
  const { addEventListener } = Worker.prototype;
  Worker.prototype.addEventListener = function (type, listener, options) {
    const later = (event) => {
      const give = () => listener.call(this, event);
      if (window.asleep) kept.push(give);
      else give();
    };
    return addEventListener.call(this, type, type === "message" ? later : listener, options);
  };
  window.wake = () => {
    window.asleep = false;
    for (const give of kept.splice(0)) give();
  };
  // A message that goes by itself at once would be seen by nobody who looks for it now and then.
  window.said = [];
  addEventListener("DOMContentLoaded", () =>
    new MutationObserver(() => {
      for (const title of document.querySelectorAll(".notice-title")) window.said.push(title.textContent);
    }).observe(document.getElementById("notices"), { childList: true, subtree: true }));
})()"""
LISTENING = """async () => {
  class SilentWorker extends EventTarget {
    postMessage() {}
    terminate() {}
  }
  window.Worker = SilentWorker;
  const { WorkerClient, QUIET_S } = await import("./worker_client.js");
  window.told = [];
  window.client = new WorkerClient("trainer", {
    onMessage() {},
    onBoot() {},
    onLost: ({ message }) => told.push(message),
    onQuiet: (s) => told.push(Math.round(s)),
  });
  window.say = (data) => client.worker.dispatchEvent(new MessageEvent("message", { data }));
  say({ type: "ready" });
  client.expectTraffic(true);
  return QUIET_S;
}"""


def test_robots_that_slept_with_the_computer_are_not_called_silent(
    open_lab: OpenLab, isolated_url: str
) -> None:
    lab = open_lab(isolated_url)
    lab.page.add_init_script(HELD_BACK)
    lab.page.reload()
    lab.wait_watch("playing")
    lab.wait_frames(5)
    lab.page.clock.install()
    lab.page.evaluate("() => { window.asleep = true; }")
    frames = lab.frames()
    lab.page.clock.fast_forward(SLEPT_MS)
    # The page looks after its worker once a second; it does so before it hears of it.
    lab.page.wait_for_timeout(3000)
    assert lab.frames() <= frames + 1, "messages came while nothing could come"
    lab.page.evaluate("() => wake()")
    lab.wait_frames(5, since=frames)
    assert lab.page.evaluate("said") == []


def test_a_silence_is_told_once_and_taken_back(
    chromium: Browser, isolated_url: str, built_page: Path, prepare: Prepare
) -> None:
    with views_page(chromium, isolated_url, built_page, prepare) as page:
        page.clock.install(time=0)
        page.clock.pause_at(1000)
        quiet_s = page.evaluate(LISTENING)
        page.clock.run_for((quiet_s - 10) * 1000)
        assert page.evaluate("told") == []
        # The lid is closed, for minutes, twice.
        for _ in range(2):
            page.clock.fast_forward(SLEPT_MS)
            page.clock.run_for(1000)
        page.evaluate("say({ type: 'code_runs', running: false, function: 'reward' })")
        assert page.evaluate("told") == []
        # Whoever says nothing while the page is awake is silent, after a sleep too.
        page.clock.fast_forward(SLEPT_MS)
        page.clock.run_for((quiet_s + 5) * 1000)
        assert len(page.evaluate("told")) == 1
        assert quiet_s < page.evaluate("told[0]") <= quiet_s + 3
        page.evaluate("say({ type: 'code_runs', running: false, function: 'reward' })")
        assert page.evaluate("told[1]") == 0
        # Nothing is asked of a worker that rests.
        page.evaluate("client.expectTraffic(false)")
        page.clock.run_for(10 * quiet_s * 1000)
        assert len(page.evaluate("told")) == 2
        page.evaluate("client.close()")
