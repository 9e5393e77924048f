"""The replay buffer: a ring, its places, and its state at an earlier moment."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabrl_py.algos.replay import ReplayBuffer
from tabrl_py.errors import ConfigError


def _add(buffer: ReplayBuffer, first: int, n: int) -> None:
    """Transitions whose numbers all tell which one it is."""
    number = np.arange(first, first + n, dtype=np.float64)
    buffer.add(
        number[:, None] * [1, 1, 1], number[:, None] * [2, 2], number, -number[:, None], number % 2 == 1
    )


def test_a_transition_comes_back_as_it_was_put_in() -> None:
    buffer = ReplayBuffer(8, 3, 2)
    _add(buffer, 0, 5)
    some = buffer.at(np.array([3, 0]))
    assert some.obs.tolist() == [[3.0] * 3, [0.0] * 3]
    assert some.actions.tolist() == [[6.0] * 2, [0.0] * 2]
    assert some.rewards.tolist() == [3.0, 0.0]
    assert some.next_obs.tolist() == [[-3.0] * 3, [0.0] * 3]
    assert some.terminated.tolist() == [1.0, 0.0]
    assert all(array.flags.c_contiguous and array.dtype == np.float32 for array in vars(some).values())


def test_the_oldest_are_overwritten() -> None:
    buffer = ReplayBuffer(5, 3, 2)
    _add(buffer, 0, 4)
    assert buffer.count == 4
    _add(buffer, 4, 4)
    assert (buffer.count, buffer.added) == (5, 8)
    assert sorted(buffer.at(np.arange(5)).rewards.tolist()) == [3.0, 4.0, 5.0, 6.0, 7.0]


@given(st.integers(1, 12), st.lists(st.integers(1, 12), max_size=8), st.lists(st.integers(1, 12), max_size=8))
def test_the_state_is_that_of_the_mark_whatever_was_added_since(
    capacity: int, before: list[int], after: list[int]
) -> None:
    buffer = ReplayBuffer(capacity, 3, 2)
    at = 0
    for marked, sizes in ((False, before), (True, after)):
        if marked:
            buffer.mark()
            marked_at = at
        for size in sizes:
            _add(buffer, at, min(size, capacity))
            at += min(size, capacity)
    state = {name: np.array(value) for name, value in buffer.state().items()}
    held = range(max(0, marked_at - capacity), marked_at)
    assert state["rows"][:, -2].tolist() == [float(x) for x in held]
    assert state["added"] == marked_at

    # Going on from the state comes to the same buffer, place by place.
    other = ReplayBuffer(capacity, 3, 2)
    other.load_state(state)
    for first in range(marked_at, at):
        _add(other, first, 1)
    places = np.arange(buffer.count)
    assert other.at(places).rewards.tolist() == buffer.at(places).rewards.tolist()
    assert other.added == buffer.added


def test_a_buffer_that_cannot_fit_says_which_number_to_change() -> None:
    with pytest.raises(ConfigError, match=r"algo.buffer_size=10000000 .* lower it to 3195660"):
        ReplayBuffer(10_000_000, 17, 6)


def test_a_state_of_another_shape_is_refused() -> None:
    buffer = ReplayBuffer(4, 3, 2)
    _add(buffer, 0, 3)
    buffer.mark()
    state = buffer.state()
    with pytest.raises(ValueError, match="transitions where"):
        ReplayBuffer(4, 2, 2).load_state(state)
    with pytest.raises(ValueError, match="transitions where"):
        buffer.load_state({**state, "added": np.array(4.0)})
