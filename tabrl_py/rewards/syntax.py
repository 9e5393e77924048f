"""What reward code may look like: an allow-list of Python's syntax, with a bound on everything.

Nothing of the code runs here. What is not on the list is refused, with its line and the rule.
"""

import ast
import io
import re
import tokenize
import warnings
from collections.abc import Iterator

from tabrl_py.rewards.problems import Problem, shown

MOST_CHARACTERS = 16_000
MOST_TOKENS_A_STATEMENT = 600
"""So deep an expression can be nested at most; Python's own parser is safe with that."""
MOST_INDENTS = 8
MOST_DEPTH = 60
"""Of parts within parts."""
MOST_NODES = 3_000
MOST_FUNCTIONS = 12
MOST_PROBLEMS = 20
MOST_TURNS = 64
"""Of a loop."""
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,47}")
TERM_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,31}")
NO_TERMS = ("constructor", "prototype", "toString", "toLocaleString", "valueOf", "hasOwnProperty", "then")
"""Names that mean something of their own in the page's language."""

_EXPRESSIONS = (ast.BinOp, ast.UnaryOp, ast.Compare, ast.Call, ast.keyword, ast.Attribute, ast.Subscript)
_VALUES = (ast.Name, ast.Constant, ast.Tuple, ast.List, ast.Dict, ast.Slice)
_STATEMENTS = (
    ast.FunctionDef,
    ast.arguments,
    ast.arg,
    ast.Assign,
    ast.AugAssign,
    ast.For,
    ast.Return,
    ast.Expr,
)
_OPERATORS = (
    *(ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.BitAnd, ast.BitOr, ast.BitXor),
    *(ast.USub, ast.UAdd, ast.Invert, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq),
)
ALLOWED: tuple[type[ast.AST], ...] = (
    *(ast.Module, ast.Load, ast.Store),
    *_EXPRESSIONS,
    *_VALUES,
    *_STATEMENTS,
    *_OPERATORS,
)
_INSTEAD: dict[type[ast.AST], tuple[str, str]] = {
    ast.Import: ("import", "nothing is imported: np and the library of terms are there already"),
    ast.ImportFrom: ("import", "nothing is imported: np and the library of terms are there already"),
    ast.While: ("loop", "there is no while; loops are `for x in (...)` or `for i in range(number)`"),
    ast.If: ("branch", "all environments are computed at once: choose with np.where(condition, a, b)"),
    ast.IfExp: ("branch", "all environments are computed at once: choose with np.where(condition, a, b)"),
    ast.BoolOp: ("branch", "combine conditions with & and |, each in parentheses"),
    ast.Not: ("branch", "negate a condition with ~"),
    ast.ListComp: ("comprehension", "write a `for` over a few names or numbers"),
    ast.SetComp: ("comprehension", "write a `for` over a few names or numbers"),
    ast.DictComp: ("comprehension", "write the terms one by one: {'name': value}"),
    ast.GeneratorExp: ("comprehension", "add up with +, or sum(terms.values())"),
    ast.Lambda: ("lambda", "write a function with def above the one that uses it"),
    ast.MatMult: ("operator", "there is no @; multiply and np.sum(..., axis=1)"),
    ast.LShift: ("operator", "there are no shifts"),
    ast.RShift: ("operator", "there are no shifts"),
    ast.JoinedStr: ("text", "there are no f-strings: names of terms are plain texts"),
    ast.AnnAssign: ("annotation", "leave out the annotation"),
    ast.NamedExpr: ("syntax", "assign in a statement of its own"),
    ast.Starred: ("syntax", "write out what * stands for"),
    ast.ClassDef: ("class", "there are no classes"),
    ast.Try: ("exception", "there is nothing to catch: what is not finite counts as 0"),
    ast.Raise: ("exception", "there is nothing to raise"),
    ast.Assert: ("exception", "there is nothing to assert"),
    ast.Global: ("scope", "a reward keeps nothing between calls"),
    ast.Nonlocal: ("scope", "a reward keeps nothing between calls"),
    ast.Delete: ("syntax", "there is nothing to delete"),
    ast.Is: ("operator", "compare with =="),
    ast.IsNot: ("operator", "compare with !="),
    ast.In: ("operator", "there is no in"),
    ast.NotIn: ("operator", "there is no in"),
    ast.Pass: ("syntax", "leave it out"),
}


