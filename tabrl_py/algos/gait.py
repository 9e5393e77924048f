"""Whether a robot with two feet walks: a judgement of what it did, apart from any reward."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from tabrl_py.types import F64, Bool

SECONDS = 20.0
METRES = 20.0
TILT_DEG = 25.0
SWING_S = 0.05
"""A foot that was off the ground for less than this has bounced, not stepped."""
STEP_S = 0.1
"""Feet that land within this of each other have landed together."""
ALTERNATING = 0.9
"""Least share of the footfalls that are of the other foot than the one before, and not together with it."""
FOOTFALLS_PER_S = 1.0


@dataclass(frozen=True)
class Track:
    """What a robot did in one episode, seen at the end of each control step.

    Attributes:
        dt_s: of a control step.
        forward_m: (T,) how far it is from where it began.
        tilt_rad: (T,) between its torso's axis and the vertical.
        left_down: (T,) whether its left foot touches the ground.
        right_down: (T,) and its right one.
        lead_m: (T,) how far the left foot is before the right one.
        fallen: whether it fell after the last of these steps, or touched the ground with more than its feet.
    """

    dt_s: float
    forward_m: F64
    tilt_rad: F64
    left_down: Bool
    right_down: Bool
    lead_m: F64
    fallen: bool


@dataclass(frozen=True)
class Verdict:
    """What is to be said of a track.

    Attributes:
        seconds: until the fall or the end.
        metres: how far it came in that time.
        tilt_deg: the largest.
        footfalls: how often a foot came down.
        alternating: share of them that came from the other foot than the one before.
        leading: share of them in which the foot came down before the other one: feet that pass each other.
        failures: in words, what it takes to walk and was not there; empty when it walks.
    """

    seconds: float
    metres: float
    tilt_deg: float
    footfalls: int
    alternating: float
    leading: float
    failures: tuple[str, ...]

    @property
    def walks(self) -> bool:
        """Whether nothing is missing."""
        return not self.failures


def judge_walk(track: Track) -> Verdict:
    """Say whether a robot walked: 20 s without a fall, 20 m forward, upright, one foot after the other."""
    n = min(len(track.forward_m), round(SECONDS / track.dt_s))
    falls = footfalls(track.left_down[:n], track.right_down[:n], track.dt_s)
    changes = [
        before[1] != after[1] and after[0] - before[0] >= STEP_S / track.dt_s - 0.5
        for before, after in pairwise(falls)
    ]
    ahead = [(track.lead_m[step] > 0.0) == (foot == "left") for step, foot in falls]
    seconds = n * track.dt_s
    metres = float(track.forward_m[n - 1]) if n else 0.0
    tilt_deg = float(np.degrees(track.tilt_rad[:n].max(initial=0.0)))
    alternating = float(np.mean(changes)) if changes else 0.0
    failures = []
    if track.fallen or seconds < SECONDS - 0.5 * track.dt_s:
        failures.append(f"fell after {seconds:.1f} s")
    if metres < METRES:
        failures.append(f"came {metres:.1f} m, not {METRES:.0f}")
    if tilt_deg > TILT_DEG:
        failures.append(f"leant by {tilt_deg:.0f} degrees, more than {TILT_DEG:.0f}")
    if len(falls) < FOOTFALLS_PER_S * seconds:
        failures.append(f"made {len(falls)} footfalls in {seconds:.0f} s")
    if alternating < ALTERNATING:
        failures.append(f"only {100 * alternating:.0f} % of the footfalls were of the other foot")
    leading = float(np.mean(ahead)) if ahead else 0.0
    return Verdict(seconds, metres, tilt_deg, len(falls), alternating, leading, tuple(failures))


def footfalls(left_down: Bool, right_down: Bool, dt_s: float) -> list[tuple[int, str]]:
    """When which foot came down, in order: (step, "left" or "right").

    Args:
        left_down: (T,) whether the left foot touches the ground.
        right_down: (T,).
        dt_s: between two of them.
    """
    least = max(1, round(SWING_S / dt_s))
    found = []
    for foot, down in (("left", left_down), ("right", right_down)):
        in_air = 0
        for step, touches in enumerate(down.tolist()):
            if touches and in_air >= least:
                found.append((step, foot))
            in_air = 0 if touches else in_air + 1
    return sorted(found)
