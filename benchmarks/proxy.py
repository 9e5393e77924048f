"""The proxy under load: `./build.sh bench proxy`.

500 streams of five events a second through the proxy, then 10; client, proxy and upstream are processes of
this machine. The streams begin evenly over 10 s, then all go on together for 30 s. Before each run the
same number reads the upstream without the proxy: what the proxy adds to the first byte is the 99th percentile
through it less the median without it. Every byte is compared; the proxy's memory is read once a second.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import _results
from benchmarks._streams import Stream, read_streams
from proxy.__main__ import allow_open_files

ROOT = Path(__file__).resolve().parents[1]
RAMP_S = 10.0
TOGETHER_S = 30.0
MANY = 500
FEW = 10
LIMITS = (
    *("--streams", "2000", "--client-streams", "2000"),
    *("--requests-per-minute", "1000000", "--client-requests-per-minute", "1000000"),
)
"""All clients of the benchmark have one address."""


@dataclass
class Program:
    """A server of the benchmark."""

    address: str
    pid: int


@dataclass
class Run:
    """What was measured through the proxy with one number of streams."""

    streams: int
    direct_median_ms: float
    median_ms: float
    p99_ms: float
    wrong: int
    """Streams that broke, or had a byte that was not right."""
    memory_mb: list[float]
    """The proxy's, each second while all streams were under way."""
    cores: float
    """Of the processor that the proxy took meanwhile."""

    @property
    def added_p99_ms(self) -> float:
        """What the proxy adds to the first byte, at the worst of 99 in a hundred."""
        return self.p99_ms - self.direct_median_ms

    @property
    def grown_mb(self) -> float:
        """Memory at the end less memory at the beginning of the time together, medians of a fifth each."""
        fifth = max(1, len(self.memory_mb) // 5)
        return statistics.median(self.memory_mb[-fifth:]) - statistics.median(self.memory_mb[:fifth])


@contextmanager
def program(*command: str) -> Iterator[Program]:
    """A server that prints its address first, for as long as the context lasts."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ANTHROPIC_")}
    process = subprocess.Popen(
        [sys.executable, "-m", *command], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        try:
            words = process.stdout.readline().split()
            address = next((word for word in words if word.startswith("http://127.0.0.1:")), None)
            if address is None:
                raise RuntimeError(f"{' '.join(command)} did not start: {' '.join(words)}")
            yield Program(address, process.pid)
        finally:
            process.terminate()


@contextmanager
def programs() -> Iterator[tuple[Program, Program]]:
    """The upstream, and the proxy before it."""
    with (
        program("benchmarks._streams") as upstream,
        program(
            "proxy", "--port", "0", "--origin", "http://localhost", "--upstream", upstream.address, *LIMITS
        ) as proxy,
    ):
        yield upstream, Program(proxy.address.removesuffix("/anthropic"), proxy.pid)


class Watch(threading.Thread):
    """Reads a process's memory and processor time once a second, from a time on."""

    def __init__(self, pid: int, wait_s: float) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self._wait_s = wait_s
        self._told = threading.Event()
        self.memory_mb: list[float] = []
        self.cores = 0.0

    def run(self) -> None:
        """Read until told to stop."""
        if self._told.wait(self._wait_s):
            return
        _, first_s = usage(self._pid)
        began_s = time.monotonic()
        while not self._told.wait(1.0):
            memory_mb, now_s = usage(self._pid)
            self.memory_mb.append(memory_mb)
            self.cores = (now_s - first_s) / (time.monotonic() - began_s)

    def stop(self) -> None:
        """Stop reading."""
        self._told.set()
        self.join()


def usage(pid: int) -> tuple[float, float]:
    """Megabytes that a process holds in memory, and the seconds of processor time it has had."""
    shown = subprocess.run(
        ["ps", "-o", "rss=", "-o", "time=", "-p", str(pid)], capture_output=True, text=True, check=True
    )
    memory_kb, spent = shown.stdout.split()
    stat = Path(f"/proc/{pid}/stat")
    if stat.exists():
        # ps gives whole seconds on Linux.
        fields = stat.read_text().rpartition(")")[2].split()
        return int(memory_kb) / 1024, (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    seconds = 0.0
    for part in spent.replace("-", ":").split(":"):
        seconds = seconds * 60 + float(part)
    return int(memory_kb) / 1024, seconds


def measure(upstream: Program, proxy: Program, streams: int, ramp_s: float, together_s: float) -> Run:
    """One number of streams, without the proxy and through it."""
    direct = asyncio.run(read_streams(upstream.address, "", streams, ramp_s, min(3.0, together_s)))
    watch = Watch(proxy.pid, ramp_s + 1)
    watch.start()
    through = asyncio.run(read_streams(proxy.address, "/anthropic", streams, ramp_s, together_s))
    watch.stop()
    assert all(stream.is_right for stream in direct), "the upstream itself is wrong"
    return Run(
        streams=streams,
        direct_median_ms=statistics.median(_first_bytes_ms(direct)),
        median_ms=statistics.median(_first_bytes_ms(through)),
        p99_ms=statistics.quantiles(_first_bytes_ms(through), n=100, method="inclusive")[-1],
        wrong=sum(not stream.is_right for stream in through),
        memory_mb=watch.memory_mb,
        cores=watch.cores,
    )


def _first_bytes_ms(streams: list[Stream]) -> list[float]:
    """Milliseconds until each stream's first byte; for ever for one that never came."""
    return [stream.first_byte_s * 1e3 if stream.first_byte_s >= 0 else 1e9 for stream in streams]


def table(runs: list[Run]) -> str:
    """The runs as Markdown."""
    lines = [
        "| streams | first byte without the proxy, median ms | through it, median ms | through it, p99 ms"
        " | added, p99 ms | streams broken or wrong | proxy's memory MB | grown MB | cores it took |",
        "|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {run.streams} | {run.direct_median_ms:.1f} | {run.median_ms:.1f} | {run.p99_ms:.1f}"
        f" | {run.added_p99_ms:.1f} | {run.wrong} | {max(run.memory_mb):.0f} | {run.grown_mb:.1f}"
        f" | {run.cores:.2f} |"
        for run in runs
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, print a table and a line of JSON."""
    parser = argparse.ArgumentParser(prog="./build.sh bench proxy", description=__doc__)
    parser.add_argument(
        "--together-s", type=float, default=TOGETHER_S, help="less for a quick look, not kept"
    )
    parser.add_argument("--ramp-s", type=float, default=RAMP_S)
    options = parser.parse_args()
    allow_open_files(2 * MANY)
    with programs() as (upstream, proxy):
        runs = [
            measure(upstream, proxy, streams, options.ramp_s, options.together_s) for streams in (MANY, FEW)
        ]
    many, few = runs
    figures = {
        "added_p99_ms_500": round(many.added_p99_ms, 1),
        "added_p99_ms_10": round(few.added_p99_ms, 1),
        "broken": many.wrong + few.wrong,
        "grown_mb": round(many.grown_mb, 2),
        "memory_mb": round(max(many.memory_mb), 1),
    }
    print(table(runs))
    if (options.together_s, options.ramp_s) == (TOGETHER_S, RAMP_S):
        record = {"figures": figures, "memory_mb": many.memory_mb}
        _results.write("proxy", "./build.sh bench proxy", table(runs), record)
    print(json.dumps({"bench": "proxy", "figures": figures}))


if __name__ == "__main__":
    main()
