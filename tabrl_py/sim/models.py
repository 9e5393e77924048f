"""Where the robot models lie."""

import os
from pathlib import Path

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
