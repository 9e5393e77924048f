"""The page's links, in one Node.js process for all tests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.links.page import LinkPage


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LinkPage]:
    opened = LinkPage(tmp_path_factory.mktemp("links"))
    yield opened
    opened.close()
