"""What the relay refuses, whom it lets ask, what it passes on: over real HTTP."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.messages_api import MessagesApi, running_messages_api
from tests.messages_wire import Answer, text
from tests.proxy.relays import MESSAGES, MODEL, PAGE, Relay, relaying

ASKING = {"model": MODEL, "max_tokens": 9, "messages": MESSAGES}
MANY = ("--requests-per-minute", "100000", "--client-requests-per-minute", "100000")
JSON = {"content-type": "application/json", "x-api-key": "caller-key", "anthropic-version": "2023-06-01"}


@pytest.fixture(scope="module")
def api() -> Iterator[MessagesApi]:
    with running_messages_api(lambda _: Answer(content=[text("Yes")])) as running:
        yield running


@pytest.fixture(scope="module")
def relay(api: MessagesApi) -> Iterator[Relay]:
    with relaying(api.address, *MANY, "--body-bytes", "2000", "--body-s", "1") as running:
        yield running


class Reply:
    """An answer of the relay, read completely."""

    def __init__(
        self,
        relay: Relay,
        method: str = "POST",
        path: str = "/anthropic/v1/messages",
        body: object = ASKING,
        headers: dict[str, str] | None = None,
    ) -> None:
        connection = http.client.HTTPConnection(urlsplit(relay.origin).netloc, timeout=10)
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        try:
            connection.request(method, path, data if method == "POST" else None, JSON | (headers or {}))
            response = connection.getresponse()
            self.status = response.status
            self.headers = response.headers
            self.body = response.read()
        finally:
            connection.close()

    @property
    def error(self) -> dict[str, Any]:
        """The error of an answer that must be one in the API's form."""
        assert self.headers["content-type"] == "application/json"
        value = json.loads(self.body)
        assert set(value) == {"type", "error"}
        assert value["type"] == "error"
        found: dict[str, Any] = value["error"]
        return found


def test_only_the_messages_api_is_relayed(api: MessagesApi, relay: Relay) -> None:
    api.requests.clear()
    for method, path, status, kind in (
        ("GET", "/anthropic/v1/messages", 405, "invalid_request_error"),
        ("POST", "/anthropic/v1/models", 405, "invalid_request_error"),
        ("DELETE", "/anthropic/v1/models/claude", 405, "invalid_request_error"),
        ("POST", "/anthropic/v1/messages/batches", 404, "not_found_error"),
        ("GET", "/anthropic/v1/models/../files", 404, "not_found_error"),
        ("GET", "/anthropic/v1/models/..", 404, "not_found_error"),
        ("GET", "/anthropic/v1/models/%2e%2e%2ffiles", 404, "not_found_error"),
        ("GET", "/anthropic/v1/files", 404, "not_found_error"),
        ("GET", "/anthropic/", 404, "not_found_error"),
        ("GET", "/anthropic//evil.example/v1/models", 404, "not_found_error"),
        ("GET", "/anthropic/v1/models?limit=" + "1" * 2000, 400, "invalid_request_error"),
    ):
        reply = Reply(relay, method, path)
        assert (reply.status, reply.error["type"]) == (status, kind), path
    assert api.requests == []


def test_a_body_of_another_kind_is_refused(api: MessagesApi, relay: Relay) -> None:
    api.requests.clear()
    reply = Reply(relay, headers={"content-type": "text/plain"})
    assert (reply.status, reply.error["type"]) == (400, "invalid_request_error")
    assert "'text/plain' is not relayed; send application/json" in reply.error["message"]
    assert api.requests == []


@pytest.mark.parametrize("size", [2001, 30_000, 60_000])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_too_large_is_a_413(api: MessagesApi, relay: Relay, size: int, chunked: bool) -> None:
    api.requests.clear()
    connection = http.client.HTTPConnection(urlsplit(relay.origin).netloc, timeout=10)
    body = b"x" * size
    sent = iter([body[:1500], body[1500:]]) if chunked else body
    connection.request("POST", "/anthropic/v1/messages", sent, JSON, encode_chunked=chunked)
    reply = connection.getresponse()
    error = json.loads(reply.read())["error"]
    connection.close()
    assert (reply.status, error["type"]) == (413, "request_too_large")
    assert "at most 2000 are relayed" in error["message"]
    assert api.requests == []


def test_a_body_of_the_largest_size_passes(api: MessagesApi, relay: Relay) -> None:
    padding = 2000 - len(json.dumps({**ASKING, "system": ""}))
    assert Reply(relay, body={**ASKING, "system": "x" * padding}).status == 200
    assert len(api.requests[-1].body) == 2000


