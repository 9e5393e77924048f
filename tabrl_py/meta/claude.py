"""Claude as the designer, through the real `anthropic` SDK. Imported only where it is asked for."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import anthropic
import httpx2
from anthropic.types import Message
from pydantic import ValidationError

from tabrl_py.errors import TabrlError
from tabrl_py.loop_messages import DesignModel
from tabrl_py.meta import schemas
from tabrl_py.meta.budget import Usage
from tabrl_py.meta.designer import Answer, Question
from tabrl_py.meta.http import http_client
from tabrl_py.meta.ledger import digest
from tabrl_py.meta.loop import Loop
from tabrl_py.meta.partial_json import string_so_far
from tabrl_py.meta.prices import price_of
from tabrl_py.meta.prompts import fixed_part, turn_of
from tabrl_py.meta.proposal import Proposal
from tabrl_py.meta.reflection import pictures
from tabrl_py.meta.state import LETTERS, State

LEAST_OUTPUT = 2_000
"""Tokens without which an answer would be cut off."""
OUTPUT_BESIDE, OUTPUT_EACH = 4_000, 3_000
TRIES = 4
LONGEST_WAIT_S = 60.0
TIMEOUT_S = 600.0
CACHE = {"type": "ephemeral"}
DEFAULT_LINE = "opus"
NO_KEY = "the-relay-has-the-key"

BROKEN = (anthropic.APIError, httpx2.HTTPError, OSError)
"""What asking can end with; the SDK lets through what breaks in the middle of a stream."""

Say = Callable[[int, str, bool], None]
"""Takes generation, text and whether a new answer begins."""


class DesignError(TabrlError):
    """Claude could not be asked, or did not answer."""


@dataclass(frozen=True)
class Line:
    """Where Claude is reached: a relay that has a key, or the API with a key of the person's own."""

    base_url: str
    key: str | None = None

    def client(self) -> anthropic.AsyncAnthropic:
        """A client that never repeats a request by itself: each one must be paid for from the budget."""
        # The API answers pages elsewhere only when they say that their person's key is in the page.
        headers = {} if self.key is None else {"anthropic-dangerous-direct-browser-access": "true"}
        return anthropic.AsyncAnthropic(
            api_key=self.key or NO_KEY,
            base_url=self.base_url,
            max_retries=0,
            timeout=TIMEOUT_S,
            http_client=http_client(TIMEOUT_S),
            default_headers=headers,
        )


async def list_models(line: Line) -> tuple[list[DesignModel], str]:
    """The models that can be asked, and the default: the newest Opus, else the newest.

    Raises:
        DesignError: the API does not answer, or refuses.
    """
    try:
        async with line.client() as client:
            found = [model async for model in await client.models.list(limit=100)]
    except BROKEN as error:
        raise DesignError(_words(error)) from error
    usable = [model for model in found if model.lifecycle != "retired"]
    usable.sort(key=lambda model: model.created_at, reverse=True)
    if not usable:
        raise DesignError("the API lists no model; check what the key may use")
    models = [
        DesignModel(model.id, model.display_name, price.input, price.output)
        for model in usable
        for price in [price_of(model.id)]
    ]
    active = [m for m in usable if m.lifecycle == "active" and (m.line or m.id).find(DEFAULT_LINE) >= 0]
    return models, (active or usable)[0].id


async def _unheard() -> None:
    """Nobody keeps the ledger."""


