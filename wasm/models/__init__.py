"""Robot models, made at build time from the XML inside the pinned dm_control and Gymnasium packages.

`python -m wasm.models --out DIR` writes, for every robot, `NAME.xml` (one self-contained MuJoCo model that
loads from a string, natively and in WebAssembly) and `NAME.scene.json` (what the page needs to draw it).
Nothing upstream is copied into the repository.
"""

from __future__ import annotations

from pathlib import Path

from wasm.models import gymnasium_robots, house
from wasm.models.scene import View, scene_json

__all__ = ["build", "model_xml", "names"]


def names() -> list[str]:
    """All model names, house robots first."""
    return [*house.NAMES, *gymnasium_robots.NAMES]


def model_xml(name: str) -> str:
    """The self-contained XML of one model.

    Raises:
        ValueError: the name is unknown.
    """
    if name in house.NAMES:
        return house.xml(name)
    if name in gymnasium_robots.NAMES:
        return gymnasium_robots.xml(name)
    raise ValueError(f"unknown model {name!r}; the models are {', '.join(names())}")


def _view(name: str) -> View:
    return house.VIEW if name in house.NAMES else gymnasium_robots.VIEWS[name]


def build(out: Path) -> list[Path]:
    """Write every model and its scene to `out`; the bytes depend only on the pinned packages and this code.

    Returns:
        The files written, two for each model.
    """
    out.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for name in names():
        xml = model_xml(name)
        for suffix, text in ((".xml", xml), (".scene.json", scene_json(name, xml, _view(name)))):
            path = out / f"{name}{suffix}"
            path.write_text(text, encoding="utf-8", newline="\n")
            written.append(path)
    return written
