"""The reward functions that tasks name.

A reward is `reward(s, **params) -> (total, terms)` on the whole batch: `total` (N,) and `terms`, each (N,),
already weighted and adding up to the total. float64 throughout.
"""

from collections.abc import Callable
from functools import partial
from typing import TypeAlias

import numpy as np

from tabrl_py.errors import ConfigError
from tabrl_py.rewards.own_robot import own_robot
from tabrl_py.rewards.state import State
from tabrl_py.rewards.sums import Terms
from tabrl_py.rewards.sums import alive as _alive
from tabrl_py.rewards.sums import between as _between
from tabrl_py.rewards.sums import mean_square as _mean_square
from tabrl_py.rewards.sums import squared_sum as _squared_sum
from tabrl_py.rewards.sums import summed as _summed
from tabrl_py.sim.batch import BatchSim
from tabrl_py.tasks.signals import CODE
from tabrl_py.tasks.spec import TaskSpec
from tabrl_py.types import F64, Float

CARRYING_N = 5.0
"""A sole that is pressed harder than this carries."""
NamedReward: TypeAlias = Callable[..., tuple[F64, Terms]]


def reward_of(task: TaskSpec) -> Callable[[State], tuple[F64, Terms]]:
    """The reward function of a task, with the task's parameters, or made of its source.

    Raises:
        ConfigError: the task names a reward that does not exist.
        RewardError: the source is not sound.
    """
    spec = task.reward
    if spec.name == CODE:
        # What reads code is loaded by those who have some: it would make every worker's start longer.
        from tabrl_py.rewards.compiled import compile_source

        return compile_source(spec.source, task)
    function = REWARDS.get(spec.name)
    if function is None:
        raise ConfigError(f"reward={spec.name!r} is not known; the rewards are {', '.join(REWARDS)}")
    return partial(function, **spec.params)


def compute_reward(sim: BatchSim, actions: Float) -> tuple[F64, Terms]:
    """The reward of the step a simulation has just made, as its task defines it.

    Args:
        sim: after step(actions).
        actions: (N, A), those of the step.

    Returns:
        (N,) rewards and their weighted terms, (N,) each.

    Raises:
        ConfigError: the task names a reward that does not exist.
    """
    state = State(
        sim.task.signal_slices(),
        sim.signals,
        sim.prev_signals,
        np.asarray(actions, dtype=np.float64),
        sim.dt,
        sim.terminated,
    )
    return reward_of(sim.task)(state)


def balance(s: State) -> tuple[F64, Terms]:
    """1 for every step the pole is up (Gymnasium's InvertedPendulum)."""
    return _summed({"alive": _alive(s)})


def double_balance(s: State, alive_weight: float) -> tuple[F64, Terms]:
    """Both poles up, their tip high and over the middle, slowly (Gymnasium's InvertedDoublePendulum)."""
    x, height = s.tip[:, 0], s.tip[:, 2]
    first, second = s.pole_velocities[:, 0], s.pole_velocities[:, 1]
    return _summed(
        {
            "alive": alive_weight * _alive(s),
            "distance": -(0.01 * x**2 + (height - 2.0) ** 2),
            "velocity": -(1e-3 * first**2 + 5e-3 * second**2),
        }
    )


def travel(
    s: State,
    forward_weight: float,
    control_weight: float,
    alive_weight: float = 0.0,
    contact_weight: float = 0.0,
    contact_force_limit: float = np.inf,
    contact_cost_limit: float = np.inf,
) -> tuple[F64, Terms]:
    """Speed along x, less effort and contact forces, as in Gymnasium's tasks that travel.

    Args:
        s: with the signals `position` (x, m) and, where contact_weight is not 0, `contact_forces`.
        forward_weight: per m/s.
        control_weight: per squared action.
        alive_weight: per step that does not end the task.
        contact_weight: per squared N (or N m) of contact.
        contact_force_limit: each force counts up to this.
        contact_cost_limit: the whole contact term counts up to this.
    """
    terms = {
        "forward": forward_weight * (s.position - s.prev.position) / s.dt,
        "control": -control_weight * _squared_sum(s.action),
    }
    if alive_weight:
        terms["alive"] = alive_weight * _alive(s)
    if contact_weight:
        forces = _between(s.contact_forces, -contact_force_limit, contact_force_limit)
        terms["contact"] = -np.minimum(contact_weight * _squared_sum(forces), contact_cost_limit)
    return _summed(terms)


def stand_up(
    s: State,
    height_weight: float,
    control_weight: float,
    contact_weight: float,
    contact_cost_limit: float,
    alive_weight: float,
) -> tuple[F64, Terms]:
    """Height of the torso, less effort and impact (Gymnasium's HumanoidStandup)."""
    return _summed(
        {
            "height": height_weight * s.height,
            "control": -control_weight * _squared_sum(s.action),
            "contact": -np.minimum(contact_weight * _squared_sum(s.contact_forces), contact_cost_limit),
            "alive": np.full(s.height.shape, alive_weight),
        }
    )


