"""Where the robot models lie."""

import json
import os
from pathlib import Path
from typing import Any

from tabrl_py.errors import ModelError

MODELS_VARIABLE = "TABRL_MODELS"


def models_folder() -> Path:
    """$TABRL_MODELS, else dist/models of the checkout."""
    chosen = os.environ.get(MODELS_VARIABLE)
    return Path(chosen) if chosen else Path(__file__).parents[2] / "dist" / "models"


def model_path(name: str) -> Path:
    """The XML of a model.

    Raises:
        ModelError: the folder has no such model.
    """
    path = models_folder() / f"{name}.xml"
    if not path.is_file():
        raise ModelError(
            f"model {name!r} is not in {path.parent}; build the models with `./build.sh dist`, "
            f"or set {MODELS_VARIABLE} to the folder that has {path.name}"
        )
    return path


def actuators_of(name: str) -> list[dict[str, Any]]:
    """A model's actuators as its NAME.scene.json beside the XML describes them.

    Raises:
        ModelError: the folder has no such model.
    """
    path = model_path(name).with_suffix(".scene.json")
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["actuators"]
    return found
