"""What a reward that is written as code may read of each robot, beside the task's own signals."""

from dataclasses import dataclass, replace

from tabrl_py.tasks.house import GAIT_SIGNALS, JOINTS, SENSORS, SIGNALS
from tabrl_py.tasks.spec import RewardSpec, SignalField, TaskSpec

CODE = "code"
"""Name of a reward that is source code."""


@dataclass(frozen=True)
class Described:
    """A signal, in which frame its numbers stand, and what they are."""

    signal: SignalField
    frame: str
    words: str


def _sensed(name: str, sensor: str, unit: str) -> SignalField:
    place = SENSORS[sensor]
    return SignalField(name, "sensordata", place.start, place.stop, unit)


_OF_TASKS = {signal.name: signal for signal in (*SIGNALS, *GAIT_SIGNALS)}
_ORDER = ", ".join(f"{i} {name}" for i, name in enumerate(JOINTS))

HOUSE = (
    Described(_OF_TASKS["position"], "world", "Where the torso is: x (forward at the start), y (left)."),
    Described(SignalField("torso_height", "qpos", 2, 3, "m"), "world", "Height of the torso; 1.26 standing."),
    Described(_OF_TASKS["head_height"], "world", "Height of the head; about 1.5 standing, 0.2 lying."),
    Described(
        _OF_TASKS["upright"], "world", "z part of the torso's upward axis: 1 upright, 0 lying, -1 over."
    ),
    Described(
        _sensed("up_in_torso", "up_in_torso", ""), "torso", "The world's up direction: forward, left, upward."
    ),
    Described(
        _OF_TASKS["heading"], "world", "x and y part of the torso's forward axis: (1, 0) faces along x."
    ),
    Described(_OF_TASKS["com_velocity"], "world", "Velocity of the centre of mass: x, y, z."),
    Described(
        _sensed("torso_velocity", "torso_velocity", "m/s"),
        "torso",
        "Velocity of the torso: forward, left, up.",
    ),
    Described(
        _sensed("torso_gyro", "torso_gyro", "rad/s"),
        "torso",
        "Turning rate: roll, pitch (positive bows forward), yaw (positive to the left).",
    ),
    Described(SignalField("joint_angles", "qpos", 7, 28, "rad"), "joints", f"Angle of each joint: {_ORDER}."),
    Described(
        SignalField("joint_speeds", "qvel", 6, 27, "rad/s"), "joints", "Speed of each joint, same order."
    ),
    Described(
        SignalField("joint_torques", "qfrc_actuator", 6, 27, "N m"),
        "joints",
        "What the actuators give at each joint, same order.",
    ),
    *(
        Described(
            _sensed(f"{side}_{limb}", f"{side}_{limb}_in_torso", "m"),
            "torso",
            f"Where the {side} {limb} is from the torso: forward, left, up.",
        )
        for limb in ("foot", "hand")
        for side in ("right", "left")
    ),
    Described(_OF_TASKS["soles"], "", "Force under the right and the left sole; above 5 the foot carries."),
    Described(_OF_TASKS["clock"], "", "Time since the episode began."),
    Described(_OF_TASKS["control"], "", "What each actuator was told, -1 to 1, after any delay."),
)
"""Of the house robot, by position targets or by torques."""

_COORDINATES = {
    "inverted_pendulum": (2, 2),
    "inverted_double_pendulum": (3, 3),
    "hopper": (6, 6),
    "walker2d": (9, 9),
    "half_cheetah": (9, 9),
    "swimmer": (5, 5),
    "ant": (15, 14),
    "humanoid": (24, 23),
    "humanoidstandup": (24, 23),
}
"""(nq, nv) of the other robots; tests/unit/test_reward_code.py compares them with the models."""


def _own(task: TaskSpec) -> tuple[Described, ...]:
    """Signals of a task that no table of its robot describes."""
    return tuple(Described(f, "world", f"The task's own {f.name.replace('_', ' ')}.") for f in task.signals)


def described_signals(task: TaskSpec) -> tuple[Described, ...]:
    """What a reward written for this task may read: the robot's signals and the task's own."""
    if task.model.startswith("house_"):
        table = HOUSE
    elif task.model in _COORDINATES:
        nq, nv = _COORDINATES[task.model]
        table = (
            Described(
                SignalField("qpos", "qpos", 0, nq, "m, rad"), "", "Every coordinate, in MuJoCo's order."
            ),
            Described(SignalField("qvel", "qvel", 0, nv, "m/s, rad/s"), "", "Speed of every coordinate."),
        )
    else:
        table = ()
    names = {entry.signal.name for entry in table}
    return (*table, *(entry for entry in _own(task) if entry.signal.name not in names))


def with_signals(task: TaskSpec) -> TaskSpec:
    """The task with every described signal; its own reward."""
    return replace(task, signals=tuple(entry.signal for entry in described_signals(task)))


def with_reward(task: TaskSpec, source: str) -> TaskSpec:
    """The task with every described signal, and rewarded by source code instead of its own reward.

    Args:
        task: as shipped, or with another source before.
        source: of `reward(s) -> (total, terms)`, see docs/rewards.md; "" leaves the task as it is. It is
            looked at where it is compiled, not here.
    """
    return replace(with_signals(task), reward=RewardSpec(CODE, source=source)) if source else task


__all__ = ["CODE", "HOUSE", "Described", "described_signals", "with_reward", "with_signals"]