def stand(
    s: State,
    alive_weight: float = 1.0,
    upright_weight: float = 0.5,
    head_weight: float = 0.25,
    heading_weight: float = 0.25,
    still_weight: float = 0.5,
    control_weight: float = 0.05,
) -> tuple[F64, Terms]:
    """On its feet: head high, upright, facing x, in place, without effort (the house robot).

    Args:
        s: of the house robot.
        alive_weight: per step that does not end the task.
        upright_weight: times the z part of the torso's upward axis.
        head_weight: times the head's height, 0 at 1.0 m to 1 at 1.4 m.
        heading_weight: times the cosine of the heading.
        still_weight: times the squared horizontal speed of the centre of mass, up to 1 m2/s2.
        control_weight: times the mean squared action.
    """
    speed2 = s.com_velocity[:, 0] ** 2 + s.com_velocity[:, 1] ** 2
    return _summed(
        {
            "alive": alive_weight * _alive(s),
            "upright": upright_weight * s.upright,
            "head": head_weight * _between((s.head_height - 1.0) / 0.4, 0.0, 1.0),
            "heading": heading_weight * s.heading[:, 0],
            "still": -still_weight * np.minimum(speed2, 1.0),
            "control": -control_weight * _mean_square(s.action),
        }
    )


def go_forward(
    s: State,
    target_speed: float,
    alive_weight: float = 1.0,
    forward_weight: float = 1.5,
    upright_weight: float = 0.5,
    heading_weight: float = 0.25,
    sideways_weight: float = 0.25,
    control_weight: float = 0.05,
    tilt_weight: float = 0.0,
    change_weight: float = 0.0,
    gait_weight: float = 0.0,
    gait_period_s: float = 0.8,
    flight_weight: float = 0.0,
) -> tuple[F64, Terms]:
    """Speed along x up to a target, upright, facing x, without drifting aside or effort (the house robot).

    The gait term asks for steps in time: in the first half of each period weight on the right foot earns and
    weight on the left one costs, in the second half the other way round, after Siekmann et al., "Sim-to-Real
    Learning of All Common Bipedal Gaits via Periodic Reward Composition", arXiv:2011.01387.

    Args:
        s: of the house robot.
        target_speed: m/s; going faster earns no more.
        alive_weight: per step that does not end the task.
        forward_weight: per m/s of the centre of mass along x.
        upright_weight: times the z part of the torso's upward axis.
        heading_weight: times the cosine of the heading.
        sideways_weight: per m/s of the centre of mass along y, up to 2 m/s.
        control_weight: times the mean squared action.
        tilt_weight: times the squared sine of the torso's angle from upright.
        change_weight: times the mean squared change of the control; needs the signal `control`.
        gait_weight: times the sine of the period, where only the right foot carries, and less where only the
            left one does; needs the signals `clock` (s) and `soles` (right, left, N).
        gait_period_s: of two steps.
        flight_weight: per step in which neither foot carries; without it a robot may hop in time.
    """
    forward, sideways = s.com_velocity[:, 0], s.com_velocity[:, 1]
    terms = {
        "alive": alive_weight * _alive(s),
        "forward": forward_weight * _between(forward, -target_speed, target_speed),
        "upright": upright_weight * s.upright,
        "heading": heading_weight * s.heading[:, 0],
        "sideways": -sideways_weight * np.minimum(np.abs(sideways), 2.0),
        "control": -control_weight * _mean_square(s.action),
    }
    if tilt_weight:
        terms["tilt"] = -tilt_weight * (1.0 - np.square(s.upright))
    if change_weight:
        terms["change"] = -change_weight * _mean_square(s.control - s.prev.control)
    if gait_weight:
        terms["gait"] = gait_weight * _in_time(s, gait_period_s)
    if flight_weight:
        right, left = (s.soles > CARRYING_N).astype(np.float64).T
        terms["flight"] = -flight_weight * (1.0 - np.maximum(right, left))
    return _summed(terms)


def _in_time(s: State, period_s: float) -> F64:
    """Sine of the gait's period where only the right foot carries, less it where only the left one does."""
    right, left = (s.soles > CARRYING_N).astype(np.float64).T
    in_time: F64 = np.sin((2.0 * np.pi / period_s) * s.clock) * (right - left)
    return in_time


def _own_velocity(s: State) -> tuple[F64, F64]:
    """Speed of the centre of mass forward and to the left, (N,) m/s each, as the robot heads."""
    cos, sin = _direction(s.heading)
    x, y = s.com_velocity[:, 0], s.com_velocity[:, 1]
    return cos * x + sin * y, cos * y - sin * x


def _direction(heading: F64) -> tuple[F64, F64]:
    """Cosine and sine, (N,) each, of a robot's heading, from the level part of its forward axis (N, 2)."""
    length = np.maximum(_length(heading[:, 0], heading[:, 1]), 1e-6)
    return heading[:, 0] / length, heading[:, 1] / length


