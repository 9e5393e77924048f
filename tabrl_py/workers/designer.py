"""The designer of a worker: runs the loop, asks whoever designs, and tells the page what to do."""

import asyncio
import dataclasses
import time
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from tabrl_py.errors import ConfigError, TabrlError
from tabrl_py.loop_messages import (
    AnalysisDelta,
    BranchFrom,
    CommandDone,
    CommandFailed,
    CommandProgress,
    DesignerLoading,
    EditMember,
    ExportPolicy,
    FreezeFitness,
    FromDesigner,
    LedgerLine,
    LineKept,
    ListModels,
    LoopCommand,
    LoopState,
    Models,
    PolicyExported,
    Say,
    StartLoop,
    ToDesigner,
)
from tabrl_py.meta import Brief, Loop
from tabrl_py.meta.builtin import BuiltinDesigner
from tabrl_py.meta.designer import Designer
from tabrl_py.meta.plan import Command
from tabrl_py.meta.view import provenance, view_of
from tabrl_py.policy import load_policy, save_policy
from tabrl_py.protocol import Pause, Resume, Stop
from tabrl_py.types import JsObject
from tabrl_py.workers import messages
from tabrl_py.workers.host import failed, post

VIEW_EVERY_S = 0.25
"""Between two views that only tell how far trainings are."""


class DesignerHost(Protocol):
    """The surroundings of a designer: the page's worker, or a test."""

    def post(self, message: FromDesigner) -> None:
        """Send a message to the page."""
        ...

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Let work go on beside everything else."""
        ...

    def now(self) -> float:
        """Seconds since some moment."""
        ...

    async def load_sdk(self, say: Callable[[float, str], None]) -> None:
        """Make the `anthropic` SDK importable; `say` is told how far it is.

        Raises:
            TabrlError: it cannot be loaded.
        """
        ...


class LoopDesigner:
    """One loop at a time. Every message of ToDesigner goes to handle()."""

    def __init__(self, host: DesignerHost) -> None:
        self._host = host
        self._loop: Loop | None = None
        self._designer: Designer | None = None
        self._issued: set[str] = set()
        self._paused = False
        self._error = ""
        self._viewed_at = float("-inf")
        self._stale = False
        self._kept = 0
        self._keeping: list[tuple[int, asyncio.Future[None]]] = []

    def handle(self, message: ToDesigner) -> None:
        """Take a message of the page.

        Raises:
            TabrlError: it asks for what cannot be; the loop goes on as before.
        """
        match message:
            case StartLoop():
                self._start(message)
            case ListModels():
                self._host.spawn(self._list_models(message))
            case CommandProgress():
                self._running.note_progress(message.id, message.status, message.steps, message.records)
                self._stale = True
            case LineKept():
                self._note_kept(message.index + 1)
            case Pause():
                self._pause("")
            case Resume():
                self._resume()
            case ExportPolicy():
                self._export(message)
            case _:
                try:
                    self._tell_loop(message)
                finally:
                    self._go_on()

    def advance(self) -> float | None:
        """Show what changed, if it is time to.

        Returns:
            Seconds until this must be called again, None when only a message can bring work.
        """
        if not self._stale:
            return None
        wait = self._viewed_at + VIEW_EVERY_S - self._host.now()
        if wait > 0:
            return wait
        self._show()
        return None

    @property
    def _running(self) -> Loop:
        if self._loop is None:
            raise ConfigError("no loop was started")
        return self._loop

    def _start(self, message: StartLoop) -> None:
        brief = Brief.from_json(message.brief)
        loop = Loop(brief, message.ledger)
        if brief.designer == "claude":
            self._designer = None
            self._address = (message.base_url, message.key)
        else:
            self._designer = BuiltinDesigner()
        self._loop, self._issued, self._paused, self._error = loop, set(), False, ""
        self._kept, self._keeping = len(message.ledger), []
        self._go_on()

    def _tell_loop(self, message: ToDesigner) -> None:
        loop = self._running
        match message:
            case CommandDone():
                loop.receive(message.id, message.result, message.seconds)
            case CommandFailed():
                loop.fail(message.id, message.error)
            case FreezeFitness():
                loop.freeze_fitness(message.source)
            case Say():
                loop.say(message.text, message.member, message.thumb)
            case EditMember():
                loop.edit(message.member, message.reward, message.hyperparameters, message.pinned)
            case BranchFrom():
                loop.branch(message.member)
            case Stop():
                loop.stop()

    def _pause(self, error: str) -> None:
        self._running.rest()
        self._paused, self._error = True, error
        self._go_on()

    def _resume(self) -> None:
        if self._paused:
            self._running.go_on()
        self._paused, self._error = False, ""
        self._go_on()

    def _go_on(self) -> None:
        """Tell the page what is new: lines of the ledger before anything else, then the view, then work."""
        loop = self._running
        for index, line in loop.take_lines():
            self._host.post(LedgerLine(index, line))
        self._show()
        if self._paused:
            return
        for command in loop.commands():
            if command.id in self._issued:
                continue
            self._issued.add(command.id)
            if command.kind == "ask":
                self._host.spawn(self._ask(loop, command))
            else:
                self._host.post(LoopCommand(command.id, command.kind, command.member, command.spec))

    def _show(self) -> None:
        self._stale, self._viewed_at = False, self._host.now()
        self._host.post(LoopState(view_of(self._running, paused=self._paused, error=self._error)))

    # Keeping

    def _note_kept(self, lines: int) -> None:
        self._kept = max(self._kept, lines)
        for least, kept in self._keeping:
            if least <= self._kept and not kept.done():
                kept.set_result(None)
        self._keeping = [entry for entry in self._keeping if not entry[1].done()]

    async def _until_kept(self, lines: int) -> None:
        """Wait until the page has so many lines of the ledger on the disk."""
        if self._kept < lines:
            kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._keeping.append((lines, kept))
            await kept

    # Asking

    async def _ask(self, loop: Loop, command: Command) -> None:
        assert command.question is not None
        began = self._host.now()
        try:
            designer = self._designer or await self._claude(loop)
            answer = await designer.answer(command.question, loop.state)
        except Exception as error:  # the page is told of every one
            if loop is self._loop:
                self._issued.discard(command.id)
                self._unanswered(error)
            return
        if loop is self._loop:
            loop.answer(command.id, answer, self._host.now() - began)
            self._go_on()

    def _unanswered(self, error: Exception) -> None:
        """The loop waits until the person lets it go on; nothing that was done is lost."""
        if not isinstance(error, TabrlError):
            self._host.post(failed(error, fatal=False))
        self._pause(str(error) or type(error).__name__)

    async def _claude(self, loop: Loop) -> Designer:
        await self._load_sdk()
        from tabrl_py.meta.claude import ClaudeDesigner, Line

        line = Line(*self._address)

        async def sent() -> None:
            for index, text in loop.take_lines():
                self._host.post(LedgerLine(index, text))
            await self._until_kept(len(loop.ledger.lines))

        def say(generation: int, text: str, start: bool) -> None:
            self._host.post(AnalysisDelta(generation, text, start))

        self._designer = ClaudeDesigner(line, loop, say=say, written=sent)
        return self._designer

    async def _load_sdk(self) -> None:
        await self._host.load_sdk(lambda fraction, words: self._host.post(DesignerLoading(fraction, words)))

    async def _list_models(self, message: ListModels) -> None:
        try:
            await self._load_sdk()
            from tabrl_py.meta.claude import Line, list_models

            models, default = await list_models(Line(message.base_url, message.key))
        except Exception as error:  # the page is told of every one
            self._host.post(failed(error, fatal=False, request=message.id))
            return
        self._host.post(Models(message.id, models, default))

    def _export(self, message: ExportPolicy) -> None:
        loop = self._running
        if message.member not in loop.state.members:
            raise ConfigError(f"there is no member {message.member!r}")
        policy = load_policy(message.policy)
        named = dataclasses.replace(policy, provenance=provenance(loop, message.member))
        label = loop.state.members[message.member].label
        name = f"{loop.brief.task}-{label}.safetensors".lower()
        self._host.post(PolicyExported(message.id, save_policy(named), name))


class DesignerRunner:
    """Between the worker's script and the designer: decodes messages, tells the page of every exception."""

    def __init__(self, host: DesignerHost, designer: LoopDesigner) -> None:
        self._host, self._designer = host, designer

    def receive(self, text: str, names: JsObject = (), buffers: JsObject = ()) -> None:
        """Take a message of the page: its JSON, and its binary fields' names and bytes."""
        request = 0
        try:
            binary = {str(n): bytes(data.to_bytes()) for n, data in zip(names, buffers, strict=True)}
            message = messages.decode_for_designer(text, binary)
            given = getattr(message, "id", 0)
            request = given if isinstance(given, int) else 0
            self._designer.handle(message)
        except Exception as error:  # the page is told of every one
            mendable = isinstance(error, TabrlError | ValueError)
            self._host.post(failed(error, fatal=not mendable, request=request))

    def advance(self) -> float | None:
        """See LoopDesigner.advance."""
        return self._designer.advance()


