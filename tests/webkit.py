"""A WebKitGTK browser, driven by its WebDriver (https://www.w3.org/TR/webdriver2/), out of sight."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

START_S = 60.0
ANSWER_S = 240.0
"""The longest wait of a test, for Python to boot on a busy machine among others."""


@contextmanager
def running_webkit(driver: str, browser: str, screen: str, folder: Path) -> Iterator[WebKitPage]:
    """A browser with storage of its own.

    Args:
        driver: the program WebKitWebDriver.
        browser: the program MiniBrowser.
        screen: the program Xvfb.
        folder: takes the storage, and what the browser says.

    Raises:
        RuntimeError: a program ended, or did not open its door in time.
    """
    with (folder / "webkit.log").open("w") as log, _screen(screen, log) as display:
        port = _free_port()
        environment = {**os.environ, "DISPLAY": display, "GDK_BACKEND": "x11"}
        for variable, name in (("XDG_DATA_HOME", "data"), ("XDG_CACHE_HOME", "cache")):
            environment[variable] = str(folder / name)
        # The browser's own sandbox needs rights that a container does not give.
        environment["WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS"] = "1"
        command = [driver, f"--port={port}", "--host=127.0.0.1"]
        with _process(command, log, environment):
            _wait_for(port)
            page = WebKitPage(f"http://127.0.0.1:{port}", browser)
            try:
                yield page
            finally:
                page.close()


@contextmanager
def _screen(program: str, log: Any) -> Iterator[str]:
    """An X server on a display that it chooses itself."""
    reading, writing = os.pipe()
    command = [program, "-displayfd", str(writing), "-screen", "0", "1440x900x24", "-nolisten", "tcp"]
    with subprocess.Popen(command, stdout=log, stderr=log, pass_fds=[writing]) as process:
        os.close(writing)
        try:
            with os.fdopen(reading) as said:
                display = said.readline().strip()
            if not display:
                raise RuntimeError("Xvfb did not start; its words are in webkit.log")
            yield f":{display}"
        finally:
            process.terminate()


@contextmanager
def _process(command: list[str], log: Any, environment: dict[str, str]) -> Iterator[None]:
    """A program whose children end with it."""
    process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, start_new_session=True)
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=30)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _wait_for(port: int) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"WebKitWebDriver did not open port {port}; its words are in webkit.log")


class WebKitPage:
    """The one page of a browser."""

    def __init__(self, address: str, browser: str) -> None:
        self._address = address
        options = {"binary": browser, "args": ["--automation"]}
        capabilities = {"browserName": "MiniBrowser", "webkitgtk:browserOptions": options}
        opened = self._call("POST", "/session", {"capabilities": {"alwaysMatch": capabilities}})
        self._session = f"/session/{opened['sessionId']}"
        self.version = str(opened["capabilities"]["browserVersion"])
        milliseconds = int(ANSWER_S * 1000)
        self._post("/timeouts", script=milliseconds, pageLoad=milliseconds)

    def _call(self, method: str, path: str, body: object) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = Request(self._address + path, data=data, headers=headers, method=method)
        try:
            with urlopen(request, timeout=ANSWER_S) as answer:
                return json.load(answer)["value"]
        except HTTPError as error:
            said = json.loads(error.read())["value"]
            raise RuntimeError(f"{path}: {said['error']}: {said['message']}") from None

    def _post(self, path: str, **body: Any) -> Any:
        return self._call("POST", self._session + path, body)

    def open(self, url: str) -> None:
        """Go there and wait until it is loaded."""
        self._post("/url", url=url)

    def evaluate(self, function: str, argument: object = None) -> Any:
        """Call a JavaScript function with plain JSON; what it returns, or what its promise brings.

        Raises:
            RuntimeError: it threw.
        """
        script = f"""const done = arguments[arguments.length - 1];
          Promise.resolve(arguments[0]).then({function})
            .then((found) => done({{ found: found ?? null }}))
            .catch((error) => done({{ error: String(error) }}));"""
        said = self._post("/execute/async", script=script, args=[argument])
        if "error" in said:
            raise RuntimeError(said["error"])
        return said["found"]

    def wait_for(self, function: str, argument: object = None, timeout_s: float = 120.0) -> None:
        """Wait until a JavaScript function says yes.

        Raises:
            TimeoutError: it never did.
        """
        until = time.monotonic() + timeout_s
        while not self.evaluate(function, argument):
            if time.monotonic() > until:
                shown = str(self.evaluate("() => document.body.innerText"))
                raise TimeoutError(f"{function} was never true; the page shows: {shown[-2000:]}")
            time.sleep(0.2)

    def close(self) -> None:
        """End the browser."""
        self._call("DELETE", self._session, None)
