"""The local Messages API, asked by the official SDK without anything between."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import anthropic
import httpx2
import pytest
from anthropic.types import MessageParam, ToolParam

from tests.messages_api import running_messages_api
from tests.messages_wire import Answer, text, thinking, tool_use
from tests.servers import ROOT

MESSAGES: list[MessageParam] = [{"role": "user", "content": "Make it walk."}]
MODEL = "claude-opus-5-5"
TOOL: ToolParam = {"name": "propose", "input_schema": {"type": "object"}}
BLOCKS = [
    thinking("Balance first."),
    text("Here is a reward. Übung ✓"),
    tool_use("propose", {"gain": [1, 2.5]}),
]


def test_a_stream_adds_up_to_the_same_message_as_json() -> None:
    answers = [Answer(content=BLOCKS, piece=3)] * 2
    with (
        running_messages_api(answers) as api,
        anthropic.Anthropic(api_key="k", base_url=api.address) as client,
    ):
        whole = client.messages.create(model=MODEL, max_tokens=100, messages=MESSAGES, tools=[TOOL])
        with client.messages.stream(model=MODEL, max_tokens=100, messages=MESSAGES, tools=[TOOL]) as stream:
            kinds = [event.type for event in stream]
            streamed = stream.get_final_message()
        assert [request["stream"] for request in api.asked[1:]] == [True]
    assert streamed.model_dump(exclude={"id"}) == whole.model_dump(exclude={"id"})
    assert whole.stop_reason == "tool_use"
    assert [block.type for block in whole.content] == ["thinking", "text", "tool_use"]
    assert {"thinking", "signature", "text", "input_json", "message_stop"} <= set(kinds)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, anthropic.BadRequestError),
        (401, anthropic.AuthenticationError),
        (429, anthropic.RateLimitError),
        (529, anthropic.OverloadedError),
    ],
)
def test_errors_are_those_of_the_sdk(status: int, kind: type[anthropic.APIStatusError]) -> None:
    answer = Answer(status=status, error="not now", headers={"retry-after": "7"})
    with (
        running_messages_api([answer]) as api,
        anthropic.Anthropic(api_key="k", base_url=api.address, max_retries=0) as client,
        pytest.raises(kind, match="not now") as caught,
    ):
        client.messages.create(model=MODEL, max_tokens=100, messages=MESSAGES)
    assert caught.value.response.headers["retry-after"] == "7"
    assert caught.value.request_id == "req_000001"


def test_a_cut_stream_breaks() -> None:
    with (
        running_messages_api([Answer(content=[text("Hello" * 20)], cut=True, after=4.5)]) as api,
        anthropic.Anthropic(api_key="k", base_url=api.address, max_retries=0) as client,
    ):
        stream = client.messages.create(model=MODEL, max_tokens=100, messages=MESSAGES, stream=True)
        with pytest.raises(httpx2.RemoteProtocolError):
            list(stream)


def test_a_client_that_leaves_is_noted() -> None:
    with running_messages_api([Answer(content=[text("Hello" * 20)], event_delay_s=0.05)]) as api:
        with anthropic.Anthropic(api_key="k", base_url=api.address) as client:
            stream = client.messages.create(model=MODEL, max_tokens=100, messages=MESSAGES, stream=True)
            next(iter(stream))
            stream.close()
        until = time.monotonic() + 5
        while not api.requests[0].left and time.monotonic() < until:
            time.sleep(0.01)
        assert api.requests[0].left


def test_what_is_wrong_with_a_request_is_refused() -> None:
    with (
        running_messages_api(keys=["right"]) as api,
        anthropic.Anthropic(api_key="wrong", base_url=api.address, max_retries=0) as client,
    ):
        with pytest.raises(anthropic.AuthenticationError):
            client.models.list()
        right = client.copy(api_key="right")
        assert next(iter(right.models.list(limit=2))).id == MODEL
        assert len(list(right.models.list(limit=2))) == 3
        assert right.models.retrieve(MODEL).line == "opus"
        assert right.messages.count_tokens(model=MODEL, messages=MESSAGES).input_tokens > 3
        with pytest.raises(anthropic.NotFoundError, match="no-such-model"):
            right.models.retrieve("no-such-model")
        with pytest.raises(anthropic.BadRequestError, match="at least one message"):
            right.messages.create(model=MODEL, max_tokens=100, messages=[])
        with pytest.raises(anthropic.BadRequestError, match="Tool 'other' not found"):
            right.messages.create(
                model=MODEL,
                max_tokens=9,
                messages=MESSAGES,
                tools=[TOOL],
                tool_choice={"type": "tool", "name": "other"},
            )
        with pytest.raises(anthropic.BadRequestError, match="no further answer"):
            right.messages.create(model=MODEL, max_tokens=9, messages=MESSAGES)


def test_a_marked_beginning_of_a_prompt_is_read_from_the_cache_the_second_time() -> None:
    answers = [Answer(content=[text("Yes")], usage={"output_tokens": 77})] * 2
    with (
        running_messages_api(answers) as api,
        anthropic.Anthropic(api_key="k", base_url=api.address) as client,
    ):
        usages = [
            client.messages.create(
                model=MODEL,
                max_tokens=9,
                system=[{"type": "text", "text": "Fixed. " * 50, "cache_control": {"type": "ephemeral"}}],
                messages=[{"role": "user", "content": question}],
            ).usage
            for question in ("One?", "Another?")
        ]
    first, second = usages
    assert first.cache_creation_input_tokens == second.cache_read_input_tokens
    assert (first.cache_read_input_tokens, second.cache_creation_input_tokens) == (0, 0)
    assert first.output_tokens == 77


def test_it_runs_as_a_program(tmp_path: Path) -> None:
    answers, record = tmp_path / "answers.json", tmp_path / "requests.jsonl"
    answers.write_text(json.dumps([{"content": [text("Hello")]}]), encoding="utf-8")
    command = [sys.executable, "-m", "tests.messages_api", "--answers", str(answers), "--record", str(record)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            address = process.stdout.readline().strip()
            with anthropic.Anthropic(api_key="k", base_url=address) as client:
                found = client.messages.create(model=MODEL, max_tokens=9, messages=MESSAGES)
        finally:
            process.terminate()
    assert found.content[0].model_dump() == text("Hello")
    assert json.loads(json.loads(record.read_text(encoding="utf-8"))["body"])["messages"] == MESSAGES
