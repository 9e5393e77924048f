"""Reward and fitness code, made into functions of the State.

Untrusted: it is read as a syntax tree and carried out operation by operation, each out of a table. It cannot
name, reach or change anything else; nothing outlives a call; what a call costs is bounded.
"""

import ast
from functools import lru_cache
from typing import Any

import numpy as np

from tabrl_py.rewards import syntax
from tabrl_py.rewards.callables import Defined
from tabrl_py.rewards.calls import running
from tabrl_py.rewards.expressions import Expressions
from tabrl_py.rewards.fields import Layout
from tabrl_py.rewards.frame import Budget, Code, Frame, Statement
from tabrl_py.rewards.problems import Problem, RefusedError, RewardError, shown
from tabrl_py.rewards.state import State
from tabrl_py.rewards.syntax import NO_TERMS, TERM_NAME, at
from tabrl_py.rewards.values import Value, is_array, kind, number, shape
from tabrl_py.rewards.vocabulary import Function
from tabrl_py.tasks.spec import TaskSpec
from tabrl_py.types import F64, Bool

MOST_TERMS = 24
ROWS = 3
"""Of the try that every compilation makes."""


class RewardFunction:
    """Compiled code: `function(s) -> (total, terms)`, (N,) float64 each.

    Attributes:
        source: what was compiled.
        function: "reward" or "fitness".
        terms: names of the terms, in the order in which they are given.
        operations: that one call makes.
        columns: numbers per environment that one call computes.
    """

    def __init__(self, source: str, function: str, line: int, run: Code) -> None:
        self.source, self.function = source, function
        self.terms: tuple[str, ...] = ()
        self.operations = self.columns = 0
        self._line, self._run = line, run

    def __call__(self, state: State) -> tuple[F64, dict[str, F64]]:
        """The reward of each environment, and its terms. Arrays of the state stay as they are.

        Raises:
            RewardError: an operation cannot be done; compile_source has found it already.
        """
        budget = Budget()
        with running(self.function), np.errstate(all="ignore"):
            returned = self._run(Frame({"": state}, budget))
            result = self._checked(returned, state)
        self.operations, self.columns = budget.operations, budget.columns
        return result

    def _checked(self, returned: Value, state: State) -> tuple[F64, dict[str, F64]]:
        wrong: str | None = None
        if not isinstance(returned, tuple) or len(returned) != 2 or not isinstance(returned[1], dict):
            wrong = f"{self.function} returns two things: `return total, terms`, with terms a dict"
        elif not 1 <= len(returned[1]) <= MOST_TERMS:
            wrong = f"{len(returned[1])} terms; give 1 to {MOST_TERMS}"
        if wrong:
            raise RewardError([Problem(self._line, 0, "return", wrong)], self.function)
        total, terms = returned
        found = {self._term_name(name): self._per_environment(x, state, name) for name, x in terms.items()}
        self.terms = tuple(found)
        return self._per_environment(total, state, "the total"), found

    def _term_name(self, name: str) -> str:
        if not TERM_NAME.fullmatch(name) or name in NO_TERMS:
            message = f"the term {shown(name)} needs a plain name: letters, digits, _, at most 32"
            raise RewardError([Problem(self._line, 0, "terms", message)], self.function)
        return name

    def _per_environment(self, x: Value, state: State, what: str) -> Any:  # noqa: ANN401 - traced, too
        rows: Any = state.terminated
        if type(x) is float:
            # A traced array has no NumPy one beside it.
            return np.full(rows.shape, x) if isinstance(rows, np.ndarray) else rows * 0.0 + x
        if not is_array(x) or len(x.shape) != 1:
            of = kind(x) if not is_array(x) else shape(x)
            message = f"{shown(what)} is {of}; it must be one number per environment, (N,)"
            raise RewardError([Problem(self._line, 0, "shape", message)], self.function)
        x = number(x)
        return np.array(x) if isinstance(x, np.ndarray) else x


