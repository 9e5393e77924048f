"""The command line and the environment of `python -m proxy`, read into settings."""

from __future__ import annotations

import argparse
import dataclasses
import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from proxy.settings import (
    LOCAL_HOSTS,
    UPSTREAM,
    ApiKey,
    Limits,
    Settings,
    SettingsError,
    checked_origin,
    checked_upstream,
)

BIND = "127.0.0.1"
HOST_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|\[[0-9a-f:]+\]")


@dataclass(frozen=True)
class Options:
    """What the process does, beside how it relays."""

    settings: Settings
    port: int
    bind: str
    directory: Path | None
    """The built page; none when it is hosted elsewhere."""


def read_options(arguments: Sequence[str], environment: Mapping[str, str]) -> Options:
    """Read the command line; the environment gives the key and, where no flag does, the upstream.

    Raises:
        SettingsError: a value cannot be used.
    """
    given = _parser().parse_args(arguments)
    key = environment.get("ANTHROPIC_API_KEY", "").strip()
    upstream = given.upstream or environment.get("ANTHROPIC_BASE_URL", "").strip() or UPSTREAM
    changed = {
        field.name: getattr(given, field.name)
        for field in dataclasses.fields(Limits)
        if getattr(given, field.name, None) is not None
    }
    settings = Settings(
        upstream=checked_upstream(upstream),
        key=ApiKey(key) if key else None,
        origins=frozenset(checked_origin(origin) for origin in given.origin),
        hosts=frozenset(LOCAL_HOSTS) | {_checked_host(host) for host in given.allow_host},
        limits=dataclasses.replace(Limits(), **changed),
    )
    directory = given.directory
    if directory is None and not given.origin:
        directory = Path("dist")
    return Options(settings, given.port, given.bind, directory)


def _checked_host(host: str) -> str:
    if HOST_NAME.fullmatch(host.lower()) is None:
        raise SettingsError(f"--allow-host {host!r} is not a host name; give it without scheme and port")
    return host.lower()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m proxy",
        description="Serve the built page on this machine and relay what it asks Claude. The key comes from"
        " ANTHROPIC_API_KEY; without it, the page sends one of its user's own. docs/proxy.md describes it.",
    )
    parser.add_argument("--port", type=_port, default=8080, help="8080 unless told; 0 takes any free one")
    parser.add_argument(
        "--bind",
        type=_address,
        default=BIND,
        help=f"the address to listen on; {BIND}, this machine alone, unless told",
    )
    parser.add_argument(
        "--directory", type=Path, help="the built page; dist unless told; with --origin alone, none"
    )
    parser.add_argument(
        "--origin",
        action="append",
        default=[],
        metavar="URL",
        help="a page hosted elsewhere that may ask, such as https://someone.github.io; may be repeated",
    )
    parser.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="a further name under which this server is reached; may be repeated",
    )
    parser.add_argument(
        "--upstream",
        metavar="URL",
        help=f"where the Messages API is; ANTHROPIC_BASE_URL or {UPSTREAM} unless told",
    )
    for name, what in (
        ("body-bytes", "in the body of one request"),
        ("requests-per-minute", "requests a minute, of all clients together"),
        ("client-requests-per-minute", "requests a minute, of one address"),
        ("streams", "requests under way at one time"),
        ("client-streams", "requests under way at one time, of one address"),
    ):
        default = getattr(Limits, name.replace("-", "_"))
        parser.add_argument(f"--{name}", type=_count, metavar="N", help=f"{what}; {default} unless told")
    for name, what in (
        ("connect-s", "until the upstream's connection stands"),
        ("answer-s", "until its answer begins"),
        ("silence-s", "between two parts of a stream"),
        ("body-s", "until a request's body is complete"),
    ):
        default = getattr(Limits, name.replace("-", "_"))
        parser.add_argument(
            f"--{name}", type=_seconds, metavar="S", help=f"{what}; {default:g} s unless told"
        )
    return parser


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < 65536):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port number from 0 to 65535")
    return int(text)


def _address(text: str) -> str:
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not an IPv4 address such as {BIND}") from None


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text[:12]) <= 1 << 30):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to {1 << 30}")
    return int(text)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.01 <= value <= 86400:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from 0.01 to 86400")
    return value
