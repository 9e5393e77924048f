"""Coroutines in tests that may run beside Playwright."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def awaited(work: Coroutine[object, object, T]) -> T:
    """What a coroutine returns, from an event loop in a thread of its own.

    Playwright's synchronous interface keeps a running event loop in the thread of the tests for as long as a
    browser is open, and `asyncio.run` refuses to start another one there.
    """
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()