class ClaudeDesigner:
    """Asks Claude within the loop's budget. Fulfils Designer."""

    def __init__(
        self,
        line: Line,
        loop: Loop,
        say: Say = lambda _generation, _text, _start: None,
        written: Callable[[], Awaitable[None]] = _unheard,
    ) -> None:
        """`say` is given the analysis as it comes; `written` settles when the ledger's new lines are kept."""
        self._line, self._loop = line, loop
        self._say, self._written = say, written
        self._fixed = fixed_part(loop.state.task)
        self._model, self._price = loop.brief.model, price_of(loop.brief.model)

    async def answer(self, question: Question, state: State) -> Answer:
        """See Designer.answer.

        Raises:
            DesignError: no answer came; the loop can ask again later.
        """
        tool = schemas.FITNESS if question.kind == "fitness" else schemas.PROPOSE
        turn = self._turn(question, state, tool)
        request = self._request(state, turn, tool)
        async with self._line.client() as client:
            return await self._answer(client, question, state, turn, request)

    async def _answer(
        self,
        client: anthropic.AsyncAnthropic,
        question: Question,
        state: State,
        turn: list[dict[str, Any]],
        request: dict[str, Any],
    ) -> Answer:
        counted = await self._count(client, request)
        wanted = OUTPUT_BESIDE + OUTPUT_EACH * max(1, len(question.slots))
        most = state.budget.affordable(counted, wanted, LEAST_OUTPUT, self._price)
        if most == 0:
            by_tokens = state.budget.worst("", counted, LEAST_OUTPUT, self._price).tokens
            left = state.budget.max_tokens - state.budget.tokens
            return Answer(refused="tokens" if by_tokens > left else "usd")
        request["max_tokens"] = most
        message = await self._ask(client, question, request, counted)
        usage = message.usage.model_dump(mode="json", exclude_none=True)
        return Answer(
            **_read(message, question, state, request["tool_choice"]["name"]),
            turn=turn,
            content=[_block(block.model_dump(mode="json", exclude_none=True)) for block in message.content],
            request=digest(request),
            model=message.model,
            max_output=most,
            usage=usage,
            usd=round(self._price.of(Usage.of(usage)), 6),
        )

    def _turn(self, question: Question, state: State, tool: str) -> list[dict[str, Any]]:
        """What is said now: an answer to the tool that was used last, where one was."""
        blocks: list[dict[str, Any]] = [{"type": "text", "text": turn_of(question, state, tool)}]
        if question.kind == "propose" and question.generation > 1:
            blocks += pictures(state)
        used = [b for b in state.turns[-1][1] if b["type"] == "tool_use"] if state.turns else []
        return [
            *({"type": "tool_result", "tool_use_id": block["id"], "content": "Received."} for block in used),
            *blocks,
        ]

    def _request(self, state: State, turn: list[dict[str, Any]], tool: str) -> dict[str, Any]:
        """A whole request but for max_tokens; the fixed part and all before this turn can be cached."""
        messages: list[dict[str, Any]] = []
        for said, answered in state.turns:
            messages.append({"role": "user", "content": said})
            messages.append({"role": "assistant", "content": answered or [{"type": "text", "text": "-"}]})
        *before, last = turn
        messages.append({"role": "user", "content": [*before, {**last, "cache_control": CACHE}]})
        return {
            "model": self._model,
            "system": [{"type": "text", "text": self._fixed, "cache_control": CACHE}],
            "tools": schemas.tools(state.brief.members),
            "tool_choice": {"type": "tool", "name": tool, "disable_parallel_tool_use": True},
            "messages": messages,
        }

    async def _count(self, client: anthropic.AsyncAnthropic, request: dict[str, Any]) -> int:
        for attempt in range(TRIES):
            try:
                return (await client.messages.count_tokens(**request)).input_tokens
            except BROKEN as error:
                await self._wait_or_raise(error, attempt)
        raise AssertionError

    async def _ask(
        self, client: anthropic.AsyncAnthropic, question: Question, request: dict[str, Any], counted: int
    ) -> Message:
        """Reserve, ask, and hear the answer out. An attempt that may have cost something is reserved anew."""
        for attempt in range(TRIES):
            budget = self._loop.state.budget
            reservation = budget.worst(question.id, counted, request["max_tokens"], self._price)
            most = request["max_tokens"]
            if attempt and budget.affordable(counted, most, most, self._price) == 0:
                raise DesignError("a request was lost, and repeating it might pass the budget; raise the cap")
            self._loop.reserve(reservation)
            # Not before the reservation is kept: who is ended now must not ask, and pay, again unawares.
            await self._written()
            try:
                return await self._stream(client, question, request)
            except BROKEN as error:
                # What is refused costs nothing; what breaks off may have cost everything.
                if isinstance(error, anthropic.APIStatusError) and error.status_code != 200:
                    self._loop.release(question.id)
                    await self._written()
                await self._wait_or_raise(error, attempt)
        raise AssertionError

    async def _stream(
        self, client: anthropic.AsyncAnthropic, question: Question, request: dict[str, Any]
    ) -> Message:
        text, said = "", 0
        self._say(question.generation, "", True)
        async with client.messages.stream(**request) as stream:
            async for event in stream:
                if event.type == "input_json":
                    text += event.partial_json
                    analysis = string_so_far(text, "analysis")
                    if len(analysis) > said:
                        self._say(question.generation, analysis[said:], False)
                        said = len(analysis)
            return await stream.get_final_message()

    @staticmethod
    async def _wait_or_raise(error: Exception, attempt: int) -> None:
        """Wait before the next attempt; what cannot get better, and the last attempt, is an error."""
        status = error.status_code if isinstance(error, anthropic.APIStatusError) else 0
        if attempt == TRIES - 1 or status not in (0, 200, 408, 409, 429, 500, 502, 503, 504, 529):
            raise DesignError(_words(error)) from error
        wait = 2.0**attempt
        if isinstance(error, anthropic.APIStatusError):
            with contextlib.suppress(ValueError):
                wait = float(error.response.headers.get("retry-after", wait))
        await asyncio.sleep(min(max(wait, 0.0), LONGEST_WAIT_S))


