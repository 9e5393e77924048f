"""How a setting is declared: its words and limits travel with the field, and one check serves them all."""

import dataclasses
import math
from dataclasses import field
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

from tabrl_py.errors import ConfigError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def setting(
    default: object,
    label: str,
    help: str,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
    unit: str = "",
    group: str = "details",
) -> Any:  # noqa: ANN401 - the field's annotation is the type
    """A dataclass field with the words and limits that the page, the command line and validation share.

    Args:
        default: value where nothing is said.
        label: a few words.
        help: one sentence that says what raising it does.
        low: inclusive lower limit of a number, or of every entry of a tuple.
        high: inclusive upper limit.
        choices: the allowed strings.
        unit: shown behind the number.
        group: "task", "algorithm" or "details" (folded on the page).
    """
    metadata = {
        "label": label,
        "help": help,
        "low": low,
        "high": high,
        "choices": choices,
        "unit": unit,
        "group": group,
    }
    return field(default=default, metadata=metadata)


def check_settings(config: "DataclassInstance", prefix: str = "") -> None:
    """Raise ConfigError where a setting has the wrong type or leaves its limits."""
    hints = get_type_hints(type(config))
    for f in dataclasses.fields(config):
        if "label" in f.metadata:
            _check_one(f, hints[f.name], getattr(config, f.name), prefix + f.name)


def _check_one(f: "dataclasses.Field[Any]", hint: object, value: Any, name: str) -> None:  # noqa: ANN401 - compared once its type is known
    low, high, choices = f.metadata["low"], f.metadata["high"], f.metadata["choices"]
    if choices:
        if value not in choices:
            raise ConfigError(f"{name}={value!r} is not known; choose one of {', '.join(choices)}")
        return
    if hint is bool:
        if not isinstance(value, bool):
            raise ConfigError(f"{name}={value!r} must be true or false")
        return
    several = bool(get_args(hint))
    if several and not isinstance(value, tuple):
        raise ConfigError(f"{name}={value!r} must be a list of whole numbers, such as [64, 32]")
    whole = hint is int or several
    for x in value if several else (value,):
        if isinstance(x, bool) or not isinstance(x, int if whole else (int, float)) or not math.isfinite(x):
            raise ConfigError(f"{name}={value!r} must be {'a whole number' if whole else 'a finite number'}")
        if low is not None and x < low:
            raise ConfigError(f"{name}={x} is too small; the least is {low:g}")
        if high is not None and x > high:
            raise ConfigError(f"{name}={x} is too large; the most is {high:g}")


def describe(cls: "type[DataclassInstance]") -> list[dict[str, Any]]:
    """The settings of a dataclass in order: name, type, default, words and limits."""
    hints = get_type_hints(cls)
    return [
        {"name": f.name, "type": type_name(hints[f.name]), "default": f.default, **f.metadata}
        for f in dataclasses.fields(cls)
        if "label" in f.metadata
    ]


def type_name(hint: object) -> str:
    """int, float, bool, choice or int_list: how the page asks for a setting."""
    names: dict[object, str] = {int: "int", float: "float", bool: "bool", str: "choice"}
    return names.get(hint, "int_list")
