"""What the user sees: progress lines, and programs whose long output goes to a log file."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from wasm.build.errors import BuildError
from wasm.build.paths import CACHE, ROOT

HEARTBEAT_S = 5.0

NETWORK_SIGNS = (
    "temporary failure in name resolution", "name or service not known", "nodename nor servname", "enotfound",
    "eai_again", "econnrefused", "econnreset", "etimedout", "err_socket_timeout", "newconnectionerror",
    "connecttimeout", "connection refused", "connection broken", "max retries exceeded", "read timed out",
    "cannot connect to proxy", "proxyerror", "network is unreachable", "failed to establish a new connection",
)  # fmt: skip
MISMATCH_SIGNS = ("do not match the hashes", "eintegrity", "hash mismatch")
DISTRUST = "try again, and if it stays so, do not trust that source"
RECONNECT = "check the network connection and proxy settings, then run this again"
DISK_SIGNS = ("no space left", "enospc")


def say(text: str) -> None:
    """Print one line at once, whatever standard output is."""
    print(text, flush=True)


def diagnose(output: str) -> str:
    """The most likely reason why a package client failed, and what to do, in one clause."""
    low = output.lower()
    if any(sign in low for sign in MISMATCH_SIGNS):
        return f"a downloaded package does not have the locked sha256; {DISTRUST}"
    if any(sign in low for sign in NETWORK_SIGNS):
        return f"the package registry cannot be reached; {RECONNECT}"
    if any(sign in low for sign in DISK_SIGNS):
        return "the disk is full; free some space and run this again"
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    for line in lines:
        if line.startswith("npm error ") and not line.startswith("npm error code "):
            return line.removeprefix("npm error ")[:200]
    errors = [line for line in lines if "error" in line.lower()]
    return (errors or lines or ["it printed nothing"])[-1][:200]


def run_logged(
    label: str,
    command: Sequence[str | Path],
    log: str,
    env: Mapping[str, str] | None = None,
    cwd: Path = ROOT,
) -> None:
    """Run a program; its output goes to `.cache/logs/LOG`, a sign of life to the user every few seconds.

    Raises:
        BuildError: the program is missing or failed; the message says why and where its output is.
    """
    path = CACHE / "logs" / log
    path.parent.mkdir(parents=True, exist_ok=True)
    say(f"{label} ...")
    started = time.monotonic()
    with path.open("w", encoding="utf-8") as file:
        try:
            process = subprocess.Popen(
                [str(part) for part in command],
                cwd=cwd,
                env={**os.environ, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        except FileNotFoundError:
            raise BuildError(
                f"{label} failed: {command[0]} was not found; install it and run this again"
            ) from None
        code = _wait(process, path)
    if code != 0:
        reason = diagnose(path.read_text(encoding="utf-8", errors="replace"))
        raise BuildError(f"{label} failed: {reason} (full output: {path.relative_to(ROOT)})")
    seconds = time.monotonic() - started
    if seconds > HEARTBEAT_S:
        say(f"  done in {seconds:.0f} s")


def _wait(process: subprocess.Popen[bytes], log: Path) -> int:
    """Wait for the end, showing the log's last line now and then; an interrupt ends the program too."""
    started = time.monotonic()
    try:
        while True:
            try:
                return process.wait(HEARTBEAT_S)
            except subprocess.TimeoutExpired:
                say(f"  {time.monotonic() - started:3.0f} s  {_last_line(log)}")
    except BaseException:  # an interrupt above all; raised again
        process.terminate()
        process.wait()
        raise


def _last_line(log: Path) -> str:
    """What the program says it is doing, without addresses and noise."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    telling = (line for line in reversed(lines) if line.strip() and not line.startswith("npm warn"))
    words = [word for word in next(telling, "still working").split() if "://" not in word]
    return " ".join(words)[:90]


def fail(error: Exception) -> int:
    """Print the one line that says what is wrong; returns the exit status 1."""
    message = str(error)
    if isinstance(error, OSError):
        message = (
            f"{error.filename or 'the file system'}: {error.strerror or error}; mend that and run this again"
        )
    print(f"build.sh: {message}", file=sys.stderr, flush=True)
    return 1
