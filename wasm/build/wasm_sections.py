"""WebAssembly modules without what no engine runs."""

from __future__ import annotations

from collections.abc import Iterator

from wasm.build.errors import BuildError

HEADER = b"\0asm\1\0\0\0"
CUSTOM = 0


def without_custom_sections(module: bytes) -> bytes:
    """The module without its custom sections: names of functions, DWARF and such, which nothing needs.

    MuJoCo's official module is more than half debugging information. (WebAssembly core specification 1.0,
    5.5.2 and 5.5.3: a section is its kind, its length and as many bytes; kind 0 is custom and "ignored by the
    WebAssembly semantics". A module that is linked dynamically keeps its linking data in one: not for those.)

    Raises:
        BuildError: it is no WebAssembly module, or it is cut off.
    """
    return HEADER + b"".join(section for kind, section in sections(module) if kind != CUSTOM)


def sections(module: bytes) -> Iterator[tuple[int, bytes]]:
    """The kind and all the bytes of each section of a module.

    Raises:
        BuildError: it is no WebAssembly module, or it is cut off.
    """
    if not module.startswith(HEADER):
        raise BuildError(f"not a WebAssembly module of version 1: it begins with {module[:8]!r}")
    at = len(HEADER)
    while at < len(module):
        size, body = _unsigned(module, at + 1)
        if body + size > len(module):
            raise BuildError(
                f"the WebAssembly module is cut off: section {module[at]} at byte {at} has no end"
            )
        yield module[at], module[at : body + size]
        at = body + size


def _unsigned(module: bytes, at: int) -> tuple[int, int]:
    """A number in LEB128, and where it ends."""
    value, shift = 0, 0
    for byte in module[at : at + 5]:
        value |= (byte & 0x7F) << shift
        shift += 7
        at += 1
        if byte < 0x80:
            return value, at
    raise BuildError(f"the WebAssembly module is damaged: no length ends at byte {at}")
