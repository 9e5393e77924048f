"""Messages as they cross between the page and Python: JSON text, and the binary fields beside it."""

import dataclasses
import json
import math
from collections.abc import Mapping
from typing import Any, get_args

from tabrl_py.errors import ConfigError
from tabrl_py.loop_messages import FromDesigner, ToDesigner
from tabrl_py.protocol import FromWorker, ToWorker, message_type
from tabrl_py.tasks import TaskSpec, get_task

_TO_WORKER: dict[str, type] = {message_type(cls): cls for cls in get_args(ToWorker)}
_TO_DESIGNER: dict[str, type] = {message_type(cls): cls for cls in get_args(ToDesigner)}


def decode(text: str, binary: Mapping[str, bytes]) -> ToWorker:
    """A message of the page.

    Args:
        text: the message without its binary fields, as JSON.
        binary: the binary fields by name.

    Raises:
        ValueError: no such message, or one whose fields are not those of protocol.py.
    """
    message: ToWorker = _decoded(text, binary, _TO_WORKER)
    return message


def decode_for_designer(text: str, binary: Mapping[str, bytes]) -> ToDesigner:
    """A message of the page to the designer worker; see decode."""
    message: ToDesigner = _decoded(text, binary, _TO_DESIGNER)
    return message


def _decoded(text: str, binary: Mapping[str, bytes], known: Mapping[str, type]) -> Any:  # noqa: ANN401 - one of the known
    record = json.loads(text)
    if not isinstance(record, dict) or record.get("type") not in known:
        raise ValueError(f"unknown message: {text[:200]}; the messages are {', '.join(known)}")
    cls = known[record.pop("type")]
    try:
        return cls(**record, **binary)
    except TypeError as error:
        raise ValueError(f"message {message_type(cls)!r}: {error}") from error


def encode(message: FromWorker | FromDesigner) -> tuple[str, dict[str, bytes]]:
    """A message for the page, as JSON without its binary fields, and those by name."""
    record: dict[str, Any] = {"type": message_type(type(message))}
    binary: dict[str, bytes] = {}
    for field in dataclasses.fields(message):
        value = getattr(message, field.name)
        if isinstance(value, bytes):
            binary[field.name] = value
        else:
            record[field.name] = _plain(value)
    try:
        return json.dumps(record, allow_nan=False), binary
    except ValueError:
        return json.dumps(_finite(record), allow_nan=False), binary


def _plain(value: object) -> object:
    """The value with dictionaries for dataclasses."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if isinstance(value, list) and value and dataclasses.is_dataclass(value[0]):
        return [_plain(entry) for entry in value]
    return value


def _finite(value: object) -> object:
    """The value with None for every number that JSON cannot hold."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(entry) for entry in value]
    return value


def task_of(record: Mapping[str, Any]) -> TaskSpec:
    """The task that a message carries, as the page read it from tasks.json.

    Raises:
        ConfigError: there is no such task, or it is not the one that this package has under that name.
        ModelError: what somebody's own robot was made of is damaged.
    """
    if "own" in record:
        # Read only by those who have a robot of their own: every worker's start would be longer.
        from tabrl_py.tasks.own_robot import own_task

        task = own_task(record["own"])
        record = {name: value for name, value in record.items() if name != "own"}
    else:
        task = get_task(str(record.get("id")))
    ours = json.loads(json.dumps(task.to_json()))
    # In tasks.json the algorithms' defaults stand among the task's; a run's settings come with its recipe.
    if {**ours, "defaults": None} != {**record, "defaults": None}:
        raise ConfigError(
            f"the page's record of task {task.id} is not that of this package: they are of different builds; "
            "reload the page, and add a robot of your own again"
        )
    return task
