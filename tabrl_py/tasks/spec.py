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
    "command",
]
"""What a task may read: flattened mjData arrays (row-major: body b of cvel is [6*b, 6*b+6)); the command."""


@dataclass(frozen=True)
class ObsField:
    """A slice of the observation: clip(scale * fn(rate * mjData.source[start:stop]), -clip, clip).

    Attributes:
        fn: "own" turns a vector of the world (x, y, and z if there is one) into the robot's own heading: x
            becomes forward, y left.
        rate: what sin and cos multiply their argument with, for example 2 pi over a period.
        noise: standard deviation of the sensor in training that randomises, in the observation's own
            measure (after scale).
    """

    name: str
    source: Source
    start: int
    stop: int
    unit: str = ""
    fn: Literal["id", "sin", "cos", "own"] = "id"
    scale: float = 1.0
    clip: float | None = None
    noise: float = 0.0
    rate: float = 1.0

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
        drop_height: when given, the robot falls from this height (m of the root) and lies: its long axis is
            within 30 degrees of level, its heading and which side is up are uniform.
        settle_steps: physics steps between the first state and the episode's first observation, during
            which one random action is held.
        staggered: whether the first episodes of a run are cut off at different times. For tasks whose
            episodes all last to the time limit: else all rows would be in the same part of theirs for ever.
    """

    qpos: tuple[float, ...] | None = None
    qpos_noise: float = 0.0
    qvel_noise: float = 0.0
    qvel_kind: Literal["uniform", "normal"] = "uniform"
    root_noise: bool = True
    drop_height: float | None = None
    settle_steps: int = 0
    staggered: bool = False


@dataclass(frozen=True)
class RewardSpec:
    """A reward function: of the library by name, with its parameters, or "code" with its source."""

    name: str
    params: dict[str, float] = field(default_factory=dict)
    source: str = ""


@dataclass(frozen=True)
class CommandSpec:
    """What the robot is told to do, in a few numbers that hold for a while and are then drawn anew.

    A command is part of a row's state: observations and signals read it as the source "command".

    Attributes:
        names: what each number asks for; the page's words.
        units: of each number.
        low, high: each number is drawn uniformly between them.
        hold_steps: control steps until the next draw.
        zero_share: share of draws that are all zero.
        single_share: share of the other draws in which all numbers but one are zero.
        easiest: what is told at level 0 of a curriculum that scales commands; () for all zero. At a level
            between, commands lie that far on the way from it to those that are drawn.
    """

    names: tuple[str, ...]
    units: tuple[str, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    hold_steps: int
    zero_share: float = 0.0
    single_share: float = 0.0
    easiest: tuple[float, ...] = ()

    @property
    def size(self) -> int:
        """How many numbers a command has."""
        return len(self.names)


TRAITS: dict[str, float] = {"mass": 1.0, "friction": 1.0, "strength": 1.0, "slope": 0.0, "latency": 0.0}
"""What an episode's body and ground may differ in, and the value of the plain model."""


@dataclass(frozen=True)
class Randomization:
    """A quantity that is drawn anew, uniformly between two bounds, for every episode.

    Attributes:
        name: what differs. Of body and ground: `mass`, a factor on masses and inertias; `friction`, a factor
            on sliding friction; `strength`, a factor on what actuators give; `slope`, metres that the
            ground rises per metre along x (gravity is tilted); `latency`, how long an action waits (s, to
            the nearest physics step, at most one control step). Of what happens: `push`, a sudden change of
            the whole robot's horizontal velocity (m/s) in some direction; `noise`, a factor on the noise of
            the observation's fields. Pushes and noise are drawn anew while the episode runs.
        low, high: bounds.
        every_steps: control steps between pushes.
        always: whether it is part of the task, evaluation included, rather than of training that randomises.
    """

    name: Literal["mass", "friction", "strength", "slope", "latency", "push", "noise"]
    low: float
    high: float
    every_steps: int = 0
    always: bool = False


@dataclass(frozen=True)
class Curriculum:
    """A task that gets harder as it succeeds: at level 0 its scaled quantities are plain, at 1 as drawn.

    Success is the share of ended episodes that the task did not terminate, or, with a `term`, the mean of
    that term of the reward per control step as a share of `full`.

    Attributes:
        scales: what the level widens: names of randomizations, or "command".
        first: level of the first episodes.
        raise_at, lower_at: success from which, and up to which, the level moves.
        step: by which it moves.
        episodes: how many must end before it moves again.
        term: a term of the reward, or "".
        full: its value per control step when all goes well.
    """

    scales: tuple[str, ...]
    first: float = 0.0
    raise_at: float = 0.8
    lower_at: float = 0.5
    step: float = 0.1
    episodes: int = 64
    term: str = ""
    full: float = 1.0


@dataclass(frozen=True)
class Success:
    """What an evaluation counts as done: a signal's first number stays above a bound until the end.

    Attributes:
        signal: its name.
        above: the bound.
        last_steps: control steps before the episode's end during which it must hold.
        words: what the page says, after a count: "3 of 5 WORDS".
    """

    signal: str
    above: float
    last_steps: int
    words: str


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
        heading: where the world's x and y of the robot's forward axis lie, for fields with fn "own".
        command: what the robot is told to do, or None.
        randomization: what differs from episode to episode.
        curriculum: how it gets harder, or None.
        success: what an evaluation counts, or None.
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
    heading: SignalField | None = None
    command: CommandSpec | None = None
    randomization: tuple[Randomization, ...] = ()
    curriculum: Curriculum | None = None
    success: Success | None = None
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

    @property
    def command_size(self) -> int:
        """Numbers of a command, 0 where the task has none."""
        return 0 if self.command is None else self.command.size

    @property
    def traits(self) -> tuple[str, ...]:
        """Names of the traits that may differ, in the order of TRAITS."""
        drawn = {r.name for r in self.randomization}
        return tuple(name for name in TRAITS if name in drawn)

    def init_size(self, nq: int, nv: int) -> int:
        """Numbers of a first state: qpos, qvel, command, traits, steps to settle, action meanwhile."""
        settling = 1 + self.action_size if self.reset.settle_steps else 0
        return nq + nv + self.command_size + len(self.traits) + settling

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
        record["command_size"], record["traits"] = self.command_size, list(self.traits)
        assert all(math.isfinite(x) for x in (*self.action_low, *self.action_high))
        return record
