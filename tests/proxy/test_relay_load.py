"""A short version of `./build.sh bench proxy`: many streams, none broken, every byte right, memory flat."""

from __future__ import annotations

import asyncio

import pytest

from benchmarks._streams import events, unchunked
from benchmarks.proxy import measure, programs
from tests.asynchronous import awaited


def test_many_streams_at_once() -> None:
    with programs() as (upstream, proxy):
        run = awaited(asyncio.to_thread(measure, upstream, proxy, streams=100, ramp_s=2, together_s=6))
    assert run.wrong == 0
    assert run.median_ms < 1000, "the first event must not wait for those that follow"
    assert len(run.memory_mb) >= 4
    assert run.grown_mb < 4
    assert max(run.memory_mb) < 250


def test_a_streams_bytes_follow_from_its_number() -> None:
    assert events(3, 9) == events(3, 9) != events(4, 9)
    assert len(events(3, 9)) == 9


@pytest.mark.parametrize(
    ("data", "content", "complete"),
    [
        (b"3\r\nabc\r\n0\r\n\r\n", b"abc", True),
        (b"3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n", b"abc0123456789", True),
        (b"3\r\nabc\r\n", b"abc", False),
        (b"3\r\na", b"a", False),
        (b"", b"", False),
    ],
)
def test_chunks(data: bytes, content: bytes, complete: bool) -> None:
    assert unchunked(data) == (content, complete)
