"""The copy of the page that its service worker keeps, made at once; a visit makes it when all is quiet."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page

KEEP = """async () => {
  await navigator.serviceWorker.register("service_worker.js", { updateViaCache: "none" });
  const { active } = await navigator.serviceWorker.ready;
  const ask = (message) =>
    new Promise((resolve) => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = (event) => resolve(event.data);
      active.postMessage(message, [port2]);
    });
  const { content } = await (await fetch("build.json")).json();
  return [await ask({ type: "adopt", content }), await ask({ type: "keep_all" })];
}"""


def keep_copy(page: Page, address: str) -> int:
    """Let the browser of a page keep all files of the built page; how many these are.

    Args:
        page: any of that browser; it shows something else afterwards.
        address: of the built page's folder, with a slash.
    """
    page.goto(f"{address}build.json")
    return checked(page.evaluate(KEEP))


def checked(answers: list[Any]) -> int:
    """How many files are kept, by what `KEEP` brought: everything."""
    adopted, kept = answers
    assert adopted == {"type": "adopted", "same": True}
    assert kept["type"] == "kept", kept
    assert kept["missing"] == 0, kept
    return int(kept["files"])
