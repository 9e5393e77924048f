"""The official SDK behaves through the relay as without it: sync, async, streaming, and when things fail."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import anthropic
import httpx2
import pytest

from tests.asynchronous import awaited
from tests.messages_api import MessagesApi, Script, running_messages_api
from tests.messages_wire import Answer, text
from tests.proxy.relays import BLOCKS, MESSAGES, MODEL, TOOL, Relay, relaying

ERRORS: list[tuple[int, type[anthropic.APIStatusError]]] = [
    (400, anthropic.BadRequestError),
    (401, anthropic.AuthenticationError),
    (429, anthropic.RateLimitError),
    (500, anthropic.InternalServerError),
    (529, anthropic.OverloadedError),
]


@pytest.fixture(scope="module")
def api() -> Iterator[MessagesApi]:
    with running_messages_api(keys=["caller-key"]) as running:
        yield running


@pytest.fixture(scope="module")
def relay(api: MessagesApi) -> Iterator[Relay]:
    flags = (
        "--requests-per-minute",
        "100000",
        "--client-requests-per-minute",
        "100000",
        "--silence-s",
        "0.8",
    )
    with relaying(api.address, *flags) as running:
        yield running


@contextmanager
def clients(api: MessagesApi, relay: Relay, script: Script) -> Iterator[list[anthropic.Anthropic]]:
    """The SDK without and with the relay; each sees the script from its beginning."""
    answers = script if callable(script) else list(script)
    found = []
    for address in (api.address, relay.address):
        client = anthropic.Anthropic(api_key="caller-key", base_url=address, max_retries=0)
        found.append(client)
    api.requests.clear()
    api.script(answers if callable(answers) else [*answers, *answers])
    try:
        yield found
    finally:
        for client in found:
            client.close()


def _outcome(call: Callable[..., object], **arguments: object) -> Any:
    """A call's result without its number, or its exception as data."""
    try:
        result = call(**arguments)
    except anthropic.APIStatusError as error:
        return (
            type(error),
            error.status_code,
            _unnumbered(error.body),
            error.response.headers.get("retry-after"),
        )
    return _unnumbered(result)


def _unnumbered(value: object) -> str:
    shown = json.dumps(value, default=lambda item: item.model_dump())
    return shown.replace("msg_000002", "msg_000001").replace("req_000002", "req_000001")


def test_json_is_the_same(api: MessagesApi, relay: Relay) -> None:
    with clients(api, relay, [Answer(content=BLOCKS)]) as both:
        direct, relayed = (
            _outcome(client.messages.create, model=MODEL, max_tokens=99, messages=MESSAGES, tools=[TOOL])
            for client in both
        )
    assert direct == relayed
    assert "Übung ✓ 步" in json.loads(relayed)["content"][1]["text"]
    first, second = api.requests
    assert first.body == second.body
    assert first.sent.replace(b"000001", b"000002") == second.sent


def test_every_event_of_a_stream_is_the_same(api: MessagesApi, relay: Relay) -> None:
    with clients(api, relay, [Answer(content=BLOCKS, piece=3)]) as both:
        runs = []
        for client in both:
            with client.messages.stream(
                model=MODEL, max_tokens=99, messages=MESSAGES, tools=[TOOL]
            ) as stream:
                events = [_unnumbered(event) for event in stream]
                runs.append((events, _unnumbered(stream.get_final_message()), stream.response.status_code))
    assert runs[0] == runs[1]
    assert len(runs[0][0]) > 60


def test_every_byte_of_a_stream_is_the_same(api: MessagesApi, relay: Relay) -> None:
    body = {"model": MODEL, "max_tokens": 99, "messages": MESSAGES, "stream": True}
    api.requests.clear()
    api.script([Answer(content=BLOCKS, piece=1)])
    headers = {"x-api-key": "caller-key", "anthropic-version": "2023-06-01"}
    found = httpx2.post(f"{relay.address}/v1/messages", json=body, headers=headers)
    assert found.content == api.requests[0].sent
    assert found.headers["content-type"] == "text/event-stream; charset=utf-8"


def test_async_is_the_same(api: MessagesApi, relay: Relay) -> None:
    async def ask(address: str) -> tuple[str, list[str]]:
        async with anthropic.AsyncAnthropic(api_key="caller-key", base_url=address, max_retries=0) as client:
            whole = await client.messages.create(model=MODEL, max_tokens=99, messages=MESSAGES)
            events = await client.messages.create(model=MODEL, max_tokens=99, messages=MESSAGES, stream=True)
            streamed = [event.model_dump_json(exclude={"message": {"id"}}) async for event in events]
            return whole.model_dump_json(exclude={"id"}), streamed

    runs = []
    for address in (api.address, relay.address):
        api.script([Answer(content=BLOCKS)] * 2)
        runs.append(awaited(ask(address)))
    assert runs[0] == runs[1]


def test_tokens_and_models_are_the_same(api: MessagesApi, relay: Relay) -> None:
    with clients(api, relay, []) as both:
        runs = [
            (
                client.messages.count_tokens(model=MODEL, messages=MESSAGES).input_tokens,
                [model.model_dump_json() for model in client.models.list(limit=2)],
                client.models.retrieve(MODEL).model_dump_json(),
                _outcome(client.models.retrieve, model_id="no-such"),
                _outcome(client.beta.messages.create, model=MODEL, max_tokens=9, messages=[], betas=["b"]),
            )
            for client in both
        ]
    assert runs[0][:3] == runs[1][:3]
    assert [error[:2] for error in runs[0][3:]] == [error[:2] for error in runs[1][3:]]
    assert api.requests[-1].headers["anthropic-beta"] == "b"
    assert [request.query for request in api.requests if "limit" in request.query][2:] == [
        "limit=2",
        "limit=2&after_id=claude-sonnet-5-5",
    ]


