"""The server's key goes to the upstream and nowhere else: to no page, into no log, into no error."""

from __future__ import annotations

import http.client
import itertools
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import anthropic
import pytest

from proxy.__main__ import StrikingFormatter
from proxy.settings import ApiKey, Settings, SettingsError
from tests.messages_api import MessagesApi, running_messages_api
from tests.messages_wire import Answer, Json, text
from tests.proxy.relays import MESSAGES, PAGE, Relay, relaying
from tests.servers import ROOT, server_environment

CANARY = "sk-ant-canary-7Yq2VbPz0"
PLACEHOLDER = "the-proxy-has-the-key"


def _answers(request: Json) -> Answer:
    """By the model that is asked for: every kind of answer, some of which repeat what they were sent."""
    return {
        "json": Answer(content=[text(f"You sent Bearer {CANARY}")]),
        "events": Answer(content=[text(f"You sent {CANARY}")], piece=200),
        "header": Answer(content=[text("Yes")], headers={"anthropic-ratelimit-echo": CANARY}),
        "error": Answer(status=401, error=f"invalid x-api-key {CANARY}"),
        "overloaded": Answer(status=529, error="Overloaded"),
        "cut": Answer(content=[text("Yes")], cut=True, after=3.5),
        "slow": Answer(content=[text("Yes")], delay_s=9),
    }[request["model"]]


@pytest.fixture(scope="module")
def api() -> Iterator[MessagesApi]:
    with running_messages_api(_answers, keys=[CANARY]) as running:
        yield running


def _everything(relay: Relay, method: str, path: str, body: object, headers: dict[str, str]) -> bytes:
    """Status, headers and body of an answer."""
    link = http.client.HTTPConnection(urlsplit(relay.origin).netloc, timeout=10)
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    link.request(method, path, data if method == "POST" else None, headers)
    reply = link.getresponse()
    try:
        found = reply.read()
    except http.client.IncompleteRead as broken:
        found = broken.partial
    finally:
        link.close()
    return f"{reply.status} {reply.reason}\n{reply.headers}\n".encode() + found


def test_the_key_is_in_no_response_log_or_error(api: MessagesApi) -> None:
    asked = ("json", "events", "header", "error", "overloaded", "cut", "slow")
    base = {"content-type": "application/json", "anthropic-version": "2023-06-01"}
    flags = ("--answer-s", "0.5", "--client-requests-per-minute", "40", "--body-bytes", "3000")
    with relaying(api.address, *flags, key=CANARY) as relay:
        found = [
            _everything(relay, method, path, body, base)
            for method, path, body in (
                ("GET", "/health", b""),
                ("GET", "/anthropic/v1/models", b""),
                ("GET", "/anthropic/v1/nothing", b""),
                ("OPTIONS", "/anthropic/v1/messages", b""),
                ("POST", "/anthropic/v1/messages", b"not JSON"),
                ("POST", "/anthropic/v1/messages", b"x" * 4000),
                ("GET", "/", b""),
            )
        ]
        callers: list[dict[str, str]] = [
            {},
            {"x-api-key": PLACEHOLDER},
            {"authorization": "Bearer x", "origin": PAGE},
        ]
        for model, stream, caller in itertools.product(asked, (False, True), callers):
            asking = {"model": model, "max_tokens": 9, "messages": MESSAGES, "stream": stream}
            found.append(_everything(relay, "POST", "/anthropic/v1/messages", asking, base | caller))
        refused = _everything(relay, "POST", "/anthropic/v1/messages", b"{}", base | {"host": "evil.example"})
        relay.process.terminate()
        relay.process.wait()
        assert relay.process.stdout is not None
        log = relay.log + relay.process.stdout.read()
    whole = b"\n".join([*found, refused, log.encode()])
    assert CANARY.encode() not in whole
    assert b"You sent Bearer [key]" in whole
    assert b"anthropic-ratelimit-echo: [key]" in whole
    for status in (b"200 OK", b"401 ", b"403 ", b"404 ", b"413 ", b"429 ", b"502 ", b"504 ", b"529 "):
        assert any(answer.startswith(status) for answer in [*found, refused]), status
    assert "the upstream fell silent" in log
    posted = [request for request in api.requests if request.method == "POST"]
    assert posted
    assert {request.headers["authorization"] for request in posted} == {f"Bearer {CANARY}"}
    assert not any("x-api-key" in request.headers for request in posted)


def test_the_sdk_needs_no_key_of_its_own(api: MessagesApi) -> None:
    with (
        relaying(api.address, key=CANARY) as relay,
        anthropic.Anthropic(api_key=PLACEHOLDER, base_url=relay.address) as client,
    ):
        assert [model.line for model in client.models.list()] == ["opus", "sonnet", "haiku"]
        assert (
            client.messages.create(model="header", max_tokens=9, messages=MESSAGES).stop_reason == "end_turn"
        )


@pytest.mark.parametrize("name", ["x-api-key", "authorization"])
def test_without_a_key_the_callers_own_goes_on(name: str) -> None:
    with running_messages_api(keys=["caller-key"]) as api, relaying(api.address) as relay:
        head = {"anthropic-version": "2023-06-01"}
        value = "caller-key" if name == "x-api-key" else "Bearer caller-key"
        assert b"claude-opus" in _everything(relay, "GET", "/anthropic/v1/models", b"", head | {name: value})
        assert api.requests[0].headers[name] == value
        none = _everything(relay, "GET", "/anthropic/v1/models", b"", head)
        assert none.startswith(b"401 ")
        assert b"start the proxy with ANTHROPIC_API_KEY set, or send your own as x-api-key" in none
        odd = _everything(relay, "GET", "/anthropic/v1/models", b"", head | {name: "two words"})
        assert odd.startswith(b"401 ")
        assert b"two words" not in odd
        assert len(api.requests) == 1
        wrong = _everything(relay, "GET", "/anthropic/v1/models", b"", head | {name: "wrong"})
        assert b"invalid x-api-key" in wrong
        assert "caller-key" not in relay.log


@pytest.mark.parametrize("key", [f"{CANARY} x", f"{CANARY}\r\nx-evil: 1", f"{CANARY}ü", f"{CANARY}\x7f"])
def test_a_key_that_cannot_be_one_is_refused_without_repeating_it(key: str) -> None:
    command = [sys.executable, "-m", "proxy", "--port", "0", "--origin", PAGE]
    result = subprocess.run(
        command,
        cwd=ROOT,
        env=server_environment(key),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert "a key cannot have; copy it again" in line
    assert CANARY not in line + result.stdout


def test_the_key_shows_itself_nowhere() -> None:
    key = ApiKey(CANARY)
    settings = Settings(key=key)
    for shown in (repr(key), str(key), f"{key}", repr(settings), str(vars(settings))):
        assert CANARY not in shown
    with pytest.raises(SettingsError) as caught:
        ApiKey(CANARY + "\n")
    assert CANARY not in str(caught.value)
    assert not hasattr(key, "__dict__")


def test_a_log_strikes_the_key_out_of_what_libraries_write(tmp_path: Path) -> None:
    formatter = StrikingFormatter(ApiKey(CANARY))
    try:
        raise ValueError(f"Illegal header value {CANARY}")
    except ValueError:
        error = sys.exc_info()
    record = logging.LogRecord("x", logging.ERROR, str(tmp_path), 1, "sent %s", (CANARY,), error)
    written = formatter.format(record)
    assert CANARY not in written
    assert "sent [key]" in written
    assert "Illegal header value [key]" in written
