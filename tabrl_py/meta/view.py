"""The loop as the page shows it."""

import dataclasses
from typing import Any

import numpy as np

from tabrl_py.code_messages import CodeProblem
from tabrl_py.loop_messages import (
    LoopCost,
    LoopFitness,
    LoopMember,
    LoopRunState,
    LoopText,
    LoopView,
    LoopWinner,
)
from tabrl_py.meta.loop import Loop
from tabrl_py.meta.state import Member, State
from tabrl_py.rewards.problems import Problem


def view_of(loop: Loop, *, paused: bool = False, error: str = "") -> LoopView:
    """Everything that is shown of a loop.

    Args:
        loop: the loop.
        paused: whether it waits for the person.
        error: why it pauses by itself.
    """
    state = loop.state
    judge = state.judge
    return LoopView(
        stage=state.stage,
        state=_run_state(state, paused or bool(error)),
        over=state.over,
        generation=state.generation,
        generations=state.limit,
        size=state.size,
        designer=loop.designer,
        text=loop.brief.text,
        task=loop.brief.task,
        fitness=LoopFitness(
            judge.name,
            judge.wanted or judge.source,
            judge.rationale,
            judge.frozen or judge.wanted != "",
            _problems(judge.problems),
        ),
        members=[_member(loop, member) for member in state.members.values()],
        leaderboard=[member.id for member in state.ranked],
        analyses=[LoopText(generation, text) for generation, text in state.analyses],
        comments=[LoopText(comment.generation, comment.text) for comment in state.comments],
        cost=_cost(loop),
        winner=winner_of(state),
        reason=error or state.reason,
        ledger_lines=len(loop.ledger.lines),
        ledger_hash=loop.ledger.hash,
    )


def _run_state(state: State, paused: bool) -> LoopRunState:
    if state.failed:
        return "failed"
    if state.stopped:
        return "stopped"
    if state.over:
        return "done"
    return "paused" if paused else "running"


def _problems(problems: list[Problem]) -> list[CodeProblem]:
    return [CodeProblem(each.line, each.column, each.rule, each.message) for each in problems]


def _member(loop: Loop, member: Member) -> LoopMember:
    status, steps, training = loop.running.get(
        f"{member.id}.train",
        loop.running.get(f"{member.id}.evaluate", (member.status, member.steps, member.training)),
    )
    proposal = member.proposal
    pinned = loop.state.pins.get(member.index)
    return LoopMember(
        id=member.id,
        generation=member.generation,
        index=member.index,
        name=proposal.name,
        rationale=proposal.rationale,
        reward=proposal.reward,
        hyperparameters=proposal.hyperparameters,
        parents=[member.start] if member.final else list(proposal.parents),
        from_policy=bool(member.start) and not member.final,
        by_person=proposal.by_person,
        pinned=pinned is not None and pinned[0] == member.id,
        thumb=member.thumb,
        status=status,
        steps=max(steps, member.steps),
        total_steps=member.total_steps,
        fitness=member.fitness,
        fitness_std=member.fitness_std,
        metrics=member.metrics,
        terms=(training or member.training).get("terms", {}),
        problems=_problems(loop.notes.get(member.id) or member.problems),
        error=member.error,
        policy=member.policy,
    )


def _cost(loop: Loop) -> LoopCost:
    budget, brief, state = loop.state.budget, loop.brief, loop.state
    asks = brief.designer == "claude"
    return LoopCost(
        requests=budget.requests,
        tokens=budget.tokens,
        input_tokens=budget.used.input,
        cached_tokens=budget.used.read,
        output_tokens=budget.used.output,
        usd=budget.usd_with_open,
        steps=state.steps,
        seconds=state.seconds,
        max_tokens=brief.max_tokens if asks else None,
        max_usd=brief.max_usd if asks else None,
        max_steps=state.limit * brief.members * brief.steps_per_member
        + brief.final_seeds * brief.final_steps,
        max_seconds=brief.max_seconds,
    )


def winner_of(state: State) -> LoopWinner | None:
    """The fittest member, and its final trainings."""
    winner = state.winner
    if winner is None or winner.policy is None or winner.fitness is None:
        return None
    finals = state.finals
    best = max([winner, *finals], key=lambda member: member.fitness or 0.0)
    fitnesses = [member.fitness or 0.0 for member in finals]
    assert best.policy is not None
    return LoopWinner(
        member=winner.id,
        trained=best.id,
        policy=best.policy,
        fitness=best.fitness or 0.0,
        seeds=[member.seed for member in finals],
        fitnesses=fitnesses,
        fitness_mean=float(np.mean(fitnesses)) if fitnesses else None,
        fitness_std=float(np.std(fitnesses)) if fitnesses else None,
    )


def provenance(loop: Loop, member_id: str) -> dict[str, Any]:
    """Where a member's policy came from, as plain JSON, for its file.

    Raises:
        KeyError: no such member.
    """
    state = loop.state
    member = state.members[member_id]
    lineage: dict[str, dict[str, Any]] = {}
    waiting = [member.id]
    while waiting:
        each = state.members[waiting.pop(0)]
        parents = [each.start] if each.final else list(each.proposal.parents)
        if each.id not in lineage:
            lineage[each.id] = _ancestor(each, parents)
            waiting += parents
    winner = winner_of(state)
    return {
        "text": loop.brief.text,
        "task": loop.brief.task,
        "designer": loop.designer.title,
        "model": loop.designer.model,
        "fitness": state.judge.name or state.judge.source,
        "evaluation_seeds": loop.brief.seeds,
        "member": member.id,
        "lineage": list(lineage.values()),
        "winner": dataclasses.asdict(winner) if winner else None,
        "prompts": [_without_pictures(turn) for turn, _ in state.turns],
        "ledger_hash": loop.ledger.hash,
    }


def _without_pictures(turn: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What was said in words: the pictures of a long loop are larger than a policy's header may be."""
    return [block for block in turn if block["type"] != "image"]


def _ancestor(member: Member, parents: list[str]) -> dict[str, Any]:
    return {
        "id": member.id,
        "name": member.proposal.name,
        "reward": member.proposal.reward,
        "hyperparameters": member.proposal.hyperparameters,
        "by_person": member.proposal.by_person,
        "seed": member.seed,
        "fitness": member.fitness,
        "parents": parents,
    }
