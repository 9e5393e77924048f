"""The relay as its own process, beside a local Messages API, for the tests of this folder."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from anthropic.types import MessageParam, ToolParam

from tests.messages_wire import text, thinking, tool_use
from tests.servers import ROOT, server_environment

PAGE = "https://someone.github.io"
"""The page elsewhere that the relay is started for."""
MODEL = "claude-opus-5-5"
MESSAGES: list[MessageParam] = [{"role": "user", "content": "Make it walk."}]
TOOL: ToolParam = {"name": "propose", "input_schema": {"type": "object"}}
BLOCKS = [
    thinking("Balance comes first, then speed."),
    text("Here is a reward for walking. Übung ✓ 步"),
    tool_use("propose", {"gains": [1, 2.5, None], "code": "def reward(s):\n    return s.speed, {}"}),
]


@dataclass
class Relay:
    """A running relay."""

    origin: str
    """Scheme, host and port."""
    process: subprocess.Popen[str]
    log_file: Path

    @property
    def address(self) -> str:
        """What the SDK is given as its base URL."""
        return f"{self.origin}/anthropic"

    @property
    def log(self) -> str:
        """What it has written to its standard error."""
        return self.log_file.read_text(encoding="utf-8")


@contextmanager
def relaying(upstream: str, *arguments: str, key: str = "", origin: str = PAGE) -> Iterator[Relay]:
    """`python -m proxy --origin ... --upstream ...` on a free port."""
    command = [
        sys.executable, "-m", "proxy", "--port", "0", "--origin", origin, "--upstream", upstream, *arguments,
    ]  # fmt: skip
    with tempfile.NamedTemporaryFile("w", suffix=".log") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env=server_environment(key), stdout=subprocess.PIPE, stderr=log, text=True
        )
        with process:
            assert process.stdout is not None
            try:
                found = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
                if found is None:
                    pytest.fail(f"the relay did not start: {Path(log.name).read_text(encoding='utf-8')}")
                yield Relay(found[0], process, Path(log.name))
            finally:
                process.terminate()
