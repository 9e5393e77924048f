"""A search that narrows down: fewer members each generation, each trained for longer."""

from __future__ import annotations

import pytest

from tabrl_py.errors import ConfigError
from tabrl_py.meta import Brief, Loop
from tabrl_py.meta.loop import replay
from tabrl_py.meta.prompts import turn_of
from tabrl_py.meta.view import view_of
from tests.unit.test_meta_loop import REWARD, brief, do, finish, lines_of, orphaned, starts


def narrow(**changes: object) -> Brief:
    return brief(**{"members": 4, "generations": 3, "steps_per_member": 1000, "narrow": True, **changes})


def sizes(loop: Loop) -> list[tuple[int, set[int]]]:
    """Of each generation: members, and their control steps."""
    found = [loop.state.generation_members(g) for g in range(1, loop.state.generation + 1)]
    return [(len(members), {m.total_steps for m in members}) for members in found if members]


def test_half_as_many_members_train_for_twice_as_long() -> None:
    loop = Loop(narrow(final_seeds=0))
    finish(loop)
    assert sizes(loop) == [(4, {1000}), (2, {2000}), (1, {4000})]
    assert loop.state.steps == 12_000
    assert view_of(loop).cost.max_steps == 12_000


@pytest.mark.parametrize("members", [1, 3, 5, 16])
def test_no_generation_costs_more_than_the_first(members: int) -> None:
    loop = Loop(narrow(members=members, generations=6, final_seeds=0))
    finish(loop)
    counts = [count for count, _ in sizes(loop)]
    assert counts == [max(1, members >> g) for g in range(6)]
    for count, steps in sizes(loop):
        assert members * 1000 - count < count * steps.pop() <= members * 1000


def test_more_steps_than_a_recipe_takes_are_refused_at_once() -> None:
    narrow(members=16, steps_per_member=1_000_000_000, generations=4)
    with pytest.raises(ConfigError, match="comes to 16000000000 for the last member"):
        narrow(members=16, steps_per_member=1_000_000_000, generations=5)


def test_the_best_goes_on_unchanged_and_others_from_their_parents() -> None:
    loop = Loop(narrow())
    finish(loop)
    state = loop.state
    for generation in (2, 3):
        earlier = [m for m in state.ranked if m.generation < generation]
        heir = state.generation_members(generation)[0]
        assert (heir.start, heir.proposal.reward) == (earlier[0].id, earlier[0].proposal.reward)
        assert heir.proposal.genome == earlier[0].proposal.genome


def test_without_parents_the_best_weights_go_on() -> None:
    loop = Loop(narrow())
    while loop.commands():
        orphaned(loop, loop.commands()[0])
    first = sorted(loop.state.generation_members(1), key=lambda member: -(member.fitness or 0.0))
    assert starts(loop) == [first[0].policy, first[1].policy]


def test_what_a_person_keeps_has_a_place() -> None:
    loop = Loop(narrow())
    while not any(member.fitness is not None for member in loop.state.members.values()):
        do(loop, loop.commands()[0])
    for index in (3, 1, 2):
        loop.edit(f"g1.{index}", f"{REWARD}# {index}\n", None)
    while loop.state.generation == 1:
        do(loop, loop.commands()[0])
    assert loop.state.size == 3, "two members, and room for three that are kept"
    while loop.state.generation == 2:
        do(loop, loop.commands()[0])
    kept = [member.proposal.reward.splitlines()[-1] for member in loop.state.generation_members(2)]
    assert kept == ["# 3", "# 1", "# 2"]
    assert loop.state.size == 1


def test_a_branch_begins_with_all_members_again() -> None:
    loop = Loop(narrow(final_seeds=0))
    finish(loop)
    loop.branch("g1.2")
    finish(loop)
    assert sizes(loop)[3:] == [(4, {1000}), (2, {2000}), (1, {4000})]


def test_it_is_repeated_from_its_ledger_and_the_designer_is_told() -> None:
    loop = Loop(narrow())
    asked = loop.commands()[0].question
    assert asked is not None
    assert "half as many members" in turn_of(asked, loop.state, "propose")
    finish(loop)
    assert replay(lines_of(loop)).ledger.hash == loop.ledger.hash


def test_a_ledger_of_before_there_was_such_a_setting_is_read() -> None:
    loop = Loop(brief())
    assert "narrow" not in loop.ledger.lines[0].text
    finish(loop)
    assert replay(lines_of(loop)).ledger.hash == loop.ledger.hash
    plain = Loop(brief())
    asked = plain.commands()[0].question
    assert asked is not None
    assert "half as many" not in turn_of(asked, plain.state, "propose")
