"""Who may ask: the name the proxy was called by, and the page a request comes from."""

from __future__ import annotations

import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from proxy.errors import RelayError
from proxy.settings import Settings

PREFIX = "/anthropic"
GUARDED = (f"{PREFIX}/", "/health")
"""Paths whose answers pages of other origins could misuse."""
PASSED_HEADERS = re.compile(
    r"accept|content-type|user-agent|idempotency-key|anthropic-version|anthropic-beta|x-stainless-[a-z-]{1,40}"
)
"""What of a request goes on to the upstream, beside the key."""
ASKED_HEADERS = re.compile(
    rf"{PASSED_HEADERS.pattern}|x-api-key|authorization|anthropic-dangerous-direct-browser-access"
)
"""What a page elsewhere may send, though not all of it goes on."""
PREFLIGHT_S = 600
SHOWN = 100


class Access:
    """ASGI middleware: refuses foreign hosts and origins, answers preflights, lets allowed pages read."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass an allowed request on, with what lets its page read the answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        try:
            origin = self.foreign_origin(scope, headers)
        except RelayError as error:
            refusal = Response(error.body, error.status, media_type="application/json")
            await refusal(scope, receive, send)
            return
        if origin is None:
            await self.app(scope, receive, send)
            return
        if scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            await preflight(headers, origin)(scope, receive, send)
            return

        async def send_to_origin(message: Message) -> None:
            if message["type"] == "http.response.start":
                answered = MutableHeaders(scope=message)
                answered["Access-Control-Allow-Origin"] = origin
                answered["Access-Control-Expose-Headers"] = "*"
                answered.add_vary_header("Origin")
            await send(message)

        await self.app(scope, receive, send_to_origin)

    def foreign_origin(self, scope: Scope, headers: Headers) -> str | None:
        """The allowed page elsewhere that asks, or none when it is this server's own or no page at all.

        Raises:
            RelayError: 403, the host or the origin is not one of those that are allowed.
        """
        host = headers.get("host", "")
        if re.sub(r":\d{1,5}\Z", "", host).lower() not in self.settings.hosts:
            raise RelayError(
                403,
                f"host {host[:SHOWN]!r} is not a name of this server; start it with --allow-host to add one",
            )
        if not scope["path"].startswith(GUARDED):
            return None
        origin = headers.get("origin")
        if origin is None:
            if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
                raise RelayError(403, "a page of another origin may not ask without saying which it is")
            return None
        if origin == f"{scope['scheme']}://{host}":
            return None
        if origin not in self.settings.origins:
            raise RelayError(
                403,
                f"origin {origin[:SHOWN]!r} may not use this proxy; start it with --origin {origin[:SHOWN]}",
            )
        return origin


def preflight(headers: Headers, origin: str) -> Response:
    """What a browser asks before it sends a page's request: which method, which headers."""
    asked = [name.strip().lower() for name in headers.get("access-control-request-headers", "").split(",")]
    allowed = {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Methods": "GET, POST",
        "Access-Control-Allow-Headers": ", ".join(name for name in asked if ASKED_HEADERS.fullmatch(name)),
        "Access-Control-Max-Age": str(PREFLIGHT_S),
        "Vary": "Origin, Access-Control-Request-Headers",
    }
    if headers.get("access-control-request-private-network") == "true":
        allowed["Access-Control-Allow-Private-Network"] = "true"
    return Response(status_code=204, headers=allowed)
