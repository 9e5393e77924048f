"""A robot's model as one text: MJCF, or JSON that holds the MJCF with the files it reads.

Robots of the house are MJCF alone. A person's own robot may have meshes and includes; they travel with it in
the one text, wherever the model of a task travels. web/workers/model_text.js reads the same text.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass

from tabrl_py.errors import ModelError


@dataclass(frozen=True)
class ModelParts:
    """What the engine is given.

    Attributes:
        xml: the MJCF.
        files: what it reads, by path relative to it.
    """

    xml: str
    files: dict[str, bytes]


def pack(xml: str, files: Mapping[str, bytes]) -> str:
    """The text of a model; equal parts give equal bytes."""
    if not files:
        return xml
    texts = {path: base64.b64encode(files[path]).decode() for path in sorted(files)}
    return json.dumps({"xml": xml, "files": texts}, ensure_ascii=False, separators=(",", ":"))


def unpack(text: str) -> ModelParts:
    """The parts of a model's text.

    Raises:
        ModelError: it begins like JSON and is not what `pack` writes.
    """
    if not text.startswith("{"):
        return ModelParts(text, {})
    try:
        record = json.loads(text)
        files = {str(path): base64.b64decode(data, validate=True) for path, data in record["files"].items()}
        return ModelParts(str(record["xml"]), files)
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error) as error:
        raise ModelError(
            f"the robot's model is damaged ({type(error).__name__}: {error}); add the robot again"
        ) from error
