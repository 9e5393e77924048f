"""Reading upstream MuJoCo XML from installed packages and making it self-contained."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from importlib.util import find_spec
from pathlib import Path


class UpstreamError(Exception):
    """An upstream package is missing, or its XML is not the one this builder was written for."""


def package_file(package: str, relative: str) -> Path:
    """The path of a data file inside an installed package, without importing the package.

    Raises:
        UpstreamError: the package or the file is missing.
    """
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise UpstreamError(f"Python package {package!r} is not installed; install the locked requirements")
    path = Path(spec.origin).parent / relative
    if not path.is_file():
        raise UpstreamError(f"{path} is missing; {package!r} is not the pinned version")
    return path


def read(path: Path) -> ET.Element:
    """Parse a model and splice each `<include>` in place, as MuJoCo does (comments are dropped)."""
    root = ET.parse(path).getroot()
    _splice_includes(root, path.parent)
    return root


def _splice_includes(element: ET.Element, folder: Path) -> None:
    for index in range(len(element) - 1, -1, -1):
        child = element[index]
        if child.tag == "include":
            included = read(folder / child.attrib["file"])
            element.remove(child)
            for offset, part in enumerate(included):
                element.insert(index + offset, part)
        else:
            _splice_includes(child, folder)


def drop_textures(root: ET.Element) -> None:
    """Remove every texture, which only costs memory here: the page draws with its own materials.

    Materials stay, because geoms take their colour from them.
    """
    for asset in root.iter("asset"):
        for texture in asset.findall("texture"):
            asset.remove(texture)
        for material in asset.findall("material"):
            for attribute in ("texture", "texrepeat", "texuniform"):
                material.attrib.pop(attribute, None)
    for asset in [child for child in root if child.tag == "asset" and len(child) == 0]:
        root.remove(asset)


def the(root: ET.Element, path: str) -> ET.Element:
    """The one element at an ElementTree path.

    Raises:
        UpstreamError: the upstream XML has no such element.
    """
    found = root.find(path)
    if found is None:
        raise UpstreamError(
            f"the upstream model {root.get('model')!r} has no {path!r}; is the package pinned?"
        )
    return found


def text(root: ET.Element) -> str:
    """Serialise with a fixed layout; equal trees give equal bytes."""
    ET.indent(root, space="  ")
    return ET.tostring(root, encoding="unicode") + "\n"
