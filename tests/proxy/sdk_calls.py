"""What the official SDK gives for every kind of answer: run as it is by CPython and, in the page, by Pyodide.

The models that are asked for name the answers of `answer_for` in `tests/browser/test_sdk_in_the_tab.py`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable
from typing import Any

import anthropic

from tabrl_py.meta.claude import BROKEN
from tabrl_py.meta.http import http_client

BROKEN_OFF = "the connection broke"
ERRORS = ("400", "401", "429", "529")
MESSAGES: list[Any] = [{"role": "user", "content": "Make it walk. Übung ✓ 步"}]
TOOLS: list[Any] = [{"name": "propose", "input_schema": {"type": "object"}}]


async def observe(base_url: str, key: str, headers: dict[str, str]) -> str:
    """JSON of the outcomes by name: messages, all events, errors as type, status and text."""
    found: dict[str, Any] = {}
    async with anthropic.AsyncAnthropic(
        api_key=key,
        base_url=base_url,
        max_retries=0,
        default_headers=headers,
        http_client=http_client(600.0),
    ) as client:
        ask: dict[str, Any] = {"max_tokens": 99, "messages": MESSAGES}
        found["json"] = await _outcome(client.messages.create(model="whole", tools=TOOLS, **ask))
        found["events"] = await _events(client, {"model": "whole", "tools": TOOLS, **ask})
        found["slow"] = await _events(client, {"model": "slow", **ask})
        found["error event"] = await _events(client, {"model": "error event", **ask})
        found["cut"] = await _events(client, {"model": "cut", **ask})
        for status in ERRORS:
            found[status] = await _outcome(client.messages.create(model=status, **ask))
            found[f"{status} of a stream"] = await _events(client, {"model": status, **ask})
        found["tokens"] = await _outcome(client.messages.count_tokens(model="whole", messages=MESSAGES))
        found["models"] = [model.id async for model in client.models.list(limit=2)]
        found["no model"] = await _outcome(client.models.retrieve("no-such-model"))
        again = client.with_options(max_retries=2)
        found["second try"] = await _outcome(again.messages.create(model="second try", **ask))
    return re.sub(r"(msg|req)_\d+", r"\1_N", json.dumps(found, sort_keys=True))


async def _outcome(call: Awaitable[Any]) -> Any:
    try:
        result = await call
    except anthropic.APIStatusError as error:
        return _described(error)
    return result.model_dump(mode="json")


async def _events(client: anthropic.AsyncAnthropic, asking: dict[str, Any]) -> list[Any]:
    """A stream's events, the SDK's own included, and the message they add up to; or an error at the end."""
    found: list[Any] = []
    try:
        async with client.messages.stream(**asking) as stream:
            async for event in stream:
                # Not in one go: what came before an error counts too.
                found.append(event.model_dump(mode="json"))  # noqa: PERF401 - what came before an error counts
            found.append((await stream.get_final_message()).model_dump(mode="json"))
    except anthropic.APIStatusError as error:
        found.append(_described(error))
    except BROKEN:
        found.append(BROKEN_OFF)
    return found


def _described(error: anthropic.APIStatusError) -> list[Any]:
    after = error.response.headers.get("retry-after")
    return [type(error).__name__, error.status_code, error.type, error.body, after, error.request_id]
