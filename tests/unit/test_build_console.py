"""Programs run by the build: what the user reads while they work and when they fail."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from wasm.build import console
from wasm.build.errors import BuildError

PIP_OFFLINE = """\
WARNING: Retrying (Retry(total=0)) after connection broken: Temporary failure in name resolution
ERROR: Could not find a version that satisfies the requirement absl-py==2.5.1 (from versions: none)
"""
PIP_MISMATCH = """\
ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.
    numpy==2.4.3: Expected sha256 00 Got 11
"""
NPM_MISMATCH = (
    "npm error code EINTEGRITY\nnpm error sha512-AAAA integrity checksum failed when using sha512\n"
)
NPM_OFFLINE = "npm error code ENOTFOUND\nnpm error network request failed, reason: getaddrinfo ENOTFOUND\n"


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (PIP_OFFLINE, "the package registry cannot be reached; check the network connection"),
        (NPM_OFFLINE, "the package registry cannot be reached; check the network connection"),
        (PIP_MISMATCH, "does not have the locked sha256"),
        (NPM_MISMATCH, "does not have the locked sha256"),
        ("OSError: [Errno 28] No space left on device", "the disk is full"),
        (
            "npm error code EUSAGE\nnpm error\nnpm error the lock is stale\nnpm error Usage:",
            "the lock is stale",
        ),
        ("starting\nsome Error: of its own\nbye", "some Error: of its own"),
        ("only words", "only words"),
        ("", "it printed nothing"),
    ],
)
def test_diagnosis_names_the_cause(output: str, expected: str) -> None:
    assert expected in console.diagnose(output)
    assert "\n" not in console.diagnose(output)


@pytest.fixture
def logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(console, "CACHE", tmp_path / ".cache")
    monkeypatch.setattr(console, "ROOT", tmp_path)
    return tmp_path / ".cache" / "logs"


def test_output_goes_to_the_log(logs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    console.run_logged("Greeting", [sys.executable, "-c", "print('hello')"], "greet.log", cwd=tmp_path)
    assert (logs / "greet.log").read_text(encoding="utf-8") == "hello\n"
    assert capsys.readouterr().out == "Greeting ...\n"


def test_failure_is_one_line_with_the_log(logs: Path, tmp_path: Path) -> None:
    code = "import sys; print('Error: 7 is not 8'); sys.exit(3)"
    with pytest.raises(BuildError) as caught:
        console.run_logged("Counting", [sys.executable, "-c", code], "count.log", cwd=tmp_path)
    assert str(caught.value) == "Counting failed: Error: 7 is not 8 (full output: .cache/logs/count.log)"
    assert logs.is_dir()


def test_missing_program_is_a_build_error(logs: Path, tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"Trying failed: no-such-program was not found"):
        console.run_logged("Trying", ["no-such-program"], "try.log", cwd=tmp_path)
    assert logs.is_dir()


def test_long_step_shows_signs_of_life(
    logs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "HEARTBEAT_S", 0.05)
    code = "import time; print('Collecting numpy from https://a.b/c', flush=True); time.sleep(0.6)"
    console.run_logged("Installing", [sys.executable, "-c", code], "long.log", cwd=tmp_path)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Installing ..."
    assert any(line.endswith("s  Collecting numpy from") for line in lines)
    assert lines[-1].startswith("  done in")
    assert logs.is_dir()