def test_a_body_that_never_ends_is_a_408(relay: Relay) -> None:
    began = time.monotonic()
    with socket.create_connection(
        (urlsplit(relay.origin).hostname or "", urlsplit(relay.origin).port or 0)
    ) as link:
        head = f"POST /anthropic/v1/messages HTTP/1.1\r\nHost: {urlsplit(relay.origin).netloc}\r\n"
        head += "Content-Type: application/json\r\nX-Api-Key: k\r\nContent-Length: 100\r\n\r\n{"
        link.sendall(head.encode())
        link.settimeout(10)
        answer = b"".join(iter(lambda: link.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"timeout_error" in answer
    assert 0.9 < time.monotonic() - began < 5


def test_foreign_headers_stay_outside_both_ways(api: MessagesApi, relay: Relay) -> None:
    api.requests.clear()
    api.script(
        [
            Answer(
                content=[text("Yes")],
                headers={
                    "set-cookie": "track=1",
                    "anthropic-organization-id": "org-secret",
                    "anthropic-ratelimit-requests-remaining": "41",
                    "server": "upstream/9",
                    "access-control-allow-origin": "*",
                    "x-internal": "1",
                },
            )
        ]
    )
    reply = Reply(
        relay,
        headers={
            "cookie": "session=1",
            "referer": "http://127.0.0.1/secret",
            "x-forwarded-for": "10.0.0.1",
            "te": "trailers",
            "proxy-authorization": "Basic x",
            "accept-encoding": "gzip, br",
            "anthropic-beta": "one,two",
            "x-stainless-lang": "python",
            "user-agent": "Anthropic/Python",
            "x-unknown": "1",
        },
    )
    api.script(lambda _: Answer(content=[text("Yes")]))
    assert reply.status == 200
    asked = api.requests[0].headers
    assert set(asked) == {
        *("host", "content-length", "accept-encoding", "content-type", "x-api-key", "anthropic-version"),
        *("anthropic-beta", "x-stainless-lang", "user-agent"),
    }
    assert asked["accept-encoding"] == "identity"
    assert asked["host"] == urlsplit(api.address).netloc
    answered = {name.lower() for name in reply.headers}
    assert {"anthropic-ratelimit-requests-remaining", "request-id", "content-type"} <= answered
    assert not {"set-cookie", "anthropic-organization-id", "server", "x-internal"} & answered
    assert "access-control-allow-origin" not in answered
    assert reply.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({"host": "evil.example"}, "host 'evil.example' is not a name of this server"),
        ({"host": "127.0.0.1.evil.example:80"}, "is not a name of this server"),
        ({"origin": "https://evil.example"}, "origin 'https://evil.example' may not use this proxy"),
        ({"origin": "null"}, "origin 'null' may not use this proxy"),
        ({"origin": PAGE + ".evil.example"}, "may not use this proxy"),
        ({"origin": "http://127.0.0.1:1"}, "may not use this proxy"),
        ({"sec-fetch-site": "cross-site"}, "without saying which it is"),
        ({"sec-fetch-site": "same-site"}, "without saying which it is"),
    ],
)
def test_foreign_pages_and_hosts_are_refused(
    api: MessagesApi, relay: Relay, headers: dict[str, str], message: str
) -> None:
    api.requests.clear()
    for method, path in (
        ("POST", "/anthropic/v1/messages"),
        ("GET", "/anthropic/v1/models"),
        ("GET", "/health"),
    ):
        reply = Reply(relay, method, path, headers=headers)
        assert (reply.status, reply.error["type"]) == (403, "permission_error")
        assert message in reply.error["message"]
        assert "access-control-allow-origin" not in reply.headers
    assert api.requests == []


def test_allowed_pages_read_answers_and_errors(relay: Relay) -> None:
    for method, path, status in (
        ("POST", "/anthropic/v1/messages", 200),
        ("GET", "/anthropic/v1/models", 200),
        ("GET", "/anthropic/v1/files", 404),
        ("GET", "/health", 200),
    ):
        reply = Reply(relay, method, path, headers={"origin": PAGE, "sec-fetch-site": "cross-site"})
        assert reply.status == status
        assert reply.headers["access-control-allow-origin"] == PAGE
        assert reply.headers["access-control-expose-headers"] == "*"
        assert "Origin" in reply.headers["vary"]
        assert "access-control-allow-credentials" not in reply.headers
    own = Reply(relay, headers={"origin": relay.origin, "sec-fetch-site": "same-origin"})
    assert own.status == 200
    assert "access-control-allow-origin" not in own.headers
    local = {"host": f"localhost:{urlsplit(relay.origin).port}"}
    assert Reply(relay, headers={**local, "origin": f"http://{local['host']}"}).status == 200


