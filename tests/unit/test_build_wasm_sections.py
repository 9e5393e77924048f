"""Dropping custom sections, on a module made by hand and on the one that the page ships."""

from __future__ import annotations

import pytest

from wasm.build.errors import BuildError
from wasm.build.paths import NODE_MODULES
from wasm.build.wasm_sections import CUSTOM, HEADER, sections, without_custom_sections

TYPES = bytes([1, 4, 1, 0x60, 0, 0])
NAMES = bytes([0, 0x85, 0x01, 4, *b"name", *bytes(128)])
"""133 bytes long: a length of two bytes."""
CODE = bytes([10, 4, 1, 2, 0, 0x0B])


def test_only_custom_sections_go() -> None:
    module = HEADER + NAMES + TYPES + NAMES + CODE + NAMES
    assert [kind for kind, _ in sections(module)] == [0, 1, 0, 10, 0]
    assert without_custom_sections(module) == HEADER + TYPES + CODE
    assert without_custom_sections(HEADER) == HEADER


def test_mujocos_module_is_smaller_by_half_and_does_the_same() -> None:
    module = (NODE_MODULES / "@mujoco" / "mujoco" / "mujoco.wasm").read_bytes()
    smaller = without_custom_sections(module)
    assert len(smaller) < 0.5 * len(module)
    assert list(sections(smaller)) == [(kind, each) for kind, each in sections(module) if kind != CUSTOM]


@pytest.mark.parametrize("module", [b"", b"\0asm\2\0\0\0", b"<!doctype html>"])
def test_what_is_no_module_is_refused(module: bytes) -> None:
    with pytest.raises(BuildError, match="not a WebAssembly module"):
        list(sections(module))


@pytest.mark.parametrize(
    ("module", "words"),
    [(HEADER + TYPES[:-1], "cut off: section 1 at byte 8"), (HEADER + bytes([1, 0xFF, 0xFF]), "damaged")],
)
def test_a_damaged_module_is_refused(module: bytes, words: str) -> None:
    with pytest.raises(BuildError, match=words):
        without_custom_sections(module)
