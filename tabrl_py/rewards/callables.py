"""What reward code may call beside NumPy: functions of its own, terms of the library, a few of Python's."""

from collections.abc import Callable, Mapping

import numpy as np

from tabrl_py.rewards.frame import Frame
from tabrl_py.rewards.problems import RefusedError
from tabrl_py.rewards.state import State
from tabrl_py.rewards.terms import ARRAYS, STATE, Term
from tabrl_py.rewards.values import Value, elementwise, is_array, kind, number, shape
from tabrl_py.rewards.vocabulary import NUMPY, Function


class Defined:
    """A function of the code itself: it needs the frame of its caller for the budget."""

    def __init__(self, names: tuple[str, ...], body: Callable[[Frame], Value]) -> None:
        self.names, self.body = names, body

    def __call__(self, frame: Frame, *values: Value, **named: Value) -> Value:
        """What the function returns for these arguments."""
        return self.body(Frame({**dict(zip(self.names, values, strict=False)), **named}, frame.budget))


def called(
    call: Callable[..., Value], frame: Frame, values: list[Value], named: Mapping[str, Value] | None = None
) -> Value:
    """What a function gives for these arguments; one of the code's own takes the frame, too."""
    if isinstance(call, Defined):
        return call(frame, *values, **(named or {}))
    return call(*values, **(named or {}))


def of_term(term: Term) -> Function:
    """A term as something that can be called: its state must be one, its other arguments numbers."""
    takes_state = bool(term.parameters) and term.parameters[0].name == STATE

    def call(*values: Value, **named: Value) -> Value:
        arguments: dict[str, Value] = {parameter.name: parameter.default for parameter in term.parameters}
        arguments.update(zip(arguments, values, strict=False))
        arguments.update(named)
        state = arguments.pop(STATE) if takes_state else None
        if takes_state and not isinstance(state, State):
            raise RefusedError("type", f"{term.name} takes the state itself: {term.signature}")
        for key, value in arguments.items():
            arguments[key] = number(value)
            if key not in ARRAYS and type(value) is not float:
                raise RefusedError("type", f"{key} of {term.name} is a number, not {kind(value)}")
            if is_array(value) and len(value.shape) != 1:
                raise RefusedError(
                    "shape", f"{term.name} takes one number per environment, not {shape(value)}"
                )
        result = term.call(state, **arguments) if takes_state else term.call(**arguments)
        return result if is_array(result) and result.shape else float(result)

    needed = sum(1 for parameter in term.parameters if parameter.default is None)
    return Function(call, tuple(parameter.name for parameter in term.parameters), needed)


def _added(values: Value) -> Value:
    if not isinstance(values, list | tuple) or not values:
        raise RefusedError(
            "type", "sum takes a list of values, or terms.values(); np.sum(x, axis=1) the numbers of an array"
        )
    total = values[0]
    for value in values[1:]:
        total = elementwise(np.add, total, value)
    return number(total)


BUILTINS: dict[str, Function] = {
    "sum": Function(_added, ("values",), 1),
    "abs": NUMPY["abs"],
    "float": Function(number, ("x",), 1),
}