def parse(source: object, function: str) -> tuple[ast.Module | None, list[Problem]]:
    """The syntax tree of a source that is on the allow-list, or what is wrong with it.

    Args:
        source: any text.
        function: the one that must be defined: "reward" or "fitness".

    Returns:
        The tree, None where there are problems; and those, at most MOST_PROBLEMS.
    """
    if not isinstance(source, str) or not source.strip():
        return None, [Problem(0, 0, "syntax", f"there is no code; define `def {function}(s):`")]
    if len(source) > MOST_CHARACTERS:
        return None, [Problem(0, 0, "size", f"{len(source)} characters; the most is {MOST_CHARACTERS}")]
    problem = _too_deep(source)
    if problem is not None:
        return None, [problem]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
    except SyntaxError as error:
        return None, [
            Problem(
                error.lineno or 0,
                max((error.offset or 1) - 1, 0),
                "syntax",
                f"not Python: {shown(error.msg, 80)}",
            )
        ]
    except (ValueError, RecursionError, MemoryError, OverflowError) as error:
        return None, [Problem(0, 0, "syntax", f"Python cannot read it: {shown(error, 80)}")]
    problems: list[Problem] = []
    for problem in _problems(tree, function):
        problems.append(problem)
        if len(problems) == MOST_PROBLEMS:
            break
    return (None if problems else tree), problems


def _too_deep(source: str) -> Problem | None:
    """What could be too much for Python's parser, found with its tokenizer, which does not nest."""
    if not source.isascii():
        at = next(i for i, letter in enumerate(source) if ord(letter) > 127)
        line = source.count("\n", 0, at) + 1
        before = source.rfind("\n", 0, at)
        if "\x00" in source or _outside_words(source):
            return Problem(
                line, at - before - 1, "text", "letters beyond ASCII stand in comments and docstrings only"
            )
    count = indents = 0
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            count = 0 if token.type in (tokenize.NEWLINE, tokenize.DEDENT) else count + 1
            indents += {tokenize.INDENT: 1, tokenize.DEDENT: -1}.get(token.type, 0)
            if count > MOST_TOKENS_A_STATEMENT or indents > MOST_INDENTS:
                line, column = token.start
                return Problem(line, column, "size", "the statement is too long or too deep; write several")
    except tokenize.TokenError as error:
        message, place = error.args
        return Problem(place[0], place[1], "syntax", f"not Python: {shown(message, 80)}")
    except SyntaxError as error:
        return Problem(
            error.lineno or 0,
            max((error.offset or 1) - 1, 0),
            "syntax",
            f"not Python: {shown(error.msg, 80)}",
        )
    except (ValueError, RecursionError, MemoryError, UnicodeError) as error:
        return Problem(0, 0, "syntax", f"Python cannot read it: {shown(error, 80)}")
    return None


def _outside_words(source: str) -> bool:
    """Whether anything but comments and texts has letters beyond ASCII."""
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type not in (tokenize.COMMENT, tokenize.STRING) and not token.string.isascii():
                return True
    except (tokenize.TokenError, SyntaxError, ValueError, UnicodeError):
        return True
    return False


def _problems(tree: ast.Module, function: str) -> Iterator[Problem]:
    problem = _too_much(tree)
    if problem is not None:
        yield problem
        return
    for node in ast.walk(tree):
        yield from _of_node(node)
    yield from _of_module(tree, function)


def _too_much(tree: ast.Module) -> Problem | None:
    """Whether there are too many parts, or too many within each other: level by level, without recursion."""
    level: list[ast.AST] = [tree]
    count = 0
    for _ in range(MOST_DEPTH):
        level = [part for node in level for part in ast.iter_child_nodes(node)]
        count += len(level)
        if count > MOST_NODES:
            return Problem(0, 0, "size", f"the code has more than {MOST_NODES} parts; make it shorter")
    if not level:
        return None
    return at(level[0], "size", f"more than {MOST_DEPTH} parts within each other; write several statements")


def _of_node(node: ast.AST) -> Iterator[Problem]:
    if not isinstance(node, ALLOWED):
        rule, message = _INSTEAD.get(
            type(node), ("syntax", f"{type(node).__name__} is not part of reward code")
        )
        yield at(node, rule, message)
        return
    for name in _names(node):
        if not NAME.fullmatch(name):
            yield at(node, "name", f"the name {shown(name)} must be plain: letters, digits, no _ in front")
    match node:
        case ast.Constant(value=value):
            yield from _of_constant(node, value)
        case ast.FunctionDef():
            yield from _of_function(node)
        case ast.For():
            yield from _of_loop(node)
        case _:
            yield from _of_parts(node)


def _of_parts(node: ast.AST) -> Iterator[Problem]:
    """What an allowed kind of node may not have."""
    match node:
        case ast.Assign(targets=targets) if len(targets) != 1:
            yield at(node, "syntax", "assign to one name at a time")
        case ast.Compare(ops=ops) if len(ops) != 1:
            yield at(node, "branch", "write (a < x) & (x < b) instead of a < x < b")
        case ast.keyword(arg=None):
            yield at(node, "syntax", "write out what ** stands for")
        case ast.Dict(keys=keys):
            for key in keys:
                if not (isinstance(key, ast.Constant) and isinstance(key.value, str)):
                    yield at(node, "terms", "names of terms are plain texts: {'name': value}")


