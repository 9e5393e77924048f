"""A local server that speaks the Messages API, for the real `anthropic` SDK.

In a test, with `Answer` and the blocks of `tests.messages_wire`:

    with running_messages_api([Answer(content=[text("Hello")])]) as api:
        client = anthropic.Anthropic(api_key="any", base_url=api.address)
        ...
        api.requests, api.asked   # what it was sent

As a program: `python -m tests.messages_api --port 9000 --answers answers.json --record requests.jsonl`, where
`answers.json` is a list of objects with the fields of `Answer`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import uvicorn
from starlette.types import Receive, Scope, Send

from tests import messages_wire as wire
from tests.messages_wire import Answer, Json

Script = Iterable[Answer] | Callable[[Json], Answer]
"""Answers in the order of the requests to `/v1/messages`, or what each request's JSON is answered with."""


@dataclass
class Request:
    """What the server was asked."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    at_s: float = field(default_factory=time.monotonic)
    sent: bytes = b""
    """The answer's body, as far as it was sent."""
    left: bool = False
    """The client went before the answer was complete."""

    @property
    def json(self) -> Json:
        """The body, read."""
        value: Json = json.loads(self.body)
        return value


class _RefusalError(Exception):
    """A request that the API would answer with an error."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.answer = Answer(status=status, error=words)


class _CutError(Exception):
    """Makes uvicorn break the connection in the middle of an answer."""


class MessagesApi:
    """The server's state and its ASGI application.

    Args:
        script: the answers.
        keys: accepted API keys; any one when there are none.
        on_request: is told of each request before it is answered, in the server's thread.
    """

    def __init__(
        self,
        script: Script = (),
        keys: Sequence[str] = (),
        on_request: Callable[[Request], None] = lambda _: None,
    ) -> None:
        self.address = ""
        self.requests: list[Request] = []
        self.keys = keys
        self._on_request = on_request
        self._cache = wire.PromptCache()
        self._next: Callable[[Json], Answer] = lambda _: Answer()
        self.script(script)

    def script(self, answers: Script) -> None:
        """Answer what comes from now on with these."""
        if callable(answers):
            self._next = answers
            return
        waiting = iter(answers)

        def following(_: Json) -> Answer:
            ended = Answer(status=400, error="the script of this local server has no further answer")
            return next(waiting, ended)

        self._next = following

    @property
    def asked(self) -> list[Json]:
        """The JSON of each request to `/v1/messages`."""
        return [
            request.json
            for request in self.requests
            if request.path == "/v1/messages" and request.method == "POST"
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
        body = b""
        while True:
            part = await receive()
            if part["type"] == "http.disconnect":
                return
            body += part.get("body", b"")
            if not part.get("more_body"):
                break
        query = scope["query_string"].decode()
        request = Request(scope["method"], scope["path"], query, headers, body)
        self.requests.append(request)
        self._on_request(request)
        await _Exchange(self, request, receive, send).run()

    def decide(self, request: Request) -> tuple[Answer, Json | None]:
        """What a request is answered with: an error, a message of the script, or plain JSON."""
        try:
            self._check_headers(request)
            if request.method == "GET":
                return Answer(), _models(request)
            body = _checked_body(request)
            if request.path == "/v1/messages/count_tokens":
                parts = [body.get(name) for name in ("tools", "system", "messages")]
                return Answer(), {"input_tokens": wire.count_tokens(parts)}
            if request.path != "/v1/messages":
                raise _RefusalError(404, "Not found")
            return self._next(body), None
        except _RefusalError as refusal:
            return refusal.answer, None

    def _check_headers(self, request: Request) -> None:
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        key = request.headers.get("x-api-key", bearer)
        if not key:
            raise _RefusalError(401, "x-api-key header is required")
        if self.keys and key not in self.keys:
            raise _RefusalError(401, "invalid x-api-key")
        if "anthropic-version" not in request.headers:
            raise _RefusalError(400, "anthropic-version: header is required")

    def whole(self, answer: Answer, request: Request) -> Json:
        """The message of an answer, with what it is said to have used."""
        usage = self._cache.input_usage(request.json)
        usage["output_tokens"] = wire.count_tokens([dict(block) for block in answer.content])
        return wire.message(answer, request.json, f"msg_{len(self.requests):06d}", usage)


class _Exchange:
    """One request and its answer."""

    def __init__(self, api: MessagesApi, request: Request, receive: Receive, send: Send) -> None:
        self.api, self.request, self.send = api, request, send
        self.identifier = f"req_{len(api.requests):06d}"
        self._receive = receive
        self._gone = asyncio.Event()

    async def run(self) -> None:
        """Answer, and note when the client leaves first."""
        watch = asyncio.create_task(self._watch())
        try:
            await self._answer()
        except ConnectionResetError:
            self.request.left = True
        finally:
            watch.cancel()

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._gone.set()

    async def _wait(self, seconds: float) -> None:
        """Wait, unless the client leaves."""
        if seconds > 0:
            try:
                await asyncio.wait_for(self._gone.wait(), seconds)
            except TimeoutError:
                return
        if self._gone.is_set():
            raise ConnectionResetError

    async def _answer(self) -> None:
        if self.request.method == "OPTIONS":
            await self._head(204, "text/plain", {})
            await self.send({"type": "http.response.body", "body": b""})
            return
        answer, plain = self.api.decide(self.request)
        await self._wait(answer.delay_s)
        if plain is not None:
            await self._json(answer, plain)
        elif answer.status >= 400:
            kind = answer.error_type or wire.ERROR_TYPES.get(answer.status, "api_error")
            await self._json(answer, wire.error(kind, answer.error, self.identifier))
        elif self.request.json.get("stream"):
            await self._stream(answer)
        else:
            await self._json(answer, self.api.whole(answer, self.request))

    async def _head(self, status: int, kind: str, headers: Mapping[str, str]) -> None:
        every = {"content-type": kind, "request-id": self.identifier, **headers, **self._sharing()}
        pairs = [(name.encode(), value.encode()) for name, value in every.items()]
        await self.send({"type": "http.response.start", "status": status, "headers": pairs})

    def _sharing(self) -> dict[str, str]:
        """For pages elsewhere: the API lets them read its answer only where they say they know the danger."""
        asked = self.request.headers.get("access-control-request-headers", "").lower()
        if "anthropic-dangerous-direct-browser-access" not in {*self.request.headers, *asked.split(",")}:
            return {}
        return {
            "access-control-allow-origin": self.request.headers.get("origin", "*"),
            "access-control-allow-headers": asked,
            "access-control-allow-methods": "GET, POST",
        }

    async def _json(self, answer: Answer, value: Json) -> None:
        body = json.dumps(value).encode()
        length = {"content-length": str(len(body))}
        await self._head(answer.status, "application/json", {**answer.headers, **length})
        if answer.cut:
            await self._body(body[: int(answer.after)])
            raise _CutError
        await self._body(body)
        await self.send({"type": "http.response.body", "body": b""})

    async def _body(self, part: bytes) -> None:
        self.request.sent += part
        await self.send({"type": "http.response.body", "body": part, "more_body": True})

    async def _stream(self, answer: Answer) -> None:
        await self._head(
            200, "text/event-stream; charset=utf-8", {"cache-control": "no-cache", **answer.headers}
        )
        whole_events = int(answer.after)
        for at, event in enumerate(wire.events(answer, self.api.whole(answer, self.request))):
            if at:
                await self._wait(answer.event_delay_s)
            if at == whole_events and answer.cut:
                await self._body(event[: int(len(event) * (answer.after - whole_events))])
                raise _CutError
            if at == whole_events and answer.error:
                kind = answer.error_type or "overloaded_error"
                await self._body(wire.event(wire.error(kind, answer.error, self.identifier)))
                break
            await self._body(event)
        await self.send({"type": "http.response.body", "body": b""})


def _checked_body(request: Request) -> Json:
    try:
        body = json.loads(request.body)
    except ValueError:
        raise _RefusalError(400, "The request body is not valid JSON") from None
    if not isinstance(body, dict):
        raise _RefusalError(400, "The request body must be an object")
    needed = ["model", "messages"] + (["max_tokens"] if request.path == "/v1/messages" else [])
    for name in needed:
        if name not in body:
            raise _RefusalError(400, f"{name}: Field required")
    if not body["messages"]:
        raise _RefusalError(400, "messages: at least one message is required")
    names = {tool.get("name") for tool in body.get("tools", [])}
    forced = body.get("tool_choice", {}).get("name")
    if forced is not None and forced not in names:
        raise _RefusalError(400, f"tool_choice: Tool '{forced}' not found in provided tools")
    return body


def _models(request: Request) -> Json:
    name = request.path.removeprefix("/v1/models").removeprefix("/")
    if not request.path.startswith("/v1/models"):
        raise _RefusalError(404, "Not found")
    if name:
        for model in wire.MODELS:
            if model["id"] == name:
                return model
        raise _RefusalError(404, f"model: {name}")
    query = parse_qs(request.query)
    identifiers = [model["id"] for model in wire.MODELS]
    first = identifiers.index(query["after_id"][0]) + 1 if "after_id" in query else 0
    page = list(wire.MODELS[first : first + int(query.get("limit", ["20"])[0])])
    return {
        "data": page,
        "has_more": first + len(page) < len(wire.MODELS),
        "first_id": page[0]["id"] if page else None,
        "last_id": page[-1]["id"] if page else None,
    }


@contextmanager
def running_messages_api(
    script: Script = (),
    *,
    port: int = 0,
    keys: Sequence[str] = (),
    on_request: Callable[[Request], None] = lambda _: None,
) -> Iterator[MessagesApi]:
    """The server in a thread of its own, on this machine alone; any free port unless told."""
    api = MessagesApi(script, keys, on_request)
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(1024)
    api.address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    # What is cut on purpose would be logged as a mistake of the application.
    config = uvicorn.Config(
        api, log_level=60, access_log=False, lifespan="off", timeout_graceful_shutdown=1, ws="none"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="messages-api")
    thread.start()
    try:
        yield api
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def read_answers(text: str) -> list[Answer]:
    """Answers from JSON: a list of objects with the fields of `Answer`."""
    found: list[dict[str, Any]] = json.loads(text)
    return [Answer(**fields) for fields in found]


def main() -> None:
    """Serve until Ctrl+C."""
    parser = argparse.ArgumentParser(prog="python -m tests.messages_api", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--answers", type=Path, help="a JSON list of answers")
    parser.add_argument("--record", type=Path, help="append each request as a line of JSON")
    options = parser.parse_args()
    script = read_answers(options.answers.read_text(encoding="utf-8")) if options.answers else []

    def note(request: Request) -> None:
        line = {"method": request.method, "path": request.path, "body": request.body.decode(errors="replace")}
        if options.record:
            with options.record.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps(line) + "\n")

    with running_messages_api(script, port=options.port, on_request=note) as api:
        print(api.address, flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
