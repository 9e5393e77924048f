"""The loop: which command comes next, and what a result or a person's word does to the ledger.

No input, no output, no clock but the one it is given. Everything that happens is a line of the ledger first;
the state is what the lines amount to (meta/fold.py). So a loop that is made of its ledger's lines stands
where it stood, and issues only the commands that have no line yet.

Results are entered in the order of their commands: one that comes early waits. So the ledger is the same,
whichever member's training ends first.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tabrl_py.errors import ConfigError, TabrlError
from tabrl_py.loop_messages import LoopDesigner, MemberStatus
from tabrl_py.meta.brief import Brief
from tabrl_py.meta.budget import Reservation
from tabrl_py.meta.courses import summarize
from tabrl_py.meta.designer import BUILTIN, Answer
from tabrl_py.meta.fold import Fold
from tabrl_py.meta.ledger import RESERVE, Ledger, LedgerError, Line
from tabrl_py.meta.plan import Command, open_commands
from tabrl_py.meta.proposal import Proposal, check_hyperparameters
from tabrl_py.meta.state import Member, State
from tabrl_py.rewards.problems import Problem

VERSION = 3
"""Of the ledger's contents: a later one may decide otherwise."""
LONGEST_COMMENT = 2_000


class Loop:
    """A loop that designs rewards.

    Attributes:
        brief: what was asked for.
        ledger: all that happened.
        state: what it amounts to; to be read only.
        running: what is known of members in training, for the view alone.
        notes: problems of edits that were not taken, by member.
    """

    def __init__(self, brief: Brief, lines: Sequence[str] = (), now: Callable[[], float] = time.time) -> None:
        """Begin, or go on from a ledger.

        Args:
            brief: what is asked for.
            lines: of the ledger, all of them; [] begins.
            now: seconds since 1970.

        Raises:
            LedgerError: the lines are damaged, or not those of a loop with this brief.
        """
        self.brief, self.ledger, self.state = brief, Ledger(), State(brief)
        self._fold = Fold(self.state)
        self.running: dict[str, tuple[MemberStatus, int, dict[str, Any]]] = {}
        self.notes: dict[str, list[Problem]] = {}
        self._now, self._mark, self._unwritten_s = now, now(), 0.0
        self._waiting: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {}
        self._new: list[Line] = []
        for text in lines:
            self._replay(self.ledger.take(text))
        if not lines:
            self._enter("brief", "brief", self._first(), {})

    def _first(self) -> dict[str, Any]:
        return {"brief": self.brief.to_json(), "designer": self.designer.title, "version": VERSION}

    @property
    def designer(self) -> LoopDesigner:
        """Who designs."""
        if self.brief.designer == "builtin":
            return LoopDesigner("builtin", BUILTIN, "")
        return LoopDesigner("claude", "Claude", self.brief.model)

    def commands(self) -> list[Command]:
        """What is to be done now and has no result yet, in the order of the ledger."""
        return [command for command in open_commands(self.state) if command.id not in self._waiting]

    def take_lines(self) -> list[tuple[int, str]]:
        """Lines that were written since the last call, with their places: to be stored at once."""
        first = len(self.ledger.lines) - len(self._new)
        new, self._new = self._new, []
        return [(first + i, line.text) for i, line in enumerate(new)]

    # Results

    def receive(self, id_: str, result: Mapping[str, Any], seconds: float = 0.0) -> None:
        """Take a command's result, as CommandDone describes it, or an Answer as JSON.

        A result of a command that is not open is left out: it was given twice, or the loop was stopped.

        Raises:
            ConfigError: it lacks something.
        """
        command = self._open(id_)
        if command is None:
            return
        self._wait(command, command.kind, _result(command, result), seconds)

    def answer(self, id_: str, answer: Answer, seconds: float = 0.0) -> None:
        """Take a designer's answer."""
        command = self._open(id_)
        if command is not None:
            self._wait(command, "answer", answer.to_json(), seconds)

    def fail(self, id_: str, error: str) -> None:
        """A command could not be carried out: its member is out, no other."""
        command = self._open(id_)
        if command is not None:
            self._wait(command, "failed", {"error": error}, 0.0)

    def _open(self, id_: str) -> Command | None:
        return next((command for command in self.commands() if command.id == id_), None)

    def _wait(self, command: Command, kind: str, result: dict[str, Any], seconds: float) -> None:
        data = result if kind == "answer" else {"spec": command.spec, "result": result}
        self._waiting[command.id] = (kind, data, {"seconds": round(seconds, 3)})
        while True:
            first = next(iter(open_commands(self.state)), None)
            if first is None or first.id not in self._waiting:
                return
            self._enter(first.id, *self._waiting.pop(first.id))

    # Money

    def reserve(self, reservation: Reservation) -> None:
        """Note that a request is about to go out. To be stored before it does."""
        data = {
            "counted": reservation.counted,
            "max_output": reservation.max_output,
            "tokens": reservation.tokens,
            "usd": reservation.usd,
        }
        self._enter(reservation.id, RESERVE, data, {})

    def release(self, id_: str) -> None:
        """Note that the request was refused, and cost nothing."""
        self._enter(id_, RESERVE, {"released": True}, {})

    # The person

    def freeze_fitness(self, source: str) -> None:
        """The person takes the fitness, as proposed or edited: it is frozen once a check has found it sound.

        Raises:
            ConfigError: no fitness waits for it.
        """
        if self.state.stage != "judging":
            raise ConfigError("the fitness is frozen already; start another loop for another one")
        self._event("freeze", {"source": source})

    def say(self, text: str = "", member: str = "", thumb: int | None = None) -> None:
        """A person's comment or thumb, for the next question to the designer."""
        if member:
            self._member(member)
        if thumb not in (None, -1, 0, 1):
            raise ConfigError(f"thumb={thumb} must be 1, -1 or 0")
        if len(text) > LONGEST_COMMENT:
            raise ConfigError(f"the comment has {len(text)} letters; the most is {LONGEST_COMMENT}")
        self._event("say", {"text": text.strip(), "member": member, "thumb": thumb})

    def edit(
        self, member: str, reward: str, hyperparameters: Mapping[str, Any] | None = None, pinned: bool = True
    ) -> None:
        """The person's reward for the member's slot in the next generation, where it is checked like any.

        Settings that cannot be used go to notes. Code is never read here: this runs where a key may be.
        """
        edited = self._member(member)
        if edited.final:
            raise ConfigError("a final training cannot be edited; branch from the member it repeats")
        changes = dict(edited.proposal.hyperparameters if hyperparameters is None else hyperparameters)
        problems = check_hyperparameters(changes, self.brief.task)
        self.notes[member] = problems
        if problems:
            return
        data = {"member": member, "reward": reward, "hyperparameters": changes, "pinned": pinned}
        self._event("edit", data)

    def branch(self, member: str) -> None:
        """Design the next generation from this member alone; a loop that is over goes on.

        Raises:
            ConfigError: no such member, or one without a fitness.
        """
        if self._member(member).fitness is None:
            raise ConfigError(f"{member} has no fitness yet; branch from a member that was measured")
        self._event("branch", {"member": member})

    def stop(self) -> None:
        """End the loop where it is."""
        if not self.state.over:
            self._event("stop", {})

    def rest(self) -> None:
        """Nothing happens for a while that counts as the loop's time."""
        self._accrue()

    def go_on(self) -> None:
        """The loop's time runs again."""
        self._mark = self._now()

    def note_progress(
        self, id_: str, status: MemberStatus, steps: int, records: Sequence[Mapping[str, Any]]
    ) -> None:
        """How far a command is, for the view; no line of the ledger."""
        before = self.running[id_][2] if id_ in self.running else {}
        self.running[id_] = (status, steps, summarize(records) if records else before)

    def _member(self, id_: str) -> Member:
        if id_ not in self.state.members:
            raise ConfigError(f"there is no member {id_!r}")
        return self.state.members[id_]

    def _event(self, kind: str, data: dict[str, Any]) -> None:
        self._enter(f"event.{len(self.ledger.lines)}", kind, data, {})

    # The ledger

    def _accrue(self) -> None:
        now = self._now()
        self._unwritten_s += max(0.0, now - self._mark)
        self._mark = now

    def _enter(self, id_: str, kind: str, data: Mapping[str, Any], clock: Mapping[str, Any]) -> None:
        self._accrue()
        in_all, self._unwritten_s = self.state.seconds + self._unwritten_s, 0.0
        clock = {**clock, "at": round(self._now(), 3), "seconds_in_all": round(in_all, 3)}
        line = self.ledger.append(id_, kind, data, clock)
        self._new.append(line)
        self._fold.apply(line)
        if not any(command.id == id_ for command in open_commands(self.state)):
            self.running.pop(id_, None)

    def _replay(self, line: Line) -> None:
        """Apply a kept line; it must be what this loop would have come to, too."""
        number = len(self.ledger.lines)
        if number == 1 and line.data != self._first():
            raise LedgerError("the ledger is that of another brief, or of another version of TabRL")
        if line.kind in ("answer", "check", "train", "evaluate", "failed"):
            first = next(iter(open_commands(self.state)), None)
            expected = None if first is None else first.id
            spec_differs = first is not None and "spec" in line.data and line.data["spec"] != first.spec
            if line.id != expected or spec_differs:
                raise LedgerError(
                    f"line {number} of the ledger is {line.kind} {line.id}, where this version of TabRL "
                    f"comes to {expected}{' with another spec' if spec_differs else ''}; it cannot go on"
                )
        try:
            self._fold.apply(line)
        except (KeyError, TypeError, ValueError, TabrlError) as error:
            raise LedgerError(f"line {number} of the ledger cannot be carried out: {error}") from error


