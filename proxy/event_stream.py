"""Server-sent events as bytes: what is complete may go on, and whether a stream of the API has ended."""

from __future__ import annotations

import re

LAST_EVENT = re.compile(rb"(?:\A|[\r\n])event: ?(?:message_stop|error)[\r\n]")
"""What the Messages API ends a stream with."""
LONGEST_HELD = 1 << 20
"""Bytes of one event that are held back; what is longer goes on in parts."""


class EventStream:
    """Passes whole events on, byte for byte, and holds back the beginning of one that is not complete.

    So a stream that breaks in the middle of an event can still be ended with an error event of its own.
    """

    def __init__(self) -> None:
        self._held = b""
        self.ended = False
        """The API's last event, or its error, has passed."""
        self.broken_open = False
        """The last byte that went on belongs to an event that is not complete."""

    def feed(self, part: bytes) -> bytes:
        """What can go on after `part` has come."""
        data = self._held + part
        end = _end_of_last(data)
        if end == 0 and len(data) > LONGEST_HELD:
            end = len(data)
            self.broken_open = True
        elif end:
            self.broken_open = False
        whole, self._held = data[:end], data[end:]
        if whole and not self.ended:
            self.ended = LAST_EVENT.search(whole) is not None
        return whole

    def rest(self) -> bytes:
        """What was held back, for a stream that has ended; comments after the last event, say."""
        held, self._held = self._held, b""
        return held


def _end_of_last(data: bytes) -> int:
    """Where the last complete event ends: after an empty line."""
    return max(
        (data.rfind(blank) + len(blank)) if blank in data else 0 for blank in (b"\n\n", b"\r\n\r\n", b"\r\r")
    )
