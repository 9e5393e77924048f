"""The real designer worker in Chromium, spoken to directly: the built-in loop, and Claude's SDK."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from playwright.sync_api import Page

from tabrl_py.meta import Brief, Loop
from tabrl_py.meta.loop import replay
from tabrl_py.meta.plan import Command
from tests.messages_api import running_messages_api
from tests.messages_wire import Answer, tool_use
from tests.unit.test_meta_loop import brief, finish, work

pytestmark = pytest.mark.browser
BOOT_MS = 150_000
REWARD = 'def reward(s):\n    terms = {"alive": alive(s)}\n    return alive(s), terms\n'
CLIENT = """
globalThis.designer = { got: [], worker: new Worker("workers/designer_worker.js", { type: "module" }) };
designer.worker.onmessage = ({ data }) => designer.got.push(data);
designer.worker.onerror = (event) => designer.got.push({ type: "crashed", message: event.message });
undefined;
"""


class Designer:
    """A designer worker of a page's address. It is answered with made-up results: its page is not here."""

    def __init__(self, page: Page) -> None:
        self.page = page
        page.set_default_timeout(BOOT_MS)
        page.evaluate(CLIENT)
        self.seen = 0

    def send(self, **message: object) -> None:
        self.page.evaluate("message => designer.worker.postMessage(message)", message)

    def next(self) -> list[dict[str, Any]]:
        """Messages that came since the last call; waits for one."""
        self.page.wait_for_function("seen => designer.got.length > seen", arg=self.seen)
        came: list[dict[str, Any]] = self.page.evaluate("seen => designer.got.slice(seen)", self.seen)
        self.seen += len(came)
        wrong = [each for each in came if each["type"] in ("failed", "crashed")]
        assert not wrong, wrong
        return came

    def until(self, kind: str) -> dict[str, Any]:
        while True:
            for message in self.next():
                if message["type"] == kind:
                    return message

    def carry_out(
        self, wanted: Brief, **start: object
    ) -> tuple[list[str], dict[str, Any], list[dict[str, Any]]]:
        """Run a loop to its end: the ledger's lines, the last view, and all messages."""
        lines: list[str] = []
        every: list[dict[str, Any]] = []
        self.send(type="start_loop", brief=wanted.to_json(), **start)
        while True:
            for message in self.next():
                every.append(message)
                if message["type"] == "ledger_line":
                    assert message["index"] == len(lines)
                    lines.append(message["line"])
                    self.send(type="line_kept", index=message["index"])
                elif message["type"] == "loop_command":
                    command = Command(message["id"], message["kind"], message["member"], message["spec"])
                    self.send(type="command_done", id=message["id"], result=work(command), seconds=0.5)
                elif message["type"] == "loop_state" and message["view"]["over"]:
                    return lines, message["view"], every


@pytest.fixture
def designer(open_page: Callable[..., Page], plain_url: str) -> Designer:
    found = Designer(open_page(f"{plain_url}build.json", expected_errors=["favicon.ico"]))
    found.until("ready")
    return found


def test_the_built_in_loop_designs_in_the_tab_what_it_designs_natively(designer: Designer) -> None:
    lines, view, every = designer.carry_out(brief())
    native = Loop(brief())
    # Playwright's event loop runs in this thread; the native designer needs one of its own.
    with ThreadPoolExecutor(1) as other:
        other.submit(finish, native).result()
    # Later generations come from made-up results, which differ as JavaScript writes numbers otherwise.
    first = {member.id: member.proposal for member in native.state.generation_members(1)}
    shown = {member["id"]: member for member in view["members"] if member["generation"] == 1}
    assert {id_: each["reward"] for id_, each in shown.items()} == {id_: p.reward for id_, p in first.items()}
    assert replay(lines).ledger.hash == view["ledger_hash"]
    assert view["designer"]["title"] == "built-in, no language model"
    assert not [message for message in every if message["type"] == "designer_loading"]


def test_claude_designs_through_the_real_sdk(designer: Designer) -> None:
    rewards = [
        {"slot": slot, "name": slot, "rationale": "", "parents": [], "reward": REWARD, "hyperparameters": {}}
        for slot in "ABC"
    ]
    said = 'Wärmer, "steadier" steps.'
    answer = Answer(content=[tool_use("propose_rewards", {"analysis": said, "rewards": rewards})])
    with running_messages_api([answer, answer], keys=["sk-person"]) as api:
        designer.send(type="list_models", id=7, base_url=api.address, key="sk-person")
        models = designer.until("models")
        assert (models["id"], models["default"]) == (7, "claude-opus-5-5")
        wanted = Brief.from_json({**brief().to_json(), "designer": "claude", "model": models["default"]})
        lines, view, every = designer.carry_out(wanted, base_url=api.address, key="sk-person")
        assert len(api.asked) == 2
    assert (view["state"], view["cost"]["requests"]) == ("done", 2)
    deltas = [message for message in every if message["type"] == "analysis_delta"]
    assert "".join(each["text"] for each in deltas if each["generation"] == 1) == said
    used = [json.loads(line)["data"]["usage"] for line in lines if json.loads(line)["kind"] == "answer"]
    assert view["cost"]["output_tokens"] == sum(usage["output_tokens"] for usage in used)
    assert "sk-person" not in "".join(lines)
    assert "sk-person" not in json.dumps(every)
