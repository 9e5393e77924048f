"""The reward of robots that somebody brought; tasks/own_robot.py chooses its weights."""

import numpy as np

from tabrl_py.rewards.state import State
from tabrl_py.rewards.sums import Terms, alive, mean_square, summed
from tabrl_py.types import F64


def own_robot(
    s: State,
    forward_weight: float = 0.0,
    still_weight: float = 0.0,
    rise_weight: float = 0.0,
    reach_weight: float = 0.0,
    alive_weight: float = 0.0,
    upright_weight: float = 0.0,
    control_weight: float = 0.0,
    up_x: float = 0.0,
    up_y: float = 0.0,
    up_z: float = 1.0,
    first_pitch: float = 0.0,
) -> tuple[F64, Terms]:
    """A goal, being upright where that means something, and effort; terms without weight are left out.

    Args:
        s: with the signals `place` (centre of mass, m) and `tip` (the farthest body, m), and for the upright
            term `orientation` (quaternion of a free root) or `pitch` (rad).
        forward_weight: per m/s of the centre of mass along x.
        still_weight: per squared horizontal speed of the centre of mass, up to 1 m2/s2.
        rise_weight: per m that the centre of mass is high.
        reach_weight: per m that the tip is along x.
        alive_weight: per step that does not end the task.
        upright_weight: times the cosine of the tilt from the first pose.
        control_weight: times the mean squared action.
        up_x: with up_y and up_z, the root's direction that is up in the first pose.
        up_y: see up_x.
        up_z: see up_x.
        first_pitch: the pitch of the first pose (rad).
    """
    terms: Terms = {}
    if forward_weight:
        terms["forward"] = forward_weight * (s.place[:, 0] - s.prev.place[:, 0]) / s.dt
    if still_weight:
        x_speed = (s.place[:, 0] - s.prev.place[:, 0]) / s.dt
        y_speed = (s.place[:, 1] - s.prev.place[:, 1]) / s.dt
        terms["still"] = -still_weight * np.minimum(x_speed**2 + y_speed**2, 1.0)
    if rise_weight:
        terms["rise"] = rise_weight * s.place[:, 2]
    if reach_weight:
        terms["reach"] = reach_weight * s.tip[:, 0]
    if alive_weight:
        terms["alive"] = alive_weight * alive(s)
    if upright_weight:
        terms["upright"] = upright_weight * _upright(s, (up_x, up_y, up_z), first_pitch)
    terms["control"] = -control_weight * mean_square(s.action)
    return summed(terms)


def _upright(s: State, up: tuple[float, float, float], first_pitch: float) -> F64:
    """(N,) cosine of the tilt from the first pose."""
    if not hasattr(s, "orientation"):
        leaning: F64 = np.cos(s.pitch - first_pitch)
        return leaning
    w, x, y, z = (s.orientation[:, i] for i in range(4))
    # The engine takes a quaternion of any length for one of length 1.
    length2 = w * w + x * x + y * y + z * z
    risen: F64 = (
        up[0] * 2.0 * (x * z - w * y)
        + up[1] * 2.0 * (y * z + w * x)
        + up[2] * (w * w - x * x - y * y + z * z)
    ) / length2
    return risen