def _nothing(frame: Frame) -> Value:
    """A module without the function that was asked for, which is a problem of its own."""
    return 0.0


def _called_with_state(function: Defined, parameter: str) -> Code:
    """The main function on the state, which the frame has under no name."""
    return lambda frame: function.body(Frame({parameter: frame.names[""]}, frame.budget))


class _Compiler(Expressions):
    """Makes functions of statements."""

    def module(self, tree: ast.Module, function: str) -> Code:
        """The main function, after everything above it."""
        run: Code = _nothing
        for node in tree.body:
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    self._module_constant(node, name, value)
                case ast.FunctionDef(name=name):
                    defined = self._function(node, is_main=name == function)
                    if name == function:
                        run = _called_with_state(defined, node.args.args[0].arg)
                    self.functions[name] = Function(defined, defined.names, len(defined.names))
                case _ if not syntax.is_docstring(node):
                    self.wrong(node, "syntax", "outside functions stand `NAME = number` and functions only")
        return run

    def _module_constant(self, node: ast.Assign, name: str, value: ast.expr) -> None:
        self.local, self.state = set(), ""
        found = len(self.problems)
        code = self.of(value)
        if len(self.problems) > found:
            return
        with np.errstate(all="ignore"):
            try:
                result = code(Frame({}, Budget()))
            except RewardError as error:
                self.problems.extend(error.problems)
                return
        if isinstance(result, list):
            result = tuple(result)
        numbers = isinstance(result, tuple) and all(type(x) is float for x in result)
        if not (type(result) is float or isinstance(result, np.ndarray) or numbers):
            self.wrong(node, "scope", "outside functions stand numbers only: nothing is kept between calls")
            return
        self.constants[name] = result

    def _function(self, node: ast.FunctionDef, *, is_main: bool) -> Defined:
        names = tuple(parameter.arg for parameter in node.args.args)
        set_here = [n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
        self.local = {*names, *set_here}
        if "np" in self.local or "numpy" in self.local:
            self.wrong(node, "name", "np is NumPy's name; choose another")
        self.state = names[0] if is_main and names[0] not in set_here else ""
        *before, last = node.body
        statements = [s for s in map(self._statement, before) if s is not None]
        assert isinstance(last, ast.Return)
        assert last.value is not None
        result = self.of(last.value)

        def body(frame: Frame) -> Value:
            for statement in statements:
                statement(frame)
            return result(frame)

        return Defined(names, body)

    def _statement(self, node: ast.stmt) -> Statement | None:
        match node:
            case ast.Assign(targets=[target], value=value):
                return self._assignment(target, self.of(value))
            case ast.AugAssign(target=target, op=op, value=value):
                read = ast.copy_location(_as_read(target), target)
                combined = ast.copy_location(ast.BinOp(left=read, op=op, right=value), node)
                return self._assignment(target, self.of(combined))
            case ast.For(target=ast.Name(id=name), iter=items, body=body):
                return self._loop(name, items, body)
            case ast.Expr() if syntax.is_docstring(node):
                return None
            case ast.Expr():
                self.wrong(node, "syntax", "the value is not used; assign it to a name")
            case _:
                self.wrong(node, "syntax", f"{type(node).__name__} cannot stand here")
        return None

    def _assignment(self, target: ast.expr, value: Code) -> Statement | None:
        match target:
            case ast.Name(id=name):

                def assign(frame: Frame) -> None:
                    frame.names[name] = value(frame)

                return assign
            case ast.Tuple(elts=elts) if all(isinstance(element, ast.Name) for element in elts):
                names = [element.id for element in elts if isinstance(element, ast.Name)]
                problem = at(target, "shape", f"there are not {len(names)} values to take apart")

                def unpack(frame: Frame) -> None:
                    values = value(frame)
                    if not isinstance(values, tuple | list) or len(values) != len(names):
                        raise RewardError([problem])
                    frame.names.update(zip(names, values, strict=True))

                return unpack
            case ast.Subscript(value=ast.Name(id=name), slice=ast.Constant(value=str(key))) if (
                name in self.local
            ):
                refused = at(target, "terms", f"{shown(name)} is no dict; nothing else can be written into")

                def enter(frame: Frame) -> None:
                    terms = frame.names.get(name)
                    if not isinstance(terms, dict):
                        raise RewardError([refused])
                    terms[key] = value(frame)

                return enter
        self.wrong(target, "assign", "only names and terms['name'] can be assigned; arrays stay as they are")
        return None

    def _loop(self, name: str, items: ast.expr, body: list[ast.stmt]) -> Statement | None:
        match items:
            case ast.Call(args=bounds):
                numbers = [bound.value for bound in bounds if isinstance(bound, ast.Constant)]
                turns = [_fixed(float(index)) for index in range(*(n for n in numbers if type(n) is int))]
            case ast.Tuple(elts=elts) | ast.List(elts=elts):
                turns = [self.of(element) for element in elts]
            case _:
                self.wrong(items, "loop", "a loop runs over a written list, or range(number)")
                return None
        statements = [s for s in map(self._statement, body) if s is not None]

        def loop(frame: Frame) -> None:
            for turn in turns:
                frame.names[name] = _counted(frame, items, turn)
                for statement in statements:
                    statement(frame)

        return loop


def _counted(frame: Frame, node: ast.AST, turn: Code) -> Value:
    """A turn of a loop costs as much as an operation, so that empty ones are bounded, too."""
    try:
        return frame.budget.spend(turn(frame))
    except RefusedError as error:
        raise RewardError([at(node, error.rule, str(error))]) from None


def _fixed(value: float) -> Code:
    return lambda _frame: value


def _as_read(target: ast.expr) -> ast.expr:
    """What `target += ...` reads."""
    match target:
        case ast.Name(id=name):
            return ast.copy_location(ast.Name(id=name, ctx=ast.Load()), target)
        case ast.Subscript(value=value, slice=key):
            return ast.copy_location(ast.Subscript(value=value, slice=key, ctx=ast.Load()), target)
    return target


def compile_source(source: str, task: TaskSpec, function: str = "reward") -> RewardFunction:
    """Check code and make it a function.

    Args:
        source: of `reward(s) -> (total, terms)`, or of `fitness(s) -> (score, metrics)`.
        task: whose robot's signals it may read; its own signals or all of them.
        function: "reward" or "fitness".

    Raises:
        RewardError: with everything that is wrong, found without a single step of a simulation.
    """
    if not isinstance(source, str):
        raise RewardError([Problem(0, 0, "syntax", f"there is no code, but {kind(source)}")], function)
    with running(function):
        return _compiled(source, Layout.of(task), function)


@lru_cache(maxsize=64)
def _compiled(source: str, layout: Layout, function: str) -> RewardFunction:
    tree, problems = syntax.parse(source, function)
    if tree is None:
        raise RewardError(problems, function)
    compiler = _Compiler(layout)
    run = compiler.module(tree, function)
    if compiler.problems:
        ordered = sorted(compiler.problems, key=lambda problem: (problem.line, problem.column))
        raise RewardError(ordered[: syntax.MOST_PROBLEMS], function)
    main = tree.body[-1]
    assert isinstance(main, ast.FunctionDef)
    made = RewardFunction(source, function, main.body[-1].lineno, run)
    made(blank_state(layout))
    return made


def blank_state(layout: Layout, rows: int = ROWS) -> State:
    """A state of zeros, to see shapes with; its last environment has ended."""
    slices, at_column = {}, 0
    for name, size in layout.signals:
        slices[name] = slice(at_column, at_column + size)
        at_column += size
    signals: F64 = np.zeros((rows, at_column))
    ended: Bool = np.arange(rows) == rows - 1
    return State(slices, signals, signals.copy(), np.zeros((rows, layout.actions)), 0.025, ended)