def _names(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name) | ast.FunctionDef(name=name):
            yield name
        case ast.keyword(arg=str(name)):
            yield name


def _of_constant(node: ast.Constant, value: object) -> Iterator[Problem]:
    match value:
        case bool() | None | float():
            return
        case int():
            if abs(value) > 10**15:
                yield at(
                    node, "number", "the number is too large to be exact; the most is 1e15, or write 1e20"
                )
        case str():
            if len(value) > MOST_CHARACTERS:
                yield at(node, "text", "the text is too long")
        case _:
            yield at(node, "text", f"{type(value).__name__} constants are not part of reward code")


def _of_function(node: ast.FunctionDef) -> Iterator[Problem]:
    given = node.args
    if node.decorator_list or getattr(node, "type_params", None):
        yield at(node, "function", f"write only `def {shown(node.name)[1:-1]}(...):`")
    others = (*given.posonlyargs, *given.kwonlyargs, *given.defaults, *given.kw_defaults)
    if others or given.vararg or given.kwarg:
        yield at(node, "function", "parameters are plain names without defaults, / or *")
    for parameter in given.args:
        if parameter.annotation is not None:
            yield at(parameter, "annotation", "leave out the annotation")
    if node.returns is not None:
        yield at(node, "annotation", "leave out the annotation of what is returned")
    *before, last = node.body
    if not isinstance(last, ast.Return) or last.value is None:
        yield at(last, "return", "a function ends with `return` and a value")
    for statement in ast.walk(ast.Module(body=before, type_ignores=[])):
        if isinstance(statement, ast.Return):
            yield at(statement, "return", "return stands at the end of the function only")
        elif isinstance(statement, ast.FunctionDef):
            yield at(statement, "function", "define functions beside each other, not inside one another")


def _of_loop(node: ast.For) -> Iterator[Problem]:
    if node.orelse:
        yield at(node, "loop", "a loop has no else")
    if not isinstance(node.target, ast.Name):
        yield at(node, "loop", "a loop sets one name")
    match node.iter:
        case ast.Tuple(elts=items) | ast.List(elts=items):
            if len(items) > MOST_TURNS:
                yield at(node, "loop", f"a loop goes round at most {MOST_TURNS} times")
        case ast.Call(func=ast.Name(id="range"), args=bounds, keywords=[]) if 1 <= len(bounds) <= 2:
            numbers = [n for n in map(_whole, bounds) if n is not None]
            if len(numbers) < len(bounds) or not all(0 <= n <= 1_000 for n in numbers):
                yield at(node, "loop", "range takes whole numbers, written out")
            elif len(range(*numbers)) > MOST_TURNS:
                yield at(node, "loop", f"a loop goes round at most {MOST_TURNS} times")
        case _:
            yield at(node, "loop", "a loop runs over a written list, or range(number)")


def _whole(node: ast.expr) -> int | None:
    """A whole number that is written out."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int) and not isinstance(node.value, bool):
        return node.value
    return None


def _of_module(tree: ast.Module, function: str) -> Iterator[Problem]:
    defined = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.Assign) or is_docstring(node):
            continue
        if isinstance(node, ALLOWED):
            yield at(node, "syntax", "outside functions stand constants and functions only")
    if len(defined) > MOST_FUNCTIONS:
        yield at(defined[MOST_FUNCTIONS], "size", f"at most {MOST_FUNCTIONS} functions")
    names = [node.name for node in defined]
    for node in defined:
        if names.count(node.name) > 1:
            yield at(node, "function", f"{shown(node.name)} is defined more than once")
            return
    wanted = next((node for node in defined if node.name == function), None)
    if wanted is None:
        found = f"; it defines {', '.join(shown(name) for name in names[:4])}" if names else ""
        yield Problem(0, 0, "function", f"the code must define `def {function}(s):`{found}")
    elif len(wanted.args.args) != 1:
        yield at(wanted, "function", f"{function} takes one argument, the state: `def {function}(s):`")
    elif wanted is not tree.body[-1]:
        yield at(wanted, "function", f"{function} is the last thing in the code")


def is_docstring(node: ast.AST) -> bool:
    """Whether a statement is a text alone."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def at(node: ast.AST, rule: str, message: str) -> Problem:
    """A problem where a node stands."""
    return Problem(getattr(node, "lineno", 0), getattr(node, "col_offset", 0), rule, message)