@pytest.mark.parametrize(("status", "kind"), ERRORS)
@pytest.mark.parametrize("stream", [False, True])
def test_errors_are_the_same(
    api: MessagesApi, relay: Relay, status: int, kind: type[anthropic.APIStatusError], stream: bool
) -> None:
    failing = Answer(status=status, error="not now", headers={"retry-after": "7", "x-should-retry": "false"})
    with clients(api, relay, [failing]) as both:
        direct, relayed = (
            _outcome(client.messages.create, model=MODEL, max_tokens=9, messages=MESSAGES, stream=stream)
            for client in both
        )
    assert direct == relayed
    assert relayed[0] is kind
    assert relayed[3] == "7"


def test_an_error_inside_a_stream_is_the_same(api: MessagesApi, relay: Relay) -> None:
    answer = Answer(content=BLOCKS, error="Overloaded", after=5)
    with clients(api, relay, [answer]) as both:
        runs = []
        for client in both:
            events: list[str] = []
            stream = client.messages.create(model=MODEL, max_tokens=9, messages=MESSAGES, stream=True)
            with pytest.raises(anthropic.APIStatusError, match="overloaded_error") as caught:
                events.extend(_unnumbered(event) for event in stream)
            runs.append((events, type(caught.value), caught.value.type))
    assert runs[0] == runs[1]
    assert len(runs[0][0]) == 4  # a ping is no event of the SDK's


def test_the_sdk_tries_again_as_it_does_without(api: MessagesApi, relay: Relay) -> None:
    script = [
        Answer(status=529, error="later", headers={"retry-after-ms": "30"}),
        Answer(content=[text("Yes")]),
    ]
    for address in (api.address, relay.address):
        api.requests.clear()
        api.script(script)
        with anthropic.Anthropic(api_key="caller-key", base_url=address) as client:
            began = time.monotonic()
            found = client.messages.create(model=MODEL, max_tokens=9, messages=MESSAGES)
            assert time.monotonic() - began < 2
        assert found.content[0].model_dump()["text"] == "Yes"
        assert [request.headers["x-stainless-retry-count"] for request in api.requests] == ["0", "1"]


@pytest.mark.parametrize("after", [0, 1, 1.5, 4, 4.02, 6.9])
def test_a_stream_that_breaks_ends_as_an_error(api: MessagesApi, relay: Relay, after: float) -> None:
    with clients(api, relay, [Answer(content=BLOCKS, cut=True, after=after)]) as both:
        seen = []
        for client, kind in zip(both, (httpx2.RemoteProtocolError, anthropic.APIStatusError), strict=True):
            events: list[str] = []
            stream = client.messages.create(model=MODEL, max_tokens=9, messages=MESSAGES, stream=True)
            with pytest.raises(kind) as caught:
                events.extend(_unnumbered(event) for event in stream)
            seen.append(events)
    assert seen[0] == seen[1]
    assert isinstance(caught.value, anthropic.APIStatusError)
    assert caught.value.type == "api_error"
    assert "connection to the upstream broke" in str(caught.value)


def test_an_answer_that_breaks_before_it_is_whole_is_a_502(api: MessagesApi, relay: Relay) -> None:
    with (
        clients(api, relay, [Answer(content=BLOCKS, cut=True, after=40)]) as both,
        pytest.raises(anthropic.InternalServerError) as caught,
    ):
        both[1].messages.create(model=MODEL, max_tokens=9, messages=MESSAGES)
    assert caught.value.status_code == 502
    assert caught.value.type == "api_error"


def test_a_stream_that_falls_silent_ends_as_an_error(api: MessagesApi, relay: Relay) -> None:
    with clients(api, relay, [Answer(content=BLOCKS, event_delay_s=5)]) as both:
        stream = both[1].messages.create(model=MODEL, max_tokens=9, messages=MESSAGES, stream=True)
        with pytest.raises(anthropic.APIStatusError, match="fell silent") as caught:
            list(stream)
    assert caught.value.type == "timeout_error"
    assert _is_left(api)


def test_events_come_as_they_are_written(api: MessagesApi, relay: Relay) -> None:
    api.requests.clear()
    api.script([Answer(content=[text("Slow" * 8)], event_delay_s=0.1)])
    with anthropic.Anthropic(api_key="caller-key", base_url=relay.address) as client:
        stream = client.messages.create(model=MODEL, max_tokens=9, messages=MESSAGES, stream=True)
        at_s = [time.monotonic() for _ in stream]
    assert len(at_s) == 7
    assert at_s[-1] - at_s[0] > 0.5


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_leaves_ends_the_upstream_request(api: MessagesApi, relay: Relay, stream: bool) -> None:
    api.requests.clear()
    api.script([Answer(content=BLOCKS, delay_s=0 if stream else 30, event_delay_s=0.5)])
    with anthropic.Anthropic(
        api_key="caller-key", base_url=relay.address, max_retries=0, timeout=1
    ) as client:
        if stream:
            events = client.messages.create(model=MODEL, max_tokens=9, messages=MESSAGES, stream=True)
            next(iter(events))
            events.close()
        else:
            with pytest.raises(anthropic.APITimeoutError):
                client.messages.create(model=MODEL, max_tokens=9, messages=MESSAGES)
    assert _is_left(api)


def _is_left(api: MessagesApi) -> bool:
    until = time.monotonic() + 5
    while not api.requests[-1].left and time.monotonic() < until:
        time.sleep(0.01)
    return api.requests[-1].left
