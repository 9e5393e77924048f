from pathlib import Path

import pytest

from tabrl_py.nn.kernels import Library
from wasm.build import kernels


@pytest.fixture(scope="session")
def compiled() -> Path:
    """The folder of the compiled kernels, up to date with their sources."""
    return kernels.build()


@pytest.fixture(scope="session")
def library(compiled: Path) -> Library:
    """The native build."""
    return Library(compiled / kernels.NATIVE)
