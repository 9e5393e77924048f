"""Links found by following coverage: what reaches new lines of Python's reader is kept and changed further.

This is a small fuzzer of our own in the manner of AFL and libFuzzer (mutation, guided by the pairs of lines
that follow each other), not one of these: it needs nothing beside Python.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import suppress
from types import CodeType, FrameType
from typing import Any

from tabrl_py.policy import link, link_record
from tabrl_py.policy.link import read_link, unwrap
from tests.links.corpus import forge, mutate, sound_links

WATCHED = {link.__file__, link_record.__file__}
Edge = tuple[CodeType, int, int]


def edges_of(text: str) -> set[Edge]:
    """The pairs of lines that follow each other as the reader reads a link."""
    found: set[Edge] = set()

    def enter(frame: FrameType, event: str, _: Any) -> Any:
        if frame.f_code.co_filename not in WATCHED:
            return None
        before = frame.f_lineno

        def line(inner: FrameType, event: str, _: Any) -> Any:
            nonlocal before
            found.add((inner.f_code, before, inner.f_lineno))
            before = inner.f_lineno
            return line

        return line

    previous = sys.gettrace()
    sys.settrace(enter)
    try:
        # Errors are for whoever judges the link.
        with suppress(Exception):
            read_link(text)
    finally:
        sys.settrace(previous)
    return found


def guided_cases(count: int, seed: int) -> Iterator[str]:
    """That many links; the same for the same seed."""
    rng = random.Random(seed)
    # Short ones, for speed: recipes, and the head of a policy.
    kept = [unwrap(text) for text in sound_links() if text.startswith("#r=")]
    kept += [(kind, payload[:400]) for kind, payload in map(unwrap, sound_links()) if kind == "policy"]
    seen: set[Edge] = set()
    for _ in range(count):
        kind, payload = (
            kept[-1 - rng.randrange(min(len(kept), 20))] if rng.random() < 0.5 else rng.choice(kept)
        )
        changed = mutate(rng, payload)
        if rng.random() < 0.1:
            other = rng.choice(kept)[1]
            changed = changed[: rng.randrange(len(changed) + 1)] + other[rng.randrange(len(other) + 1) :]
        text = forge(kind, changed)
        edges = edges_of(text)
        if not edges <= seen:
            seen |= edges
            kept.append((kind, changed))
        yield text
