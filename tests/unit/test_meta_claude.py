"""The Claude designer, with the real SDK against a local server that speaks the Messages API."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

pytest.importorskip("anthropic")

from tabrl_py.meta import PROPOSED, Brief, Loop
from tabrl_py.meta.budget import Usage
from tabrl_py.meta.claude import ClaudeDesigner, DesignError, Line, list_models
from tabrl_py.meta.loop import replay
from tabrl_py.meta.partial_json import string_so_far
from tabrl_py.meta.plan import Command
from tests.asynchronous import awaited
from tests.messages_api import MessagesApi, running_messages_api
from tests.messages_wire import Answer, text, tool_use

REWARD = """\
def reward(s):
    terms = {"alive": alive(s), "effort": -0.1 * effort(s)}
    return sum(terms.values()), terms
"""
FITNESS = """\
def fitness(s):
    return alive(s), {"height": s.head_height}
"""
MODEL = "claude-opus-5-5"


def brief(**changes: object) -> Brief:
    given: dict[str, Any] = {
        "text": "Walk like a crab",
        "task": "humanoid-walk",
        "designer": "claude",
        "model": MODEL,
        "members": 2,
        "generations": 2,
        "steps_per_member": 256,
        "evaluation_seeds": 2,
        "final_seeds": 0,
    }
    return Brief.from_json({**given, **changes})


def proposed(*slots: str, analysis: str = "Nothing is known yet.", **changes: object) -> Answer:
    rewards = [
        {"slot": slot, "name": f"Idea {slot}", "rationale": "It stays up.", "parents": [], "reward": REWARD,
         "hyperparameters": {}, **changes}
        for slot in slots
    ]  # fmt: skip
    return Answer(content=[tool_use("propose_rewards", {"analysis": analysis, "rewards": rewards})])


def work(command: Command, fitness: float = 0.5) -> dict[str, Any]:
    """A made-up result: these tests are about the asking."""
    if command.kind == "check":
        return {"problems": []}
    if command.kind == "train":
        return {"policy": "0" * 64, "steps": 256, "records": []}
    return {
        "fitness": fitness,
        "per_seed": [fitness] * 2,
        "metrics": {},
        "lengths": [9, 9],
        "falls": [False] * 2,
    }


def carry_on(loop: Loop, designer: ClaudeDesigner) -> None:
    """Until the loop ends or waits for the person."""

    async def go() -> None:
        while commands := loop.commands():
            command = commands[0]
            if command.question is not None:
                loop.answer(command.id, await designer.answer(command.question, loop.state))
            else:
                loop.receive(command.id, work(command, 0.1 * len(loop.ledger.lines)))

    awaited(go())


def run(api: MessagesApi, wanted: Brief) -> tuple[Loop, list[tuple[int, str, bool]]]:
    said: list[tuple[int, str, bool]] = []
    loop = Loop(wanted)
    designer = ClaudeDesigner(Line(api.address, "key"), loop, say=lambda *each: said.append(each))
    carry_on(loop, designer)
    return loop, said


def test_a_loop_of_two_generations_asks_twice_and_streams_the_analysis() -> None:
    script = [proposed("A", "B"), proposed("A", "B", analysis='B kept its feet; "more" of that.\n')]
    with running_messages_api(script) as api:
        loop, said = run(api, brief())
        assert loop.state.over
        assert not loop.state.failed
        assert "".join(piece for g, piece, _ in said if g == 2) == 'B kept its feet; "more" of that.\n'
        first, second = api.asked
        assert first["model"] == MODEL
        assert first["tool_choice"]["name"] == "propose_rewards"
        assert first["system"][0]["cache_control"] == {"type": "ephemeral"}
        assert first["system"] == second["system"]
        assert first["tools"] == second["tools"]
        told = second["messages"][-1]["content"]
        assert told[0]["type"] == "tool_result"
        assert "Results of generation 1" in told[1]["text"]
        assert second["messages"][1]["content"][0]["type"] == "tool_use"
        lines = [line.text for line in loop.ledger.lines]
        assert replay(lines).ledger.hash == loop.ledger.hash


def test_what_the_ledger_says_was_used_is_the_sum_of_usage() -> None:
    usage = {"input_tokens": 700, "output_tokens": 300, "cache_read_input_tokens": 40}
    answers = [Answer(content=each.content, usage=usage) for each in (proposed("A", "B"), proposed("A", "B"))]
    with running_messages_api(answers) as api:
        loop, _ = run(api, brief())
    answered = [line.data for line in loop.ledger.lines if line.kind == "answer"]
    assert sum(Usage.of(data["usage"]).tokens for data in answered) == loop.state.budget.tokens
    assert sum(data["usd"] for data in answered) == pytest.approx(loop.state.budget.usd)
    assert loop.state.budget.requests == 2


def test_unsound_code_and_settings_out_of_range_go_back_and_are_mended() -> None:
    bad = proposed("A", "B", hyperparameters={"algo.gamma": 1.5})
    with running_messages_api([bad, proposed("A", "B"), proposed("A", "B")]) as api:
        loop, _ = run(api, brief())
        repair = api.asked[1]["messages"][-1]["content"][-1]["text"]
        assert "algo.gamma=1.5 is out of its range, 0.9 to 0.999" in repair
        assert loop.state.members["g1.0"].proposal.hyperparameters == {}


def test_after_three_repairs_a_member_is_left_out_and_nothing_was_trained_with_it() -> None:
    bad = [proposed("A", hyperparameters={"algo.gamma": 1.5}) for _ in range(4)]
    with running_messages_api(bad) as api:
        loop, _ = run(api, brief(members=1))
        assert len(api.asked) == 4
    assert loop.state.failed
    assert loop.state.members["g1.0"].status == "invalid"
    assert loop.state.steps == 0


@pytest.mark.parametrize(
    "wrong",
    [
        Answer(content=[text("I would rather talk.")]),
        Answer(content=[tool_use("propose_rewards", {"analysis": 3})]),
        Answer(content=proposed("A", "B").content, stop_reason="max_tokens"),
    ],
)
def test_an_answer_of_another_form_is_asked_for_again(wrong: Answer) -> None:
    with running_messages_api([wrong, proposed("A", "B")]) as api:
        loop, _ = run(api, brief(generations=1))
        assert len(api.asked) == 2
    assert not loop.state.failed


def test_a_proposed_fitness_waits_for_the_person_and_is_then_frozen() -> None:
    fitness = Answer(content=[tool_use("propose_fitness", {"analysis": "Upright.", "fitness": FITNESS})])
    with running_messages_api([fitness, proposed("A", "B")]) as api:
        loop = Loop(brief(fitness=PROPOSED, generations=1))
        designer = ClaudeDesigner(Line(api.address, "key"), loop)
        carry_on(loop, designer)
        assert loop.state.stage == "judging"
        assert loop.state.judge.source == FITNESS
        edited = FITNESS.replace("alive(s),", "0.5 * alive(s),")
        loop.freeze_fitness(edited)
        carry_on(loop, designer)
        assert loop.state.over
        assert edited.strip() in api.asked[1]["messages"][-1]["content"][-1]["text"]
        evaluated = [line for line in loop.ledger.lines if line.kind == "evaluate"]
        assert all(line.data["spec"]["fitness"] == edited for line in evaluated)


def test_nothing_is_asked_before_the_reservation_is_kept() -> None:
    async def ask(api: MessagesApi) -> int:
        disk = asyncio.Event()

        async def written() -> None:
            await disk.wait()

        loop = Loop(brief(generations=1))
        designer = ClaudeDesigner(Line(api.address, "key"), loop, written=written)
        question = loop.commands()[0].question
        assert question is not None
        asking = asyncio.create_task(designer.answer(question, loop.state))
        while loop.ledger.lines[-1].kind != "reserve":
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.3)
        before = len(api.asked)
        disk.set()
        await asking
        return before

    with running_messages_api([proposed("A", "B")]) as api:
        assert awaited(ask(api)) == 0
        assert len(api.asked) == 1


@pytest.mark.parametrize("factor", [1.0, 1.2])
def test_no_cap_on_tokens_is_passed_by_usage_that_surprises(factor: float) -> None:
    def answer(request: dict[str, Any]) -> Answer:
        counted = len(str(request)) // 4
        usage = {
            "input_tokens": int(counted * factor), "output_tokens": request["max_tokens"],
            "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
        }  # fmt: skip
        return Answer(content=proposed("A", "B").content, usage=usage)

    with running_messages_api(answer) as api:
        wanted = brief(generations=50, max_tokens=60_000, max_usd=1000.0)
        loop, _ = run(api, wanted)
        reported = loop.state.budget.used.tokens
    assert loop.state.over
    assert "tokens" in loop.state.reason
    assert 20_000 < reported <= 60_000


def test_no_cap_on_money_is_passed() -> None:
    with running_messages_api(lambda _: proposed("A", "B")) as api:
        loop, _ = run(api, brief(generations=50, max_usd=0.5))
    assert "money" in loop.state.reason
    assert 0 < loop.state.budget.usd <= 0.5


def test_a_request_that_is_refused_costs_nothing_and_is_repeated() -> None:
    busy = Answer(status=529, error="Overloaded", headers={"retry-after": "0"})
    with running_messages_api([busy, proposed("A", "B")]) as api:
        loop, _ = run(api, brief(generations=1))
        assert len(api.asked) == 2
    assert loop.state.budget.requests == 1
    assert loop.state.budget.lost_tokens == 0


def test_a_request_that_breaks_off_counts_at_its_worst_and_is_repeated() -> None:
    cut = Answer(content=proposed("A", "B").content, cut=True, after=4.5)
    with running_messages_api([cut, proposed("A", "B")]) as api:
        loop, _ = run(api, brief(generations=1))
        assert len(api.asked) == 2
    assert loop.state.budget.requests == 2
    assert loop.state.budget.lost_tokens > 0


def test_a_refused_key_is_told_and_costs_nothing() -> None:
    with running_messages_api([proposed("A", "B")], keys=["right"]) as api:
        with pytest.raises(DesignError, match="refuses the key"):
            run(api, brief())
        assert not api.asked or api.requests


def test_the_default_model_is_the_newest_opus() -> None:
    with running_messages_api() as api:
        models, default = awaited(list_models(Line(api.address, "key")))
    assert default == MODEL
    assert [model.id for model in models][:2] == [MODEL, "claude-sonnet-5-5"]
    assert (models[0].usd_per_million_input, models[0].usd_per_million_output) == (4.0, 20.0)


def test_text_is_read_out_of_json_wherever_it_is_cut() -> None:
    import json

    whole: dict[str, Any] = {
        "analysis": 'a "b"\n\\ \u00e9 \U0001f600 end',
        "rewards": [{"analysis": "not this"}],
    }
    for written in (json.dumps(whole), json.dumps(whole, ensure_ascii=False)):
        for cut in range(len(written) + 1):
            assert whole["analysis"].startswith(string_so_far(written[:cut], "analysis"))
        assert string_so_far(written, "analysis") == whole["analysis"]
