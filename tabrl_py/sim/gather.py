"""How a task's observation, signals and bounds are read from the rows of a simulation's table."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tabrl_py.tasks.spec import Bound, ObsField, SignalField, TaskSpec
from tabrl_py.types import F64, I64, Bool


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
    """Columns of the table: the engine's state, then what the task reads beside it.

    Attributes:
        spans: what is copied from mjData; qpos and qvel are part of the state and need no copy.
        width: columns of the table.
        observation, signals: columns of each number of the observation and the signals.
    """

    def __init__(self, task: TaskSpec, nq: int, nv: int, nstate: int) -> None:
        """Lay out a table whose first columns are time, qpos, qvel and the rest of the state, nstate in all."""
        state_columns = {"qpos": 1, "qvel": 1 + nq}
        fields = (*task.observation, *task.signals, *task.healthy)
        spans: list[Span] = []
        column = nstate
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

        self._sin = _where(task.observation, lambda f: f.fn == "sin")
        self._cos = _where(task.observation, lambda f: f.fn == "cos")
        scale = _spread(task.observation, lambda f: f.scale)
        self._scale = None if np.all(scale == 1.0) else scale
        clip = _spread(task.observation, lambda f: np.inf if f.clip is None else f.clip)
        self._clipped = np.flatnonzero(np.isfinite(clip))
        self._clip = clip[self._clipped]

        self._bounded = self._columns(task.healthy)
        self._low = _spread(task.healthy, lambda f: -np.inf if f.low is None else f.low)
        self._high = _spread(task.healthy, lambda f: np.inf if f.high is None else f.high)

    def observe(self, table: F64) -> F64:
        """The observations, (n, O), of n rows of the table: clip(scale * fn(x))."""
        obs = table.take(self.observation, axis=1)
        if self._sin.size:
            obs[:, self._sin] = np.sin(obs[:, self._sin])
        if self._cos.size:
            obs[:, self._cos] = np.cos(obs[:, self._cos])
        if self._scale is not None:
            obs *= self._scale
        if self._clipped.size:
            obs[:, self._clipped] = np.clip(obs[:, self._clipped], -self._clip, self._clip)
        return obs

    def read_signals(self, table: F64) -> F64:
        """The signals, (n, S), of n rows of the table."""
        return table.take(self.signals, axis=1)

    def healthy(self, table: F64) -> Bool:
        """Which of n rows of the table, (n,), keep within every bound; a number that is not finite does not."""
        if not self._bounded.size:
            return np.ones(len(table), dtype=np.bool_)
        x = table.take(self._bounded, axis=1)
        inside: Bool = ((x > self._low) & (x < self._high)).all(axis=1)
        return inside

    def _columns(self, fields: Sequence[ObsField | SignalField | Bound]) -> I64:
        columns = [range(self._origin[f.source] + f.start, self._origin[f.source] + f.stop) for f in fields]
        return np.array([c for columns_of_field in columns for c in columns_of_field], dtype=np.int64)


def _where(fields, chosen):  # type: ignore
    return np.flatnonzero(np.repeat([chosen(f) for f in fields], [f.size for f in fields]))


def _spread(fields, value):  # type: ignore
    return np.repeat([float(value(f)) for f in fields], [f.stop - f.start for f in fields])