def test_preflights(api: MessagesApi, relay: Relay) -> None:
    api.requests.clear()
    asking = {
        "origin": PAGE,
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type,X-Stainless-Lang,authorization,cookie,x-evil",
        "access-control-request-private-network": "true",
    }
    reply = Reply(relay, "OPTIONS", headers=asking)
    assert (reply.status, reply.body) == (204, b"")
    assert reply.headers["access-control-allow-origin"] == PAGE
    assert reply.headers["access-control-allow-methods"] == "GET, POST"
    assert reply.headers["access-control-allow-headers"] == "content-type, x-stainless-lang, authorization"
    assert reply.headers["access-control-allow-private-network"] == "true"
    assert "Origin" in reply.headers["vary"]
    refused = Reply(relay, "OPTIONS", headers={**asking, "origin": "https://evil.example"})
    assert refused.status == 403
    assert "access-control-allow-origin" not in refused.headers
    assert api.requests == []


def test_rates_are_limited_per_client_and_in_all(api: MessagesApi) -> None:
    for flags, whose in (
        (("--client-requests-per-minute", "3"), "more than 3 requests a minute from one address"),
        (("--requests-per-minute", "3"), "more than 3 requests a minute in all"),
    ):
        with relaying(api.address, *flags) as limited:
            assert [Reply(limited).status for _ in range(3)] == [200] * 3
            reply = Reply(limited)
            assert (reply.status, reply.error["type"]) == (429, "rate_limit_error")
            assert whose in reply.error["message"]
            assert 1 <= int(reply.headers["retry-after"]) <= 20
            assert Reply(limited, "GET", "/health").status == 200


@pytest.mark.parametrize("flag", ["--streams", "--client-streams"])
def test_streams_under_way_are_limited_and_freed(api: MessagesApi, flag: str) -> None:
    api.script(lambda _: Answer(content=[text("Slow" * 40)], event_delay_s=0.2))
    with relaying(api.address, *MANY, flag, "2") as limited:
        with ExitStack() as open_ones:
            for _ in range(2):
                link = http.client.HTTPConnection(urlsplit(limited.origin).netloc, timeout=10)
                open_ones.callback(link.close)
                body = json.dumps({**ASKING, "stream": True})
                link.request("POST", "/anthropic/v1/messages", body, JSON)
                assert link.getresponse().read(5) == b"event"
            reply = Reply(limited)
            assert (reply.status, reply.error["type"]) == (429, "rate_limit_error")
            assert "wait for one to end" in reply.error["message"]
        api.script(lambda _: Answer(content=[text("Yes")]))
        until = time.monotonic() + 5
        while Reply(limited).status == 429 and time.monotonic() < until:
            time.sleep(0.05)
        assert Reply(limited).status == 200


def test_upstreams_that_fail_are_told_apart(api: MessagesApi) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        closed = taken.getsockname()[1]
    with relaying(f"http://127.0.0.1:{closed}") as alone:
        reply = Reply(alone)
        assert (reply.status, reply.error["type"]) == (502, "api_error")
        assert "cannot be reached" in reply.error["message"]
    api.script(lambda _: Answer(content=[text("Yes")], delay_s=5))
    with relaying(api.address, "--answer-s", "0.3") as impatient:
        reply = Reply(impatient)
        assert (reply.status, reply.error["type"]) == (504, "timeout_error")
    api.script(lambda _: Answer(content=[text("Yes")]))


def _answered_by(written: bytes, asking: object) -> tuple[http.client.HTTPResponse, bytes]:
    """The relay's answer where the upstream reads the request, writes these bytes and hangs up."""
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        relaying(f"http://127.0.0.1:{server.getsockname()[1]}") as odd,
    ):
        link = http.client.HTTPConnection(urlsplit(odd.origin).netloc, timeout=10)
        link.request("POST", "/anthropic/v1/messages", json.dumps(asking), JSON)
        upstream, _ = server.accept()
        upstream.recv(65536)
        upstream.sendall(written)
        upstream.close()
        reply = link.getresponse()
        body = reply.read()
        link.close()
    return reply, body


@pytest.mark.parametrize(
    ("head", "status", "message"),
    [
        (
            b"HTTP/1.1 302 Found\r\nLocation: http://evil.example\r\nContent-Length: 0\r\n\r\n",
            502,
            "redirects",
        ),
        (b"HTTP/1.1 503 Down\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\n<b>!", 503, "text/html"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\n<b>!", 502, "text/html"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nxxxx", 502, "compressed"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", 502, "broke"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{", 502, "broke"),
        (b"", 502, "broke"),
    ],
)
def test_upstreams_that_are_none(head: bytes, status: int, message: str) -> None:
    reply, body = _answered_by(head, ASKING)
    assert reply.status == status
    assert message in json.loads(body)["error"]["message"]
    assert "location" not in reply.headers


def test_a_stream_without_its_last_event_is_no_normal_end() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
    begun = b'event: ping\ndata: {"type": "ping"}\n\nevent: mess'
    _, body = _answered_by(head + begun, {**ASKING, "stream": True})
    first, last, rest = body.split(b"\n\n")
    assert first == b'event: ping\ndata: {"type": "ping"}'
    assert last.startswith(b'event: error\ndata: {"type": "error", "error": {"type": "api_error"')
    assert b"before the message was complete" in last
    assert rest == b""
