"""Real servers for the tests: the project's own one, and a plain static host under a sub-path."""

from __future__ import annotations

import functools
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SUB_PATH = "/lab/tabrl"


def server_environment(key: str = "") -> dict[str, str]:
    """This process's environment for a server's, with no other key and upstream than the test's."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ANTHROPIC_")}
    return {**inherited, "ANTHROPIC_API_KEY": key}


@contextmanager
def served(directory: Path, *arguments: str, key: str = "") -> Iterator[str]:
    """The project's own server on a free port, as its own process; gives its address, without a slash.

    Args:
        directory: the page to serve.
        arguments: further ones, such as `--upstream` with the address of a local Messages API.
        key: for `ANTHROPIC_API_KEY`.
    """
    command = [sys.executable, "-m", "proxy", "--port", "0", "--directory", str(directory), *arguments]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=server_environment(key),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            found = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
            if found is None:
                process.terminate()
                pytest.fail(f"the server did not start: {process.stderr.read()}")
            yield found[0]
        finally:
            process.terminate()


class _PlainHandler(SimpleHTTPRequestHandler):
    """Files below a sub-path, as a plain host serves them: right types, no isolation headers."""

    extensions_map = {  # noqa: RUF012 (the standard library declares it as an instance variable)
        "": "application/octet-stream",
        ".css": "text/css",
        ".html": "text/html",
        ".js": "text/javascript",
        ".json": "application/json",
        ".mjs": "text/javascript",
        ".svg": "image/svg+xml",
        ".wasm": "application/wasm",
    }

    def translate_path(self, path: str) -> str:
        """The file for a path below `SUB_PATH`; one that does not exist for any other."""
        inside = path.removeprefix(SUB_PATH)
        return super().translate_path(inside if inside != path else "/outside-the-sub-path")

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the tests look at the page."""


@contextmanager
def served_plainly(directory: Path, port: int = 0) -> Iterator[str]:
    """A plain static host under a sub-path, without isolation headers; gives the page's address.

    Args:
        directory: the page to serve.
        port: to serve it at; 0: any free one.
    """
    handler = functools.partial(_PlainHandler, directory=str(directory))
    with ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}{SUB_PATH}/"
        finally:
            server.shutdown()
            thread.join()
