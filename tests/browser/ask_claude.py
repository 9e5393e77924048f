"""The room with Claude behind it: a local Messages API, the project's relay before it, and the page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from tests.browser.ask_lab import TINY, AskLab
from tests.messages_api import MessagesApi, running_messages_api
from tests.messages_wire import Answer, tool_use
from tests.servers import served

KEY = "sk-ant-canary-0123456789abcdef"
SLOTS = "ABCD"
FITNESS = """\
def fitness(s):
    return alive(s) * np.clip(s.upright, 0.0, 1.0), {"head_height": s.head_height, "upright": s.upright}
"""
SMALLEST: Mapping[str, object] = {**TINY, "members": 1, "final_seeds": 0}
"""As TINY, with one member alone, and the winner is not trained again."""
SIZE = (800, 500)
"""Chromium paints the stage with the processor that the workers need."""

OpenPage = Callable[..., Page]


def reward(weight: float) -> str:
    """A reward's code."""
    return f"""\
def reward(s):
    up = {weight} * np.clip(s.upright, 0.0, 1.0)
    terms = {{"alive": alive(s), "upright": up, "effort": -0.1 * effort(s)}}
    return sum(terms.values()), terms
"""


def answer(request: dict[str, Any], parents: Sequence[str] = ()) -> Answer:
    """A fitness where one is asked for; else four rewards, which differ from one generation to the next."""
    if request["tool_choice"]["name"] == "propose_fitness":
        content: dict[str, Any] = {"analysis": "Upright for as long as it lasts.", "fitness": FITNESS}
        return Answer(content=[tool_use("propose_fitness", content)], event_delay_s=0.01)
    turn = sum(message["role"] == "user" for message in request["messages"])
    rewards = [
        {
            "slot": slot,
            "name": f"Balance {slot}{turn}",
            "rationale": "Upright counts for more, so that falling costs at once.",
            "parents": list(parents),
            "reward": reward(turn + index / 4),
            "hyperparameters": {},
        }
        for index, slot in enumerate(SLOTS)
    ]
    content = {"analysis": f"Turn {turn}: balance comes first, and effort is cheap.", "rewards": rewards}
    return Answer(content=[tool_use("propose_rewards", content)], event_delay_s=0.01)


def answer_from_first(request: dict[str, Any]) -> Answer:
    """As `answer`; what is designed after the first generation comes from its first member."""
    return answer(request, ["A1"] if len(request["messages"]) > 1 else [])


@contextmanager
def claude_lab(
    open_page: OpenPage, built_page: Path, script: Callable[[dict[str, Any]], Answer] = answer
) -> Iterator[tuple[AskLab, MessagesApi]]:
    """The room, ready to begin, on a server that has a key and relays to the local API."""
    with (
        running_messages_api(script, keys=[KEY]) as api,
        served(built_page, "--upstream", api.address, key=KEY) as address,
    ):
        lab = AskLab(open_page(address, size=SIZE))
        lab.open_room()
        lab.wait_models()
        yield lab, api
