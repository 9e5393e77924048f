"""The library of terms that reward code may call by name, and that the built-in designer composes.

Each works on all environments at once, (N,) in and (N,) out, unweighted: code multiplies it with a weight.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tabrl_py.rewards.fields import Layout
from tabrl_py.rewards.values import Value
from tabrl_py.rewards.vocabulary import clip, where

CARRYING_N = 5.0
"""A sole that is pressed harder than this carries."""
STATE = "s"
ARRAYS = ("x", "error", "wanted")
"""Parameters that may be arrays; the others are numbers."""


@dataclass(frozen=True)
class Parameter:
    """An argument of a term; `default` None: it must be given. `s` is the state itself."""

    name: str
    default: float | None = None

    def __str__(self) -> str:
        """As it stands in a signature."""
        return self.name if self.default is None else f"{self.name}={self.default:g}"


@dataclass(frozen=True)
class Term:
    """A function of the library.

    Attributes:
        name: it is called by.
        call: computes it.
        parameters: in order; the first is `s` where the term reads the state by itself.
        formula: what it computes.
        low, high: between which its values are, or usually are.
        words: one sentence.
        needs: signals it reads; a robot without them does not have the term.
    """

    name: str
    call: Callable[..., Value]
    parameters: tuple[Parameter, ...]
    formula: str
    low: float
    high: float
    words: str
    needs: tuple[str, ...] = ()

    @property
    def signature(self) -> str:
        """How it is called."""
        return f"{self.name}({', '.join(str(parameter) for parameter in self.parameters)})"

    @property
    def range(self) -> str:
        """Its values, in words."""
        return f"{self.low:g} to {self.high:g}"


TERMS: dict[str, Term] = {}
"""By name."""
Function = Callable[..., Value]


def _term(formula: str, low: float, high: float, *needs: str) -> Callable[[Function], Function]:
    """Enter a function into the library; its docstring is the term's sentence."""

    def enter(function: Function) -> Function:
        parameters = tuple(
            Parameter(given.name, None if given.default is given.empty else float(given.default))
            for given in inspect.signature(function).parameters.values()
        )
        words = (function.__doc__ or "").strip()
        name = function.__name__
        TERMS[name] = Term(name, function, parameters, formula, low, high, words, needs)
        return function

    return enter


def _squares(x: Value) -> Value:
    return np.add.reduce(np.square(x), axis=1)


def _mean_square(x: Value) -> Value:
    return _squares(x) / float(x.shape[1])


def _direction(s: Value) -> tuple[Value, Value]:
    """Cosine and sine of a robot's heading."""
    x, y = s.heading[:, 0], s.heading[:, 1]
    length = np.maximum(np.sqrt(x * x + y * y), 1e-6)
    return x / length, y / length


def _carrying(s: Value) -> tuple[Value, Value]:
    """1 where the right, and where the left sole carries."""
    carrying = np.greater(s.soles, CARRYING_N).astype(np.float64)
    return carrying[:, 0], carrying[:, 1]


@_term("clip((x - low) / (high - low), 0, 1)", 0, 1)
def ramp(x: Value, low: float, high: float) -> Value:
    """0 at low, 1 at high, straight between; low may be the higher one."""
    return clip((x - low) / (high - low), 0.0, 1.0)


@_term("exp(-ln(10) (d / margin)^2), d the distance from [low, high]", 0, 1)
def tolerance(x: Value, low: float, high: float, margin: float) -> Value:
    """1 inside an interval, 0.1 at the margin outside, as dm_control's tolerance."""
    outside = np.maximum(np.maximum(low - x, x - high), 0.0)
    return np.exp(-np.log(10.0) * np.square(outside / margin))


@_term("exp(-((x - target) / width)^2)", 0, 1)
def bell(x: Value, target: float, width: float) -> Value:
    """1 at the target, 0.37 one width away."""
    return np.exp(-np.square((x - target) / width))


@_term("max(1 - |error| / max(|wanted|, floor), -1)", -1, 1)
def closeness(error: Value, wanted: Value, floor: float) -> Value:
    """Rises all the way from doing nothing to doing what is wanted."""
    return np.maximum(1.0 - np.absolute(error) / np.maximum(np.absolute(wanted), floor), -1.0)


@_term("1 unless the step ended the task", 0, 1)
def alive(s: Value) -> Value:
    """Staying in the task."""
    return 1.0 - s.terminated.astype(np.float64)


@_term("mean(action^2)", 0, 1)
def effort(s: Value) -> Value:
    """How hard the actuators are driven; subtract it."""
    return _mean_square(s.action)


@_term("mean((control - prev.control)^2)", 0, 4, "control")
def change(s: Value) -> Value:
    """How abruptly the actuators change; subtract it."""
    return _mean_square(s.control - s.prev.control)


@_term("min(mean(joint_speeds^2), 100)", 0, 100, "joint_speeds")
def joint_speed(s: Value) -> Value:
    """How fast the joints turn, rad2/s2; subtract it."""
    return np.minimum(_mean_square(s.joint_speeds), 100.0)


