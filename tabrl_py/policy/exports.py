"""A policy written for other programs."""

from collections.abc import Sequence
from typing import Any

from tabrl_py.errors import PolicyFileError
from tabrl_py.policy.file import Policy, check_fits
from tabrl_py.policy.json_file import write_json
from tabrl_py.policy.onnx import write_onnx
from tabrl_py.tasks import TaskSpec, get_task

FORMATS = ("onnx", "json")


def export_policy(
    policy: Policy, kind: str, actuators: Sequence[dict[str, Any]] = (), own: TaskSpec | None = None
) -> bytes:
    """The file.

    Args:
        policy: what is exported.
        kind: onnx or json.
        actuators: of its robot, as NAME.scene.json has them; ONNX's metadata names the joints after them.
        own: the task of somebody's own robot.

    Raises:
        PolicyFileError: no such format.
        ConfigError: the policy's task is not one of this TabRL.
    """
    if kind == "json":
        return write_json(policy)
    if kind != "onnx":
        raise PolicyFileError(f"format={kind!r} is not known; choose one of {', '.join(FORMATS)}")
    task = own or get_task(policy.task)
    check_fits(policy, task)
    return write_onnx(policy, task, actuators)
