"""The loop without anybody's learning: what it asks for, what it keeps, how it goes on from its ledger."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from tabrl_py.errors import ConfigError
from tabrl_py.meta import Brief, Loop
from tabrl_py.meta.budget import Budget, Price, Usage
from tabrl_py.meta.builtin import BuiltinDesigner
from tabrl_py.meta.courses import course, summarize
from tabrl_py.meta.designer import BUILTIN, Answer
from tabrl_py.meta.ledger import LedgerError, hash_of
from tabrl_py.meta.loop import replay
from tabrl_py.meta.plan import Command
from tabrl_py.meta.proposal import check_hyperparameters
from tabrl_py.meta.view import provenance, view_of
from tabrl_py.population.pbt import exploit, explore
from tabrl_py.rewards.check import check_source
from tabrl_py.rng import Purpose, stream
from tabrl_py.tasks import get_task
from tests.asynchronous import awaited

FITNESS = "def fitness(s):\n    return alive(s), {}\n"
REWARD = 'def reward(s):\n    terms = {"alive": alive(s)}\n    return alive(s), terms\n'


def brief(**changes: object) -> Brief:
    given: dict[str, Any] = {
        "text": "Walk", "task": "humanoid-walk", "members": 3, "generations": 2, "steps_per_member": 4096,
        "evaluation_seeds": 2, "final_seeds": 2, "final_steps": 4096,
    }  # fmt: skip
    return Brief.from_json({**given, **changes})


def sha(text: str) -> str:
    import hashlib

    return hashlib.sha256(text.encode()).hexdigest()


def work(command: Command) -> dict[str, Any]:
    """A made-up result that depends on nothing but the command, as real ones do."""
    if command.kind == "check":
        return {"problems": []}
    key = sha(json.dumps(command.spec, sort_keys=True))
    if command.kind == "train":
        record = {"reward_terms": {"alive": int(key[:4], 16) / 65536}, "kl": 0.01, "steps_per_s": 1.0}
        return {"policy": key, "steps": command.spec["recipe"]["total_steps"], "records": [record] * 12}
    fitness = int(key[:8], 16) / 2**32
    return {
        "fitness": fitness, "per_seed": [fitness] * 2, "metrics": {"speed": fitness}, "lengths": [5, 7],
        "falls": [False, True],
    }  # fmt: skip


def do(loop: Loop, command: Command) -> None:
    if command.question is not None:
        loop.answer(command.id, awaited(BuiltinDesigner().answer(command.question, loop.state)))
    else:
        loop.receive(command.id, work(command), seconds=1.0)


def finish(loop: Loop) -> list[str]:
    """Carry out everything; the ids in the order in which they were done."""
    done = []
    while commands := loop.commands():
        done.append(commands[0].id)
        do(loop, commands[0])
    return done


def lines_of(loop: Loop) -> list[str]:
    return [line.text for line in loop.ledger.lines]


def test_the_stages_in_order() -> None:
    loop = Loop(brief())
    done = finish(loop)
    first = ["g1.ask0", *(f"g1.{i}.check0" for i in range(3)), *(f"g1.{i}.train" for i in range(3))]
    assert done[:7] == first
    assert done[7:10] == [f"g1.{i}.evaluate" for i in range(3)]
    assert done[-4:] == ["f3.0.train", "f3.1.train", "f3.0.evaluate", "f3.1.evaluate"]
    view = view_of(loop)
    assert (view.stage, view.state, view.over) == ("done", "done", True)
    assert view.designer.title == BUILTIN
    assert view.winner is not None
    assert len(view.winner.fitnesses) == 2
    assert view.cost.steps == 8 * 4096


def test_members_of_a_generation_train_as_long_and_from_the_same_seed_and_finals_from_fresh_ones() -> None:
    loop = Loop(brief())
    finish(loop)
    recipes = {line.id: line.data["spec"]["recipe"] for line in loop.ledger.lines if line.kind == "train"}
    assert {recipe["total_steps"] for recipe in recipes.values()} == {4096}
    seeds = {id_: recipe["seed"] for id_, recipe in recipes.items()}
    assert len({seeds[f"g1.{i}.train"] for i in range(3)}) == 1
    assert len({seeds["g1.0.train"], seeds["g2.0.train"], seeds["f3.0.train"], seeds["f3.1.train"]}) == 4


def test_killed_after_every_line_it_goes_on_to_the_same_hash_and_repeats_nothing() -> None:
    whole = Loop(brief())
    every = finish(whole)
    lines = lines_of(whole)
    for kept in range(1, len(lines) + 1):
        again = Loop(brief(), lines[:kept])
        before = [line.id for line in again.ledger.lines]
        done = finish(again)
        assert again.ledger.hash == whole.ledger.hash
        assert not set(done) & set(before)
        assert [*before[1:], *done] == every


def test_results_that_come_in_another_order_give_the_same_ledger() -> None:
    usual, other = Loop(brief()), Loop(brief())
    finish(usual)
    while commands := other.commands():
        for command in reversed(commands):
            do(other, command)
    assert other.ledger.hash == usual.ledger.hash
    assert hash_of(lines_of(other)) == usual.ledger.hash


def test_a_ledger_replays_to_the_same_bytes_and_takes_no_change() -> None:
    loop = Loop(brief())
    finish(loop)
    lines = lines_of(loop)
    again = replay(lines)
    assert lines_of(again) == lines
    assert view_of(again) == view_of(loop)
    with pytest.raises(LedgerError, match="does not follow"):
        replay([*lines[:5], *lines[6:]])
    with pytest.raises(LedgerError, match="does not follow"):
        replay([*lines[:2], lines[2].replace('"problems":[]', '"problems":[1]'), *lines[3:]])
    with pytest.raises(LedgerError, match="another brief"):
        Loop(brief(seed=1), lines)


def test_the_same_seed_designs_the_same_and_another_seed_something_else() -> None:
    hashes = []
    for seed in (0, 0, 1):
        loop = Loop(brief(seed=seed))
        finish(loop)
        hashes.append(loop.ledger.hash)
    assert hashes[0] == hashes[1] != hashes[2]


@pytest.mark.parametrize("task", ["humanoid-walk", "humanoid-stand", "Hopper-v5", "HalfCheetah-v5"])
def test_what_the_built_in_designer_writes_is_sound(task: str) -> None:
    loop = Loop(brief(task=task, members=8, generations=3, final_seeds=0))
    finish(loop)
    for member in loop.state.members.values():
        assert check_source(member.proposal.reward, get_task(task)) == []
        assert check_hyperparameters(member.proposal.hyperparameters, task) == []


def test_a_failed_training_is_its_members_alone() -> None:
    loop = Loop(brief(generations=1, final_seeds=0))
    while commands := loop.commands():
        if commands[0].id == "g1.1.train":
            loop.fail("g1.1.train", "the worker was lost")
        else:
            do(loop, commands[0])
    assert [member.status for member in loop.state.members.values()] == ["evaluated", "failed", "evaluated"]


def test_a_persons_reward_takes_the_slot_in_the_next_generation() -> None:
    loop = Loop(brief())
    while loop.commands()[0].id != "g1.2.evaluate":
        do(loop, loop.commands()[0])
    loop.edit("g1.1", REWARD, {"algo.gamma": 7.0})
    assert loop.notes["g1.1"]
    assert not loop.state.pins
    loop.edit("g1.1", REWARD, None)
    loop.say("It limps", "g1.1", -1)
    finish(loop)
    member = loop.state.members["g2.1"]
    assert (member.proposal.reward, member.proposal.by_person) == (REWARD, True)
    assert member.proposal.parents == ("g1.1",)
    assert loop.state.members["g1.1"].thumb == -1
    assert replay(lines_of(loop)).ledger.hash == loop.ledger.hash


def test_a_loop_that_is_over_goes_on_from_any_member() -> None:
    loop = Loop(brief(generations=1, final_seeds=1))
    finish(loop)
    assert loop.state.over
    loop.branch("g1.2")
    assert not view_of(loop).over
    finish(loop)
    parents = {parent for i in range(3) for parent in loop.state.members[f"g3.{i}"].proposal.parents}
    assert parents == {"g1.2"}
    assert replay(lines_of(loop)).ledger.hash == loop.ledger.hash


def test_it_stops_by_the_person_by_time_and_on_a_plateau() -> None:
    stopped = Loop(brief())
    do(stopped, stopped.commands()[0])
    stopped.stop()
    assert stopped.commands() == []
    assert view_of(stopped).state == "stopped"

    now = [0.0]
    late = Loop(brief(max_seconds=9.5, generations=9), now=lambda: now[0])
    while late.commands():
        now[0] += 1.0
        do(late, late.commands()[0])
    assert late.state.reason == "The time is over."
    assert late.state.generation == 1

    flat = Loop(brief(plateau=1, generations=9, final_seeds=0))
    while flat.commands():
        command = flat.commands()[0]
        if command.kind == "evaluate":
            flat.receive(command.id, {**work(command), "fitness": 0.5})
        else:
            do(flat, command)
    assert flat.state.generation == 2


def orphaned(loop: Loop, command: Command) -> None:
    """Carry out a command; what is proposed names no parents."""
    if command.question is None:
        do(loop, command)
        return
    answer = awaited(BuiltinDesigner().answer(command.question, loop.state))
    proposals = {slot: replace(each, parents=()) for slot, each in answer.proposals.items()}
    loop.answer(command.id, replace(answer, proposals=proposals))


def starts(loop: Loop) -> list[Any]:
    """The policies that the members of the second generation began with."""
    trained = {line.id: line.data for line in loop.ledger.lines if line.kind == "train"}
    return [trained[f"{m.id}.train"]["spec"]["policy"] for m in loop.state.generation_members(2)]


def test_without_parents_weights_move_from_the_best_to_the_worst() -> None:
    loop = Loop(brief(members=4))
    while loop.commands():
        orphaned(loop, loop.commands()[0])
    ranked = sorted(loop.state.generation_members(1), key=lambda member: -(member.fitness or 0.0))
    expected = [ranked[0] if k == ranked[-1].index else loop.state.members[f"g1.{k}"] for k in range(4)]
    assert len({member.policy for member in ranked}) == 4
    assert starts(loop) == [member.policy for member in expected]


def test_a_child_goes_on_from_its_first_parent() -> None:
    loop = Loop(brief(members=4))
    finish(loop)
    second = loop.state.generation_members(2)
    parents = [loop.state.members[member.proposal.parents[0]] for member in second]
    assert [member.start for member in second] == [parent.id for parent in parents]
    assert starts(loop) == [parent.policy for parent in parents]
    assert any(parent.index != member.index for parent, member in zip(parents, second, strict=True))

    anew = Loop(brief(members=4, pbt=False))
    finish(anew)
    assert starts(anew) == [None] * 4


def test_exploit_copies_the_top_quarter_and_explore_stays_in_range() -> None:
    rng = stream(0, Purpose.DESIGN)
    assert exploit([0.1, 0.9, 0.5, 0.4], rng) == [1, 1, 2, 3]
    assert exploit([0.5, 0.5], rng) == [0, 1]
    moved = explore({"a": 1.0, "b": 4, "c": "none"}, {"a": (0.9, 2.0, False), "b": (1, 9, True)}, rng)
    assert moved["a"] == 1.25
    assert moved["b"] in (3, 5)
    assert moved["c"] == "none"


def test_values_out_of_range_are_refused_and_not_clamped() -> None:
    problems = check_hyperparameters(
        {"algo.gamma": 1.5, "algo.n_epochs": 2.5, "seed": 3, "algo.learning_rate": float("nan")},
        "humanoid-walk",
    )
    assert [problem.rule for problem in problems] == ["hyperparameter"] * 4
    assert "0.9 to 0.999" in problems[0].message


def test_a_budget_reserves_the_worst_and_settles_what_was_used() -> None:
    budget, price = Budget(10_000, 1.0), Price(10.0, 50.0)
    reservation = budget.worst("a", 1_000, 2_000, price)
    budget.reserve(reservation)
    assert budget.tokens == reservation.tokens == 1_250 + 512 + 2_000
    budget.settle(
        "a", Usage.of({"input_tokens": 900, "cache_read_input_tokens": None, "output_tokens": 10}), 0.01
    )
    assert (budget.tokens, budget.requests) == (910, 1)
    budget.reserve(reservation)
    budget.reserve(reservation)
    assert budget.lost_tokens == reservation.tokens
    assert budget.affordable(1_000, 5_000, 2_000, price) == 0


def test_usage_beyond_what_was_counted_raises_the_next_reservation() -> None:
    budget, price = Budget(100_000, 100.0), Price(1.0, 1.0)
    before = budget.worst("b", 1_000, 0, price).tokens
    budget.reserve(budget.worst("a", 1_000, 100, price))
    budget.settle("a", Usage(plain=2_000, output=100), 0.0)
    assert budget.worst("b", 1_000, 0, price).tokens >= 2_000 > before


def test_money_counts_what_the_cache_gave_and_took() -> None:
    price = Price(10.0, 50.0, read=0.1, written=1.25)
    usage = Usage.of(
        {"input_tokens": 1000, "cache_read_input_tokens": 2000, "cache_creation_input_tokens": 400,
         "output_tokens": 100}
    )  # fmt: skip
    assert price.of(usage) == pytest.approx((1000 + 200 + 500) * 10e-6 + 100 * 50e-6)
    assert usage.tokens == 3500


def test_courses_are_means_of_equal_stretches() -> None:
    assert course(list(range(20))) == [0.5 + 2 * k for k in range(10)]
    assert course([None, 2.0, None]) == [None, 2.0, None]
    assert summarize([])["terms"] == {}


def test_provenance_tells_the_whole_lineage() -> None:
    loop = Loop(brief())
    finish(loop)
    told = provenance(loop, "f3.0")
    assert told["lineage"][0]["id"] == "f3.0"
    assert told["lineage"][1]["id"] == told["winner"]["member"]
    assert any(entry["id"].startswith("g1.") for entry in told["lineage"])
    assert told["designer"] == BUILTIN


def test_the_winner_names_the_member_that_learned_its_policy() -> None:
    trained = set()
    for seed in range(8):
        loop = Loop(brief(seed=seed))
        finish(loop)
        winner = view_of(loop).winner
        assert winner is not None
        member = loop.state.members[winner.trained]
        assert (member.policy, member.fitness) == (winner.policy, winner.fitness)
        assert winner.member in (member.id, member.start)
        trained.add(member.final)
    assert trained == {True, False}


def test_provenance_holds_what_was_said_and_no_pictures() -> None:
    loop = Loop(brief())
    finish(loop)
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBO"}}
    words = {"type": "text", "text": "Contact sheet of A1"}
    loop.state.turns.append(([words, picture], []))
    assert provenance(loop, "f3.0")["prompts"] == [[words]]


def test_the_person_is_told_what_cannot_be() -> None:
    loop = Loop(brief())
    with pytest.raises(ConfigError, match="no member"):
        loop.say("", "g9.9", 1)
    with pytest.raises(ConfigError, match="frozen already"):
        loop.freeze_fitness("def fitness(s):\n    return alive(s), {}\n")
    with pytest.raises(ConfigError, match="needs a language model"):
        brief(fitness="proposed")
    with pytest.raises(ConfigError, match="members=99 is too large"):
        brief(members=99)
    with pytest.raises(ConfigError, match="text is empty"):
        brief(text=" ")


def test_an_unsound_fitness_is_not_frozen() -> None:
    waiting = Loop(brief(fitness="proposed", designer="claude", model="m"))
    waiting.answer("fitness.ask0", Answer(fitness=FITNESS))
    waiting.receive("fitness.check0", {"problems": []})
    waiting.freeze_fitness("import os")
    (check,) = waiting.commands()
    assert (check.kind, check.spec["source"], check.spec["function"]) == ("check", "import os", "fitness")
    wrong = {"line": 1, "column": 0, "rule": "import", "message": "imports are not allowed"}
    waiting.receive(check.id, {"problems": [wrong]})
    judge = waiting.state.judge
    assert (waiting.state.stage, judge.source, judge.frozen) == ("judging", FITNESS, False)
    assert [problem.rule for problem in judge.problems] == ["import"]
    assert waiting.commands() == []
    waiting.freeze_fitness(FITNESS)
    waiting.receive(waiting.commands()[0].id, {"problems": []})
    assert (waiting.state.stage, waiting.state.judge.frozen) == ("asking", True)
    assert replay(lines_of(waiting)).ledger.hash == waiting.ledger.hash


def test_no_code_is_read_where_a_key_may_be() -> None:
    """The designer's worker decides and asks; programs are parsed, checked and tried by the evaluator's."""
    script = "import sys, tabrl_py.workers.designer, tabrl_py.meta.prompts; print(*sys.modules)"
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = shown.stdout.split()
    assert "tabrl_py.meta.loop" in loaded
    assert not {"tabrl_py.rewards.check", "tabrl_py.rewards.trial", "tabrl_py.rewards.syntax"} & set(loaded)
