"""What the proxy is told: upstream, key, who may ask, how much. Every check on it."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

UPSTREAM = "https://api.anthropic.com"
LOCAL_HOSTS = ("127.0.0.1", "localhost", "[::1]")
VISIBLE = re.compile(r"[\x21-\x7e]{1,512}")


class SettingsError(Exception):
    """A setting that cannot be used; says which, its value and what to do."""


class ApiKey:
    """A secret: it shows itself in no representation, and is struck out of what passes by."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        """Take a key.

        Raises:
            SettingsError: it is not one word of visible ASCII characters; the message does not repeat it.
        """
        if VISIBLE.fullmatch(value) is None:
            raise SettingsError(
                f"the API key of {len(value)} characters holds a space, a line break or something else that a"
                " key cannot have; copy it again"
            )
        self._value = value.encode()

    def __repr__(self) -> str:
        return "ApiKey(hidden)"

    @property
    def header(self) -> tuple[bytes, bytes]:
        """As the API takes it."""
        return b"authorization", b"Bearer " + self._value

    def strike(self, data: bytes) -> bytes:
        """The data without the key, should something upstream repeat what it was sent."""
        return data.replace(self._value, b"[key]") if self._value in data else data


@dataclass(frozen=True)
class Limits:
    """How much is let through, and how long anything may take."""

    body_bytes: int = 1 << 20
    """Of one request."""
    answer_bytes: int = 16 << 20
    """Of one answer that is not a stream: it is held until it is complete."""
    requests_per_minute: int = 240
    """Of all clients together; this many may come at once."""
    client_requests_per_minute: int = 60
    """Of one address."""
    streams: int = 64
    """Requests under way at one time, streams or not."""
    client_streams: int = 16
    """The same, of one address."""
    connect_s: float = 10.0
    """Until the upstream's connection stands."""
    answer_s: float = 600.0
    """Until the head of its answer: without streaming, that is when the whole message is written."""
    silence_s: float = 120.0
    """Between two parts of a stream, and until a client takes the next one. The API pings more often."""
    body_s: float = 30.0
    """Until a request's body is complete."""


@dataclass(frozen=True)
class Settings:
    """Everything that `python -m proxy` can be told."""

    upstream: str = UPSTREAM
    """Where the Messages API is, without `/v1`."""
    key: ApiKey | None = None
    """The server's own; without one, callers bring theirs."""
    origins: frozenset[str] = frozenset()
    """Pages elsewhere that may ask, such as `https://someone.github.io`."""
    hosts: frozenset[str] = frozenset(LOCAL_HOSTS)
    """Names under which the proxy answers: what another name leads here is a trick (DNS rebinding)."""
    limits: Limits = field(default_factory=Limits)


def checked_upstream(url: str) -> str:
    """An upstream's address without a slash at its end.

    Raises:
        SettingsError: it is neither https nor http on this machine, or holds more than host and path.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = parts.port
    except ValueError:
        parts, host, port = urlsplit(""), "", None
    if parts.scheme not in ("http", "https") or not host or port == 0:
        raise SettingsError(f"upstream {url!r} is not an address such as {UPSTREAM}")
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise SettingsError(
            f"upstream host {host!r}: give scheme, host, port and path alone, without a name, a password,"
            " a query or a fragment"
        )
    if parts.scheme == "http" and not is_loopback(host):
        raise SettingsError(
            f"upstream {url!r} would carry the key in the open; use https, or http on 127.0.0.1"
        )
    return url.rstrip("/")


def is_loopback(host: str) -> bool:
    """Whether a host name is this machine itself."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def checked_origin(origin: str) -> str:
    """An origin as browsers write it: lower case, without a path.

    Raises:
        SettingsError: it is not one.
    """
    try:
        parts = urlsplit(origin)
        known = parts.scheme in ("http", "https") and parts.hostname and parts.username is None
        rest = parts.path.strip("/") or parts.query or parts.fragment
        port = parts.port
    except ValueError:
        known, rest, port = False, "", None
    if not known or rest:
        raise SettingsError(
            f"origin {origin!r} is not of the form https://host or https://host:port; give the page's address"
            " without its path"
        )
    standard = {"http": 80, "https": 443}[parts.scheme]
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}" + ("" if port in (None, standard) else f":{port}")
