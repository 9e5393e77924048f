"""Expressions of reward code, made into functions that compute them on a Frame.

The tree has passed syntax.py. No Python code is made or run: every operation is one of a table, chosen here.
"""

import ast
import difflib
import operator
from collections.abc import Callable, Iterable

import numpy as np

from tabrl_py.rewards.callables import BUILTINS, called, of_term
from tabrl_py.rewards.fields import BESIDE_SIGNALS, Layout
from tabrl_py.rewards.frame import Code, Frame
from tabrl_py.rewards.problems import Problem, RefusedError, RewardError, shown
from tabrl_py.rewards.state import Signals, State
from tabrl_py.rewards.syntax import at
from tabrl_py.rewards.terms import TERMS, terms_of
from tabrl_py.rewards.values import (
    Value,
    column,
    elementwise,
    is_array,
    kind,
    logical,
    number,
    truth,
)
from tabrl_py.rewards.vocabulary import METHODS, NUMBERS, NUMPY, Function

_UFUNCS: dict[type[ast.AST], Callable[..., Value]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.FloorDiv: lambda a, b: np.floor(np.divide(a, b)),
    ast.Mod: np.remainder,
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
    ast.Eq: np.equal,
    ast.NotEq: np.not_equal,
    ast.USub: np.negative,
}
_LOGICAL: dict[type[ast.AST], Callable[..., Value]] = {
    ast.BitAnd: np.logical_and,
    ast.BitOr: np.logical_or,
    ast.BitXor: np.not_equal,
}
_NUMERIC = (ArithmeticError, TypeError, ValueError, LookupError, AttributeError, MemoryError)
_FLOATS = ("float", "float64", "float32", "int", "int64", "int32")


def _power(a: Value, b: Value) -> Value:
    if type(b) is float and b == 2.0:
        return elementwise(np.square, a)
    return elementwise(np.power, a, b)


