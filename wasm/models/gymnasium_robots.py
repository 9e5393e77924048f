"""The robots of Gymnasium's v5 MuJoCo tasks: upstream XML with its physics untouched."""

from __future__ import annotations

import ast
import xml.etree.ElementTree as ET

from wasm.models import upstream
from wasm.models.scene import View

VIEWS: dict[str, View] = {
    "humanoid": View("torso"),
    "humanoidstandup": View("torso", height_axis=0),
    "ant": View("torso"),
    "half_cheetah": View("torso"),
    "walker2d": View("torso"),
    "hopper": View("torso"),
    "swimmer": View("torso", axis="xy", height_axis=0),
    "inverted_pendulum": View("cart", fixed_base=True),
    "inverted_double_pendulum": View("cart", fixed_base=True),
}
"""How the page looks at each robot. Humanoidstandup starts lying along x, the swimmer is flat."""

NAMES = tuple(VIEWS)


def default_file(name: str) -> str:
    """The XML file name which the v5 environment loads when none is given, read from its source.

    Raises:
        UpstreamError: the environment has no default `xml_file`.
    """
    source = upstream.package_file("gymnasium", f"envs/mujoco/{name}_v5.py")
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            arguments = node.args.args[-len(node.args.defaults) :] if node.args.defaults else []
            for argument, default in zip(arguments, node.args.defaults, strict=True):
                if argument.arg == "xml_file" and isinstance(default, ast.Constant):
                    return str(default.value)
    raise upstream.UpstreamError(f"{source} has no default xml_file; is gymnasium the pinned version?")


def tree(name: str) -> ET.Element:
    """The model of Gymnasium's `name`-v5 without textures."""
    root = upstream.read(upstream.package_file("gymnasium", f"envs/mujoco/assets/{default_file(name)}"))
    upstream.drop_textures(root)
    return root


def xml(name: str) -> str:
    """The self-contained XML of Gymnasium's `name`-v5."""
    return upstream.text(tree(name))
