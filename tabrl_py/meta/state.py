"""Where a loop stands: what its ledger's lines so far amount to. Nothing else is remembered."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tabrl_py.loop_messages import LoopStage, MemberStatus
from tabrl_py.meta.brief import PROPOSED, Brief
from tabrl_py.meta.budget import Budget
from tabrl_py.meta.proposal import Proposal
from tabrl_py.rewards.fitness import fitness_source
from tabrl_py.rewards.problems import Problem
from tabrl_py.tasks import get_task

MOST_REPAIRS = 3
LETTERS = "ABCDEFGHIJKLMNOP"


@dataclass
class Member:
    """One member of one generation, and what became of it.

    Attributes:
        id: "g2.1": the second of generation 2; "f4.0": a final training.
        final: whether it is the winner's reward, learned once more from a fresh seed.
        start: id of the member whose weights it begins with, or "".
        problems: what is wrong with the code as it is now.
        image: a contact sheet, base64; "" without one.
    """

    id: str
    generation: int
    index: int
    proposal: Proposal
    total_steps: int
    seed: int
    final: bool = False
    start: str = ""
    status: MemberStatus = "proposed"
    problems: list[Problem] = field(default_factory=list)
    error: str = ""
    steps: int = 0
    policy: str | None = None
    training: dict[str, Any] = field(default_factory=dict)
    """See meta/courses.py: summarize."""
    fitness: float | None = None
    per_seed: list[float] = field(default_factory=list)
    metrics: dict[str, float] = field(default_factory=dict)
    lengths: list[int] = field(default_factory=list)
    falls: list[bool] = field(default_factory=list)
    image: str = ""
    image_type: str = ""
    thumb: int = 0

    @property
    def letter(self) -> str:
        """Its place in its generation, as people and designers name it."""
        return LETTERS[self.index]

    @property
    def label(self) -> str:
        """As the page and the prompts name it: B2 is slot B of generation 2."""
        return f"{self.letter}{self.generation}"

    @property
    def fitness_std(self) -> float | None:
        """Spread over the evaluation seeds."""
        return float(np.std(self.per_seed)) if self.per_seed else None


@dataclass(frozen=True)
class Comment:
    """What a person said, before which generation and about which member."""

    generation: int
    member: str
    text: str


@dataclass
class Judge:
    """The fitness, on its way to being frozen.

    Attributes:
        source: its code; "" before it is proposed.
        checked: whether this code was tried.
        round: of asking for it.
        wanted: code that the person takes and that is being checked; "" without any.
        freezes: how often the person took one.
    """

    name: str = ""
    source: str = ""
    rationale: str = ""
    frozen: bool = False
    checked: bool = False
    asked: bool = False
    round: int = 0
    wanted: str = ""
    freezes: int = 0
    problems: list[Problem] = field(default_factory=list)


class State:
    """A loop's state.

    Attributes:
        brief: what was asked for.
        members: of all generations, by id, in the order in which they were proposed.
        generation: in work, from 1.
        limit: generations that there will be at most.
        stage: of the work.
        round: of asking in this generation: 0, then repairs.
        asked: whether this round's answer came.
        pins: what the person wants in the next generation, by slot: the member's id and the proposal.
        branch: id of the member to go on from, or "".
        turns: what was said to a language model and what it answered, one pair for each request.
        failed: whether it ended because it could not go on.
        reason: why it ended.
        seconds: while it ran.
    """

    def __init__(self, brief: Brief) -> None:
        self.brief = brief
        self.task = get_task(brief.task)
        self.budget = Budget(brief.max_tokens, brief.max_usd)
        self.members: dict[str, Member] = {}
        self.generation = 1
        self.limit = brief.generations
        self.stage: LoopStage = "asking"
        self.round = 0
        self.asked = False
        self.pins: dict[int, tuple[str, Proposal]] = {}
        self.branch = ""
        self.analyses: list[tuple[int, str]] = []
        self.comments: list[Comment] = []
        self.turns: list[tuple[list[dict[str, Any]], list[dict[str, Any]]]] = []
        self.failed = self.stopped = False
        self.reason = ""
        self.seconds = 0.0
        self.problem = ""
        """Why the last answer could not be read."""
        self.judge = Judge()
        if brief.fitness == PROPOSED:
            self.stage = "judging"
        else:
            named = "def fitness" not in brief.fitness
            self.judge = Judge(
                name=(brief.fitness or brief.task) if named else "",
                source=fitness_source(brief.fitness, self.task),
                frozen=True,
            )

    @property
    def over(self) -> bool:
        """Whether nothing more happens by itself."""
        return self.stage == "done"

    @property
    def current(self) -> list[Member]:
        """Members of the generation in work."""
        return [member for member in self.members.values() if member.generation == self.generation]

    def generation_members(self, generation: int) -> list[Member]:
        """Members of a generation, final trainings left out."""
        return [m for m in self.members.values() if m.generation == generation and not m.final]

    @property
    def ranked(self) -> list[Member]:
        """Evaluated members of all generations, the fittest first; of equals, the earlier one."""
        known = [m for m in self.members.values() if m.fitness is not None and not m.final]
        return sorted(known, key=lambda member: -(member.fitness or 0.0))

    @property
    def winner(self) -> Member | None:
        """The fittest."""
        ranked = self.ranked
        return ranked[0] if ranked else None

    @property
    def finals(self) -> list[Member]:
        """Evaluated final trainings of the winner."""
        winner = self.winner
        return [
            member
            for member in self.members.values()
            if member.final and member.fitness is not None and winner and member.start == winner.id
        ]

    @property
    def steps(self) -> int:
        """Control steps of training in all."""
        return sum(member.steps for member in self.members.values())

    @property
    def _since(self) -> int:
        """Which generation this is since the search began or branched."""
        return self.generation - self.limit + self.brief.generations

    @property
    def size(self) -> int:
        """Members of the generation in work: the brief's, and room for all that the person keeps."""
        made = len(self.generation_members(self.generation))
        return made or max(self.brief.size_of(self._since), len(self.pins))

    @property
    def steps_each(self) -> int:
        """Control steps of each member of the generation in work."""
        return self.brief.steps_of(self._since)

    @property
    def kept(self) -> dict[int, tuple[str, Proposal]]:
        """The pins in this generation's slots: one whose slot is no more moves to a free one."""
        placed = {slot: pin for slot, pin in self.pins.items() if slot < self.size}
        free = (slot for slot in range(self.size) if slot not in self.pins)
        return placed | {next(free): pin for slot, pin in sorted(self.pins.items()) if slot >= self.size}

    @property
    def slots_wanted(self) -> tuple[int, ...]:
        """Members of this generation that the designer is to propose now."""
        if self.round == 0:
            kept = self.kept
            return tuple(i for i in range(self.size) if i not in kept)
        return tuple(member.index for member in self.current if member.problems)

    def best_by_generation(self) -> list[float]:
        """Highest fitness of each generation so far."""
        best: dict[int, float] = {}
        for member in self.ranked:
            best.setdefault(member.generation, member.fitness or 0.0)
        return [best[g] for g in sorted(best)]

    def stalled(self) -> bool:
        """Whether the last generations of the plateau brought nothing better."""
        best, plateau = self.best_by_generation(), self.brief.plateau
        return 0 < plateau < len(best) and max(best[-plateau:]) <= max(best[:-plateau])


def problems_from(records: list[Mapping[str, Any]]) -> list[Problem]:
    """Problems of a CodeTried, as the page gave them."""
    return [
        Problem(int(each["line"]), int(each["column"]), str(each["rule"]), str(each["message"]))
        for each in records
    ]
