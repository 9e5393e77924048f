"""web/protocol.d.ts, written from protocol.py and its kin: what the page knows of messages.

`python -m tabrl_py.typescript` writes the file; with `--check` it only says whether it is current.
"""

import argparse
import ast
import dataclasses
import inspect
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from tabrl_py import code_messages, loop_messages, protocol

DECLARATIONS = Path(__file__).parents[1] / "web" / "protocol.d.ts"
ALIASES: dict[str, Any] = {
    "Part": protocol.Part,
    "RunState": protocol.RunState,
    "LoopStage": loop_messages.LoopStage,
    "LoopRunState": loop_messages.LoopRunState,
    "MemberStatus": loop_messages.MemberStatus,
    "CommandKind": loop_messages.CommandKind,
}
UNIONS: dict[str, Any] = {
    "ToWorker": protocol.ToWorker,
    "FromWorker": protocol.FromWorker,
    "ToDesigner": loop_messages.ToDesigner,
    "FromDesigner": loop_messages.FromDesigner,
}
MESSAGES: tuple[type, ...] = tuple(dict.fromkeys(m for union in UNIONS.values() for m in get_args(union)))
FROM_THE_PAGE: tuple[type, ...] = (*get_args(protocol.ToWorker), *get_args(loop_messages.ToDesigner))
RECORDS: tuple[type, ...] = (
    protocol.Progress,
    protocol.Evaluation,
    code_messages.CodeProblem,
    loop_messages.LoopMember,
    loop_messages.LoopDesigner,
    loop_messages.LoopText,
    loop_messages.LoopCost,
    loop_messages.LoopFitness,
    loop_messages.LoopWinner,
    loop_messages.LoopView,
    loop_messages.DesignModel,
)
_PLAIN = {int: "number", float: "number", str: "string", bool: "boolean", bytes: "ArrayBuffer", Any: "any"}
_HEAD = """\
// Written by `python -m tabrl_py.typescript` from tabrl_py/protocol.py and loop_messages.py; change it there.
"""


def declarations() -> str:
    """The text of web/protocol.d.ts."""
    blocks = [_HEAD]
    blocks += [f"export type {name} = {_literal(alias)};\n" for name, alias in ALIASES.items()]
    blocks += ["".join(_interface(record)) for record in (*RECORDS, *MESSAGES)]
    for name, union in UNIONS.items():
        members = "".join(f"\n  | {message.__name__}" for message in get_args(union))
        blocks.append(f"export type {name} ={members};\n")
    return "\n".join(blocks)


def _interface(cls: type) -> Iterator[str]:
    words = _field_docstrings(cls)
    hints = get_type_hints(cls)
    may_be_left_out = cls in FROM_THE_PAGE
    yield _comment(inspect.getdoc(cls) or "", "")
    yield f"export interface {cls.__name__} {{\n"
    if cls in MESSAGES:
        yield f'  type: "{protocol.message_type(cls)}";\n'
    for field in dataclasses.fields(cls):
        if field.name in words:
            yield _comment(words[field.name], "  ")
        has_default = not (field.default is field.default_factory is dataclasses.MISSING)
        optional = "?" if may_be_left_out and has_default else ""
        yield f"  {field.name}{optional}: {typescript(hints[field.name])};\n"
    yield "}\n"


def typescript(hint: Any) -> str:  # noqa: ANN401 - a type, as get_type_hints gives it
    """The TypeScript type of a field's annotation.

    Raises:
        TypeError: the annotation has no counterpart.
    """
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is type(None):
        return "null"
    if hint in _PLAIN:
        return _PLAIN[hint]
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return hint.__name__
    if origin in (Union, types.UnionType):
        return " | ".join(typescript(argument) for argument in arguments)
    if origin is Literal:
        alias = next((name for name, known in ALIASES.items() if known == hint), None)
        return alias or _literal(hint)
    if origin is list:
        element = typescript(arguments[0])
        return f"({element})[]" if " " in element else f"{element}[]"
    if origin is dict and arguments[0] is str:
        return f"Record<string, {typescript(arguments[1])}>"
    raise TypeError(f"{hint!r} of protocol.py has no TypeScript counterpart; use plain values there")


def _literal(hint: object) -> str:
    return " | ".join(f'"{value}"' for value in get_args(hint))


def _field_docstrings(cls: type) -> dict[str, str]:
    """The strings that stand under the attributes of a class."""
    body = ast.parse(inspect.getsource(cls)).body[0]
    assert isinstance(body, ast.ClassDef)
    words: dict[str, str] = {}
    for field, below in zip(body.body, body.body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(below, ast.Expr)
            and isinstance(field.target, ast.Name)
        ):
            assert isinstance(below.value, ast.Constant)
            words[field.target.id] = inspect.cleandoc(str(below.value.value))
    return words


def _comment(text: str, indent: str) -> str:
    lines = text.splitlines()
    if len(lines) == 1:
        return f"{indent}/** {lines[0]} */\n"
    inner = "".join(f"{indent} * {line}".rstrip() + "\n" for line in lines)
    return f"{indent}/**\n{inner}{indent} */\n"


def is_current(path: Path) -> bool:
    """Whether a declarations file holds what protocol.py says now."""
    return path.is_file() and path.read_text(encoding="utf-8") == declarations()


def main(arguments: list[str] | None = None) -> int:
    """The command line; 1 when `--check` finds the file stale."""
    parser = argparse.ArgumentParser(
        prog="python -m tabrl_py.typescript", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--check", action="store_true", help="write nothing; fail when the file is stale")
    parser.add_argument(
        "--out", type=Path, default=DECLARATIONS, help="the file, web/protocol.d.ts by default"
    )
    chosen = parser.parse_args(arguments)
    if not chosen.check:
        chosen.out.write_text(declarations(), encoding="utf-8", newline="\n")
    elif not is_current(chosen.out):
        print(f"{chosen.out} is stale; run `python -m tabrl_py.typescript`", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
