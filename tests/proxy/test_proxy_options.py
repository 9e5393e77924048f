from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import RelayError
from proxy.limits import REMEMBERED_CLIENTS, Gate
from proxy.options import read_options
from proxy.settings import Limits, SettingsError, checked_origin, checked_upstream


def test_what_is_used_unless_told() -> None:
    options = read_options([], {})
    settings = options.settings
    assert (settings.upstream, settings.key, settings.origins) == (
        "https://api.anthropic.com",
        None,
        frozenset(),
    )
    assert (options.port, options.bind, options.directory) == (8080, "127.0.0.1", Path("dist"))
    assert settings.limits == Limits()
    assert settings.hosts == {"127.0.0.1", "localhost", "[::1]"}


def test_flags_and_environment() -> None:
    flags = ["--origin", "https://Someone.github.io/", "--allow-host", "Lab.example", "--streams", "3"]
    environment = {"ANTHROPIC_API_KEY": " sk-1\n", "ANTHROPIC_BASE_URL": "https://gate.example/claude/"}
    options = read_options([*flags, "--silence-s", "2.5", "--bind", "0.0.0.0"], environment)
    assert options.directory is None
    assert options.settings.origins == {"https://someone.github.io"}
    assert "lab.example" in options.settings.hosts
    assert options.settings.upstream == "https://gate.example/claude"
    assert options.settings.key is not None
    assert options.settings.key.header == (b"authorization", b"Bearer sk-1")
    assert (options.settings.limits.streams, options.settings.limits.silence_s) == (3, 2.5)
    both = read_options([*flags, "--directory", "page", "--upstream", "http://127.0.0.1:9"], environment)
    assert both.directory == Path("page")
    assert both.settings.upstream == "http://127.0.0.1:9"


@pytest.mark.parametrize(
    "url",
    [
        "https://api.anthropic.com",
        "https://a.example:8443/x",
        "http://127.0.0.1:9",
        "http://localhost",
        "http://[::1]:8",
    ],
)
def test_upstreams_that_keep_the_key(url: str) -> None:
    assert checked_upstream(url + "/") == url


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://api.anthropic.com", "would carry the key in the open; use https"),
        ("http://127.0.0.1.evil.example", "would carry the key in the open"),
        ("http://10.0.0.1", "would carry the key in the open"),
        ("ftp://a.example", "is not an address"),
        ("file:///etc/passwd", "is not an address"),
        ("api.anthropic.com", "is not an address"),
        ("https://", "is not an address"),
        ("https://a.example:99999", "is not an address"),
        ("https://[::1", "is not an address"),
        ("https://name:secret@a.example", "without a name, a password"),
        ("https://a.example/?x=1", "a query"),
        ("https://a.example/#x", "fragment"),
    ],
)
def test_upstreams_that_are_refused(url: str, reason: str) -> None:
    with pytest.raises(SettingsError, match=reason) as caught:
        checked_upstream(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("origin", "found"),
    [
        ("https://a.example", "https://a.example"),
        ("https://A.example:443/", "https://a.example"),
        ("http://localhost:5173", "http://localhost:5173"),
        ("http://[::1]:80", "http://[::1]"),
    ],
)
def test_origins(origin: str, found: str) -> None:
    assert checked_origin(origin) == found


@pytest.mark.parametrize(
    "origin",
    ["*", "null", "a.example", "https://a.example/lab", "https://x@a.example", "file://", "https://a:b"],
)
def test_origins_that_are_none(origin: str) -> None:
    with pytest.raises(SettingsError, match="is not of the form https://host"):
        checked_origin(origin)


@pytest.mark.parametrize(
    "flags",
    [
        ["--streams", "0"],
        ["--streams", "x"],
        ["--answer-s", "nan"],
        ["--answer-s", "-1"],
        ["--answer-s", "inf"],
        ["--bind", "example.org"],
        ["--body-bytes", "99999999999999"],
    ],
)
def test_numbers_that_are_none(flags: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        read_options(flags, {})
    assert f"{flags[1]!r} is not" in capsys.readouterr().err


def test_host_names_that_are_none() -> None:
    with pytest.raises(SettingsError, match="is not a host name"):
        read_options(["--allow-host", "http://a.example"], {})


class _Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_requests_come_back_evenly() -> None:
    clock = _Clock()
    gate = Gate(Limits(client_requests_per_minute=6, requests_per_minute=100), clock)

    def ask() -> int | None:
        try:
            with gate.passing("one"):
                return None
        except RelayError as error:
            return error.retry_after_s

    assert [ask() for _ in range(6)] == [None] * 6
    assert ask() == 10
    clock.now_s = 4
    assert ask() == 6
    clock.now_s = 10
    assert ask() is None
    assert ask() == 10
    clock.now_s = 1000
    assert [ask() for _ in range(7)] == [None] * 6 + [10]


def test_a_refused_request_uses_up_nothing() -> None:
    gate = Gate(Limits(client_requests_per_minute=2, requests_per_minute=3), _Clock())
    for client, allowed in (("a", True), ("a", True), ("a", False), ("a", False), ("b", True), ("b", False)):
        with nullcontext() if allowed else pytest.raises(RelayError, match="a minute"), gate.passing(client):
            assert allowed
    assert gate.under_way == 0


@given(st.lists(st.integers(0, 5000), max_size=200))
def test_clients_are_forgotten_before_they_are_too_many(clients: list[int]) -> None:
    gate = Gate(Limits(requests_per_minute=10**9), _Clock())
    for client in [*clients, *range(REMEMBERED_CLIENTS + 5)]:
        with gate.passing(str(client)):
            assert gate.under_way == 1
    assert len(gate._clients) == REMEMBERED_CLIENTS
    assert not gate._under_way
