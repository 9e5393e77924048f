"""What the page needs to draw a robot: bodies, geoms, joints, actuators, limb axes; JSON with fixed bytes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

import mujoco
import numpy as np
import numpy.typing as npt

_DRAWN = ("plane", "sphere", "capsule", "ellipsoid", "cylinder", "box")
_SIDE_M = 0.02
"""A limb whose middle lies closer than this (m) to the robot's middle plane belongs to neither side."""


@dataclass(frozen=True)
class View:
    """How a side view looks at a robot.

    Attributes:
        tracking_body: the body the camera follows.
        axis: the plane of the 2D view.
        height_axis: the axis (0 x, 2 z) along which the standing height is measured in the first pose.
        fixed_base: the robot cannot travel, so neither camera nor floor moves.
    """

    tracking_body: str
    axis: Literal["xz", "xy"] = "xz"
    height_axis: Literal[0, 2] = 2
    fixed_base: bool = False


def rest_data(model: mujoco.MjModel) -> mujoco.MjData:
    """The robot in its first pose: the first keyframe where the model has one, else qpos0."""
    data = mujoco.MjData(model)
    if model.nkey:
        mujoco.mj_resetDataKeyframe(model, data, 0)
    mujoco.mj_forward(model, data)
    return data


def extent(model: mujoco.MjModel, data: mujoco.MjData, axis: int) -> tuple[float, float]:
    """Lowest and highest coordinate (m) of the robot's geoms along a world axis, without the floor."""
    low, high = np.inf, -np.inf
    for geom in range(model.ngeom):
        if model.geom_bodyid[geom] == 0:
            continue
        middle, rotation = data.geom_xpos[geom, axis], data.geom_xmat[geom].reshape(3, 3)[axis]
        reach = _reach(str(_geom_type(model, geom)), model.geom_size[geom], rotation)
        low, high = min(low, middle - reach), max(high, middle + reach)
    return float(low), float(high)


def _reach(kind: str, size: npt.NDArray[np.float64], row: npt.NDArray[np.float64]) -> float:
    """Half the length (m) of a geom along the world axis whose components in the geom's frame are `row`."""
    if kind == "sphere":
        return float(size[0])
    if kind == "capsule":
        return float(size[0] + size[1] * abs(row[2]))
    if kind == "cylinder":
        return float(size[0] * np.hypot(row[0], row[1]) + size[1] * abs(row[2]))
    if kind == "ellipsoid":
        return float(np.linalg.norm(size * row))
    if kind == "box":
        return float(np.abs(size * row).sum())
    raise ValueError(f"a robot's geom has type {kind!r}; drawable are {', '.join(_DRAWN[1:])}")


def _geom_type(model: mujoco.MjModel, geom: int) -> str:
    return str(mujoco.mjtGeom(model.geom_type[geom]).name).removeprefix("mjGEOM_").lower()


def _plain(values: npt.ArrayLike) -> list[float]:
    """Six digits, no minus zero: the same text on every machine."""
    return [round(float(value), 6) + 0.0 for value in np.asarray(values, dtype=np.float64).ravel()]


def _bodies(model: mujoco.MjModel) -> list[dict[str, Any]]:
    return [
        {
            "name": model.body(body).name,
            "parent": int(model.body_parentid[body]),
            "mass": _plain(model.body_mass[body])[0],
        }
        for body in range(model.nbody)
    ]


def _geoms(model: mujoco.MjModel) -> list[dict[str, Any]]:
    geoms = []
    for geom in range(model.ngeom):
        material = int(model.geom_matid[geom])
        # MuJoCo draws a geom in its material's colour unless the geom sets its own.
        own = model.geom_rgba[geom].tolist() != [0.5, 0.5, 0.5, 1.0]
        rgba = model.geom_rgba[geom] if own or material < 0 else model.mat_rgba[material]
        geoms.append(
            {
                "name": model.geom(geom).name,
                "body": int(model.geom_bodyid[geom]),
                "type": _geom_type(model, geom),
                "size": _plain(model.geom_size[geom]),
                "pos": _plain(model.geom_pos[geom]),
                "quat": _plain(model.geom_quat[geom]),
                "rgba": _plain(rgba),
            }
        )
    return geoms


def _joints(model: mujoco.MjModel) -> list[dict[str, Any]]:
    return [
        {
            "name": model.joint(joint).name,
            "type": str(mujoco.mjtJoint(model.jnt_type[joint]).name).removeprefix("mjJNT_").lower(),
            "body": int(model.jnt_bodyid[joint]),
            "pos": _plain(model.jnt_pos[joint]),
            "axis": _plain(model.jnt_axis[joint]),
            "range": _plain(model.jnt_range[joint]) if model.jnt_limited[joint] else None,
        }
        for joint in range(model.njnt)
    ]


