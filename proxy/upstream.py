"""The one upstream: what goes to it, what comes back, and what its failures are called."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import cast

import anyio
import httpx2
from starlette.datastructures import Headers

from proxy.access import PASSED_HEADERS, PREFIX
from proxy.errors import RelayError
from proxy.settings import VISIBLE, ApiKey, Settings

ENDPOINTS = (
    ("POST", re.compile(r"/v1/messages")),
    ("POST", re.compile(r"/v1/messages/count_tokens")),
    ("GET", re.compile(r"/v1/models(?:/[A-Za-z0-9][A-Za-z0-9._:@-]{0,127})?")),
)
"""All that is relayed."""
LONGEST_QUERY = 1024
ANSWER_HEADERS = re.compile(
    r"content-type|request-id|retry-after|retry-after-ms|x-should-retry|anthropic-ratelimit-[a-z-]{1,60}"
)
"""What of an answer goes back. Who owns the key (`anthropic-organization-id`) is not the page's business."""
KEPT_CONNECTIONS = 16
KEPT_S = 15.0
"""An unused connection is not used again after this time: the other end may be about to close it."""


class Connections:
    """Transports of one connection each, used by one request at a time; some are kept for the next ones.

    One transport for all would look through all its connections whenever a request begins or ends, which with
    500 streams takes longer than everything else.
    """

    def __init__(self, network_proxy: str | None) -> None:
        self._network_proxy = network_proxy
        self._certificates = httpx2.create_ssl_context()
        self._free: list[httpx2.AsyncHTTPTransport] = []

    @asynccontextmanager
    async def one(self) -> AsyncIterator[httpx2.AsyncHTTPTransport]:
        """A connection that nothing else uses."""
        taken = self._free.pop() if self._free else self._new()
        try:
            yield taken
        finally:
            if len(self._free) < KEPT_CONNECTIONS:
                self._free.append(taken)
            else:
                with anyio.CancelScope(shield=True):
                    await taken.aclose()

    def _new(self) -> httpx2.AsyncHTTPTransport:
        return httpx2.AsyncHTTPTransport(
            verify=self._certificates,
            limits=httpx2.Limits(max_connections=1, keepalive_expiry=KEPT_S),
            proxy=self._network_proxy,
        )

    async def aclose(self) -> None:
        """Close what is kept."""
        while self._free:
            await self._free.pop().aclose()


class Upstream:
    """Asks the Messages API."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._connections = Connections(network_proxy(settings.upstream))

    async def aclose(self) -> None:
        """Close all connections."""
        await self._connections.aclose()

    @asynccontextmanager
    async def answer(
        self, method: str, path: str, query: bytes, headers: Headers, body: bytes
    ) -> AsyncIterator[Answer]:
        """Ask, and give the answer when its head is there; the connection ends with the context.

        Args:
            method: GET or POST.
            path: of the request to the proxy, which is one of `ENDPOINTS` behind `PREFIX`.
            query: as it came.
            headers: of the request; those of `PASSED_HEADERS` and the key go on.
            body: complete.

        Raises:
            RelayError: 401 without a key; 502 or 504 when the upstream cannot be reached or breaks.
        """
        limits = self._settings.limits
        timeouts: dict[str, float] = {
            "connect": limits.connect_s,
            "read": limits.answer_s,
            "write": limits.silence_s,
            "pool": limits.connect_s,
        }
        request = httpx2.Request(
            method,
            httpx2.URL(self._settings.upstream + path.removeprefix(PREFIX), query=query or None),
            headers=self._headers(headers),
            content=body,
            extensions={"timeout": timeouts},
        )
        async with self._connections.one() as connection:
            with named_failures():
                response = await connection.handle_async_request(request)
            try:
                # From here on the reads are of the body, and read their time from the same record.
                timeouts["read"] = limits.silence_s
                coding = response.headers.get("content-encoding", "identity")
                if coding != "identity":
                    raise RelayError(
                        502, "the upstream sent a compressed answer though asked for a plain one"
                    )
                yield Answer(response, self._settings.key)
            finally:
                with anyio.CancelScope(shield=True):
                    await response.aclose()

    def _headers(self, headers: Headers) -> list[tuple[bytes, bytes]]:
        # Compressed events could not be told apart, nor ended with one of the proxy's own.
        passed = [(b"accept-encoding", b"identity")]
        for name, value in headers.items():
            if PASSED_HEADERS.fullmatch(name):
                passed.append((name.encode(), value.encode("latin-1")))
        passed.append(self._settings.key.header if self._settings.key else callers_key(headers))
        return passed


class Answer:
    """An upstream's answer whose body has not been read yet."""

    def __init__(self, response: httpx2.Response, key: ApiKey | None) -> None:
        self._response = response
        self._key = key
        self.status = response.status_code
        self._kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def is_stream(self) -> bool:
        """Whether it is a stream of server-sent events."""
        return self.status == 200 and self._kind == "text/event-stream"

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """Those that go back."""
        return [(b"cache-control", b"no-store")] + [
            (name.lower(), self.strike(value))
            for name, value in self._response.headers.raw
            if ANSWER_HEADERS.fullmatch(name.decode("latin-1").lower())
        ]

    def strike(self, data: bytes) -> bytes:
        """The data without the server's key."""
        return data if self._key is None else self._key.strike(data)

    async def parts(self) -> AsyncIterator[bytes]:
        """The body as it comes.

        Raises:
            RelayError: 502 or 504 when it breaks or falls silent.
        """
        with named_failures():
            # Not `aiter_raw`, which would copy every part through a buffer.
            async for part in cast("httpx2.AsyncByteStream", self._response.stream):
                yield part

    async def whole(self, limit: int) -> bytes:
        """The body of an answer that is not a stream.

        Raises:
            RelayError: 502 when it is longer than `limit`, or breaks; 504 when it falls silent.
        """
        parts, length = [], 0
        async for part in self.parts():
            parts.append(part)
            length += len(part)
            if length > limit:
                raise RelayError(502, f"the upstream's answer is longer than {limit} bytes")
        body = self.strike(b"".join(parts))
        if 300 <= self.status < 400:
            raise RelayError(
                502, f"the upstream redirects (status {self.status}); start the proxy with its final address"
            )
        if self._kind != "application/json":
            raise not_json(self.status, self._kind)
        return body


