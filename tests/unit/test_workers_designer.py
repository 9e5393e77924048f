"""The designer's worker without a browser: what it tells the page, and in which order."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any

from tabrl_py.algos.training import Training
from tabrl_py.errors import TabrlError
from tabrl_py.loop_messages import (
    CommandDone,
    CommandProgress,
    EditMember,
    ExportPolicy,
    FromDesigner,
    LedgerLine,
    LoopCommand,
    LoopState,
    PolicyExported,
    StartLoop,
)
from tabrl_py.meta.plan import Command
from tabrl_py.policy import load_policy, save_policy
from tabrl_py.protocol import Failed, Pause, Resume
from tabrl_py.sim.native import NativeBatchSim
from tabrl_py.tasks import get_task
from tabrl_py.tasks.recipes import default_recipe
from tabrl_py.workers.designer import DesignerRunner, LoopDesigner, PageDesignerHost
from tests.asynchronous import awaited
from tests.unit.test_meta_loop import brief, work


class Page:
    """Holds what the designer posts. Fulfils DesignerHost."""

    def __init__(self, sdk: str = "") -> None:
        self.posted: list[FromDesigner] = []
        self.time, self.sdk = 0.0, sdk

    def post(self, message: FromDesigner) -> None:
        self.posted.append(message)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        awaited(work)

    def now(self) -> float:
        return self.time

    async def load_sdk(self, say: Callable[[float, str], None]) -> None:
        say(0.0, "Loading")
        raise TabrlError(self.sdk)

    def commands(self) -> list[LoopCommand]:
        return [message for message in self.posted if isinstance(message, LoopCommand)]

    def lines(self) -> list[str]:
        return [message.line for message in self.posted if isinstance(message, LedgerLine)]

    def view(self) -> Any:
        return [message for message in self.posted if isinstance(message, LoopState)][-1].view


def finish(page: Page, designer: LoopDesigner, most: int = 1000) -> None:
    """Answer up to so many commands with made-up results."""
    for done in range(most):
        if done == len(page.commands()):
            return
        command = page.commands()[done]
        known = Command(command.id, command.kind, command.member, command.spec)
        designer.handle(CommandDone(command.id, work(known)))


def started(**changes: object) -> tuple[Page, LoopDesigner]:
    page = Page()
    designer = LoopDesigner(page)
    designer.handle(StartLoop(brief(**changes).to_json()))
    return page, designer


def test_every_line_comes_before_the_view_and_the_commands_that_follow_from_it() -> None:
    page, designer = started()
    finish(page, designer)
    assert page.view().over
    assert [m.index for m in page.posted if isinstance(m, LedgerLine)] == list(range(len(page.lines())))
    known = 0
    for message in page.posted:
        if isinstance(message, LedgerLine):
            known += 1
        elif isinstance(message, LoopState):
            assert message.view.ledger_lines == known
    assert len({command.id for command in page.commands()}) == len(page.commands())


def test_a_reloaded_page_goes_on_and_is_told_only_what_is_open() -> None:
    page, designer = started()
    finish(page, designer)
    whole = page.lines()
    for kept in range(1, len(whole)):
        again = Page()
        other = LoopDesigner(again)
        other.handle(StartLoop(brief().to_json(), whole[:kept]))
        finish(again, other)
        assert again.view().ledger_hash == page.view().ledger_hash
        recorded = {json.loads(line)["id"] for line in whole[:kept]}
        assert not recorded & {command.id for command in again.commands()}


def test_paused_it_asks_for_nothing_new() -> None:
    page, designer = started()
    designer.handle(Pause())
    finish(page, designer)
    assert page.view().state == "paused"
    assert all(command.kind == "check" for command in page.commands())
    designer.handle(Resume())
    assert page.view().state == "running"
    assert page.commands()[-1].kind == "train"


def test_what_only_tells_progress_is_shown_a_few_times_a_second() -> None:
    page, designer = started()
    finish(page, designer, 3)
    record = {"reward_terms": {"alive": 1.0}}
    for step in range(5):
        page.time += 0.01
        designer.handle(CommandProgress("g1.0.train", "training", step, [record]))
        wait = designer.advance()
        assert wait is not None
    page.time += 1.0
    assert designer.advance() is None
    member = page.view().members[0]
    assert (member.status, member.steps, member.terms) == ("training", 4, {"alive": [1.0]})


def test_a_designer_that_cannot_be_asked_pauses_the_loop() -> None:
    page = Page(sdk="the archive is missing")
    designer = LoopDesigner(page)
    asked = brief().to_json() | {"designer": "claude", "model": "claude-opus-5-5"}
    designer.handle(StartLoop(asked, base_url="http://127.0.0.1:1"))
    assert (page.view().state, page.view().reason) == ("paused", "the archive is missing")
    designer.handle(Resume())
    assert page.view().state == "paused"


def test_unsound_edits_and_unknown_members_are_told_and_change_nothing() -> None:
    page, designer = started()
    finish(page, designer, 9)
    designer.handle(EditMember("g1.0", "", {"algo.gamma": 7.0}))
    assert page.view().members[0].problems
    runner = DesignerRunner(page, designer)
    runner.receive('{"type": "say", "text": "hm", "member": "g7.7"}')
    failed = page.posted[-1]
    assert isinstance(failed, Failed) or any(isinstance(m, Failed) for m in page.posted[-3:])
    runner.receive('{"type": "no_such_message"}')
    assert any(isinstance(m, Failed) and "no_such_message" in m.message for m in page.posted[-2:])


def test_an_exported_policy_has_the_same_weights_and_tells_where_it_came_from() -> None:
    page, designer = started()
    finish(page, designer)
    task = get_task("humanoid-walk")
    recipe = default_recipe(task, "ppo", {"n_envs": 1, "algo.n_steps": 16, "algo.minibatch_size": 16})
    sim = NativeBatchSim(task, 1)
    policy = Training(recipe, task, sim).policy()
    sim.close()
    designer.handle(ExportPolicy(3, "g2.1", save_policy(policy)))
    exported = page.posted[-1]
    assert isinstance(exported, PolicyExported)
    read = load_policy(exported.policy)
    assert read.params.tobytes() == policy.params.tobytes()
    assert read.provenance is not None
    assert read.provenance["lineage"][0]["id"] == "g2.1"
    assert exported.name == "humanoid-walk-b2.safetensors"


def test_work_that_nobody_awaits_tells_the_page_of_its_error() -> None:
    told: list[dict[str, Any]] = []

    class Bridge:
        def post(self, text: str) -> None:
            told.append(json.loads(text))

    async def lost() -> None:
        raise KeyError("g9.9")

    async def working() -> None:
        PageDesignerHost(Bridge()).spawn(lost())
        await asyncio.sleep(0.01)

    awaited(working())
    assert [(each["type"], each["name"], each["fatal"]) for each in told] == [("failed", "KeyError", True)]
