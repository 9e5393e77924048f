"""Who designs rewards: what a designer is asked, what it answers, and what it must be able to do."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from tabrl_py.meta.proposal import Proposal

if TYPE_CHECKING:
    from tabrl_py.meta.state import State

BUILTIN = "built-in, no language model"
"""How the built-in designer is called, wherever it is named."""


@dataclass(frozen=True)
class Question:
    """Something to be designed.

    Attributes:
        id: of the command.
        kind: fitness, propose, or repair of what was refused.
        generation: that is designed; 0 for the fitness.
        round: 0, then 1 to 3 for repairs.
        slots: members of the generation that are asked for.
    """

    id: str
    kind: Literal["fitness", "propose", "repair"]
    generation: int
    round: int
    slots: tuple[int, ...]


@dataclass(frozen=True)
class Answer:
    """What a designer said, and all that the ledger keeps of the request.

    Attributes:
        analysis: what it read in the results, in its words.
        proposals: by slot; slots may be missing.
        fitness: code of a proposed fitness.
        problem: why the answer could not be read; "" where it could.
        refused: why nothing was asked: tokens or money.
        turn: what was said to the model, as content blocks; the earlier turns are in earlier lines.
        content: the model's answer, as content blocks.
        request: SHA-256 of the whole request; model: that answered; max_output: tokens it was allowed.
        usage: as the API reported it.
        usd: what it cost.
    """

    analysis: str = ""
    proposals: dict[int, Proposal] = field(default_factory=dict)
    fitness: str = ""
    problem: str = ""
    refused: str = ""
    turn: list[dict[str, Any]] = field(default_factory=list)
    content: list[dict[str, Any]] = field(default_factory=list)
    request: str = ""
    model: str = ""
    max_output: int = 0
    usage: dict[str, Any] = field(default_factory=dict)
    usd: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        proposals = {str(slot): proposal.to_json() for slot, proposal in self.proposals.items()}
        return {**dataclasses.asdict(self), "proposals": proposals}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "Answer":
        """Read what to_json wrote."""
        read = {int(slot): Proposal.from_json(each) for slot, each in record["proposals"].items()}
        return cls(**{**record, "proposals": read})


class Designer(Protocol):
    """Answers questions."""

    async def answer(self, question: Question, state: "State") -> Answer:
        """Design what is asked for.

        Args:
            question: what is wanted.
            state: of the loop, to be read only.

        Raises:
            TabrlError: it cannot be asked now; the loop pauses, and asks again when it goes on.
        """
        ...