def _result(command: Command, result: Mapping[str, Any]) -> dict[str, Any]:
    """What of a result the ledger keeps: nothing that differs from repetition to repetition."""
    needed = {
        "check": ("problems",),
        "train": ("policy", "steps", "records"),
        "evaluate": ("fitness", "per_seed", "metrics", "lengths", "falls"),
    }[command.kind]
    missing = [name for name in needed if name not in result]
    if missing:
        raise ConfigError(f"the result of {command.id} lacks {', '.join(missing)}")
    if command.kind == "train":
        records = list(result["records"])
        return {"policy": result["policy"], "steps": result["steps"], **summarize(records)}
    kept = {name: result[name] for name in needed}
    if command.kind == "evaluate" and result.get("image"):
        kept |= {"image": result["image"], "image_type": result.get("image_type", "image/png")}
    return kept


def replay(lines: Sequence[str]) -> Loop:
    """A loop as its ledger tells it, and nothing is asked, trained or measured again.

    Raises:
        LedgerError: see Loop; or the lines that it comes to differ from those given.
    """
    if not lines:
        raise LedgerError("the ledger is empty")
    first = Ledger().take(lines[0])
    if first.kind != "brief":
        raise LedgerError("the ledger does not begin with a brief")
    loop = Loop(Brief.from_json(first.data["brief"]), lines)
    for number, (line, text) in enumerate(zip(loop.ledger.lines, lines, strict=True), start=1):
        if line.text != text:
            raise LedgerError(f"line {number} of the ledger is not canonical JSON; it was written elsewhere")
    return loop


__all__ = ["Command", "Loop", "Proposal", "replay"]
