"""Which commands a loop's state calls for."""

from dataclasses import dataclass, field
from typing import Any, Literal

from tabrl_py.meta.designer import Question
from tabrl_py.meta.proposal import recipe_of
from tabrl_py.meta.state import Member, State


@dataclass(frozen=True)
class Command:
    """Something to be done.

    Attributes:
        id: the same in every repetition of the loop.
        kind: ask is for the designer; the others are the page's, see loop_messages.LoopCommand.
        member: whom it is about; "" for all.
        question: of an ask.
    """

    id: str
    kind: Literal["ask", "check", "train", "evaluate"]
    member: str = ""
    spec: dict[str, Any] = field(default_factory=dict)
    question: Question | None = None


def open_commands(state: State) -> list[Command]:
    """What is to be done in this stage, in the order in which the ledger has it."""
    match state.stage:
        case "judging":
            return _judging(state)
        case "asking":
            return [_ask(state)]
        case "checking":
            return [_check(state, member) for member in state.current if member.status == "checking"]
        case "training" | "evaluating" | "final":
            waiting = [_train(state, member) for member in state.current if member.status == "queued"]
            return waiting or [_evaluate(state, m) for m in state.current if m.status == "evaluating"]
    return []


def _judging(state: State) -> list[Command]:
    judge = state.judge
    commands = []
    if judge.wanted:
        commands.append(_check_fitness(state, f"fitness.freeze{judge.freezes}", judge.wanted))
    if not judge.asked:
        id_ = f"fitness.ask{judge.round}"
        commands.append(Command(id_, "ask", question=Question(id_, "fitness", 0, judge.round, ())))
    elif not judge.checked:
        commands.append(_check_fitness(state, f"fitness.check{judge.round}", judge.source))
    return commands


def _check_fitness(state: State, id_: str, source: str) -> Command:
    return Command(id_, "check", spec={"task": state.brief.task, "source": source, "function": "fitness"})


def _ask(state: State) -> Command:
    id_ = f"g{state.generation}.ask{state.round}"
    kind: Literal["propose", "repair"] = "repair" if state.round else "propose"
    return Command(
        id_, "ask", question=Question(id_, kind, state.generation, state.round, state.slots_wanted)
    )


def _check(state: State, member: Member) -> Command:
    spec = {"task": state.brief.task, "source": member.proposal.reward, "function": "reward"}
    return Command(f"{member.id}.check{state.round}", "check", member.id, spec)


def _train(state: State, member: Member) -> Command:
    recipe = recipe_of(member.proposal, state.brief.task, member.seed, member.total_steps)
    started = None if member.final or not member.start else state.members[member.start].policy
    spec = {
        "recipe": plain(recipe.to_json()),
        "policy": started,
        # Nobody goes on from the others.
        "learning": state.brief.pbt and not member.final,
    }
    return Command(f"{member.id}.train", "train", member.id, spec)


def _evaluate(state: State, member: Member) -> Command:
    spec = {
        "policy": member.policy,
        "task": state.brief.task,
        "fitness": state.judge.name or state.judge.source,
        "seeds": state.brief.seeds,
        "image": state.brief.images and not member.final,
    }
    return Command(f"{member.id}.evaluate", "evaluate", member.id, spec)


def plain(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """The value as JSON reads it back: lists for tuples."""
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    return value
