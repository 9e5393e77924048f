"""A headless Firefox, driven over WebDriver BiDi (https://w3c.github.io/webdriver-bidi/)."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

START_S = 60.0
ANSWER_S = 240.0
"""The longest wait of a test, for Python to boot on a busy machine among others."""


@contextmanager
def running_firefox(program: str, folder: Path) -> Iterator[Firefox]:
    """A browser with a profile of its own; `folder` takes the profile and what the browser says.

    Raises:
        RuntimeError: it ended, or did not open its door in time.
    """
    profile = folder / "profile"
    profile.mkdir()
    arguments = ["--headless", "--no-remote", "--profile", str(profile), "--remote-debugging-port", "0"]
    with (folder / "firefox.log").open("w+", errors="replace") as log:
        process = subprocess.Popen([program, *arguments, "about:blank"], stdout=log, stderr=log)
        try:
            address = _address(profile / "WebDriverBiDiServer.json", process)
            if address is None:
                log.seek(0)
                raise RuntimeError(f"Firefox did not open its door: {log.read()[-2000:]}")
            with connect(address, max_size=None) as socket:
                firefox = Firefox(socket)
                yield firefox
                firefox.call("browser.close")
            process.wait(timeout=30)
        finally:
            process.kill()
            process.wait()


def _address(door: Path, process: subprocess.Popen[bytes]) -> str | None:
    """Where the file says that the browser listens; None when it never does."""
    until = time.monotonic() + START_S
    while time.monotonic() < until and process.poll() is None:
        try:
            place = json.loads(door.read_text())
        except (OSError, ValueError):
            time.sleep(0.1)
            continue
        return f"ws://{place['ws_host']}:{place['ws_port']}/session"
    return None


class Firefox:
    """A running browser."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._calls = 0
        self._errors: list[tuple[str, str]] = []
        self.call("session.new", capabilities={})
        self.call("session.subscribe", events=["log.entryAdded"])

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command of the protocol and its result; errors on consoles that come meanwhile are kept.

        Raises:
            RuntimeError: the browser refuses.
            TimeoutError: it does not answer.
        """
        self._calls += 1
        self._socket.send(json.dumps({"id": self._calls, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self._socket.recv(ANSWER_S))
            if answer.get("id") == self._calls:
                if answer["type"] == "error":
                    raise RuntimeError(f"{method}: {answer['error']}: {answer['message']}")
                result: dict[str, Any] = answer["result"]
                return result
            if answer.get("method") == "log.entryAdded" and answer["params"]["level"] == "error":
                entry = answer["params"]
                self._errors.append((entry["source"].get("context", ""), str(entry["text"])))

    def open(self, url: str) -> FirefoxPage:
        """A page of its own, loaded; its storage is shared with the other pages of that address."""
        context = self.call("browsingContext.create", type="tab")["context"]
        self.call("browsingContext.navigate", context=context, url=url, wait="complete")
        return FirefoxPage(self, context)

    def errors(self, context: str) -> list[str]:
        """What a page wrote on its console as an error."""
        return [text for page, text in self._errors if page == context]


class FirefoxPage:
    """One open page."""

    def __init__(self, firefox: Firefox, context: str) -> None:
        self._firefox, self._context = firefox, context

    def evaluate(self, function: str, argument: object = None) -> Any:
        """Call a JavaScript function with plain JSON; what it returns, or what its promise brings.

        Raises:
            RuntimeError: it threw.
        """
        answer = self._firefox.call(
            "script.callFunction",
            functionDeclaration=f"async (text) => JSON.stringify(await ({function})(JSON.parse(text)))",
            arguments=[{"type": "string", "value": json.dumps(argument)}],
            target={"context": self._context},
            awaitPromise=True,
        )
        if answer["type"] != "success":
            raise RuntimeError(answer["exceptionDetails"]["text"])
        return json.loads(answer["result"].get("value", "null"))

    def wait_for(self, function: str, argument: object = None, timeout_s: float = 120.0) -> None:
        """Wait until a JavaScript function says yes.

        Raises:
            TimeoutError: it never did.
        """
        until = time.monotonic() + timeout_s
        while not self.evaluate(function, argument):
            if time.monotonic() > until:
                shown = self.evaluate("() => document.body.innerText")
                raise TimeoutError(f"{function} was never true; the page shows: {shown[-2000:]}")
            time.sleep(0.2)

    def errors(self) -> list[str]:
        """What the page wrote on its console as an error so far."""
        self.evaluate("() => null")
        return self._firefox.errors(self._context)

    def close(self) -> None:
        """Close it."""
        self._firefox.call("browsingContext.close", context=self._context)
