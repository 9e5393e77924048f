"""Errors in the form of the Messages API, so that its SDK raises the right exception for them."""

from __future__ import annotations

import json

TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    408: "timeout_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    502: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}


class RelayError(Exception):
    """What the caller is answered with instead of what was asked for.

    Args:
        status: of the answer.
        message: what was wrong, with its value, and what to do.
        retry_after_s: seconds until it may be tried again; for 429.
    """

    def __init__(self, status: int, message: str, retry_after_s: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.retry_after_s = retry_after_s

    @property
    def body(self) -> bytes:
        """The answer's JSON."""
        return error_json(type_of(self.status), self.message)

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """The answer's headers."""
        headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
        if self.status in (408, 413):
            # The rest of the body may still be coming, and must not be taken for a next request.
            headers.append((b"connection", b"close"))
        if self.retry_after_s is not None:
            headers.append((b"retry-after", str(self.retry_after_s).encode()))
        return headers

    @property
    def event(self) -> bytes:
        """The same as the last event of a stream."""
        return b"event: error\ndata: " + self.body + b"\n\n"


def type_of(status: int) -> str:
    """The API's name for errors of a status."""
    return TYPES.get(status, "api_error" if status >= 500 else "invalid_request_error")


def error_json(kind: str, message: str) -> bytes:
    """`{"type": "error", "error": {"type": ..., "message": ...}}`."""
    return json.dumps({"type": "error", "error": {"type": kind, "message": message}}).encode()
