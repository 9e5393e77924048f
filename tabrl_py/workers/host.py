"""What the trainer and the player need from the worker they run in, and how an error reaches the page."""

import time
import traceback
from collections.abc import Callable
from typing import Protocol

import numpy as np

from tabrl_py.algos.team import Alone, Bytes, Team
from tabrl_py.errors import TabrlError
from tabrl_py.loop_messages import FromDesigner
from tabrl_py.protocol import Failed, FromWorker, ToWorker
from tabrl_py.rewards import calls
from tabrl_py.sim.batch import BatchSim
from tabrl_py.tasks.spec import TaskSpec
from tabrl_py.types import JsObject
from tabrl_py.workers import messages


class Host(Protocol):
    """The surroundings of a trainer or player: the page's worker, or a test."""

    def post(self, message: FromWorker) -> None:
        """Send a message to the page."""
        ...

    def make_sim(self, task: TaskSpec, xml: str, n_envs: int) -> BatchSim:
        """A simulation of a task whose model is `xml`.

        Raises:
            ModelError: the model cannot be read or does not fit the task.
        """
        ...

    def team(self, members: int, member: int) -> Team:
        """The line to the workers that learn one policy with this one, for the training that now starts.

        Args:
            members: how many they are, with this one.
            member: which of them this one is.
        """
        ...

    def now(self) -> float:
        """Seconds since some moment."""
        ...


class Role(Protocol):
    """A trainer or a player."""

    def handle(self, message: ToWorker) -> None:
        """Take a message of the page."""
        ...

    def advance(self) -> float | None:
        """Do a little work.

        Returns:
            Seconds until there is work again: 0 when there is, None when only a message can bring some.
        """
        ...

    def publish(self) -> None:
        """Post the present Frame when it differs from the last."""
        ...


class PageHost:
    """The Host inside the page's worker."""

    def __init__(self, bridge: JsObject) -> None:
        """`bridge` has createSim, team, post and codeRuns, see web/workers/python_worker.js."""
        self._bridge = bridge
        calls.observe(lambda begins, function: bridge.codeRuns(begins, function))

    def post(self, message: FromWorker) -> None:
        """See Host.post."""
        post(self._bridge, message)

    def make_sim(self, task: TaskSpec, xml: str, n_envs: int) -> BatchSim:
        """See Host.make_sim."""
        from tabrl_py.sim.wasm import WasmBatchSim

        return WasmBatchSim(task, xml, n_envs, self._bridge)

    def team(self, members: int, member: int) -> Team:
        """See Host.team.

        Raises:
            ValueError: the page gave the worker another place, or none.
        """
        if members == 1:
            return Alone()
        exchange = self._bridge.team()
        place = None if exchange is None else (int(exchange.members), int(exchange.me))
        if place != (members, member):
            raise ValueError(f"member={member} of members={members} has the place {place} in its team")
        return PageTeam(exchange)

    def now(self) -> float:
        """See Host.now."""
        return time.perf_counter()


def post(bridge: JsObject, message: FromWorker | FromDesigner) -> None:
    """Send a message to the page: its JSON, and its binary fields' names and bytes."""
    text, binary = messages.encode(message)
    if binary:
        from pyodide.ffi import to_js

        names = list(binary)
        bridge.post(text, to_js(names), to_js([binary[name] for name in names]))
    else:
        bridge.post(text)


class PageTeam:
    """A team of the page's workers. Fulfils Team."""

    def __init__(self, exchange: JsObject) -> None:
        """`exchange` is an Exchange, see web/workers/exchange.js."""
        self.members, self.me = int(exchange.members), int(exchange.me)
        self._exchange = exchange
        self._blocks: list[Bytes] = [np.zeros(0, np.uint8)] * self.members

    def offer(self, block: Bytes) -> None:
        """See Team.offer."""
        from pyodide.ffi import to_js

        self._blocks[self.me] = block
        self._exchange.offer(to_js(block))

    def arrived(self) -> bool:
        """See Team.arrived."""
        return bool(self._exchange.arrived())

    def blocks(self) -> list[Bytes]:
        """See Team.blocks."""
        for member in range(self.members):
            if member != self.me:
                theirs = self._exchange.block(member)
                if self._blocks[member].size != theirs.length:
                    self._blocks[member] = np.zeros(theirs.length, np.uint8)
                theirs.assign_to(self._blocks[member])
        return list(self._blocks)


class Runner:
    """Runs a role for the worker's loop: decodes messages, turns every exception into a Failed message."""

    def __init__(self, host: Host, role: Role) -> None:
        self._host = host
        self._role = role

    def receive(self, text: str, names: JsObject = (), buffers: JsObject = ()) -> None:
        """Take a message of the page: its JSON, and its binary fields' names and bytes."""
        request = 0
        try:
            binary = {str(name): _bytes(data) for name, data in zip(names, buffers, strict=True)}
            message = messages.decode(text, binary)
            request = getattr(message, "id", 0)
            self._role.handle(message)
        except Exception as error:  # the page is told of every one
            self._host.post(failed(error, fatal=not _is_mendable(error), request=request))

    def advance(self) -> float | None:
        """See Role.advance; None after an error that nothing can mend."""
        return self._guarded(self._role.advance)

    def publish(self) -> None:
        """See Role.publish."""
        self._guarded(self._role.publish)

    def _guarded(self, work: Callable[[], float | None]) -> float | None:
        try:
            return work()
        except Exception as error:  # the page is told of every one
            mendable = isinstance(error, TabrlError)
            self._host.post(failed(error, fatal=not mendable))
            return 0.0 if mendable else None


def _is_mendable(error: Exception) -> bool:
    """Whether the worker is as good as before: the person's mistake, or a message it could not take."""
    return isinstance(error, TabrlError | ValueError)


def _bytes(data: bytes | JsObject) -> bytes:
    return data if isinstance(data, bytes) else bytes(data.to_bytes())


_HINTS = {
    "ConfigError": "Change the setting and start again.",
    "RewardError": "Mend the code where it says so, and start again.",
    "PolicyFileError": "Choose another file, or train a new policy for this task.",
    "ModelError": "Reload the page; if it stays, build it anew with ./build.sh dist.",
    "MemoryError": "Use fewer environments, shorter rollouts or a smaller network.",
}
_OTHER_HINT = "This is a fault of TabRL. Start the run again; it goes on from the last checkpoint."


def failed(error: BaseException, *, fatal: bool, request: int = 0) -> Failed:
    """The message that tells the page of an error: what happened and what to do."""
    name = type(error).__name__
    return Failed(
        name=name,
        message=str(error) or name,
        traceback="".join(traceback.format_exception(error)),
        hint=_HINTS.get(name, _OTHER_HINT),
        fatal=fatal,
        id=request,
    )
