"""A Host for tests: keeps what is posted, simulates natively, and its clock goes when told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from tabrl_py.algos.team import Alone, Team
from tabrl_py.protocol import Failed, FromWorker
from tabrl_py.sim.models import model_path
from tabrl_py.sim.native import NativeBatchSim
from tabrl_py.tasks import TaskSpec

M = TypeVar("M")


class RecordingHost:
    """Fulfils Host. Every post is also encoded, as on the way to the page."""

    def __init__(self, line: Team | None = None) -> None:
        self.line: Team = Alone() if line is None else line
        self.posted: list[FromWorker] = []
        self.time_s = 100.0
        self.sims: list[NativeBatchSim] = []

    def post(self, message: FromWorker) -> None:
        self.posted.append(message)

    def make_sim(self, task: TaskSpec, xml: str, n_envs: int) -> NativeBatchSim:
        assert xml == model_path(task.model).read_text()
        sim = NativeBatchSim(task, n_envs)
        self.sims.append(sim)
        return sim

    def team(self, members: int, member: int) -> Team:
        assert (members, member) == (self.line.members, self.line.me)
        return self.line

    def now(self) -> float:
        return self.time_s

    def of(self, kind: type[M]) -> list[M]:
        """What was posted of one kind."""
        return [message for message in self.posted if isinstance(message, kind)]

    def failures(self) -> list[Failed]:
        return self.of(Failed)

    def last(self, kind: type[M]) -> M:
        return self.of(kind)[-1]


def work(role: Any, until: Callable[[], bool], most: int = 100_000) -> None:
    """Advance until something is so."""
    for _ in range(most):
        if until():
            return
        role.advance()
    raise AssertionError(f"not so after {most} advances")
