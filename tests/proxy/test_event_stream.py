from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy import event_stream
from proxy.event_stream import EventStream

STREAM = b'event: ping\ndata: {"type": "ping"}\n\nevent: message_stop\ndata: {}\n\n'


@given(
    events=st.lists(st.text(alphabet="ab:\n", max_size=12), max_size=8),
    blank=st.sampled_from([b"\n\n", b"\r\n\r\n", b"\r\r"]),
    cuts=st.lists(st.integers(0, 120)),
)
def test_whole_events_go_on_byte_for_byte(events: list[str], blank: bytes, cuts: list[int]) -> None:
    whole = b"".join(f"data: {event}".replace("\n\n", "").strip("\n").encode() + blank for event in events)
    stream = EventStream()
    edges = sorted({0, *(cut for cut in cuts if cut < len(whole)), len(whole)})
    passed = b""
    for start, end in itertools.pairwise(edges):
        part = stream.feed(whole[start:end])
        assert not part or part.endswith(blank)
        passed += part
        assert whole.startswith(passed)
        assert len(passed) >= whole.rfind(blank, 0, end) - 1, "a complete event is held back"
    assert passed + stream.rest() == whole


@pytest.mark.parametrize("at", range(len(STREAM) + 1))
def test_the_end_is_seen_wherever_the_parts_are_cut(at: int) -> None:
    stream = EventStream()
    passed = stream.feed(STREAM[:at])
    assert not stream.ended or at == len(STREAM)
    assert passed + stream.feed(STREAM[at:]) == STREAM
    assert stream.ended


@pytest.mark.parametrize(
    ("events", "ended"),
    [
        (b"event: error\ndata: {}\n\n", True),
        (b"event:message_stop\r\ndata: {}\r\n\r\n", True),
        (b"data: {}\nevent: message_stop\n\n", True),
        (b'event: content_block_delta\ndata: {"text": "event: message_stop"}\n\n', False),
        (b"event: message_stopped\ndata: {}\n\n", False),
        (b"event: message_stop\ndata: {}", False),
    ],
)
def test_what_ends_a_stream(events: bytes, ended: bool) -> None:
    stream = EventStream()
    stream.feed(events)
    assert stream.ended is ended


def test_an_endless_event_is_not_collected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "LONGEST_HELD", 100)
    stream = EventStream()
    assert stream.feed(b"data: " + b"x" * 90) == b""
    assert len(stream.feed(b"x" * 90)) == 186
    assert stream.broken_open
    assert stream.feed(b"x\n\n") == b"x\n\n"
    assert not stream.broken_open
