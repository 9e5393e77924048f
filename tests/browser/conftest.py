"""Fixtures of the tests that drive the page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.lab import Lab

OpenLab = Callable[..., Lab]


@pytest.fixture
def open_lab(open_page: Callable[..., Any]) -> OpenLab:
    """Opens the page at an address, with the arguments of `open_page`."""

    def open_(url: str, **options: Any) -> Lab:
        return Lab(open_page(url, **options))

    return open_
