"""The loop with real training, natively: small, and whole."""

from __future__ import annotations

import asyncio

from tabrl_py.meta import Brief, Loop
from tabrl_py.meta.builtin import BuiltinDesigner
from tabrl_py.meta.native import Workshop, run
from tabrl_py.meta.plan import Command
from tests.asynchronous import awaited


def test_members_learn_on_from_the_weights_that_they_are_given() -> None:
    wanted = Brief(
        text="Hop far",
        task="Hopper-v5",
        members=4,
        generations=3,
        steps_per_member=2048,
        evaluation_seeds=3,
        final_seeds=0,
        final_steps=256,
        pbt=True,
    )
    workshop = Workshop()
    state = awaited(asyncio.to_thread(run, loop := Loop(wanted), BuiltinDesigner(), workshop)).state
    trained = {line.id: line.data for line in loop.ledger.lines if line.kind == "train"}
    for member in state.generation_members(3):
        assert member.start == member.proposal.parents[0]
        data = trained[f"{member.id}.train"]
        spec, policy = data["spec"], data["result"]["policy"]
        assert spec["policy"] == state.members[member.start].policy
        again = workshop.do(Command("again", "train", member.id, spec))
        assert again["policy"] == policy
        afresh = workshop.do(Command("afresh", "train", member.id, {**spec, "policy": None}))
        assert afresh["policy"] != policy
