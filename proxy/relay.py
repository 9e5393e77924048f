"""Relays requests to the Messages API: one ASGI application below `/anthropic/`."""

from __future__ import annotations

import asyncio
import logging

import anyio
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from proxy.errors import RelayError
from proxy.event_stream import EventStream
from proxy.limits import Gate
from proxy.settings import Limits, Settings
from proxy.upstream import Answer, Upstream, check_endpoint

log = logging.getLogger("proxy")

DRAINED_BODY = 16
"""Times the limit that are read of a body too large, so that its sender gets to read the answer."""


class Relay:
    """The application; holds the upstream's connections and the counts of what is under way."""

    def __init__(self, settings: Settings) -> None:
        self._limits = settings.limits
        self._upstream = Upstream(settings)
        self.gate = Gate(settings.limits)

    async def aclose(self) -> None:
        """Close the upstream's connections."""
        await self._upstream.aclose()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Relay one request, or answer it with an error in the API's form."""
        exchange = _Exchange(scope, receive, send, self._limits)
        try:
            await self._relay(exchange)
        except RelayError as error:
            if error.status in (500, 502, 504):
                log.warning("%s %s: %s (%d)", scope["method"], scope["path"], error.message, error.status)
            await exchange.fail(error)
        except ClientGoneError:
            pass  # nobody is left to be told
        except Exception:  # our own mistake: logged, and told
            log.exception("%s %s", scope["method"], scope["path"])
            await exchange.fail(RelayError(500, "the proxy made a mistake, which its log describes"))

    async def _relay(self, exchange: _Exchange) -> None:
        scope, headers = exchange.scope, exchange.headers
        check_endpoint(scope["method"], scope["path"], scope["query_string"])
        client = scope["client"][0] if scope.get("client") else ""
        with self.gate.passing(client):
            body = await exchange.body() if scope["method"] == "POST" else b""
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(exchange.cancel_when_gone, tasks.cancel_scope)
                asked = self._upstream.answer(
                    scope["method"], scope["path"], scope["query_string"], headers, body
                )
                try:
                    async with asked as answer:
                        await exchange.answer(answer)
                except (RelayError, ClientGoneError) as error:
                    # Kept here: a task group would wrap it in a group of exceptions.
                    exchange.failure = error
                tasks.cancel_scope.cancel()
        if exchange.failure is not None:
            raise exchange.failure


class ClientGoneError(Exception):
    """The client left before its request was complete, or takes nothing any more."""


class _Exchange:
    """One request and its answer."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, limits: Limits) -> None:
        self.scope = scope
        self.headers = Headers(scope=scope)
        self.failure: RelayError | ClientGoneError | None = None
        self._receive = receive
        self._send = send
        self._limits = limits
        self._started = False
        self._stream: EventStream | None = None

    async def body(self) -> bytes:
        """The request's body, complete.

        Raises:
            RelayError: 400 when it is not JSON by name, 408 when it is slow, 413 when it is too large.
        """
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise RelayError(400, f"content-type {kind[:60]!r} is not relayed; send application/json")
        try:
            async with asyncio.timeout(self._limits.body_s):
                body, length = await self._read(self._limits.body_bytes)
        except TimeoutError:
            message = f"the request's body did not arrive within {self._limits.body_s:g} s"
            raise RelayError(408, message) from None
        if length > self._limits.body_bytes:
            raise RelayError(
                413,
                f"the request has {length} bytes or more; at most {self._limits.body_bytes} are relayed",
            )
        return body

    async def _read(self, limit: int) -> tuple[bytes, int]:
        """At most `limit` bytes of the body, and how many came or are announced."""
        parts: list[bytes] = []
        length = 0
        announced = int(self.headers.get("content-length", "0"))
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientGoneError
            part = message.get("body", b"")
            length += len(part)
            if max(length, announced) <= limit:
                parts.append(part)
            if not message.get("more_body") or length > limit * DRAINED_BODY:
                return b"".join(parts), max(length, announced)

    async def cancel_when_gone(self, scope: anyio.CancelScope) -> None:
        """Stop asking the upstream when the client leaves."""
        while (await self._receive())["type"] != "http.disconnect":
            pass
        scope.cancel()

    async def answer(self, answer: Answer) -> None:
        """Pass an answer back: a stream event by event, anything else when it is complete.

        Raises:
            RelayError: the upstream breaks, falls silent or ends a stream without its last event.
        """
        if not answer.is_stream:
            body = await answer.whole(self._limits.answer_bytes)
            length = (b"content-length", str(len(body)).encode())
            await self._head(answer.status, [*answer.headers, length])
            await self._part(body, more=False)
            return
        self._stream = stream = EventStream()
        await self._head(answer.status, answer.headers)
        async for part in answer.parts():
            whole = stream.feed(part)
            if whole:
                await self._part(answer.strike(whole))
        if not stream.ended:
            raise RelayError(502, "the upstream ended its stream before the message was complete; try again")
        await self._part(answer.strike(stream.rest()), more=False)

    async def fail(self, error: RelayError) -> None:
        """Answer with an error, or end what has begun with one."""
        if not self._started:
            length = (b"content-length", str(len(error.body)).encode())
            await self._head(error.status, [*error.headers, length])
            await self._part(error.body, more=False)
        elif self._stream is not None:
            # What the client has of a broken event is ended first, so that this one is read as an event.
            await self._part((b"\n\n" if self._stream.broken_open else b"") + error.event, more=False)

    async def _head(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        self._started = True
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def _part(self, body: bytes, more: bool = True) -> None:
        try:
            async with asyncio.timeout(self._limits.silence_s):
                await self._send({"type": "http.response.body", "body": body, "more_body": more})
        except TimeoutError:
            # To return without an end breaks the connection: the client must not take it for one.
            raise ClientGoneError from None
