"""The wheel of `tabrl_py` that the page's workers install: pure Python, same sources, same bytes."""

from __future__ import annotations

import os
from pathlib import Path
from zipfile import ZipFile

from flit_core import buildapi

from wasm.build.errors import BuildError
from wasm.build.paths import ROOT

EPOCH = "1704067200"
"""2024-01-01, the date of every file in the wheel (SOURCE_DATE_EPOCH)."""


def build_wheel(folder: Path) -> Path:
    """Build the wheel into `folder` without network and without a build environment.

    Raises:
        BuildError: the wheel is not pure Python or lacks the package.
    """
    folder.mkdir(parents=True, exist_ok=True)
    here, epoch = Path.cwd(), os.environ.get("SOURCE_DATE_EPOCH")
    os.environ["SOURCE_DATE_EPOCH"] = EPOCH
    os.chdir(ROOT)
    try:
        wheel = folder / str(buildapi.build_wheel(str(folder)))
    finally:
        os.chdir(here)
        if epoch is None:
            del os.environ["SOURCE_DATE_EPOCH"]
        else:
            os.environ["SOURCE_DATE_EPOCH"] = epoch
    with ZipFile(wheel) as archive:
        names = archive.namelist()
    if not wheel.name.endswith("-py3-none-any.whl") or "tabrl_py/__init__.py" not in names:
        raise BuildError(
            f"{wheel.name} is not a pure Python wheel of tabrl_py; check [tool.flit.module] in pyproject.toml"
        )
    return wheel
