"""Messages about robots that people bring: the evaluator proposes a task for one.

As in protocol.py, whose unions have them.
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ProposeTask:
    """Propose a task for a robot, for an evaluator."""

    id: int
    description: dict[str, Any]
    """What its compiled model has: web/workers/robot/description.js."""
    choices: dict[str, Any]
    """What the person wants otherwise: tabrl_py/tasks/own_robot.py, Choices."""
    model_xml: str
    """The text of its model."""


@dataclass(frozen=True)
class TaskProposed:
    """Answer to ProposeTask."""

    id: int
    task: dict[str, Any]
    """A record like those of tasks.json; `own` has what it was made of, and its reward as a program."""
    notes: list[str]
    rewards: dict[str, str]
    """Those that suit the robot, and their words; the proposed one first."""
