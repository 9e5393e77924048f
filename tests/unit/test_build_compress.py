"""Brotli copies: whole, of what gains by it, kept by content."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from wasm.build import compress

UNPACK = """
import { readFileSync } from "node:fs";
import { brotliDecompressSync } from "node:zlib";
process.stdout.write(brotliDecompressSync(readFileSync(process.argv[1])));
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(compress, "KEPT", tmp_path / "kept")
    page = tmp_path / "page"
    (page / "deep").mkdir(parents=True)
    (page / "deep" / "words.js").write_text("const answer = 42;\n" * 200)
    (page / "small.js").write_text("0")
    (page / "picture.woff2").write_bytes(bytes(1000))
    (page / "noise.zip").write_bytes(b"".join(bytes([(i * i * 31 + i * 7) % 251]) for i in range(700)))
    return page


def unpacked(path: Path) -> bytes:
    command = ["node", "--input-type=module", "-e", UNPACK, str(path)]
    return subprocess.run(command, capture_output=True, check=True).stdout


def test_a_copy_unpacks_to_its_file(folder: Path) -> None:
    original = (folder / "deep" / "words.js").read_bytes()
    copies = compress.compress(folder)
    assert folder / "deep" / "words.js.br" in copies
    assert not (folder / "small.js.br").exists()
    assert not (folder / "picture.woff2.br").exists()
    copy = folder / "deep" / "words.js.br"
    assert copy.stat().st_size < 100
    assert unpacked(copy) == original
    assert copy.stat().st_mtime_ns >= (folder / "deep" / "words.js").stat().st_mtime_ns


def test_what_was_compressed_once_is_not_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = compress.compress(folder)
    content = [path.read_bytes() for path in first]
    for path in first:
        path.unlink()
    monkeypatch.setattr(compress, "SCRIPT", Path("/does/not/exist.mjs"))
    assert compress.compress(folder) == first
    assert [path.read_bytes() for path in first] == content


def test_large_files_and_those_that_change_often_are_compressed_fast(tmp_path: Path) -> None:
    often, rare, large = tmp_path / "tabrl_py.zip", tmp_path / "stdlib.zip", tmp_path / "engine.wasm"
    for path in (often, rare, large):
        path.write_bytes(bytes(500))
    with large.open("r+b") as file:
        file.truncate(compress.LARGE_BYTES)
    assert [compress._quality(path) for path in (often, rare, large)] == [9, 11, 9]
