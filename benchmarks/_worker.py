"""Module workers in headless Chromium that a benchmark asks for one piece of work after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from tests.servers import served_plainly

LIMIT_MS = 600_000
ANSWERS = """
onmessage = async ({ data }) => {
  try {
    postMessage({ answer: await (await calls)[data.call](data) });
  } catch (error) {
    postMessage({ error: String(error.stack ?? error) });
  }
};
"""
START = """([source, count]) => {
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  globalThis.workers = Array.from({ length: count }, () => new Worker(url, { type: "module" }));
  globalThis.ask = (k, message) => new Promise((resolve, reject) => {
    const worker = workers[k];
    worker.onmessage = ({ data }) => "error" in data ? reject(new Error(data.error)) : resolve(data.answer);
    worker.onerror = (event) => reject(new Error(event.message || "the worker did not start"));
    worker.postMessage(message);
  });
}"""


class Workers:
    """Workers of one page, whose source defines `calls`: functions of a message by the name in its `call`.

    `calls` may be a promise of them; the source must not await anything itself, or the first message would
    come before the worker listens.
    """

    def __init__(self, page: Page) -> None:
        self._page = page

    def ask(self, call: str, *, worker: int = 0, **message: Any) -> Any:  # noqa: ANN401 - any JSON value
        """What one worker's function returns for a message."""
        return self._page.evaluate("([k, message]) => ask(k, message)", [worker, {"call": call, **message}])

    def ask_all(self, messages: Sequence[dict[str, Any]]) -> list[Any]:
        """The answers of the workers, each to its message, all at work at the same time."""
        answers: list[Any] = self._page.evaluate(
            "(messages) => Promise.all(messages.map((message, k) => ask(k, message)))", list(messages)
        )
        return answers


@contextmanager
def workers_in(browser: Browser, folder: Path, source: str, count: int = 1) -> Iterator[Workers]:
    """Workers with this source, in a page of a plain server.

    Args:
        browser: that runs them.
        folder: what the server serves, as the built page.
        source: a module; `ROOT` is defined before it, the server's address with a slash at its end.
        count: of workers.
    """
    with served_plainly(folder) as address:
        page = browser.new_page()
        page.set_default_timeout(LIMIT_MS)
        page.goto(f"{address}settings.json")
        page.evaluate(START, [f'const ROOT = "{address}";\n{source}\n{ANSWERS}', count])
        yield Workers(page)
        page.close()
