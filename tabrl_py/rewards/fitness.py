"""What the shipped tasks are about, measured: fitness, not reward.

A fitness is code of the same language as a reward: `fitness(s) -> (score, metrics)`, once per control step.
An episode's fitness is the sum of its scores over the task's time limit, so a robot that has fallen earns
nothing more, and scores of at most 1 give a fitness of at most 1. Metrics are told and never ranked by.
"""

from dataclasses import dataclass

from tabrl_py.errors import ConfigError
from tabrl_py.tasks.spec import TaskSpec


@dataclass(frozen=True)
class Fitness:
    """A fitness that TabRL ships.

    Attributes:
        title: for the page.
        words: one sentence: what earns.
        source: its code.
    """

    title: str
    words: str
    source: str


_GAIT_METRICS = """\
    metrics = {
        "speed": s.com_velocity[:, 0],
        "upright": s.upright,
        "head_height": s.head_height,
        "sideways": np.abs(s.com_velocity[:, 1]),
        "steps_per_s": touchdown(s) / s.dt,
        "flight": flight(s),
        "effort": effort(s),
    }
"""

_STAND = """\
def fitness(s):
    \"\"\"Head high, upright, in place.\"\"\"
    high = ramp(s.head_height, 1.0, 1.35)
    score = high * np.clip(s.upright, 0.0, 1.0) * (1.0 - 0.5 * motion(s)) * alive(s)
    metrics = {
        "head_height": s.head_height,
        "upright": s.upright,
        "speed": np.linalg.norm(s.com_velocity[:, 0:2], axis=1),
        "spin": spin(s),
        "effort": effort(s),
    }
    return score, metrics
"""


def _going(target: float, stepping: str, sentence: str) -> str:
    return f"""\
def fitness(s):
    \"\"\"{sentence}\"\"\"
    speed = np.clip(s.com_velocity[:, 0], 0.0, {target:g}) / {target:g}
    upright = ramp(s.upright, 0.6, 0.9)
    straight = 1.0 - 0.5 * np.minimum(np.abs(s.com_velocity[:, 1]), 1.0)
    score = speed * upright * straight{stepping} * alive(s)
{_GAIT_METRICS}    return score, metrics
"""


_HOP = """\
def fitness(s):
    \"\"\"Up and down and forward on the right foot alone, the left one never carrying, upright.\"\"\"
    left = np.where(s.soles[:, 1] > 5.0, 1.0, 0.0)
    right = np.where(s.soles[:, 0] > 5.0, 1.0, 0.0)
    bounce = np.minimum(np.abs(s.com_velocity[:, 2]), 0.6) / 0.6
    forward = np.clip(s.com_velocity[:, 0], 0.0, 0.8) / 0.8
    upright = ramp(s.upright, 0.6, 0.9)
    score = (1.0 - left) * upright * (0.5 * bounce + 0.5 * forward) * alive(s)
    metrics = {
        "speed": s.com_velocity[:, 0],
        "upright": s.upright,
        "bounce": np.abs(s.com_velocity[:, 2]),
        "left_carries": left,
        "right_carries": right,
        "flight": flight(s),
        "hops_per_s": touchdown(s) / s.dt,
    }
    return score, metrics
"""
_COMMAND = """\
def fitness(s):
    \"\"\"Moves and turns as it is told.\"\"\"
    off = np.hypot(forward_speed(s) - s.command[:, 0], sideways_speed(s) - s.command[:, 1])
    turn = np.abs(turn_rate(s) - s.command[:, 2])
    score = bell(off, 0.0, 0.5) * (0.5 + 0.5 * bell(turn, 0.0, 1.0)) * ramp(s.upright, 0.6, 0.9) * alive(s)
    metrics = {"velocity_error": off, "turn_error": turn, "upright": s.upright, "effort": effort(s)}
    return score, metrics
"""
_GET_UP = """\
def fitness(s):
    \"\"\"Head up, then standing upright.\"\"\"
    high = ramp(s.head_height, 0.2, 1.35)
    standing = ramp(s.head_height, 1.1, 1.35) * np.clip(s.upright, 0.0, 1.0)
    score = 0.3 * high + 0.7 * standing
    metrics = {"head_height": s.head_height, "upright": s.upright, "standing": standing, "effort": effort(s)}
    return score, metrics
"""


