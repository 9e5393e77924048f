"""Stamps decide what runs again: every change of an input must show, nothing else may."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from wasm.build import stamps


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "inner").mkdir(parents=True)
    (folder / "a.py").write_text("a = 1", encoding="utf-8")
    (folder / "inner" / "b.py").write_text("b = 1", encoding="utf-8")
    return folder


def test_same_content_same_fingerprint_wherever_it_lies(source: Path, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere" / "source"
    shutil.copytree(source, moved)
    assert stamps.fingerprint([source]) == stamps.fingerprint([moved])
    assert stamps.fingerprint([source], root=tmp_path) == stamps.fingerprint([moved], root=moved.parent)


@pytest.mark.parametrize("change", ["edit", "add", "remove", "rename", "move", "swap"])
def test_every_change_changes_the_fingerprint(source: Path, change: str) -> None:
    before = stamps.fingerprint([source])
    if change == "edit":
        (source / "inner" / "b.py").write_text("b = 2", encoding="utf-8")
    elif change == "add":
        (source / "inner" / "c.py").write_text("", encoding="utf-8")
    elif change == "remove":
        (source / "a.py").unlink()
    elif change == "rename":
        (source / "a.py").rename(source / "c.py")
    elif change == "move":
        (source / "a.py").rename(source / "inner" / "a.py")
    elif change == "swap":
        (source / "a.py").write_text("b = 1", encoding="utf-8")
        (source / "inner" / "b.py").write_text("a = 1", encoding="utf-8")
    assert stamps.fingerprint([source]) != before


def test_facts_and_missing_inputs_count(source: Path) -> None:
    missing = source.parent / "missing"
    prints = {
        stamps.fingerprint([source]),
        stamps.fingerprint([source], "3.11"),
        stamps.fingerprint([source], "3.12"),
        stamps.fingerprint([source], "3.1", "2"),
        stamps.fingerprint([source, missing]),
        stamps.fingerprint([]),
    }
    assert len(prints) == 6


def test_caches_of_tools_do_not_count(source: Path) -> None:
    before = stamps.fingerprint([source])
    (source / "__pycache__").mkdir()
    (source / "__pycache__" / "a.cpython-311.pyc").write_bytes(b"compiled")
    assert stamps.fingerprint([source]) == before


def test_a_step_is_fresh_only_with_its_own_inputs(tmp_path: Path) -> None:
    stamp = tmp_path / "stamps" / "step"
    assert not stamps.is_fresh(stamp, "abc")
    stamps.mark(stamp, "abc")
    assert stamps.is_fresh(stamp, "abc")
    assert not stamps.is_fresh(stamp, "abd")
    stamp.write_bytes(b"\xff\xfe damaged")
    assert not stamps.is_fresh(stamp, "abc")