def not_json(status: int, kind: str) -> RelayError:
    """The upstream, or something before it, answers in another form than the API does; its status stays."""
    shown = kind[:60].encode("ascii", "backslashreplace").decode() or "no type"
    message = f"the upstream answered with status {status} and {shown} instead of JSON"
    return RelayError(status if status >= 400 else 502, message)


def check_endpoint(method: str, path: str, query: bytes) -> None:
    """Whether this is relayed at all.

    Raises:
        RelayError: 404 or 405, and 400 for a query that is too long.
    """
    known = [wanted for wanted, pattern in ENDPOINTS if pattern.fullmatch(path.removeprefix(PREFIX))]
    if not known:
        raise RelayError(
            404,
            "this proxy relays POST /anthropic/v1/messages, POST /anthropic/v1/messages/count_tokens and"
            " GET /anthropic/v1/models alone",
        )
    if method not in known:
        raise RelayError(405, f"{method[:20]} is not allowed here; use {' or '.join(known)}")
    if len(query) > LONGEST_QUERY:
        raise RelayError(400, f"the query has {len(query)} bytes; at most {LONGEST_QUERY} are relayed")


def callers_key(headers: Headers) -> tuple[bytes, bytes]:
    """The key that a caller brings, as it was brought.

    Raises:
        RelayError: 401, there is none, or it is not one.
    """
    for name in ("x-api-key", "authorization"):
        value = headers.get(name, "")
        if value and VISIBLE.fullmatch(value.removeprefix("Bearer ")):
            return name.encode(), value.encode()
        if value:
            raise RelayError(401, f"{name} does not hold a key: one word of visible ASCII characters")
    raise RelayError(
        401,
        "there is no API key: start the proxy with ANTHROPIC_API_KEY set, or send your own as x-api-key",
    )


@contextmanager
def named_failures() -> Iterator[None]:
    """Turn what can go wrong with a connection into the API's errors.

    The libraries' own messages are left out: they may quote what was sent, the key included.
    """
    try:
        yield
    except httpx2.ConnectTimeout:
        raise RelayError(504, "the upstream did not take the connection in time; try again later") from None
    except httpx2.PoolTimeout:
        raise RelayError(504, "no connection to the upstream became free in time; try again later") from None
    except httpx2.TimeoutException:
        raise RelayError(504, "the upstream fell silent; try again later") from None
    except httpx2.ConnectError:
        message = "the upstream cannot be reached; check the network and the proxy's --upstream"
        raise RelayError(502, message) from None
    except httpx2.TransportError:
        raise RelayError(502, "the connection to the upstream broke; try again") from None


def network_proxy(upstream: str) -> str | None:
    """The network's own proxy for an address, as the environment names it (`HTTPS_PROXY`, `NO_PROXY`)."""
    url = httpx2.URL(upstream)
    if url.scheme != "https" or urllib.request.proxy_bypass(url.host):
        return None
    return urllib.request.getproxies().get("https")
