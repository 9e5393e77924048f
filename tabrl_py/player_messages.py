"""Messages from the page to a player, which shows policies acting.

As in protocol.py, whose unions have them.
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class StartPlaying:
    """Show a policy acting without learning; row k's first episode has evaluation seed `seed + k`.

    A player without Python has any number of shows beside each other and tells them apart by `show`; one in
    Python has one. The rows of a show may lie in several workers: this one takes `n_envs` of them, from
    `first_row` on.
    """

    task: dict[str, Any]
    model_xml: str
    policy: bytes | None
    """None: the random policy."""
    n_envs: int
    seed: int
    deterministic: bool = True
    speed: float = 1.0
    show: int = 0
    first_row: int = 0
    running: bool = True
    """Whether it moves at once, or waits for Resume."""
    together: int = 0
    """Robots of all shows that stand in one physics world and can touch; 0: each has a world of its own."""
    place: int = 0
    """Number in that world of the show's first robot."""
    only_seen: bool = False
    """Nobody reads its returns or repeats its episodes: a player without Python leaves the reward out, which
    may be code, and draws normal first velocities in its own way. One in Python needs no such leave."""


@dataclass(frozen=True)
class StopPlaying:
    """End one show of a player without Python; the others go on."""

    show: int


@dataclass(frozen=True)
class SwapPolicy:
    """Let other weights act in a show of a player without Python; its robots stay where they are."""

    show: int
    policy: bytes


@dataclass(frozen=True)
class Disturb:
    """What the world is like for every robot of a player without Python, from the next step on."""

    slope: float = 0.0
    """Rise over run along the world's x; gravity is tilted by it."""
    friction: float = 1.0
    """Times the plain model's."""
    gravity: float = 1.0
    """Times the plain model's."""
    motor: int = -1
    """The actuator that gives no force; -1: all work."""


@dataclass(frozen=True)
class Throw:
    """Throw a ball at a robot that stands in one world with others."""

    row: int
    body: int
    show: int = 0


@dataclass(frozen=True)
class SetSpeed:
    """Simulated seconds per second."""

    speed: float


@dataclass(frozen=True)
class SingleStep:
    """Advance a paused player by one control step."""


@dataclass(frozen=True)
class ResetRows:
    """Start every row of the player anew."""


@dataclass(frozen=True)
class Steer:
    """Give every row of the player a command; the task says what its numbers mean."""

    command: list[float]
    """Empty: the task draws the commands again."""


@dataclass(frozen=True)
class Inspect:
    """Look into one robot: a Detail comes with each of the player's frames."""

    row: int
    """-1: no longer."""
    show: int = 0