def _servo(model: mujoco.MjModel, actuator: int) -> dict[str, float] | None:
    """What a position actuator does: torque = stiffness (target + scale ctrl - q) - damping dq/dt.

    None where an actuator does not push towards an angle.
    """
    gain, bias = model.actuator_gainprm[actuator], model.actuator_biasprm[actuator]
    if model.actuator_biastype[actuator] != mujoco.mjtBias.mjBIAS_AFFINE or bias[1] >= 0.0:
        return None
    stiffness = -float(bias[1])
    values = {"target": bias[0] / stiffness, "scale": gain[0] / stiffness}
    values |= {"stiffness": stiffness, "damping": -bias[2]}
    return {name: _plain(value)[0] for name, value in values.items()}


def _actuators(model: mujoco.MjModel, data: mujoco.MjData) -> list[dict[str, Any]]:
    actuators = []
    for actuator in range(model.nu):
        gear = abs(float(model.actuator_gear[actuator, 0]))
        if model.actuator_forcelimited[actuator]:
            force = gear * float(np.abs(model.actuator_forcerange[actuator]).max())
        else:
            gain = abs(float(model.actuator_gainprm[actuator, 0]))
            force = gear * gain * float(np.abs(model.actuator_ctrlrange[actuator]).max())
        joint = int(model.actuator_trnid[actuator, 0])
        actuators.append(
            {
                "name": model.actuator(actuator).name or model.joint(joint).name,
                "joint": joint,
                "ctrlrange": _plain(model.actuator_ctrlrange[actuator]),
                "force": _plain(force)[0],
                "gear": _plain(gear)[0],
                "rest": _plain(data.qpos[model.jnt_qposadr[joint]])[0],
                "servo": _servo(model, actuator),
            }
        )
    return actuators


def _side(y: float, name: str) -> str:
    """The side of a limb y metres left of the middle plane; planar robots tell legs apart by name."""
    if abs(y) >= _SIDE_M:
        return "left" if y > 0 else "right"
    return next((side for side in ("left", "right") if side in name), "centre")


def _limbs(model: mujoco.MjModel, data: mujoco.MjData, tracking_body: int) -> list[dict[str, Any]]:
    """The axis of every round geom in its body's frame; its side by the y of its middle in the first pose."""
    limbs = []
    for geom in range(model.ngeom):
        kind, body = _geom_type(model, geom), int(model.geom_bodyid[geom])
        if body == 0 or kind not in ("capsule", "cylinder", "sphere"):
            continue
        rotation = np.zeros(9)
        mujoco.mju_quat2Mat(rotation, model.geom_quat[geom])
        half = rotation.reshape(3, 3)[:, 2] * (0.0 if kind == "sphere" else model.geom_size[geom, 1])
        y = float(data.geom_xpos[geom, 1] - data.xpos[tracking_body, 1])
        limbs.append(
            {
                "body": body,
                "from": _plain(model.geom_pos[geom] - half),
                "to": _plain(model.geom_pos[geom] + half),
                "radius": _plain(model.geom_size[geom, 0])[0],
                "side": _side(y, model.body(body).name),
            }
        )
    return limbs


def scene(name: str, xml: str, view: View) -> dict[str, Any]:
    """The drawing of a model; bodies, parents, joints are indices in mjModel's order, body 0 the world."""
    model = mujoco.MjModel.from_xml_string(xml)
    data = rest_data(model)
    tracking_body = int(model.body(view.tracking_body).id)
    low, high = extent(model, data, view.height_axis)
    return {
        "name": name,
        "timestep": _plain(model.opt.timestep)[0],
        "bodies": _bodies(model),
        "geoms": _geoms(model),
        "joints": _joints(model),
        "actuators": _actuators(model, data),
        "limbs": _limbs(model, data, tracking_body),
        "rest": [_plain(np.concatenate([data.xpos[body], data.xquat[body]])) for body in range(model.nbody)],
        "tracking_body": tracking_body,
        "view": {"height": _plain(high - low)[0], "axis": view.axis, "fixed_base": view.fixed_base},
    }


def scene_json(name: str, xml: str, view: View) -> str:
    """`scene` as JSON text; equal models give equal bytes."""
    return json.dumps(scene(name, xml, view), indent=1, allow_nan=False) + "\n"
