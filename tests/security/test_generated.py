"""Programs that nobody wrote: noise, soup of Python's words, sound programs, and some gone wrong."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabrl_py.rewards.check import check_source
from tabrl_py.rewards.compiled import RewardFunction, blank_state, compile_source
from tabrl_py.rewards.fields import Layout
from tabrl_py.rewards.frame import MOST_COLUMNS_IN_ALL, MOST_OPERATIONS
from tabrl_py.rewards.problems import RewardError
from tabrl_py.rewards.state import State
from tabrl_py.rewards.terms import TERMS
from tabrl_py.rewards.vocabulary import NUMPY
from tabrl_py.tasks import get_task
from tests.security.watched import watched

WALK = get_task("humanoid-walk")
LAYOUT = Layout.of(WALK)
ONE = [name for name, size in LAYOUT.signals if size == 1]
SEVERAL = [name for name, size in LAYOUT.signals if size > 1]
UNARY = ("abs", "square", "exp", "sin", "tanh", "sqrt", "log", "sign", "nan_to_num")
BINARY = ("minimum", "maximum", "hypot", "arctan2", "power", "divide")
REDUCING = ("sum", "mean", "max", "min", "std", "any", "all", "linalg.norm")
OPERATORS = ("+", "-", "*", "/", "**", "%", "//")
COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")

WORDS = (
    *("def", "reward", "(", ")", ":", "\n", "\n    ", "return", "s", ".", ",", "=", "+", "*", "**", "[", "]"),
    *("{", "}", "'a'", "1.0", "0", "for", "in", "range", "while", "if", "else", "lambda", "import", "class"),
    *("__class__", "__import__", "np", "sum", "load", "upright", "soles", "terms", "try", "except", "yield"),
    *("async", "await", "with", "as", "from", "global", "@", ":=", "->", "...", "~", "&", "|", "not", "None"),
    *(
        "js",
        "fetch",
        "eval",
        "exec",
        "open",
        "self",
        "'''",
        '"',
        "#",
        "\\",
        ";",
        "\t",
        "\x00",
        "\u202e",
        "\ud800",
    ),
)
ARGUMENTS = ("s", "s.upright", "s.soles", "1.0", "'a'", "[]", "{}")
HOSTILE = (
    "s.__class__",
    "eval('1')",
    "__import__('js')",
    "np.load('x')",
    "s.rows",
    "fetch('x')",
    "(lambda: 0)()",
)


def random_state(rows: int, seed: int) -> State:
    """Numbers of all sizes, infinities and NaN among them."""
    state = blank_state(LAYOUT, rows)
    rng = np.random.default_rng(seed)
    for array in (state.rows, state.prev.rows, state.action):
        array[...] = rng.standard_normal(array.shape) * 10.0 ** rng.integers(-3, 4, array.shape)
        array[rng.random(array.shape) < 0.01] = np.nan
        array[rng.random(array.shape) < 0.01] = np.inf
    return state


def arrays(depth: int) -> st.SearchStrategy[str]:
    """Expressions of one number per environment."""
    simple = st.one_of(
        st.sampled_from([f"s.{name}" for name in ONE]),
        st.sampled_from([f"s.prev.{name}" for name in ONE]),
        st.sampled_from([f"s.{name}[:, 0]" for name in SEVERAL]),
        st.sampled_from([term.signature for term in TERMS.values() if len(term.parameters) == 1]),
    )
    if depth == 0:
        return simple
    inner, wide = arrays(depth - 1), matrices(depth - 1)
    number = st.floats(-100.0, 100.0).map(lambda x: f"({x!r})")
    either = st.one_of(inner, number)
    return st.one_of(
        simple,
        st.tuples(inner, st.sampled_from(OPERATORS), either).map(lambda x: f"({x[0]} {x[1]} {x[2]})"),
        st.tuples(inner, st.sampled_from(COMPARISONS), either).map(lambda x: f"({x[0]} {x[1]} {x[2]})"),
        st.tuples(st.sampled_from(UNARY), inner).map(lambda x: f"np.{x[0]}({x[1]})"),
        st.tuples(st.sampled_from(BINARY), inner, either).map(lambda x: f"np.{x[0]}({x[1]}, {x[2]})"),
        st.tuples(inner, inner, inner).map(lambda x: f"np.where({x[0]} > 0.0, {x[1]}, {x[2]})"),
        st.tuples(st.sampled_from(REDUCING), wide).map(lambda x: f"np.{x[0]}({x[1]}, axis=1)"),
        inner.map(lambda x: f"ramp({x}, 0.0, 1.5)"),
        inner.map(lambda x: f"np.clip({x}, -1.0, 1.0)"),
    )


def matrices(depth: int) -> st.SearchStrategy[str]:
    """Expressions of several numbers per environment."""
    simple = st.sampled_from([f"s.{name}" for name in SEVERAL])
    if depth == 0:
        return simple
    inner = arrays(depth - 1)
    return st.one_of(
        simple,
        st.tuples(simple, inner).map(lambda x: f"({x[0]} * {x[1]}[:, None])" if x[1][-1] == ")" else x[0]),
        st.tuples(inner, inner).map(lambda x: f"np.stack([{x[0]}, {x[1]}], axis=1)"),
        st.tuples(st.sampled_from(UNARY), simple).map(lambda x: f"np.{x[0]}({x[1]})"),
    )


@st.composite
def programs(draw: st.DrawFn) -> str:
    """Sound reward code."""
    lines = []
    names = [f"x{i}" for i in range(draw(st.integers(1, 5)))]
    for name in names:
        lines.append(f"{name} = {draw(arrays(2))}")
        if draw(st.booleans()):
            lines.append(f"for i in range({draw(st.integers(0, 5))}):")
            lines.append(f"    {name} = {name} * 0.5 + i")
    terms = ", ".join(f"'{name}': {draw(st.floats(-5, 5))!r} * {name}" for name in names)
    body = "".join(f"    {line}\n" for line in [*lines, f"terms = {{{terms}}}"])
    return f"def reward(s):\n{body}    return sum(terms.values()), terms\n"


def check_harmless(function: RewardFunction) -> None:
    """What holds of all code that is let through, whatever it computes."""
    state = random_state(7, 1)
    before = (state.rows.tobytes(), state.prev.rows.tobytes(), state.action.tobytes())
    total, terms = function(state)
    again, _ = function(state)
    assert (state.rows.tobytes(), state.prev.rows.tobytes(), state.action.tobytes()) == before
    assert total.tobytes() == again.tobytes()
    for values in (total, *terms.values()):
        assert values.shape == (7,)
        assert values.dtype == np.float64
        assert values.flags.owndata
    assert function.operations <= MOST_OPERATIONS
    assert function.columns <= MOST_COLUMNS_IN_ALL
    alone = State(
        WITH_ALL, state.rows[3:5], state.prev.rows[3:5], state.action[3:5], state.dt, state.terminated[3:5]
    )
    assert np.array_equal(function(alone)[0], total[3:5], equal_nan=True)


WITH_ALL = blank_state(LAYOUT)._slices


def check_contained(source: str) -> None:
    """A text is refused, or what it computes is harmless; nothing else happens."""
    with watched() as events:
        problems = check_source(source, WALK)
        if not problems:
            check_harmless(compile_source(source, WALK))
    assert events == []
    assert all(problem.message.isascii() and len(problem.message) < 900 for problem in problems)


@settings(max_examples=1_000)
@given(st.text(max_size=300))
def test_noise_is_contained(source: str) -> None:
    check_contained(source)


@settings(max_examples=1_000)
@given(st.lists(st.sampled_from(WORDS), max_size=80))
def test_soup_is_contained(words: list[str]) -> None:
    check_contained(" ".join(words))
    check_contained("def reward(s):\n    x = " + "".join(words) + "\n    return x, {'a': x}")


@settings(max_examples=120)
@given(programs())
def test_sound_programs_run_and_are_harmless(source: str) -> None:
    problems = check_source(source, WALK)
    assert problems == []
    check_contained(source)


@settings(max_examples=120)
@given(programs(), st.data())
def test_programs_gone_wrong_are_contained(source: str, data: st.DataObject) -> None:
    """Cut, doubled, exchanged and overwritten with hostile words."""
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, max(len(source) - 1, 0)))
        stop = min(start + data.draw(st.integers(0, 12)), len(source))
        new = data.draw(st.sampled_from(("", source[start:stop] * 2, *HOSTILE, *WORDS)))
        source = source[:start] + new + source[stop:]
    check_contained(source)


@settings(max_examples=60)
@given(programs(), st.sampled_from(HOSTILE))
def test_one_hostile_expression_spoils_a_program(source: str, hostile: str) -> None:
    spoiled = source.replace("    terms =", f"    y = {hostile}\n    terms =")
    assert check_source(spoiled, WALK)


@settings(max_examples=100)
@given(st.sampled_from(sorted(NUMPY)), st.lists(st.sampled_from(ARGUMENTS), max_size=4))
def test_functions_of_numpy_refuse_what_they_cannot_take(name: str, arguments: list[str]) -> None:
    check_contained(f"def reward(s):\n    x = np.{name}({', '.join(arguments)})\n    return x, {{'a': x}}\n")


def test_the_errors_of_a_call_are_reward_errors() -> None:
    """A state of another robot: the code does not fit it, and says so."""
    function = compile_source("def reward(s):\n    return s.upright, {'a': s.upright}", WALK)
    other = blank_state(Layout.of(get_task("Hopper-v5")))
    with pytest.raises(RewardError, match="line 2"):
        function(other)