def _travel(target: float) -> Fitness:
    source = f"""\
def fitness(s):
    \"\"\"Speed along x, full at {target:g} m/s.\"\"\"
    speed = (s.position - s.prev.position) / s.dt
    score = np.clip(speed, 0.0, {target:g}) / {target:g} * alive(s)
    return score, {{"speed": speed, "effort": np.mean(s.action**2, axis=1)}}
"""
    return Fitness("Travel", f"Speed along x, full at {target:g} m/s.", source)


def _up(words: str) -> Fitness:
    source = f"""\
def fitness(s):
    \"\"\"{words}\"\"\"
    return alive(s), {{"effort": np.mean(s.action**2, axis=1)}}
"""
    return Fitness("Balance", words, source)


_STANDING = Fitness("Stand", "Head high, upright, in place.", _STAND)
_WALK_WORDS = "Forward at up to 1.4 m/s, upright, straight, a foot always on the ground."
_WALKING = Fitness("Walk", _WALK_WORDS, _going(1.4, " * (1.0 - flight(s))", _WALK_WORDS))
_RUN_WORDS = "Forward at up to 3 m/s, upright, straight."
_RUNNING = Fitness("Run", _RUN_WORDS, _going(3.0, "", _RUN_WORDS))
_RISE = """\
def fitness(s):
    \"\"\"Height of the torso, full at 1.4 m.\"\"\"
    return ramp(s.height, 0.1, 1.4), {"height": s.height}
"""

HOP = "humanoid-hop"
"""Hopping on the right leg: a fitness of the house robot that no shipped task has."""

FITNESS: dict[str, Fitness] = {
    "humanoid-stand": _STANDING,
    "humanoid-walk": _WALKING,
    "humanoid-run": _RUNNING,
    HOP: Fitness(
        "Hop on one leg", "Bouncing and going forward on the right foot, the left one never down.", _HOP
    ),
    "humanoid-command": Fitness("Follow commands", "Moves and turns as it is told, upright.", _COMMAND),
    "humanoid-getup": Fitness("Get up", "Head up, then standing upright.", _GET_UP),
    "humanoid-walk-rough": _WALKING,
    "humanoid-stand-torque": _STANDING,
    "humanoid-walk-torque": _WALKING,
    "humanoid-run-torque": _RUNNING,
    "InvertedPendulum-v5": _up("The pole is up."),
    "InvertedDoublePendulum-v5": _up("Both poles are up."),
    "Hopper-v5": _travel(3.0),
    "Walker2d-v5": _travel(4.0),
    "HalfCheetah-v5": _travel(8.0),
    "Swimmer-v5": _travel(1.5),
    "Ant-v5": _travel(4.0),
    "Humanoid-v5": _travel(4.0),
    "HumanoidStandup-v5": Fitness("Rise", "Height of the torso.", _RISE),
}
"""By name: each task's own under its id."""


def fitness_source(fitness: str, task: TaskSpec) -> str:
    """The code of a fitness.

    Args:
        fitness: a name of FITNESS, or code; "" for the task's own.
        task: that it is for.

    Raises:
        ConfigError: it is neither, or the task has none of its own.
    """
    named = FITNESS.get(fitness or task.id)
    if named is not None:
        return named.source
    if "def fitness" in fitness:
        return fitness
    names = ", ".join(FITNESS)
    raise ConfigError(f"fitness={fitness[:60]!r} is neither code with `def fitness(s):` nor one of {names}")