def _length(x: F64, y: F64) -> F64:
    """Of n vectors, (N,)."""
    length: F64 = np.sqrt(x * x + y * y)
    return length


def _closeness(error: F64, wanted: F64, floor: float) -> F64:
    """1 where nothing is amiss, 0 where the error is as large as what is wanted or `floor`, down to -1.

    Unlike an exponential of the error it rises all the way from doing nothing to doing what is wanted.
    """
    closeness: F64 = np.maximum(1.0 - error / np.maximum(wanted, floor), -1.0)
    return closeness


def follow(
    s: State,
    alive_weight: float = 1.0,
    move_weight: float = 4.0,
    turn_weight: float = 1.0,
    upright_weight: float = 0.5,
    tilt_weight: float = 6.0,
    control_weight: float = 0.05,
    change_weight: float = 0.1,
    gait_weight: float = 1.0,
    gait_period_s: float = 0.64,
    flight_weight: float = 0.0,
    rest_weight: float = 0.0,
) -> tuple[F64, Terms]:
    """Moves and turns as its command says, upright, in steps, without effort (the house robot).

    Args:
        s: of the house robot, with the signals `clock`, `soles` and `control`, and `command`: forward (m/s),
            sideways to the left (m/s), turn to the left (rad/s), all as the robot itself heads.
        alive_weight: per step that does not end the task.
        move_weight: times how close the centre of mass's velocity is to the command's.
        turn_weight: times how close the turning rate of the heading is to the command's.
        upright_weight: times the z part of the torso's upward axis.
        tilt_weight: times the squared sine of the torso's angle from upright.
        control_weight: times the mean squared action.
        change_weight: times the mean squared change of the control.
        gait_weight: times what go_forward earns by steps in time, where it is told to go or turn.
        gait_period_s: of two steps.
        flight_weight: per step in which neither foot carries.
        rest_weight: per step in which both feet carry, where it is told to stand still.
    """
    forward, sideways = _own_velocity(s)
    (cos, sin), (cos0, sin0) = _direction(s.heading), _direction(s.prev.heading)
    # The sine of the angle turned in one step: equal to the angle within 1 % up to 10 rad/s.
    turn = (cos0 * sin - sin0 * cos) / s.dt
    want_forward, want_sideways, want_turn = s.command.T
    off = _length(forward - want_forward, sideways - want_sideways)
    want_speed, want_rate = _length(want_forward, want_sideways), np.abs(want_turn)
    told = np.minimum((want_speed + want_rate) / 0.3, 1.0)
    terms = {
        "alive": alive_weight * _alive(s),
        "move": move_weight * _closeness(off, want_speed, 0.4),
        "turn": turn_weight * _closeness(np.abs(turn - want_turn), want_rate, 1.0),
        "upright": upright_weight * s.upright,
        "tilt": -tilt_weight * (1.0 - np.square(s.upright)),
        "control": -control_weight * _mean_square(s.action),
        "change": -change_weight * _mean_square(s.control - s.prev.control),
        "gait": gait_weight * told * _in_time(s, gait_period_s),
    }
    right, left = (s.soles > CARRYING_N).astype(np.float64).T
    if flight_weight:
        terms["flight"] = -flight_weight * (1.0 - np.maximum(right, left))
    if rest_weight:
        terms["rest"] = rest_weight * (1.0 - told) * np.minimum(right, left)
    return _summed(terms)


def get_up(
    s: State,
    rise_weight: float = 1.0,
    upright_weight: float = 0.5,
    stand_weight: float = 1.5,
    still_weight: float = 0.5,
    control_weight: float = 0.05,
) -> tuple[F64, Terms]:
    """Head up from the floor, torso upright, then standing still without effort (the house robot).

    Args:
        s: of the house robot.
        rise_weight: times the head's height, 0 on the floor to 1 at 1.3 m.
        upright_weight: times the z part of the torso's upward axis.
        stand_weight: times how far it stands: the head's height, 0 at 0.9 m to 1 at 1.3 m.
        still_weight: times how far it stands and its squared horizontal speed, up to 1 m2/s2.
        control_weight: times the mean squared action.
    """
    standing = _between((s.head_height - 0.9) / 0.4, 0.0, 1.0)
    speed2 = s.com_velocity[:, 0] ** 2 + s.com_velocity[:, 1] ** 2
    return _summed(
        {
            "rise": rise_weight * _between(s.head_height / 1.3, 0.0, 1.0),
            "upright": upright_weight * s.upright,
            "stand": stand_weight * standing,
            "still": -still_weight * standing * np.minimum(speed2, 1.0),
            "control": -control_weight * _mean_square(s.action),
        }
    )


REWARDS: dict[str, NamedReward] = {
    "balance": balance,
    "double_balance": double_balance,
    "travel": travel,
    "stand_up": stand_up,
    "stand": stand,
    "go_forward": go_forward,
    "follow": follow,
    "get_up": get_up,
    "own_robot": own_robot,
}
