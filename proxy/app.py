"""The Starlette application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from proxy.access import PREFIX, Access
from proxy.headers import SecurityHeaders
from proxy.relay import Relay
from proxy.settings import Settings
from proxy.static import PageFiles


class PageMissingError(Exception):
    """The folder to serve does not hold a built page."""


def create_app(directory: Path | None, settings: Settings) -> Starlette:
    """An application that relays the Messages API, serves the built page, and answers `GET /health`.

    Args:
        directory: the built page; none for a page hosted elsewhere.
        settings: of the relay.

    Raises:
        PageMissingError: there is no `index.html` in the directory.
    """
    if directory is not None and not (directory / "index.html").is_file():
        raise PageMissingError(
            f"{directory} holds no index.html; run ./build.sh dist, or name another --directory"
        )
    relay = Relay(settings)

    async def health(_: Request) -> Response:
        complete = directory is None or (directory / "index.html").is_file()
        return JSONResponse(
            {"status": "ok" if complete else "page missing", "key": settings.key is not None},
            status_code=200 if complete else 503,
        )

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await relay.aclose()

    routes: list[BaseRoute] = [Route("/health", health), Mount(PREFIX, relay)]
    if directory is not None:
        routes.append(Mount("/", PageFiles(directory=directory, html=True)))
    return Starlette(
        routes=routes,
        middleware=[Middleware(SecurityHeaders), Middleware(Access, settings=settings)],
        lifespan=lifespan,
    )
