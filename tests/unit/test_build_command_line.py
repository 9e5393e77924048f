"""`./build.sh` as a user meets it: help, clear refusals, a quick second start without network."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.servers import ROOT
from wasm.build import environment
from wasm.build.__main__ import HELP, NEEDS_DEV
from wasm.build.commands import COMMANDS
from wasm.build.errors import BuildError

BUILD = ROOT / "build.sh"
DEAD_NETWORK = {
    name: "http://127.0.0.1:9"
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY")
}


def _build(*arguments: str, env: Mapping[str, str] = os.environ) -> subprocess.CompletedProcess[str]:
    command = [str(BUILD), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=dict(env))


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A folder of programs that is the whole search path of a bare machine: a shell and nothing else."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("bash", "dirname", "env"):
        found = shutil.which(name)
        assert found is not None
        (folder / name).symlink_to(found)
    return folder


def _program(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    (folder / name).chmod(0o755)


def _one_line(result: subprocess.CompletedProcess[str]) -> str:
    assert result.returncode == 1, result.stdout + result.stderr
    (line,) = result.stderr.splitlines()
    return line


def test_help_names_every_command() -> None:
    result = _build("help")
    assert (result.returncode, result.stdout) == (0, HELP)
    assert _build().stdout == HELP
    for command in (*NEEDS_DEV, "clean", "lock"):
        assert f"./build.sh {command}" in HELP
    assert set(NEEDS_DEV) == set(COMMANDS)


def test_unknown_command_lists_those_there_are() -> None:
    line = _one_line(_build("frobnicate"))
    assert "'frobnicate' is not a command; the commands are: " in line
    assert "serve" in line


def test_missing_python_is_one_clear_line(tools: Path) -> None:
    assert "Python 3.11 or newer was not found; install it" in _one_line(
        _build("serve", env={"PATH": str(tools)})
    )


def test_old_python_is_passed_over(tools: Path) -> None:
    _program(tools, "python3", "exit 1")
    assert "Python 3.11 or newer was not found" in _one_line(_build("serve", env={"PATH": str(tools)}))


def test_missing_node_is_one_clear_line(tools: Path) -> None:
    (tools / "python3").symlink_to(sys.executable)
    line = _one_line(_build("serve", env={"PATH": str(tools)}))
    assert line == "build.sh: Node.js was not found; install Node.js 20 or newer with npm and run this again"


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        ("v18.20.0", "v18.20.0 at .* is too old; install 20"),
        ("", "of unknown version at .* is too old; install 20"),
    ],
)
def test_old_node_is_refused(
    tools: Path, monkeypatch: pytest.MonkeyPatch, answer: str, complaint: str
) -> None:
    _program(tools, "node", f"echo {answer}")
    _program(tools, "npm", "exit 0")
    monkeypatch.setenv("PATH", str(tools))
    with pytest.raises(BuildError, match=complaint):
        environment.require_node()


def test_missing_npm_is_named(tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _program(tools, "node", "echo v22.1.0")
    monkeypatch.setenv("PATH", str(tools))
    with pytest.raises(BuildError, match="npm was not found"):
        environment.require_node()


def test_new_node_will_do(tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _program(tools, "node", "echo v22.1.0")
    _program(tools, "npm", "exit 0")
    monkeypatch.setenv("PATH", str(tools))
    assert environment.require_node() == "v22.1.0"


def test_a_broken_virtual_environment_is_noticed(tmp_path: Path) -> None:
    assert environment._runs(Path(sys.executable))
    assert not environment._runs(tmp_path / "python")
    _program(tmp_path, "python", "exit 1")
    assert not environment._runs(tmp_path / "python")


def test_second_serve_is_quick_and_needs_no_network(built_page: Path) -> None:
    assert built_page.is_dir()
    assert _build("dist").returncode == 0
    best_s = min(_seconds_until_served() for _ in range(3))
    assert best_s < 3.0


def _seconds_until_served() -> float:
    started = time.perf_counter()
    environ = {**os.environ, **DEAD_NETWORK}
    with subprocess.Popen(
        [BUILD, "serve", "--port", "0"], stdout=subprocess.PIPE, text=True, env=environ
    ) as server:
        try:
            assert server.stdout is not None
            lines = iter(server.stdout.readline, "")
            assert any(re.search(r"TabRL is at http://127\.0\.0\.1:\d+", line) for line in lines)
            return time.perf_counter() - started
        finally:
            server.terminate()


def test_port_in_use_is_one_clear_line(built_page: Path) -> None:
    assert built_page.is_dir()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = _one_line(_build("serve", "--port", str(port)))
    assert f"port {port} is in use by another program; choose another one: ./build.sh serve --port" in line


def test_unknown_benchmark_lists_those_there_are(built_page: Path) -> None:
    assert built_page.is_dir()
    line = _one_line(_build("bench", "no_such_benchmark"))
    assert "'no_such_benchmark' is not a benchmark; say ./build.sh bench NAME with one of: " in line