class PageDesignerHost:
    """The DesignerHost inside the page's worker."""

    def __init__(self, bridge: JsObject) -> None:
        """`bridge` has post and loadSdk, see web/workers/designer_worker.js."""
        self._bridge = bridge
        self._tasks: set[asyncio.Task[None]] = set()

    def post(self, message: FromDesigner) -> None:
        """See DesignerHost.post."""
        post(self._bridge, message)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """See DesignerHost.spawn."""
        task: asyncio.Task[None] = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Nobody awaits such work: what it raised is told here, and the page goes on from the ledger."""
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self.post(failed(error, fatal=True))

    def now(self) -> float:
        """See DesignerHost.now."""
        return time.perf_counter()

    async def load_sdk(self, say: Callable[[float, str], None]) -> None:
        """See DesignerHost.load_sdk."""
        from pyodide.ffi import create_proxy

        told = create_proxy(say)
        try:
            await self._bridge.loadSdk(told)
        except Exception as error:  # whatever JavaScript raised
            raise TabrlError(f"the Claude SDK cannot be loaded: {error}") from error
        finally:
            told.destroy()


def start(bridge: JsObject) -> DesignerRunner:
    """The door through which web/workers/designer_worker.js enters Python."""
    host = PageDesignerHost(bridge)
    return DesignerRunner(host, LoopDesigner(host))
