"""The first state of an episode, and what else it is made of, drawn as the task describes it."""

import math

import numpy as np

from tabrl_py.tasks.spec import TRAITS, CommandSpec, TaskSpec
from tabrl_py.types import F64

FREE_JOINT_QPOS = 7
"""Position numbers of a free joint: three of place, four of the quaternion."""
LYING_TILT = math.radians(30.0)
"""A robot that is dropped has its long axis within this of level."""


def sample_reset(
    task: TaskSpec,
    qpos0: F64,
    nv: int,
    rng: np.random.Generator,
    level: float = 1.0,
    randomize: bool = False,
) -> F64:
    """Draw what an episode begins with: the start position and rest, each with the task's noise, and so on.

    The order of the draws (all of qpos, then all of qvel) is Gymnasium's: the same generator gives the same
    state as there. Whatever else the task has is drawn after them.

    Args:
        task: describes the noise.
        qpos0: (nq,) the start position.
        nv: degrees of freedom.
        rng: the environment's own stream.
        level: of the task's curriculum, 0 to 1.
        randomize: whether to draw all of the task's randomizations, not only those that are part of it.

    Returns:
        (I,) qpos, qvel, command, traits, steps to settle, action meanwhile; what BatchSim.next_init takes.
    """
    spec = task.reset
    nq = qpos0.size
    state = np.zeros(task.init_size(nq, nv))
    skipped = 0 if spec.root_noise else FREE_JOINT_QPOS
    state[:nq] = qpos0
    state[skipped:nq] += rng.uniform(-spec.qpos_noise, spec.qpos_noise, nq - skipped)
    if spec.qvel_kind == "normal":
        state[nq : nq + nv] = spec.qvel_noise * rng.standard_normal(nv)
    else:
        state[nq : nq + nv] = rng.uniform(-spec.qvel_noise, spec.qvel_noise, nv)
    if spec.drop_height is not None:
        state[2] = spec.drop_height
        state[3:FREE_JOINT_QPOS] = _lying(rng)
    at = nq + nv
    if task.command is not None:
        state[at : at + task.command_size] = draw_command(task.command, rng, command_level(task, level))
        at += task.command_size
    traits = draw_traits(task, rng, level, randomize)
    state[at : at + traits.size] = traits
    at += traits.size
    if spec.settle_steps:
        state[at] = spec.settle_steps
        state[at + 1 :] = rng.uniform(task.action_low, task.action_high)
    return state


def command_level(task: TaskSpec, level: float) -> float:
    """How far commands are drawn at a level of the curriculum, 0 to 1."""
    return level if task.curriculum is not None and "command" in task.curriculum.scales else 1.0


def draw_command(spec: CommandSpec, rng: np.random.Generator, level: float = 1.0) -> F64:
    """A command, (C,): at level 0 the easiest, at 1 any that the task allows, between them on the way."""
    chance = rng.random(2)
    command: F64 = rng.uniform(spec.low, spec.high)
    alone = int(rng.integers(spec.size))
    if chance[0] < spec.zero_share:
        command[:] = 0.0
    elif chance[1] < spec.single_share:
        command[np.arange(spec.size) != alone] = 0.0
    easiest: F64 = np.array(spec.easiest or (0.0,) * spec.size)
    told: F64 = (1.0 - level) * easiest + level * command
    return told


def draw_traits(task: TaskSpec, rng: np.random.Generator, level: float, randomize: bool) -> F64:
    """The traits of an episode, (P,): those that are drawn, and the plain model's in place of the others."""
    scales = () if task.curriculum is None else task.curriculum.scales
    found = {name: TRAITS[name] for name in task.traits}
    for entry in task.randomization:
        if entry.name in found and (entry.always or randomize):
            plain = TRAITS[entry.name]
            width = level if entry.name in scales else 1.0
            found[entry.name] = plain + width * (rng.uniform(entry.low, entry.high) - plain)
    return np.array(list(found.values()))


def _lying(rng: np.random.Generator) -> F64:
    """A quaternion, (4,): heading and roll about the long axis uniform, the long axis nearly level.

    Its numbers are rounded: the last bits of a sine differ between engines, and a fall would amplify them.
    """
    heading, roll = rng.uniform(-math.pi, math.pi, 2)
    pitch = math.pi / 2 + rng.uniform(-LYING_TILT, LYING_TILT)
    lying: F64 = np.round(_product(_product(_about(2, heading), _about(1, pitch)), _about(2, roll)), 9)
    return lying


def _about(axis: int, angle: float) -> F64:
    """The quaternion of a turn about a coordinate axis (0 x, 1 y, 2 z)."""
    quaternion = np.zeros(4)
    quaternion[0], quaternion[1 + axis] = math.cos(angle / 2), math.sin(angle / 2)
    return quaternion


def _product(a: F64, b: F64) -> F64:
    """The quaternion of turn b, then turn a."""
    w = a[0] * b[0] - a[1:] @ b[1:]
    return np.array([w, *(a[0] * b[1:] + b[0] * a[1:] + np.cross(a[1:], b[1:]))])
