"""Messages about policies in the formats of other programs, written and read by the evaluator.

As in protocol.py, whose unions have them.
"""

from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class WritePolicy:
    """Write a policy in another program's format, for an evaluator."""

    id: int
    policy: bytes
    format: Literal["onnx", "json"]
    actuators: list[dict[str, Any]]
    """Of the task's robot, as NAME.scene.json has them; empty where they are not known."""
    task: dict[str, Any] | None = None
    """The task of somebody's own robot, which no package has; None for the others."""


@dataclass(frozen=True)
class ReadPolicy:
    """Read a policy of another program, for an evaluator."""

    id: int
    file: bytes
    normalizer: bytes | None
    """What VecNormalize saved beside it."""
    task: str
    """Id of the task to prefer where the policy fits several; "" for none."""


@dataclass(frozen=True)
class PolicyWritten:
    """Answer to WritePolicy."""

    id: int
    file: bytes


@dataclass(frozen=True)
class PolicyRead:
    """Answer to ReadPolicy: the policy as a file of TabRL."""

    id: int
    policy: bytes
