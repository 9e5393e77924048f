"""How a task's observation, signals and bounds are read from the rows of a simulation's table."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from tabrl_py.tasks.spec import Bound, ObsField, SignalField, TaskSpec
from tabrl_py.types import F64, I64, Bool

Field: TypeAlias = ObsField | SignalField | Bound


SHORTEST_HEADING = 1e-6
"""A robot whose forward axis is this close to the vertical heads along x."""


def read_fields(task: TaskSpec) -> list[Field]:
    """All that a task reads."""
    heading = [] if task.heading is None else [task.heading]
    return [*task.observation, *task.signals, *task.healthy, *heading]


@dataclass(frozen=True)
class Span:
    """One stretch of an mjData array that is copied into the table after each step.

    Attributes:
        source: the mjData array.
        start, stop: which of its numbers.
        column: where they lie in a row of the table.
    """

    source: str
    start: int
    stop: int
    column: int


class Layout:
    """Columns of the table: the engine's state, what else a row keeps, then what the task reads beside it.

    Attributes:
        spans: what is copied from mjData; qpos and qvel are part of the state and need no copy.
        command: columns of the row's command.
        traits: columns of its traits, in the order of TaskSpec.traits.
        last_action: columns of the last action, where actions may come late; else none.
        kept: columns that are the row's state: all before the spans.
        width: columns of the table.
        observation, signals: columns of each number of the observation and the signals.
    """

    def __init__(self, task: TaskSpec, nq: int, nv: int, nstate: int) -> None:
        """Lay out a table whose first nstate columns are time, qpos, qvel and the rest of the state."""
        state_columns = {"qpos": 1, "qvel": 1 + nq, "command": nstate}
        fields = read_fields(task)
        spans: list[Span] = []
        self.command = slice(nstate, nstate + task.command_size)
        self.traits = slice(self.command.stop, self.command.stop + len(task.traits))
        late = task.action_size if "latency" in task.traits else 0
        self.last_action = slice(self.traits.stop, self.traits.stop + late)
        self.kept = column = self.last_action.stop
        for source in dict.fromkeys(f.source for f in fields):
            if source not in state_columns:
                start = min(f.start for f in fields if f.source == source)
                stop = max(f.stop for f in fields if f.source == source)
                spans.append(Span(source, start, stop, column))
                column += stop - start
        self.spans = tuple(spans)
        self.width = column
        self._origin = {**state_columns, **{s.source: s.column - s.start for s in spans}}
        self.observation = self._columns(task.observation)
        self.signals = self._columns(task.signals)

        observed = task.observation
        self._sin = np.flatnonzero(_spread(observed, [f.fn == "sin" for f in observed]))
        self._cos = np.flatnonzero(_spread(observed, [f.fn == "cos" for f in observed]))
        rates = _spread(observed, [f.rate for f in observed])
        self._sin_rate, self._cos_rate = rates[self._sin], rates[self._cos]
        self._own = self._pairs(observed)
        if self._own.size:
            assert task.heading is not None, f"task {task.id} has fields of its own heading, but no heading"
            self._heading = self._columns([task.heading])
        scale = _spread(observed, [f.scale for f in observed])
        self._scale = None if np.all(scale == 1.0) else scale
        clip = _spread(observed, [np.inf if f.clip is None else f.clip for f in observed])
        self._clipped = np.flatnonzero(np.isfinite(clip))
        self._clip = clip[self._clipped]

        bounds = task.healthy
        self._bounded = self._columns(bounds)
        self._low = _spread(bounds, [-np.inf if f.low is None else f.low for f in bounds])
        self._high = _spread(bounds, [np.inf if f.high is None else f.high for f in bounds])

    def observe(self, table: F64) -> F64:
        """The observations, (n, O), of n rows of the table: clip(scale * fn(rate * x))."""
        obs = table.take(self.observation, axis=1)
        if self._sin.size:
            obs[:, self._sin] = np.sin(self._sin_rate * obs[:, self._sin])
        if self._cos.size:
            obs[:, self._cos] = np.cos(self._cos_rate * obs[:, self._cos])
        if self._own.size:
            self._turn(obs, table)
        if self._scale is not None:
            obs *= self._scale
        if self._clipped.size:
            obs[:, self._clipped] = np.clip(obs[:, self._clipped], -self._clip, self._clip)
        return obs

    def read_signals(self, table: F64) -> F64:
        """The signals, (n, S), of n rows of the table."""
        return table.take(self.signals, axis=1)

    def healthy(self, table: F64) -> Bool:
        """Which of n rows of the table, (n,), keep within every bound; NaN never does."""
        if not self._bounded.size:
            return np.ones(len(table), dtype=np.bool_)
        x = table.take(self._bounded, axis=1)
        inside: Bool = np.all(np.logical_and(x > self._low, x < self._high), axis=1)
        return inside

    def _pairs(self, observed: Sequence[ObsField]) -> I64:
        """(k,) where in the observation the x of each vector stands that is turned; its y follows."""
        starts = np.cumsum([0, *(f.size for f in observed)])
        return np.array([starts[i] for i, f in enumerate(observed) if f.fn == "own"], dtype=np.int64)

    def _turn(self, obs: F64, table: F64) -> None:
        """Turn world vectors of n observations into the robots' headings: x forward, y left."""
        cos, sin = table[:, self._heading].T
        length = np.sqrt(cos * cos + sin * sin)
        flat = length > SHORTEST_HEADING
        length[~flat] = 1.0
        cos, sin = np.where(flat, cos, 1.0) / length, np.where(flat, sin, 0.0) / length
        for at in self._own:
            x, y = obs[:, at].copy(), obs[:, at + 1].copy()
            obs[:, at] = cos * x + sin * y
            obs[:, at + 1] = cos * y - sin * x

    def _columns(self, fields: Sequence[Field]) -> I64:
        columns = [self._origin[f.source] + i for f in fields for i in range(f.start, f.stop)]
        return np.array(columns, dtype=np.int64)


def _spread(fields: Sequence[Field], values: Sequence[float]) -> F64:
    """One value per field, repeated for each of its numbers."""
    sizes = [f.stop - f.start for f in fields]
    return np.repeat(np.array(values, dtype=np.float64), sizes) if sizes else np.zeros(0)
