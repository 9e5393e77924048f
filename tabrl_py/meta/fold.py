"""What each line of a ledger does to the state of its loop."""

import math
from dataclasses import replace
from typing import Any

from tabrl_py.meta.budget import Reservation, Usage
from tabrl_py.meta.designer import Answer
from tabrl_py.meta.ledger import Line
from tabrl_py.meta.proposal import HYPERPARAMETERS, Proposal, check_hyperparameters
from tabrl_py.meta.state import MOST_REPAIRS, Comment, Member, State, problems_from
from tabrl_py.population.pbt import exploit, explore
from tabrl_py.rewards.problems import Problem
from tabrl_py.rng import Purpose, stream

REFUSED = {
    "tokens": "The next question might have passed the cap on tokens.",
    "usd": "The next question might have passed the cap on money.",
}
RANGES = {name: (h.low, h.high, h.whole) for name, h in HYPERPARAMETERS.items() if not h.choices}


class Fold:
    """Applies lines to one state."""

    def __init__(self, state: State) -> None:
        self.state = state

    def apply(self, line: Line) -> None:
        """Take one line in; the stage moves on when it is complete.

        Raises:
            KeyError, TypeError, ValueError: the line is not one that a Loop wrote.
        """
        state, data = self.state, line.data
        state.seconds = max(state.seconds, float(line.clock.get("seconds_in_all", 0.0)))
        match line.kind:
            case "brief":
                self._settle()
            case "reserve":
                self._reserve(line.id, data)
            case "answer":
                self._answer(line.id, Answer.from_json(data))
            case "check":
                self._check(line.id, data["result"])
            case "train":
                self._train(self._member_of(line.id), data["result"])
            case "evaluate":
                self._evaluate(self._member_of(line.id), data["result"])
            case "failed":
                self._failed(line.id, str(data["result"]["error"]))
            case "freeze" | "say" | "edit" | "branch" | "stop":
                getattr(self, f"_{line.kind}")(data)
            case _:
                raise ValueError(f"kind {line.kind!r} is not known")
        if line.kind in ("answer", "check", "train", "evaluate", "failed"):
            self._settle()

    def _member_of(self, command: str) -> Member:
        return self.state.members[command.rpartition(".")[0]]

    # What was asked

    def _reserve(self, id_: str, data: dict[str, Any]) -> None:
        budget = self.state.budget
        if data.get("released"):
            budget.release(id_)
        else:
            reservation = Reservation(id_, data["counted"], data["max_output"], data["tokens"], data["usd"])
            budget.reserve(reservation)

    def _answer(self, id_: str, answer: Answer) -> None:
        state = self.state
        if answer.usage:
            state.budget.settle(id_, Usage.of(answer.usage), answer.usd)
        if answer.turn:
            state.turns.append((answer.turn, answer.content))
        if answer.refused:
            self._out_of_budget(REFUSED[answer.refused])
            return
        state.problem = answer.problem
        if state.stage == "judging":
            judge = state.judge
            judge.asked, judge.checked = True, bool(answer.problem)
            judge.source, judge.rationale = answer.fitness, answer.analysis
            judge.problems = [Problem(0, 0, "answer", answer.problem)] if answer.problem else []
            return
        if answer.analysis:
            state.analyses.append((state.generation, answer.analysis))
        slots = state.slots_wanted
        if state.round == 0:
            self._make_generation(answer.proposals)
        for slot in slots:
            self._propose(slot, answer.proposals.get(slot), answer.problem)
        state.stage = "checking"

    def _out_of_budget(self, reason: str) -> None:
        state = self.state
        state.reason = reason
        if state.stage == "judging":
            self._end(failed=True)
        elif state.round == 0:
            self._wind_up()
        else:
            self._give_up_invalid()
            state.stage = "training"

    def _make_generation(self, proposals: dict[int, Proposal]) -> None:
        """Members for every slot, pinned ones as the person wants them."""
        state, brief = self.state, self.state.brief
        given = {**proposals, **{slot: proposal for slot, (_, proposal) in state.kept.items()}}
        starts = self._starts(given)
        for slot in range(state.size):
            proposal = given.get(slot, Proposal("", "", ""))
            member = Member(
                f"g{state.generation}.{slot}",
                state.generation,
                slot,
                proposal,
                state.steps_each,
                brief.training_seed(state.generation),
                start=starts[slot],
            )
            member.status = "checking" if proposal.reward else "queued"
            member.proposal = self._explored(member)
            state.members[member.id] = member
        state.pins, state.branch = {}, ""

    def _starts(self, proposals: dict[int, Proposal]) -> list[str]:
        """Ids of the members whose weights each slot begins with, "" for none.

        A child goes on from its first parent: what it asks for is near what that one has learned. One without
        parents goes on from its slot's last member, the worst from the best; from the best one after another
        where members get fewer.
        """
        state, n = self.state, self.state.size
        before = {m.index: m for m in state.generation_members(state.generation - 1) if m.policy}
        if not state.brief.pbt or not before:
            return [""] * n
        if state.branch:
            return [state.branch] * n
        many = max(n, max(before) + 1)
        fitness = [before[i].fitness if i in before else None for i in range(many)]
        known = [-math.inf if value is None else value for value in fitness]
        rng = stream(state.brief.seed % 2**32, Purpose.DESIGN, state.generation, 1)
        sources = exploit(known, rng) if many == n else sorted(before, key=lambda i: -known[i])
        own = [before[i].id if i in before else "" for i in sources]
        own += [""] * (n - len(own))
        return [self._parent_of(proposals.get(slot)) or own[slot] for slot in range(n)]

    def _parent_of(self, proposal: Proposal | None) -> str:
        """The first parent that has learned something, or ""."""
        parents = () if proposal is None else proposal.parents
        return next(
            (id_ for id_ in parents if id_ in self.state.members and self.state.members[id_].policy), ""
        )

    def _explored(self, member: Member) -> Proposal:
        """With weights of a member that is not its parent go that one's settings, moved a little."""
        state, proposal = self.state, member.proposal
        source = state.members.get(member.start)
        if source is None or proposal.by_person or source.index == member.index:
            return proposal
        if source.id in proposal.parents:
            return proposal
        rng = stream(state.brief.seed % 2**32, Purpose.DESIGN, state.generation, 100 + member.index)
        moved = explore(source.proposal.hyperparameters, RANGES, rng)
        merged = {**moved, **proposal.hyperparameters}
        if check_hyperparameters(merged, state.brief.task):
            merged = proposal.hyperparameters
        parents = tuple(dict.fromkeys((*proposal.parents, source.id)))
        return replace(proposal, hyperparameters=merged, parents=parents)

    def _propose(self, slot: int, proposal: Proposal | None, problem: str) -> None:
        state = self.state
        member = next(m for m in state.current if m.index == slot)
        if proposal is None:
            words = problem or f"no proposal for slot {member.letter} was given"
            member.problems, member.status = [Problem(0, 0, "answer", words)], "invalid"
            return
        if state.round:
            member.proposal = proposal
        member.problems = check_hyperparameters(proposal.hyperparameters, state.brief.task)
        member.status = "checking" if proposal.reward else "invalid" if member.problems else "queued"

    # What was tried, trained and measured

    def _check(self, id_: str, result: dict[str, Any]) -> None:
        problems = problems_from(result["problems"])
        if id_.startswith("fitness.freeze"):
            self._frozen(problems)
            return
        if self.state.stage == "judging":
            self.state.judge.checked, self.state.judge.problems = True, problems
            return
        member = self._member_of(id_)
        member.problems = [*member.problems, *problems]
        member.status = "invalid" if member.problems else "queued"

    def _train(self, member: Member, result: dict[str, Any]) -> None:
        member.policy, member.steps = str(result["policy"]), int(result["steps"])
        member.training = {name: result[name] for name in result if name not in ("policy", "steps")}
        member.status = "evaluating"

    def _evaluate(self, member: Member, result: dict[str, Any]) -> None:
        member.fitness = float(result["fitness"])
        member.per_seed = [float(value) for value in result["per_seed"]]
        member.metrics = {name: float(value) for name, value in result["metrics"].items()}
        member.lengths = [int(value) for value in result["lengths"]]
        member.falls = [bool(value) for value in result["falls"]]
        member.image, member.image_type = result.get("image", ""), result.get("image_type", "")
        member.status = "evaluated"

    def _failed(self, id_: str, error: str) -> None:
        state = self.state
        if id_.startswith("fitness.freeze"):
            self._frozen([Problem(0, 0, "trial", error)])
            return
        if id_.startswith("fitness.check"):
            state.judge.checked, state.judge.problems = True, [Problem(0, 0, "trial", error)]
            return
        member = self._member_of(id_)
        member.status, member.error = "failed", error

    # What the person said

    def _freeze(self, data: dict[str, Any]) -> None:
        judge = self.state.judge
        judge.wanted, judge.freezes, judge.problems = str(data["source"]), judge.freezes + 1, []

    def _frozen(self, problems: list[Problem]) -> None:
        """What the person took was checked: it is the fitness, or what was proposed stays."""
        judge = self.state.judge
        if not problems:
            judge.source, judge.frozen = judge.wanted, True
            self.state.stage = "asking"
        judge.wanted, judge.problems = "", problems

    def _say(self, data: dict[str, Any]) -> None:
        state, id_ = self.state, str(data["member"])
        if data["text"]:
            coming = state.generation + (state.stage not in ("judging", "asking"))
            state.comments.append(Comment(coming, id_, str(data["text"])))
        if data["thumb"] is not None and id_:
            state.members[id_].thumb = int(data["thumb"])

    def _edit(self, data: dict[str, Any]) -> None:
        state = self.state
        member = state.members[data["member"]]
        if not data["pinned"]:
            state.pins.pop(member.index, None)
            return
        edited = data["reward"] != member.proposal.reward
        proposal = Proposal(
            member.proposal.name,
            "Written by a person." if edited else member.proposal.rationale,
            data["reward"],
            data["hyperparameters"],
            (member.id,),
            by_person=edited or member.proposal.by_person,
            genome=None if edited else member.proposal.genome,
        )
        state.pins[member.index] = (member.id, proposal)

    def _branch(self, data: dict[str, Any]) -> None:
        self.state.branch = str(data["member"])
        if self.state.over:
            self._reopen()

    def _stop(self, _data: dict[str, Any]) -> None:
        self.state.stopped, self.state.reason = True, "It was stopped."
        self._end()

    # Stages

    def _settle(self) -> None:
        """Move on through every stage in which nothing is left to do."""
        before = None
        while before != (self.state.stage, self.state.round, self.state.generation):
            before = (self.state.stage, self.state.round, self.state.generation)
            match self.state.stage:
                case "judging":
                    self._after_judging()
                case "asking" if not self.state.slots_wanted:
                    self._make_generation({})
                    self.state.stage = "checking"
                case "checking":
                    self._after_checking()
                case "training" | "evaluating":
                    self._after_training()
                case "final" if not self._busy():
                    self._end()

    def _busy(self) -> bool:
        return any(member.status in ("queued", "evaluating") for member in self.state.current)

    def _after_judging(self) -> None:
        judge = self.state.judge
        # What a person wrote is the person's to mend: the designer is not asked about it.
        if not judge.checked or not judge.problems or judge.freezes:
            return
        if judge.round < MOST_REPAIRS:
            judge.round, judge.asked, judge.checked = judge.round + 1, False, False

    def _after_checking(self) -> None:
        state = self.state
        if any(member.status == "checking" for member in state.current):
            return
        for member in state.current:
            if member.status == "invalid" and member.proposal.by_person:
                self._give_up(member)
        if any(member.status == "invalid" and not member.error for member in state.current):
            if state.round < MOST_REPAIRS:
                state.round, state.stage = state.round + 1, "asking"
                return
            self._give_up_invalid()
        state.stage = "training"

    def _give_up_invalid(self) -> None:
        for member in self.state.current:
            if member.status == "invalid":
                self._give_up(member)

    def _give_up(self, member: Member) -> None:
        first = str(member.problems[0]) if member.problems else "it cannot be used"
        member.error, member.status = f"Not trained: {first}", "invalid"

    def _after_training(self) -> None:
        state = self.state
        if any(member.status == "queued" for member in state.current):
            return
        if self._busy():
            state.stage = "evaluating"
            return
        if not any(member.fitness is not None for member in state.current):
            state.reason = state.reason or "No member of this generation could be trained and measured."
            state.failed = state.winner is None
            self._wind_up()
        elif state.reason:
            self._wind_up()
        elif state.seconds > state.brief.max_seconds:
            state.reason = "The time is over."
            self._end()
        elif state.stalled():
            state.reason = f"{state.brief.plateau} generations brought nothing better."
            self._wind_up()
        elif state.generation >= state.limit:
            state.reason = "All generations are done."
            self._wind_up()
        else:
            self._next_generation()

    def _next_generation(self) -> None:
        state = self.state
        state.generation += bool(state.current)
        state.round, state.stage = 0, "asking"

    def _wind_up(self) -> None:
        """Train the winner again from fresh seeds; without one, end."""
        state, winner = self.state, self.state.winner
        if winner is None or state.brief.final_seeds == 0:
            self._end(failed=winner is None)
            return
        state.generation += bool(state.current)
        for k in range(state.brief.final_seeds):
            again = Member(
                f"f{state.generation}.{k}",
                state.generation,
                k,
                winner.proposal,
                state.brief.final_steps,
                state.brief.final_seed(k),
                final=True,
                start=winner.id,
            )
            again.status = "queued"
            state.members[again.id] = again
        state.stage = "final"

    def _end(self, *, failed: bool = False) -> None:
        state = self.state
        state.failed = state.failed or failed
        state.stage = "done"
        if state.branch and not state.stopped:
            self._reopen()

    def _reopen(self) -> None:
        """Go on from the member of the branch, for as many generations as the brief has."""
        state = self.state
        state.failed = state.stopped = False
        state.reason = ""
        self._next_generation()
        state.limit = state.generation - 1 + state.brief.generations
