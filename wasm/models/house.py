"""The house robot: dm_control's humanoid with 21 actuators and the sensors of a 72-number observation.

`house_torque` keeps upstream's motors. `house_position` replaces each by a spring and damper inside the
engine's step, whose target angle is the action: torque = kp * (q0 + scale * ctrl - q) - kv * qd, within the
upstream motor's limits. A zero action aims at the standing pose: left alone the robot mostly keeps it,
pushed a little it falls.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass

import mujoco

from wasm.models import upstream
from wasm.models.scene import View, extent, rest_data

NAMES = ("house_position", "house_torque")
VIEW = View("torso")


@dataclass(frozen=True)
class Servo:
    """One position actuator.

    Attributes:
        kp: stiffness, N m / rad.
        kv: damping, N m s / rad.
        q0: target angle (rad) of a zero action: the standing pose.
        scale: change of the target angle (rad) of a full action.
    """

    kp: float
    kv: float
    q0: float
    scale: float


SERVOS: dict[str, Servo] = {
    "abdomen_y": Servo(200.0, 10.0, 0.0, 0.6),
    "abdomen_z": Servo(200.0, 10.0, 0.0, 0.6),
    "abdomen_x": Servo(200.0, 10.0, 0.0, 0.5),
    "hip_x": Servo(200.0, 10.0, 0.0, 0.5),
    "hip_z": Servo(200.0, 10.0, 0.0, 0.6),
    "hip_y": Servo(300.0, 15.0, -0.2, 1.0),
    "knee": Servo(250.0, 12.0, -0.5, 1.0),
    "ankle_x": Servo(150.0, 3.0, 0.0, 0.5),
    "ankle_y": Servo(400.0, 8.0, -0.3, 0.6),
    "shoulder1": Servo(40.0, 2.0, 0.7, 1.0),
    "shoulder2": Servo(40.0, 2.0, -0.55, 1.0),
    "elbow": Servo(40.0, 2.0, -1.3, 1.0),
}
"""By joint name without its side: left and right axes mirror each other, so both share the numbers."""

_MIRRORED = ("shoulder1", "shoulder2")
"""Joints whose left range is the mirror of the right one: q0 changes sign on the left."""

_FOOT_CLEARANCE_M = 0.001

_SITES = (
    (
        "right_foot",
        {"name": "right_sole", "type": "box", "pos": ".035 -.01 0", "size": ".16 .08 .05", "rgba": "0 0 0 0"},
    ),
    (
        "left_foot",
        {"name": "left_sole", "type": "box", "pos": ".035 .01 0", "size": ".16 .08 .05", "rgba": "0 0 0 0"},
    ),
)

_IN_TORSO = {"objtype": "xbody", "reftype": "xbody", "refname": "torso"}

_SENSORS: tuple[tuple[str, dict[str, str]], ...] = (
    (
        "framezaxis",
        {
            "name": "up_in_torso",
            "objtype": "xbody",
            "objname": "world",
            "reftype": "xbody",
            "refname": "torso",
        },
    ),
    ("framexaxis", {"name": "torso_forward", "objtype": "xbody", "objname": "torso"}),
    ("velocimeter", {"name": "torso_velocity", "site": "root"}),
    ("gyro", {"name": "torso_gyro", "site": "root"}),
    ("framepos", {"name": "right_foot_in_torso", "objname": "right_foot", **_IN_TORSO}),
    ("framepos", {"name": "left_foot_in_torso", "objname": "left_foot", **_IN_TORSO}),
    ("framepos", {"name": "right_hand_in_torso", "objname": "right_hand", **_IN_TORSO}),
    ("framepos", {"name": "left_hand_in_torso", "objname": "left_hand", **_IN_TORSO}),
    ("touch", {"name": "right_sole_touch", "site": "right_sole"}),
    ("touch", {"name": "left_sole_touch", "site": "left_sole"}),
    ("subtreelinvel", {"name": "com_velocity", "body": "torso"}),
    ("framepos", {"name": "head_position", "objtype": "xbody", "objname": "head"}),
    ("clock", {"name": "clock"}),
)
"""In the order of sensordata."""


def servo(joint: str) -> Servo:
    """The position actuator of a joint, with q0 mirrored where the left joint's range is."""
    side, _, part = joint.partition("_")
    if side not in ("left", "right"):
        return SERVOS[joint]
    found = SERVOS[part]
    if side == "left" and part in _MIRRORED:
        return Servo(found.kp, found.kv, -found.q0 + 0.0, found.scale)
    return found


