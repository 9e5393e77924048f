"""Many event streams at once: an upstream that writes them, a client that reads them, both in bare asyncio.

The servers and clients of the tests would take more of the machine than what is measured. As a program
(`python -m benchmarks._streams`) this is the upstream; it prints its address. What a stream holds follows
from its number and its length alone, so that the client can check every byte.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

EVENT_S = 0.2
HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n"
    b"connection: close\r\n\r\n"
)


def events(number: int, count: int) -> list[bytes]:
    """A stream's events, the API's last one at its end; the same for the same number."""
    rng = random.Random(number)
    found = [_event("message_start", {"number": number})]
    while len(found) < count - 1:
        words = "".join(rng.choices("abcdefghij klmnop-éß步", k=rng.randint(4, 120)))
        found.append(
            _event("content_block_delta", {"index": 0, "delta": {"type": "text_delta", "text": words}})
        )
    return [*found, _event("message_stop", {})]


def _event(kind: str, data: dict[str, object]) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **data}, ensure_ascii=False)}\n\n".encode()


class _Writer(asyncio.Protocol):
    """One connection of the upstream: reads a request, then writes an event five times a second."""

    def __init__(self) -> None:
        self._read = b""
        self._waiting: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Begin when the request is complete."""
        self._read += data
        head, blank, body = self._read.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head.lower())
        if not blank or length is None or len(body) < int(length[1]):
            return
        asked = json.loads(body)
        self._read = b""
        self._waiting = events(asked["number"], asked["count"])[::-1]
        self._transport.write(HEAD)
        self._write(asyncio.get_running_loop().time())

    def _write(self, due_s: float) -> None:
        if self._transport.is_closing():
            return
        event = self._waiting.pop()
        self._transport.write(b"%x\r\n%b\r\n" % (len(event), event))
        if self._waiting:
            due_s += EVENT_S
            asyncio.get_running_loop().call_at(due_s, self._write, due_s)
        else:
            self._transport.write(b"0\r\n\r\n")
            self._transport.close()


@dataclass
class Stream(asyncio.Protocol):
    """One stream as a client reads it."""

    number: int
    count: int
    origin: str
    path: str
    first_byte_s: float = -1.0
    """From before the connection was made until the first byte of the first event was there."""
    received: bytearray = field(default_factory=bytearray)

    async def read(self) -> None:
        """Ask for the stream and read it to its end."""
        address = urlsplit(self.origin)
        loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[None] = loop.create_future()
        self._began_s = time.perf_counter()
        host, port = address.hostname or "", address.port or 80
        transport, _ = await loop.create_connection(lambda: self, host, port)
        try:
            body = json.dumps({"number": self.number, "count": self.count}).encode()
            head = (
                f"POST {self.path}/v1/messages HTTP/1.1\r\nhost: {address.netloc}\r\nx-api-key: bench\r\n"
                f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
            )
            transport.write(head.encode() + body)
            async with asyncio.timeout(self.count * EVENT_S + 60):
                await self._ended
        finally:
            transport.close()

    def data_received(self, data: bytes) -> None:
        """Collect; note when the body begins."""
        self.received += data
        if self.first_byte_s < 0 and not self.received.endswith(b"\r\n\r\n") and b"\r\n\r\n" in self.received:
            self.first_byte_s = time.perf_counter() - self._began_s
        if data.endswith(b"0\r\n\r\n") and not self._ended.done():
            self._ended.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """The end, wanted or not."""
        if not self._ended.done():
            self._ended.set_result(None)

    @property
    def is_right(self) -> bool:
        """Whether every byte came, and the end of the answer."""
        head, _, chunks = bytes(self.received).partition(b"\r\n\r\n")
        body, ended = unchunked(chunks)
        right = b"".join(events(self.number, self.count))
        return head.startswith(b"HTTP/1.1 200") and ended and body == right


def unchunked(data: bytes) -> tuple[bytes, bool]:
    """The content of a chunked body (RFC 9112, 7.1), and whether it is complete."""
    parts: list[bytes] = []
    at = 0
    while True:
        line_end = data.find(b"\r\n", at)
        if line_end < 0:
            return b"".join(parts), False
        size = int(data[at:line_end], 16)
        if size == 0:
            return b"".join(parts), True
        parts.append(data[line_end + 2 : line_end + 2 + size])
        at = line_end + 2 + size + 2


async def read_streams(
    origin: str, path: str, streams: int, ramp_s: float, together_s: float
) -> list[Stream]:
    """Read many streams: they begin evenly over `ramp_s`, then all of them go on for `together_s`."""
    count = round((ramp_s + together_s) / EVENT_S) + 1
    found = [Stream(number, count, origin, path) for number in range(streams)]

    async def later(stream: Stream, wait_s: float) -> None:
        await asyncio.sleep(wait_s)
        try:
            await stream.read()
        except (OSError, TimeoutError):
            stream.received.clear()

    await asyncio.gather(*(later(stream, at * ramp_s / streams) for at, stream in enumerate(found)))
    return found


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Writer, "127.0.0.1", 0, backlog=2048)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve())
