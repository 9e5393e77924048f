"""What a compiled model has that a task can be made of: joints, actuators, sensors, its first pose.

web/workers/robot/description.js writes the same record; tests/parity/test_own_robots.py compares the two.
"""

from typing import Any

import mujoco
import numpy as np
import numpy.typing as npt

from tabrl_py.errors import ModelError
from tabrl_py.sim.model_text import unpack
from tabrl_py.types import MjData, MjModel

DIGITS = 6
LONGEST_NAME = 60


def compile_model(text: str, name: str) -> MjModel:
    """The compiled model of a text.

    Args:
        text: see sim/model_text.py.
        name: of the robot, for the message.

    Raises:
        ModelError: the engine refuses it.
    """
    parts = unpack(text)
    try:
        return mujoco.MjModel.from_xml_string(parts.xml, parts.files)
    except ValueError as error:
        raise ModelError(f"{name} cannot be read: {' '.join(str(error).split())}") from error


def describe(model: MjModel) -> dict[str, Any]:
    """The record that tasks/own_robot.py makes a task of; numbers with six digits, lists plain."""
    data = mujoco.MjData(model)
    if model.nkey:
        mujoco.mj_resetDataKeyframe(model, data, 0)
    mujoco.mj_forward(model, data)
    root = _root(model)
    low, high = _extent(model, data)
    return {
        "nq": int(model.nq),
        "nv": int(model.nv),
        "nu": int(model.nu),
        "nbody": int(model.nbody),
        "timestep": _rounded(model.opt.timestep)[0],
        "gravity": _rounded(model.opt.gravity),
        "mass": _rounded(np.sum(model.body_mass))[0],
        "low": low,
        "high": high,
        "ground": bool(np.any((model.geom_bodyid == 0) & (model.geom_contype | model.geom_conaffinity > 0))),
        "root": root,
        "root_place": _rounded(data.xpos[root]),
        "tip": _tip(model, data, root),
        "start": _rounded(data.qpos) if model.nkey else None,
        "rest": _rounded(data.qpos),
        "bodies": [
            {"name": model.body(body).name[:LONGEST_NAME], "parent": int(model.body_parentid[body])}
            for body in range(model.nbody)
        ],
        "joints": [_joint(model, joint) for joint in range(model.njnt)],
        "actuators": [_actuator(model, actuator) for actuator in range(model.nu)],
        "sensors": [
            {
                "name": model.sensor(sensor).name[:LONGEST_NAME],
                "start": int(model.sensor_adr[sensor]),
                "size": int(model.sensor_dim[sensor]),
            }
            for sensor in range(model.nsensor)
        ],
    }


def _rounded(values: npt.ArrayLike) -> list[float]:
    return [round(float(value), DIGITS) + 0.0 for value in np.asarray(values, dtype=np.float64).ravel()]


def _range(values: npt.NDArray[np.float64]) -> list[float] | None:
    """A range, or None where none is given: what the WebAssembly engine can tell of limits."""
    low, high = _rounded(values)
    return [low, high] if low < high else None


def _root(model: MjModel) -> int:
    """The body on the world whose subtree has the most driven joints, then the most mass."""
    driven = [0] * model.nbody
    for actuator in range(model.nu):
        if int(model.actuator_trntype[actuator]) in (0, 1):
            body = int(model.jnt_bodyid[int(model.actuator_trnid[actuator, 0])])
            driven[int(model.body_rootid[body])] += 1
    tops = [body for body in range(1, model.nbody) if model.body_parentid[body] == 0]
    return max(tops, key=lambda body: (driven[body], float(model.body_subtreemass[body]), -body), default=0)


def _tip(model: MjModel, data: MjData, root: int) -> int:
    """The body of the robot whose middle is farthest from where it stands."""
    bodies = [body for body in range(1, model.nbody) if model.body_rootid[body] == root]
    far = {body: round(float(np.linalg.norm(data.xipos[body] - data.xpos[root])), DIGITS) for body in bodies}
    return max(bodies, key=lambda body: (far[body], -body), default=0)


def _extent(model: MjModel, data: MjData) -> tuple[list[float], list[float]]:
    """Corners (m) of a box about all geoms that move, as their bounding spheres have it."""
    moving = model.geom_bodyid > 0
    if not np.any(moving):
        return [0.0] * 3, [0.0] * 3
    middle, radius = data.geom_xpos[moving], model.geom_rbound[moving][:, None]
    return _rounded((middle - radius).min(axis=0)), _rounded((middle + radius).max(axis=0))


def _joint(model: MjModel, joint: int) -> dict[str, Any]:
    return {
        "name": model.joint(joint).name[:LONGEST_NAME],
        "type": ("free", "ball", "slide", "hinge")[int(model.jnt_type[joint])],
        "body": int(model.jnt_bodyid[joint]),
        "qpos": int(model.jnt_qposadr[joint]),
        "dof": int(model.jnt_dofadr[joint]),
        "axis": _rounded(model.jnt_axis[joint]),
        "range": _range(model.jnt_range[joint]),
    }


def _actuator(model: MjModel, actuator: int) -> dict[str, Any]:
    on_joint = int(model.actuator_trntype[actuator]) in (0, 1)
    return {
        "name": model.actuator(actuator).name[:LONGEST_NAME],
        "kind": _kind(model, actuator),
        "joint": int(model.actuator_trnid[actuator, 0]) if on_joint else -1,
        "range": _range(model.actuator_ctrlrange[actuator]),
    }


def _kind(model: MjModel, actuator: int) -> str:
    """What its control is: a position or speed to reach, a muscle's activation, or a force."""
    if int(model.actuator_biastype[actuator]) == int(mujoco.mjtBias.mjBIAS_MUSCLE):
        return "muscle"
    if int(model.actuator_biastype[actuator]) == int(mujoco.mjtBias.mjBIAS_AFFINE):
        stiffness, damping = (-float(value) for value in model.actuator_biasprm[actuator, 1:3])
        if stiffness > 0.0:
            return "position"
        if damping > 0.0:
            return "velocity"
    return "force"