class Expressions:
    """Makes functions of expressions, and collects what is wrong with them.

    Attributes:
        problems: found so far, without running anything.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.problems: list[Problem] = []
        self.functions: dict[str, Function] = {}
        """Those of the code that are defined already: a function calls only what is above it."""
        self.constants: dict[str, Value] = {}
        self.local: set[str] = set()
        """Names that the present function sets."""
        self.state = ""
        """The name of the state where it is known: the parameter of the code's main function."""
        self._terms = terms_of(layout)

    def wrong(self, node: ast.AST, rule: str, message: str) -> Code:
        """Note a problem; the code is never run."""
        self.problems.append(at(node, rule, message))
        return lambda _frame: 0.0

    def of(self, node: ast.AST) -> Code:
        """The function that computes an expression."""
        match node:
            case ast.BinOp(left=left, op=op, right=right):
                return self._operation(node, type(op), left, right)
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return self._operation(node, type(op), left, right)
            case ast.UnaryOp(op=op, operand=operand):
                return self._unary(node, type(op), operand)
            case ast.Attribute():
                return self._attribute(node)
            case ast.Subscript():
                return self._subscript(node)
            case ast.Call():
                return self._call(node)
        return self._simple(node)

    def _simple(self, node: ast.AST) -> Code:
        match node:
            case ast.Constant(value=value):
                return self._constant(node, value)
            case ast.Name(id=name):
                return self._name(node, name)
            case ast.Tuple(elts=elts):
                parts = [self.of(part) for part in elts]
                return lambda frame: tuple(part(frame) for part in parts)
            case ast.List(elts=elts):
                parts = [self.of(part) for part in elts]
                return lambda frame: [part(frame) for part in parts]
            case ast.Dict():
                return self._dict(node)
        return self.wrong(node, "syntax", f"{type(node).__name__} cannot stand here")

    def _constant(self, node: ast.AST, value: object) -> Code:
        if isinstance(value, bool | int | float):
            plain = float(value)
            return lambda _frame: plain
        return self.wrong(node, "text", "a text or None cannot be calculated with")

    def _name(self, node: ast.AST, name: str) -> Code:
        if name in self.local:
            problem = at(node, "name", f"{shown(name)} is used before it is set")

            def read(frame: Frame) -> Value:
                try:
                    return frame.names[name]
                except KeyError:
                    raise RewardError([problem]) from None

            return read
        if name in self.constants:
            value = self.constants[name]
            return lambda _frame: value
        if name in ("np", *TERMS, *self.functions):
            return self.wrong(node, "name", f"{shown(name)} is no value; call it")
        return self.wrong(node, "name", f"the name {shown(name)} is not known{self._near(name)}")

    def _near(self, name: str) -> str:
        known = (*self.local, *self.constants, *self.functions, *self._terms)
        return _suggestion(name, known)

    def _guarded(self, node: ast.AST, compute: Code) -> Code:
        """Count what is computed, and say where it went wrong."""

        def guarded(frame: Frame) -> Value:
            try:
                return frame.budget.spend(compute(frame))
            except RefusedError as error:
                raise RewardError([at(node, error.rule, str(error))]) from None
            except _NUMERIC as error:
                raise RewardError(
                    [at(node, "operation", f"this cannot be computed: {shown(error, 100)}")]
                ) from None

        return guarded

    def _operation(self, node: ast.AST, op: type[ast.AST], left: ast.AST, right: ast.AST) -> Code:
        a, b = self.of(left), self.of(right)
        if op is ast.Pow:
            return self._guarded(node, lambda frame: _power(a(frame), b(frame)))
        if op in _LOGICAL:
            combine = _LOGICAL[op]
            return self._guarded(node, lambda frame: logical(combine, a(frame), b(frame)))
        function = _UFUNCS[op]
        return self._guarded(node, lambda frame: elementwise(function, a(frame), b(frame)))

    def _unary(self, node: ast.AST, op: type[ast.AST], operand: ast.AST) -> Code:
        a = self.of(operand)
        if op is ast.Invert:
            return self._guarded(node, lambda frame: logical(np.logical_not, a(frame)))
        if op is ast.USub:
            return self._guarded(node, lambda frame: elementwise(np.negative, a(frame)))
        return self._guarded(node, lambda frame: number(a(frame)))

    def _attribute(self, node: ast.Attribute) -> Code:
        name = node.attr
        path = numpy_path(node)
        if path is not None:
            if path in NUMBERS:
                value = NUMBERS[path]
                return lambda _frame: value
            return self.wrong(
                node, "numpy", f"np.{shown(path)[1:-1]} is no number{_suggestion(path, NUMBERS)}"
            )
        if (
            isinstance(node.value, ast.Name)
            and node.value.id == self.state
            and name not in self._readable(True)
        ):
            return self.wrong(node, "signal", self._no_signal(name, True))
        inner = self.of(node.value)
        return self._guarded(node, lambda frame: self._read(inner(frame), name))

    def _readable(self, now: bool) -> Iterable[str]:
        return (*self.layout.sizes, *BESIDE_SIGNALS) if now else self.layout.sizes

    def _no_signal(self, name: str, now: bool) -> str:
        readable = tuple(self._readable(now))
        near = _suggestion(name, readable) or f"; it has {', '.join(readable)}"
        return f"{'the state' if now else 'prev'} has no {shown(name)}{near}"

    def _read(self, value: Value, name: str) -> Value:
        """value.name, of a state or an array."""
        if isinstance(value, Signals):
            now = isinstance(value, State)
            if name not in self._readable(now):
                raise RefusedError("signal", self._no_signal(name, now))
            found = getattr(value, name)
            return float(found) if name == "dt" and not is_array(found) else found
        if name == "T" and is_array(value) and len(value.shape) == 2:
            return tuple(column(value, index) for index in range(value.shape[1]))
        raise RefusedError("attribute", f"{kind(value)} has no {shown(name)}")

    def _subscript(self, node: ast.Subscript) -> Code:
        inner = self.of(node.value)
        match node.slice:
            case ast.Constant(value=str(key)):
                return self._guarded(node, lambda frame: _entry(inner(frame), key))
            case ast.Tuple(elts=[ast.Slice(lower=None, upper=None, step=None), where]):
                pass
            case _:
                return self.wrong(
                    node,
                    "index",
                    "the first index is the environment: write x[:, 0], x[:, 1:3] or x[:, None]",
                )
        match where:
            case ast.Constant(value=None):
                return self._guarded(node, lambda frame: column(inner(frame), None))
            case ast.Attribute() if numpy_path(where) == "newaxis":
                return self._guarded(node, lambda frame: column(inner(frame), None))
            case ast.Slice(lower=lower, upper=upper, step=None):
                span = (_whole(lower), _whole(upper))
                if (lower is None or span[0] is not None) and (upper is None or span[1] is not None):
                    return self._guarded(node, lambda frame: column(inner(frame), span))
            case ast.List(elts=elts) if elts and all(_whole(item) is not None for item in elts):
                keys = [_whole(item) for item in elts]
                return self._guarded(node, lambda frame: column(inner(frame), keys))
            case ast.Name(id=name) if name in self.local:
                return self._guarded(node, lambda frame: column(inner(frame), _index(frame.names.get(name))))
            case _ if (index := _whole(where)) is not None:
                return self._guarded(node, lambda frame: column(inner(frame), index))
        return self.wrong(
            node, "index", "columns are whole numbers, written out: x[:, 0], x[:, 1:3], x[:, [0, 2]]"
        )

    def _dict(self, node: ast.Dict) -> Code:
        keys = [key.value for key in node.keys if isinstance(key, ast.Constant)]
        values = [self.of(value) for value in node.values]
        return lambda frame: {key: value(frame) for key, value in zip(keys, values, strict=True)}

    def _call(self, node: ast.Call) -> Code:
        path = numpy_path(node.func)
        if path is not None:
            function = NUMPY.get(path)
            if function is None:
                words = f"np.{shown(path)[1:-1]} is not offered{_suggestion(path, NUMPY)}"
                return self.wrong(node, "numpy", f"{words}; docs/rewards.md lists what is")
            return self._bound(node, function, f"np.{path}", node.args)
        match node.func:
            case ast.Name(id=name):
                return self._named(node, name)
            case ast.Attribute(value=value, attr="astype"):
                return self._astype(node, self.of(value))
            case ast.Attribute(value=value, attr="values") if not node.args and not node.keywords:
                inner = self.of(value)
                return self._guarded(node, lambda frame: _values(inner(frame)))
            case ast.Attribute(value=value, attr=name) if name in METHODS:
                return self._bound(node, METHODS[name], name, [value, *node.args])
            case ast.Attribute(attr=name):
                words = f".{shown(name)[1:-1]}() is not offered; arrays have {', '.join(METHODS)}, astype"
                return self.wrong(node, "attribute", words)
        return self.wrong(node, "call", "only functions by their name can be called")

    def _named(self, node: ast.Call, name: str) -> Code:
        if name in self.functions:
            return self._bound(node, self.functions[name], name, node.args)
        if name in self._terms:
            return self._bound(node, of_term(self._terms[name]), name, node.args)
        if name in BUILTINS:
            return self._bound(node, BUILTINS[name], name, node.args)
        if name in TERMS:
            needs = ", ".join(TERMS[name].needs)
            return self.wrong(node, "name", f"the term {name} needs {needs}, which this robot does not have")
        return self.wrong(
            node,
            "name",
            f"the function {shown(name)} is not known{self._near(name)}; a function calls those above it",
        )

    def _astype(self, node: ast.Call, inner: Code) -> Code:
        match node.args:
            case [ast.Name(id=name) | ast.Constant(value=str(name))] if not node.keywords:
                wanted = name
            case [ast.Attribute() as attribute] if not node.keywords:
                wanted = numpy_path(attribute) or ""
            case _:
                wanted = ""
        if wanted in _FLOATS:
            return self._guarded(node, lambda frame: number(inner(frame)))
        if wanted in ("bool", "bool_"):
            return self._guarded(node, lambda frame: truth(inner(frame)))
        return self.wrong(node, "type", "astype takes float or bool")

    def _bound(self, node: ast.Call, function: Function, name: str, given: list[ast.expr]) -> Code:
        """A call with its arguments in place."""
        names = function.names
        places: dict[str, Code] = {}
        if len(given) > len(names):
            return self.wrong(node, "arguments", f"{name} takes {', '.join(names)}; {len(given)} were given")
        for parameter, argument in zip(names, given, strict=False):
            places[parameter] = self.of(argument)
        for keyword in node.keywords:
            if keyword.arg not in names or keyword.arg in places:
                return self.wrong(
                    node, "arguments", f"{name} takes {', '.join(names)}; not {shown(keyword.arg)} (again)"
                )
            places[keyword.arg] = self.of(keyword.value)
        missing = [parameter for parameter in names[: function.needed] if parameter not in places]
        if missing:
            return self.wrong(node, "arguments", f"{name} also needs {', '.join(missing)}")
        call, arguments = function.call, tuple(places.items())
        if list(places) == list(names[: len(places)]):
            codes = tuple(places.values())
            return self._guarded(node, lambda frame: called(call, frame, [code(frame) for code in codes]))
        return self._guarded(
            node, lambda frame: called(call, frame, [], {key: code(frame) for key, code in arguments})
        )


def _values(terms: Value) -> Value:
    if not isinstance(terms, dict):
        raise RefusedError("attribute", f"{kind(terms)} has no values()")
    return list(terms.values())


def _entry(terms: Value, key: str) -> Value:
    if not isinstance(terms, dict) or key not in terms:
        raise RefusedError("terms", f"there is no {shown(key)} in {kind(terms)}")
    return terms[key]


def numpy_path(node: ast.AST) -> str | None:
    """What stands after `np.`; None where it is not NumPy's."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name) and node.id in ("np", "numpy") and names:
        return ".".join(reversed(names))
    return None


def _whole(node: ast.AST | None) -> int | None:
    """A whole number that is written out."""
    match node:
        case ast.Constant(value=int(value)) if type(value) is int:
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int(value))) if type(value) is int:
            return -value
    return None


def _index(value: Value) -> int:
    if type(value) is not float or not value.is_integer():
        raise RefusedError("index", f"a column is a whole number, not {kind(value)}")
    return operator.index(int(value))


def _suggestion(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name[:48], list(known), n=1)
    return f"; did you mean {near[0]}?" if near else ""
