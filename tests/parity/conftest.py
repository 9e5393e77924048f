"""A Node.js process for the tests that need the WebAssembly simulation."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.parity.node_sim import Node


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """One process for the session; each NodeBatchSim replaces the one before."""
    process = Node(tmp_path_factory.mktemp("node"))
    yield process
    process.close()
