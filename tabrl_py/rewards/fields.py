"""The one description of the state that reward code sees: docs/rewards.md and prompts are made of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from tabrl_py.tasks.signals import described_signals
from tabrl_py.tasks.spec import TaskSpec


@dataclass(frozen=True)
class Field:
    """Something that reward code may read as `s.NAME`.

    Attributes:
        name: after `s.`.
        size: k of the shape (N, k); 1 for (N,), 0 for a single number.
        unit: of its numbers, "" for none.
        frame: in which they stand.
        words: one sentence.
        signal: whether `s.prev.NAME`, its value before the step, is there too.
    """

    name: str
    size: int
    unit: str
    frame: str
    words: str
    signal: bool = True

    @property
    def shape(self) -> str:
        """Its shape, in words."""
        return "number" if self.size == 0 else "(N,)" if self.size == 1 else f"(N, {self.size})"


@dataclass(frozen=True)
class Layout:
    """What the checker and the compiler know of a task: hashable, so that code is compiled once.

    Attributes:
        signals: name and size of each signal, in order.
        actions: A.
    """

    signals: tuple[tuple[str, int], ...]
    actions: int

    @classmethod
    def of(cls, task: TaskSpec) -> "Layout":
        """The layout of the task with every described signal, whichever it has now."""
        signals = tuple((entry.signal.name, entry.signal.size) for entry in described_signals(task))
        return cls(signals, task.action_size)

    @cached_property
    def sizes(self) -> Mapping[str, int]:
        """Size of each signal, by name."""
        return dict(self.signals)


BESIDE_SIGNALS = ("action", "dt", "terminated", "prev")
"""What the state has beside signals."""


def fields_of(task: TaskSpec) -> tuple[Field, ...]:
    """Everything that reward code for this task may read, but `prev`."""
    signals = tuple(
        Field(entry.signal.name, entry.signal.size, entry.signal.unit, entry.frame, entry.words)
        for entry in described_signals(task)
    )
    low, high = min(task.action_low), max(task.action_high)
    said = f"What the policy did, each number within {low:g} to {high:g}."
    return (
        *signals,
        Field("action", task.action_size, "", "actuators", said, signal=False),
        Field(
            "terminated",
            1,
            "",
            "",
            "True where this step ended the task (a fall); time-outs are not.",
            signal=False,
        ),
        Field("dt", 0, "s", "", "Time of one control step.", signal=False),
    )


def describe_state(task: TaskSpec) -> str:
    """The fields as a Markdown table, for a document or a prompt."""
    lines = ["| field | shape | unit | frame | what it is |", "|---|---|---|---|---|"]
    lines.extend(
        f"| `s.{field.name}` | {field.shape} | {field.unit} | {field.frame} | {field.words} |"
        for field in fields_of(task)
    )
    before = [f"`s.prev.{field.name}`" for field in fields_of(task) if field.signal]
    lines.append("")
    lines.append(f"Before the control step, same shapes: {', '.join(before)}.")
    return "\n".join(lines)
