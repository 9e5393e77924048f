"""What the Messages API puts on the wire: messages, their events, errors, token counts.

Written from the API's public description (platform.claude.com: Messages, Streaming, Errors, Prompt caching)
and from the types of the `anthropic` SDK, with which every form here is read in the tests.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}
MODELS: tuple[Json, ...] = tuple(
    {
        "type": "model",
        "id": name,
        "display_name": shown,
        "created_at": created,
        "lifecycle": "active",
        "line": line,
        "max_input_tokens": 1_000_000,
        "max_tokens": 128_000,
    }
    for name, shown, created, line in (
        ("claude-opus-5-5", "Claude Opus 5.5", "2026-09-01T00:00:00Z", "opus"),
        ("claude-sonnet-5-5", "Claude Sonnet 5.5", "2026-08-01T00:00:00Z", "sonnet"),
        ("claude-haiku-5-5", "Claude Haiku 5.5", "2026-07-01T00:00:00Z", "haiku"),
    )
)
"""What `GET /v1/models` lists, newest first."""
CHARACTERS_PER_TOKEN = 4


@dataclass(frozen=True)
class Answer:
    """One scripted answer; as JSON or as events, whichever the request asks for."""

    content: Sequence[Mapping[str, Any]] = ()
    """Finished blocks: `text(...)`, `thinking(...)`, `tool_use(...)`."""
    stop_reason: str = ""
    """`tool_use` when a tool is used and `end_turn` otherwise, unless told."""
    usage: Mapping[str, int] = field(default_factory=dict)
    """What `usage` says where it is not to be counted, such as `output_tokens`."""
    status: int = 200
    """400 and above answers with an error."""
    error: str = ""
    """The error's message; with status 200, an error event after `after` events."""
    error_type: str = ""
    """The one that belongs to the status unless told."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Of the answer, such as `retry-after`."""
    delay_s: float = 0.0
    """Before the head of the answer."""
    event_delay_s: float = 0.0
    """Before each event but the first."""
    cut: bool = False
    """The connection breaks after `after` events, or after that many bytes of a JSON answer."""
    after: float = 1.5
    """Events until an error or a cut; 1.5 cuts in the middle of the second."""
    piece: int = 16
    """Characters in each delta."""


def text(words: str) -> Json:
    """A block of text."""
    return {"type": "text", "text": words, "citations": None}


def thinking(words: str, signature: str = "c2lnbmF0dXJl") -> Json:
    """A block of thinking, with its signature."""
    return {"type": "thinking", "thinking": words, "signature": signature}


def tool_use(name: str, arguments: Mapping[str, Any], identifier: str = "toolu_01") -> Json:
    """A call of a tool."""
    return {"type": "tool_use", "id": identifier, "name": name, "input": dict(arguments)}


def message(answer: Answer, request: Mapping[str, Any], identifier: str, usage: Mapping[str, int]) -> Json:
    """The whole message."""
    uses_tool = any(block["type"] == "tool_use" for block in answer.content)
    return {
        "id": identifier,
        "type": "message",
        "role": "assistant",
        "model": request["model"],
        "content": [dict(block) for block in answer.content],
        "stop_reason": answer.stop_reason or ("tool_use" if uses_tool else "end_turn"),
        "stop_sequence": None,
        "usage": {**usage, **answer.usage},
    }


def events(answer: Answer, whole: Json) -> Iterator[bytes]:
    """The events that make up a message: its start, its blocks in pieces, its end."""
    start = {**whole["usage"], "output_tokens": 1}
    head = {**whole, "content": [], "stop_reason": None, "usage": start}
    yield event({"type": "message_start", "message": head})
    yield event({"type": "ping"})
    for index, block in enumerate(whole["content"]):
        empty, deltas = _in_pieces(block, answer.piece)
        yield event({"type": "content_block_start", "index": index, "content_block": empty})
        for delta in deltas:
            yield event({"type": "content_block_delta", "index": index, "delta": delta})
        yield event({"type": "content_block_stop", "index": index})
    end = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    yield event({"type": "message_delta", "delta": end, "usage": whole["usage"]})
    yield event({"type": "message_stop"})


def event(data: Mapping[str, Any]) -> bytes:
    """One server-sent event, named by its data's type."""
    return f"event: {data['type']}\ndata: {json.dumps(data)}\n\n".encode()


def error(kind: str, words: str, request_id: str) -> Json:
    """An error as the API words it."""
    return {"type": "error", "error": {"type": kind, "message": words}, "request_id": request_id}


def _in_pieces(block: Json, piece: int) -> tuple[Json, list[Json]]:
    """A block as it begins, and the deltas that complete it."""
    if block["type"] == "text":
        parts = _pieces(block["text"], piece)
        return {**block, "text": ""}, [{"type": "text_delta", "text": part} for part in parts]
    if block["type"] == "thinking":
        deltas = [{"type": "thinking_delta", "thinking": part} for part in _pieces(block["thinking"], piece)]
        deltas.append({"type": "signature_delta", "signature": block["signature"]})
        return {**block, "thinking": "", "signature": ""}, deltas
    if block["type"] == "tool_use":
        parts = ["", *_pieces(json.dumps(block["input"]), piece)]
        return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": part} for part in parts]
    raise ValueError(f"block of type {block['type']!r}; this server writes text, thinking and tool_use")


def _pieces(words: str, size: int) -> list[str]:
    return [words[at : at + size] for at in range(0, len(words), size)]


def count_tokens(value: object) -> int:
    """A stand-in for the tokenizer: one token for four characters of JSON."""
    return len(json.dumps(value)) // CHARACTERS_PER_TOKEN + 1


class PromptCache:
    """Which beginnings of prompts were seen, as `cache_control` asks to remember them."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def input_usage(self, request: Mapping[str, Any]) -> dict[str, int]:
        """How a prompt's tokens are billed: read from the cache, written to it, or neither."""
        parts, last = _prompt_parts(request)
        fixed = count_tokens(parts[:last]) if last else 0
        key = json.dumps([request["model"], *parts[:last]])
        read = last > 0 and key in self._seen
        if last:
            self._seen.add(key)
        return {
            "input_tokens": count_tokens(parts[last:]),
            "cache_creation_input_tokens": 0 if read else fixed,
            "cache_read_input_tokens": fixed if read else 0,
        }


def _prompt_parts(request: Mapping[str, Any]) -> tuple[list[Any], int]:
    """A prompt's parts in the order of caching, and how many stand before the last mark."""
    system = request.get("system", [])
    parts: list[Any] = [*request.get("tools", []), *([system] if isinstance(system, str) else system)]
    for turn in request.get("messages", []):
        content = turn.get("content", "")
        parts += [content] if isinstance(content, str) else content
    marked = [at for at, part in enumerate(parts, 1) if isinstance(part, dict) and part.get("cache_control")]
    return parts, max(marked, default=0)