def _read(message: Message, question: Question, state: State, tool: str) -> dict[str, Any]:
    """The answer's analysis, proposals and fitness, or what is wrong with it."""
    used = next((block for block in message.content if block.type == "tool_use"), None)
    if message.stop_reason == "max_tokens":
        return {
            "problem": "the answer was cut off: say less in analysis and rationale, and write shorter code"
        }
    if used is None or used.name != tool:
        return {"problem": f"the answer does not use the tool {tool}"}
    try:
        if tool == schemas.FITNESS:
            proposed = schemas.ProposedFitness.model_validate(used.input)
            return {"analysis": proposed.analysis, "fitness": proposed.fitness}
        answer = schemas.ProposedRewards.model_validate(used.input)
    except ValidationError as error:
        return {"problem": schemas.words_of(error)}
    ids = {member.label: member.id for member in state.members.values() if not member.final}
    proposals = {}
    for each in answer.rewards:
        slot = LETTERS.index(each.slot) if each.slot in LETTERS else -1
        if slot in question.slots and slot not in proposals:
            parents = tuple(ids[label] for label in each.parents if label in ids)
            proposals[slot] = Proposal(
                each.name, each.rationale, each.reward, dict(each.hyperparameters), parents
            )
    return {"analysis": answer.analysis, "proposals": proposals}


def _block(block: dict[str, Any]) -> dict[str, Any]:
    """A block of an answer as a later request may hold it."""
    names = {"text": ("type", "text"), "tool_use": ("type", "id", "name", "input")}.get(block["type"])
    return block if names is None else {name: block[name] for name in names}


def _words(error: Exception) -> str:
    """What happened and what to do."""
    if isinstance(error, anthropic.AuthenticationError | anthropic.PermissionDeniedError):
        return "the API refuses the key; check it, or start the page's server with one"
    if isinstance(error, anthropic.RateLimitError):
        return "the API asks to wait longer than the loop does; go on later"
    if isinstance(error, anthropic.APITimeoutError):
        return "the API did not answer in time; go on later"
    if isinstance(error, anthropic.APIStatusError):
        return f"the API refuses with {error.status_code}: {_said(error)[:300]}"
    return "the API cannot be reached, or the connection broke; check the network, then go on"


def _said(error: anthropic.APIStatusError) -> str:
    """The API's own sentence, out of the JSON around it."""
    body = error.body if isinstance(error.body, dict) else {}
    inner = body.get("error")
    words = inner.get("message") if isinstance(inner, dict) else None
    return str(words or error.message)