@_term("com_velocity along the robot's heading", -10, 10, "heading", "com_velocity")
def forward_speed(s: Value) -> Value:
    """m/s forward, wherever it faces; not bounded by itself."""
    cos, sin = _direction(s)
    return cos * s.com_velocity[:, 0] + sin * s.com_velocity[:, 1]


@_term("com_velocity to the robot's left", -10, 10, "heading", "com_velocity")
def sideways_speed(s: Value) -> Value:
    """m/s to its left; not bounded by itself."""
    cos, sin = _direction(s)
    return cos * s.com_velocity[:, 1] - sin * s.com_velocity[:, 0]


@_term("sine of the angle turned in the step / dt", -40, 40, "heading")
def turn_rate(s: Value) -> Value:
    """rad/s to the left."""
    (cos, sin), (cos0, sin0) = _direction(s), _direction(s.prev)
    return (cos0 * sin - sin0 * cos) / s.dt


@_term("clip(com_velocity x, -target, target) / target", -1, 1, "com_velocity")
def speed_along_x(s: Value, target: float) -> Value:
    """Speed along the world's x, full at the target; faster earns no more."""
    return clip(s.com_velocity[:, 0], -target, target) / target


@_term("min(|com_velocity y|, 2)", 0, 2, "com_velocity")
def drift(s: Value) -> Value:
    """m/s to either side of the world's x; subtract it."""
    return np.minimum(np.absolute(s.com_velocity[:, 1]), 2.0)


@_term("min(vx^2 + vy^2, 1)", 0, 1, "com_velocity")
def motion(s: Value) -> Value:
    """Squared level speed of the centre of mass; subtract it to stand still."""
    return np.minimum(np.square(s.com_velocity[:, 0]) + np.square(s.com_velocity[:, 1]), 1.0)


@_term("1 - upright^2", 0, 1, "upright")
def tilt(s: Value) -> Value:
    """Squared sine of the torso's angle from upright; subtract it."""
    return 1.0 - np.square(s.upright)


@_term("ramp(head_height, low, high)", 0, 1, "head_height")
def head(s: Value, low: float = 1.0, high: float = 1.4) -> Value:
    """How high the head is; standing is 1.5 m."""
    return ramp(s.head_height, low, high)


@_term("heading x", -1, 1, "heading")
def facing(s: Value) -> Value:
    """1 facing along the world's x, -1 facing back."""
    return s.heading[:, 0]


@_term("sin(2 pi clock / period_s) (right carries - left carries)", -1, 1, "clock", "soles")
def in_time(s: Value, period_s: float = 0.64) -> Value:
    """Weight on the right foot in each period's first half, on the left in its second: arXiv:2011.01387."""
    right, left = _carrying(s)
    return np.sin((2.0 * np.pi / period_s) * s.clock) * (right - left)


@_term("1 where neither sole carries more than 5 N", 0, 1, "soles")
def flight(s: Value) -> Value:
    """In the air."""
    right, left = _carrying(s)
    return 1.0 - np.maximum(right, left)


@_term("1 where exactly one sole carries", 0, 1, "soles")
def one_foot(s: Value) -> Value:
    """On one foot."""
    right, left = _carrying(s)
    return np.absolute(right - left)


@_term("clip(side (right_foot z - left_foot z) / 0.3, -1, 1)", -1, 1, "right_foot", "left_foot")
def lifted(s: Value, side: float = 1.0) -> Value:
    """How far the right foot (side 1) or the left one (side -1) is above the other."""
    higher = s.right_foot[:, 2] - s.left_foot[:, 2]
    return clip(higher * side / 0.3, -1.0, 1.0)


@_term("clip(com_velocity z, -2, 2)", -2, 2, "com_velocity")
def rising(s: Value) -> Value:
    """m/s upward."""
    return clip(s.com_velocity[:, 2], -2.0, 2.0)


@_term("soles that carry now and did not before the step", 0, 2, "soles")
def touchdown(s: Value) -> Value:
    """Steps that begin, per control step; divided by dt, per second."""
    now, before = np.greater(s.soles, CARRYING_N), np.greater(s.prev.soles, CARRYING_N)
    landed = where(before, 0.0, now.astype(np.float64))
    return landed[:, 0] + landed[:, 1]


@_term("min(|torso_gyro|^2, 25)", 0, 25, "torso_gyro")
def spin(s: Value) -> Value:
    """Squared turning rate of the torso, rad2/s2; subtract it."""
    return np.minimum(_squares(s.torso_gyro), 25.0)


def terms_of(layout: Layout) -> dict[str, Term]:
    """The terms that a robot has the signals for."""
    return {name: term for name, term in TERMS.items() if all(need in layout.sizes for need in term.needs)}


def describe_terms() -> str:
    """The library as Markdown, one line per term: signature, formula, range, what it is."""
    lines = [
        f"- `{term.signature}` = {term.formula}; {term.range}. {term.words}"
        + (f" Reads {', '.join(term.needs)}." if term.needs else "")
        for term in TERMS.values()
    ]
    return "\n".join(lines)
