"""The reward functions that tasks name.

A reward is `reward(s, **params) -> (total, terms)` on the whole batch: `total` (N,) and `terms`, each (N,),
already weighted and adding up to the total. float64 throughout.
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from tabrl_py.errors import ConfigError
from tabrl_py.rewards.state import State
from tabrl_py.sim.batch import BatchSim
from tabrl_py.types import F64, Float

Terms: TypeAlias = dict[str, F64]
RewardFunction: TypeAlias = Callable[..., tuple[F64, Terms]]


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
    spec = sim.task.reward
    function = REWARDS.get(spec.name)
    if function is None:
        raise ConfigError(f"reward={spec.name!r} is not known; the rewards are {', '.join(REWARDS)}")
    state = State(
        sim.task.signal_slices(),
        sim.signals,
        sim.prev_signals,
        np.asarray(actions, dtype=np.float64),
        sim.dt,
        sim.terminated,
    )
    return function(state, **spec.params)


def _summed(terms: Terms) -> tuple[F64, Terms]:
    total = np.zeros_like(next(iter(terms.values())))
    for term in terms.values():
        total += term
    return total, terms


def _alive(s: State) -> F64:
    return (~s.terminated).astype(np.float64)


def _squared_sum(x: F64) -> F64:
    total: F64 = np.square(x).sum(axis=1)
    return total


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
        forces = np.clip(s.contact_forces, -contact_force_limit, contact_force_limit)
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
            "head": head_weight * np.clip((s.head_height - 1.0) / 0.4, 0.0, 1.0),
            "heading": heading_weight * s.heading[:, 0],
            "still": -still_weight * np.minimum(speed2, 1.0),
            "control": -control_weight * np.square(s.action).mean(axis=1),
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
) -> tuple[F64, Terms]:
    """Speed along x up to a target, upright, facing x, without drifting aside or effort (the house robot).

    Args:
        s: of the house robot.
        target_speed: m/s; going faster earns no more.
        alive_weight: per step that does not end the task.
        forward_weight: per m/s of the centre of mass along x.
        upright_weight: times the z part of the torso's upward axis.
        heading_weight: times the cosine of the heading.
        sideways_weight: per m/s of the centre of mass along y, up to 2 m/s.
        control_weight: times the mean squared action.
    """
    forward, sideways = s.com_velocity[:, 0], s.com_velocity[:, 1]
    return _summed(
        {
            "alive": alive_weight * _alive(s),
            "forward": forward_weight * np.clip(forward, -target_speed, target_speed),
            "upright": upright_weight * s.upright,
            "heading": heading_weight * s.heading[:, 0],
            "sideways": -sideways_weight * np.minimum(np.abs(sideways), 2.0),
            "control": -control_weight * np.square(s.action).mean(axis=1),
        }
    )


REWARDS: dict[str, RewardFunction] = {
    "balance": balance,
    "double_balance": double_balance,
    "travel": travel,
    "stand_up": stand_up,
    "stand": stand,
    "go_forward": go_forward,
}
