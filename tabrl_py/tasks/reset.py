"""The first state of an episode, drawn as the task describes it."""

import numpy as np

from tabrl_py.tasks.spec import TaskSpec
from tabrl_py.types import F64

FREE_JOINT_QPOS = 7
"""Position numbers of a free joint: three of place, four of the quaternion."""


def sample_reset(task: TaskSpec, qpos0: F64, nv: int, rng: np.random.Generator) -> F64:
    """Draw a first state: the start position and rest, each with the task's noise.

    The order of the draws (all of qpos, then all of qvel) is Gymnasium's: the same generator gives the same
    state as there.

    Args:
        task: describes the noise.
        qpos0: (nq,) the start position.
        nv: degrees of freedom.
        rng: the environment's own stream.

    Returns:
        (nq + nv,) qpos, then qvel.
    """
    spec = task.reset
    nq = qpos0.size
    state = np.zeros(nq + nv)
    skipped = 0 if spec.root_noise else FREE_JOINT_QPOS
    state[:nq] = qpos0
    state[skipped:nq] += rng.uniform(-spec.qpos_noise, spec.qpos_noise, nq - skipped)
    if spec.qvel_kind == "normal":
        state[nq:] = spec.qvel_noise * rng.standard_normal(nv)
    else:
        state[nq:] = rng.uniform(-spec.qvel_noise, spec.qvel_noise, nv)
    return state
