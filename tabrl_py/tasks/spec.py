"""A task as data: what to simulate, what the policy sees, when an episode ends and what is rewarded.

The same description drives the native simulation, the WebAssembly one and the page, so it holds plain values
only and travels as JSON.
"""

import math
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Source = Literal[
    "qpos",
    "qvel",
    "ctrl",
    "sensordata",
    "cinert",
    "cvel",
    "xpos",
    "xipos",
    "site_xpos",
    "subtree_com",
    "qfrc_actuator",
    "qfrc_constraint",
    "cfrc_ext",
]
"""The flattened mjData arrays a task may read. Row-major: body b of cvel is [6*b, 6*b+6)."""


@dataclass(frozen=True)
class ObsField:
    """A slice of the observation: clip(scale * fn(mjData.source[start:stop]), -clip, clip)."""

    name: str
    source: Source
    start: int
    stop: int
    unit: str = ""
    fn: Literal["id", "sin", "cos"] = "id"
    scale: float = 1.0
    clip: float | None = None

    @property
    def size(self) -> int:
        """How many numbers the field adds to the observation."""
        return self.stop - self.start


@dataclass(frozen=True)
class SignalField:
    """A slice of mjData, in float64, that rewards and statistics read by name."""

    name: str
    source: Source
    start: int
    stop: int
    unit: str = ""

    @property
    def size(self) -> int:
        """How many numbers the signal has."""
        return self.stop - self.start


@dataclass(frozen=True)
class Bound:
    """The episode terminates unless every number of mjData.source[start:stop] is between low and high."""

    source: Source
    start: int
    stop: int
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class ResetSpec:
    """The first state of an episode: qpos + noise, noise on velocities.

    Attributes:
        qpos: (nq,) start position, or None for the model's own qpos0.
        qpos_noise: half-width of the uniform noise on qpos (m or rad).
        qvel_noise: half-width, or standard deviation, of the noise on qvel (m/s or rad/s).
        qvel_kind: the law of the velocity noise.
        root_noise: whether the first 7 numbers of qpos (a free joint) take noise too.
    """

    qpos: tuple[float, ...] | None = None
    qpos_noise: float = 0.0
    qvel_noise: float = 0.0
    qvel_kind: Literal["uniform", "normal"] = "uniform"
    root_noise: bool = True


@dataclass(frozen=True)
class RewardSpec:
    """A reward function of the library by name, and its parameters."""

    name: str
    params: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Mirror:
    """The left-right mirror image of a task: number i of an image is sign[i] * x[source[i]].

    Doing it twice changes nothing. The image of a state and an action moves as the image of the next state:
    tests/unit/test_mirror.py steps both.

    Attributes:
        observation: (O,) which number of the observation each number of its image is.
        observation_sign: (O,) 1 or -1.
        action: (A,) the same for actions.
        action_sign: (A,) 1 or -1.
    """

    observation: tuple[int, ...]
    observation_sign: tuple[float, ...]
    action: tuple[int, ...]
    action_sign: tuple[float, ...]


@dataclass(frozen=True)
class TaskSpec:
    """One task. See docs/architecture.md, "A task is data".

    Attributes:
        id: name used everywhere, e.g. "humanoid-stand" or "Hopper-v5".
        title: what the page calls it.
        summary: one sentence for the page.
        group: the heading it stands under on the page.
        model: name of the XML in the models folder.
        frame_skip: physics steps per control step.
        time_limit: control steps until the episode is truncated.
        observation: the observation, in order.
        layout_version: raised whenever the meaning of an observation number changes.
        signals: what rewards read.
        action_low, action_high: (A,) bounds the action is clipped to before it becomes ctrl.
        healthy: bounds whose violation terminates the episode; empty for tasks that never terminate.
        reset: the first state.
        reward: what is maximised.
        post_constraint: whether mj_rnePostConstraint runs after each control step (fills cfrc_ext), as
            Gymnasium's tasks do.
        forward_axis: the signal whose first number is the distance travelled (m), or "" when the robot does
            not travel.
        mirror: its left-right mirror image; None where left and right cannot be exchanged.
        defaults: settings that differ from the general defaults, by algorithm: {"ppo": {"n_envs": 64,
            "algo.gamma": 0.995}}.
    """

    id: str
    title: str
    summary: str
    group: str
    model: str
    frame_skip: int
    time_limit: int
    observation: tuple[ObsField, ...]
    signals: tuple[SignalField, ...]
    action_low: tuple[float, ...]
    action_high: tuple[float, ...]
    reset: ResetSpec
    reward: RewardSpec
    healthy: tuple[Bound, ...] = ()
    layout_version: int = 1
    post_constraint: bool = False
    forward_axis: str = ""
    mirror: Mirror | None = None
    defaults: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def obs_size(self) -> int:
        """O, the length of the observation."""
        return sum(f.size for f in self.observation)

    @property
    def action_size(self) -> int:
        """A, the length of the action."""
        return len(self.action_low)

    @property
    def signal_size(self) -> int:
        """S, the width of the signals."""
        return sum(f.size for f in self.signals)

    def signal_slices(self) -> dict[str, slice]:
        """Where each named signal lies in a row of signals."""
        slices: dict[str, slice] = {}
        at = 0
        for f in self.signals:
            slices[f.name] = slice(at, at + f.size)
            at += f.size
        return slices

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; what JS and the page read."""
        record = asdict(self)
        record["obs_size"], record["action_size"] = self.obs_size, self.action_size
        record["signal_size"] = self.signal_size
        assert all(math.isfinite(x) for x in (*self.action_low, *self.action_high))
        return record
