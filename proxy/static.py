"""Static files of the built page: with the types browsers insist on, compressed where the build did it."""

from __future__ import annotations

import functools
import hashlib
import os
import re
from pathlib import Path, PurePosixPath

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from proxy.headers import EMBEDDED, content_security_policy

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
    ".webmanifest": "application/manifest+json",
    ".whl": "application/zip",
    ".woff2": "font/woff2",
    ".xml": "application/xml",
    ".zip": "application/zip",
}
"""Suffix -> type. The machine's own table of types is not consulted: it differs from system to system."""

UNKNOWN_TYPE = "application/octet-stream"
SHOWN_PATH_LENGTH = 200
PathLike = str | os.PathLike[str]
HASHED_NAME = re.compile(r"[.-]([0-9a-f]{8,64})\.[^/]+\Z")
IMMUTABLE = "public, max-age=31536000, immutable"
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

        A 304 refreshes the headers that the browser keeps, so it must carry the same ones. Where the build
        left a brotli copy and the browser takes it, that is what is sent.
        """
        kind = media_type(str(full_path))
        copy = brotli_copy(full_path, stat_result)
        compressed = copy is not None and takes_brotli(Headers(scope=scope))
        if copy is not None and compressed:
            response = super().file_response(copy, copy.stat(), scope, status_code)
        else:
            response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers["Content-Type"] = kind
        if copy is not None:
            response.headers["Vary"] = "Accept-Encoding"
        if compressed and response.status_code != 304:
            response.headers["Content-Encoding"] = "br"
        if is_named_by_content(str(full_path), stat_result.st_mtime_ns):
            response.headers["Cache-Control"] = IMMUTABLE
        if kind == MEDIA_TYPES[".html"]:
            scripts = inline_scripts(Path(full_path).read_text(encoding="utf-8"))
            framed = EMBEDDED in scope["query_string"].decode("latin-1").split("&")
            policy = content_security_policy(scope["path"], scripts, framed=framed)
            response.headers["Content-Security-Policy"] = policy
        return response


@functools.lru_cache(maxsize=1024)
def is_named_by_content(path: str, changed_ns: int) -> bool:
    """Whether a file's name holds the beginning of its sha256: then it can never be another file.

    Args:
        path: of the file.
        changed_ns: when it was changed; a changed file is looked at again.
    """
    found = HASHED_NAME.search(path)
    if found is None:
        return False
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest().startswith(found[1])


def brotli_copy(path: PathLike, original: os.stat_result) -> Path | None:
    """The compressed copy beside a file; none where the file was changed after it."""
    copy = Path(f"{path}.br")
    try:
        return copy if copy.stat().st_mtime_ns >= original.st_mtime_ns else None
    except FileNotFoundError:
        return None


def takes_brotli(headers: Headers) -> bool:
    """Whether a request accepts brotli; one that asks for a part of a file means the file as it is."""
    if "range" in headers:
        return False
    for coding in ",".join(headers.getlist("accept-encoding")).lower().split(","):
        name, _, weight = coding.partition(";")
        if name.strip() == "br":
            return re.fullmatch(r"\s*q=0(\.0*)?\s*", weight) is None
    return False


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
