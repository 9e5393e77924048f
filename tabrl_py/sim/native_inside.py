"""What the native engine derives inside one robot."""

import mujoco
import numpy as np

from tabrl_py.sim.inside import Inside
from tabrl_py.types import MjData, MjModel

MOST_CONTACTS = 64
"""A robot that lies flat has some twenty."""


def inside_of(model: MjModel, data: MjData) -> Inside:
    """The inside of the robot whose state is in MjData, after mj_forward."""
    contacts: list[float] = []
    wrench = np.zeros(6)
    for index in range(min(data.ncon, MOST_CONTACTS)):
        contact = data.contact[index]
        mujoco.mj_contactForce(model, data, index, wrench)
        # The force acts on the second geom; where that is the world's, the robot feels the opposite.
        sign = -1.0 if model.geom_bodyid[contact.geom[1]] == 0 else 1.0
        force = sign * (contact.frame.reshape(3, 3).T @ wrench[:3])
        contacts += [*contact.pos.tolist(), *force.tolist()]
    single = np.isin(model.jnt_type, (mujoco.mjtJoint.mjJNT_HINGE, mujoco.mjtJoint.mjJNT_SLIDE))
    return Inside(
        contacts=contacts,
        com=data.subtree_com[0].tolist(),
        joints=np.where(single, data.qpos[model.jnt_qposadr], 0.0).tolist(),
        actuator_force=data.actuator_force.tolist(),
    )
