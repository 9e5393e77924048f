from __future__ import annotations

import dataclasses
import subprocess
from pathlib import Path
from typing import Any, Literal, get_args

import pytest

from tabrl_py import protocol, typescript
from tabrl_py.protocol import FromWorker, Part, Progress, ToWorker


def test_the_declarations_in_web_are_current() -> None:
    assert typescript.is_current(typescript.DECLARATIONS), "run `python -m tabrl_py.typescript`"


def test_check_fails_when_the_file_is_stale_or_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "protocol.d.ts"
    assert typescript.main(["--check", "--out", str(path)]) == 1
    assert typescript.main(["--out", str(path)]) == 0
    assert typescript.main(["--check", "--out", str(path)]) == 0
    path.write_text(path.read_text().replace("steps: number", "steps: string", 1))
    assert typescript.main(["--check", "--out", str(path)]) == 1
    assert "is stale" in capsys.readouterr().err


def test_every_message_and_field_is_there() -> None:
    text = typescript.declarations()
    for message in (*get_args(ToWorker), *get_args(FromWorker)):
        body = text.split(f"export interface {message.__name__} {{")[1].split("\n}")[0]
        assert f'type: "{protocol.message_type(message)}";' in body
        for field in dataclasses.fields(message):
            assert f"\n  {field.name}: " in body or f"\n  {field.name}?: " in body


def test_what_the_page_may_leave_out_is_optional_and_what_it_gets_is_not() -> None:
    text = typescript.declarations()
    start = text.split("export interface StartTraining {")[1].split("\n}")[0]
    assert "checkpoint?: ArrayBuffer | null;" in start
    assert "visible: number;" in start
    failed = text.split("export interface Failed {")[1].split("\n}")[0]
    assert "id: number;" in failed


def test_words_under_a_field_become_its_comment() -> None:
    assert "  /** Control steps taken in all, over all environments. */\n  steps: number;" in (
        typescript.declarations()
    )


@pytest.mark.parametrize(
    ("hint", "expected"),
    [
        (int, "number"),
        (float | None, "number | null"),
        (list[float], "number[]"),
        (list[int | None], "(number | null)[]"),
        (dict[str, Any], "Record<string, any>"),
        (bytes, "ArrayBuffer"),
        (Part, "Part"),
        (Literal["a", "b"], '"a" | "b"'),
        (Progress, "Progress"),
    ],
)
def test_types(hint: Any, expected: str) -> None:
    assert typescript.typescript(hint) == expected


def test_a_type_without_counterpart_is_refused() -> None:
    with pytest.raises(TypeError, match="no TypeScript counterpart"):
        typescript.typescript(set[int])


def test_message_types_are_snake_case() -> None:
    assert protocol.message_type(protocol.StartTraining) == "start_training"
    assert protocol.message_type(protocol.Push) == "push"


def test_the_compiler_accepts_the_declarations() -> None:
    compiler = typescript.DECLARATIONS.parents[1] / "wasm" / "node_modules" / ".bin" / "tsc"
    command = [str(compiler), "--ignoreConfig", "--strict", "--noEmit", str(typescript.DECLARATIONS)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout
