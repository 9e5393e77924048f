"""Static files of the built page, with the media types that browsers insist on."""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from proxy.headers import content_security_policy

MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".safetensors": "application/octet-stream",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".whl": "application/zip",
    ".woff2": "font/woff2",
    ".xml": "application/xml",
    ".zip": "application/zip",
}
"""Suffix -> type. The machine's own table of types is not consulted: it differs from system to system."""

UNKNOWN_TYPE = "application/octet-stream"
SHOWN_PATH_LENGTH = 200
PathLike = str | os.PathLike[str]
INLINE_SCRIPT = re.compile(r"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL | re.IGNORECASE)


class PageFiles(StaticFiles):
    """The files below one folder; `index.html` stands for its folder, ETags answer with 304."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file at `path`, or an answer that says which one is missing.

        Raises:
            HTTPException: 404 with the missing path and what to do, 405 for methods other than GET and HEAD.
        """
        try:
            return await super().get_response(path, scope)
        except HTTPException as error:
            if error.status_code != 404:
                raise
            raise HTTPException(404, _missing(scope["path"])) from None

    def file_response(
        self, full_path: PathLike, stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        """The file, or 304 when the browser has it; either way with its type and, for pages, their policy.

        A 304 refreshes the headers that the browser keeps, so it must carry the same ones.
        """
        response = super().file_response(full_path, stat_result, scope, status_code)
        kind = media_type(str(full_path))
        response.headers["Content-Type"] = kind
        if kind == MEDIA_TYPES[".html"]:
            scripts = inline_scripts(Path(full_path).read_text(encoding="utf-8"))
            response.headers["Content-Security-Policy"] = content_security_policy(scope["path"], scripts)
        return response


def inline_scripts(html: str) -> list[str]:
    """The texts of the scripts written into a page, which its policy names by their hashes."""
    return INLINE_SCRIPT.findall(html)


def media_type(path: str) -> str:
    """The media type for a file name."""
    return MEDIA_TYPES.get(PurePosixPath(path).suffix.lower(), UNKNOWN_TYPE)


def _missing(path: str) -> str:
    shown = path[:SHOWN_PATH_LENGTH].encode("ascii", "backslashreplace").decode()
    shown = "".join(character if character.isprintable() else "?" for character in shown)
    return f"{shown} is not on this server; run ./build.sh dist to build the page anew, then reload"