def tree(name: str) -> ET.Element:
    """The model's XML tree, with its sensors, its actuators and the key frame `stand`.

    Raises:
        UpstreamError: dm_control is missing, or its humanoid is not the expected one.
        ValueError: the name is not a house robot.
    """
    if name not in NAMES:
        raise ValueError(f"unknown house robot {name!r}; choose one of {', '.join(NAMES)}")
    root = upstream.read(upstream.package_file("dm_control", "suite/humanoid.xml"))
    root.set("model", name)
    upstream.drop_textures(root)
    _even_out(root)
    _drop_unused_sites(root)
    _replace_sensors(root)
    if name == "house_position":
        _replace_motors(root)
    _add_standing_key(root)
    return root


def xml(name: str) -> str:
    """The self-contained XML of a house robot."""
    return upstream.text(tree(name))


def _even_out(root: ET.Element) -> None:
    """Give both hips the same range: upstream's left one bends 10 degrees further than the right.

    Then the robot is its own mirror image, and what one side learns holds for the other.
    """
    right = upstream.the(root, ".//joint[@name='right_hip_y']")
    upstream.the(root, ".//joint[@name='left_hip_y']").set("range", right.attrib["range"])


def _drop_unused_sites(root: ET.Element) -> None:
    for body in root.iter("body"):
        for site in body.findall("site"):
            if site.get("name") != "root":
                body.remove(site)
        for foot, attributes in _SITES:
            if body.get("name") == foot:
                ET.SubElement(body, "site", attributes)


def _replace_sensors(root: ET.Element) -> None:
    sensor = upstream.the(root, "sensor")
    sensor.clear()
    for tag, attributes in _SENSORS:
        ET.SubElement(sensor, tag, attributes)


def _replace_motors(root: ET.Element) -> None:
    actuator = upstream.the(root, "actuator")
    motors = actuator.findall("motor")
    actuator.clear()
    for motor in motors:
        joint, torque_nm = motor.attrib["joint"], motor.attrib["gear"]
        s = servo(joint)
        ET.SubElement(
            actuator,
            "general",
            {
                "name": motor.attrib["name"],
                "joint": joint,
                "ctrllimited": "true",
                "ctrlrange": "-1 1",
                "forcelimited": "true",
                "forcerange": f"-{torque_nm} {torque_nm}",
                "gaintype": "fixed",
                "biastype": "affine",
                "gainprm": f"{s.kp * s.scale:.6g}",
                "biasprm": f"{s.kp * s.q0:.6g} {-s.kp:.6g} {-s.kv:.6g}",
            },
        )


def _add_standing_key(root: ET.Element) -> None:
    """A key frame with every joint at its q0 and the lowest point of the feet just above the floor."""
    model = mujoco.MjModel.from_xml_string(upstream.text(root))
    qpos = model.qpos0.copy()
    for joint in range(1, model.njnt):
        qpos[model.jnt_qposadr[joint]] = servo(model.joint(joint).name).q0
    data = rest_data(model)
    data.qpos[:] = qpos
    mujoco.mj_kinematics(model, data)
    qpos[2] += _FOOT_CLEARANCE_M - extent(model, data, 2)[0]
    keyframe = ET.SubElement(root, "keyframe")
    ET.SubElement(
        keyframe, "key", {"name": "stand", "qpos": " ".join(f"{round(q, 6) + 0.0:g}" for q in qpos)}
    )
