"""The Starlette application."""

from __future__ import annotations

from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from proxy.headers import SecurityHeaders
from proxy.static import PageFiles


class PageMissingError(Exception):
    """The folder to serve does not hold a built page."""


def create_app(directory: Path) -> Starlette:
    """An application that serves the built page in `directory`, and `GET /health`.

    Raises:
        PageMissingError: there is no `index.html` in it.
    """
    if not (directory / "index.html").is_file():
        raise PageMissingError(
            f"{directory} holds no index.html; run ./build.sh dist, or name another --directory"
        )

    async def health(_: Request) -> Response:
        complete = (directory / "index.html").is_file()
        return JSONResponse(
            {"status": "ok" if complete else "page missing"}, status_code=200 if complete else 503
        )

    return Starlette(
        routes=[Route("/health", health), Mount("/", PageFiles(directory=directory, html=True))],
        middleware=[Middleware(SecurityHeaders)],
    )
