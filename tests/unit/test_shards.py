"""The cutting of a run into shards, and the exchange of what the members computed."""

from collections.abc import Generator
from typing import Any, TypeVar

import numpy as np
import pytest

from tabrl_py.algos.shards import Share, nodes, shard_count, shard_range
from tabrl_py.algos.team import Alone, together
from tabrl_py.errors import ConfigError

T = TypeVar("T")


def finish(works: list[Generator[None, None, T]]) -> list[T]:
    """The results of generators that take turns."""
    results: dict[int, T] = {}
    for _ in range(1000):
        for at, work in enumerate(works):
            if at not in results:
                try:
                    next(work)
                except StopIteration as end:
                    results[at] = end.value
        if len(results) == len(works):
            return [results[at] for at in range(len(works))]
    raise AssertionError("the members wait for each other for ever")


@pytest.mark.parametrize(("n_envs", "shards"), [(64, 8), (8, 8), (12, 4), (6, 2), (1, 1), (7, 1), (40, 8)])
def test_shards_are_a_power_of_two_that_divides_the_rows(n_envs: int, shards: int) -> None:
    assert shard_count(n_envs) == shards


@pytest.mark.parametrize("shards", [1, 2, 4, 8])
def test_members_have_every_shard_once_in_order_and_evenly(shards: int) -> None:
    for members in range(1, shards + 1):
        ranges = [shard_range(shards, members, member) for member in range(members)]
        assert [shard for mine in ranges for shard in mine] == list(range(shards))
        sizes = [len(mine) for mine in ranges]
        assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize(("members", "member"), [(5, 0), (0, 0), (2, 2), (2, -1)])
def test_more_members_than_shards_are_refused(members: int, member: int) -> None:
    with pytest.raises(ConfigError, match=f"member={member} of members={members}"):
        shard_range(4, members, member)


@pytest.mark.parametrize(
    ("mine", "expected"),
    [
        (range(8), [range(8)]),
        (range(2, 5), [range(2, 4), range(4, 5)]),
        (range(5, 8), [range(5, 6), range(6, 8)]),
        (range(1, 7), [range(1, 2), range(2, 4), range(4, 6), range(6, 7)]),
        (range(3, 3), []),
    ],
)
def test_nodes_are_the_largest_branches_within_a_range(mine: range, expected: list[range]) -> None:
    assert nodes(mine) == expected


@pytest.mark.parametrize("members", [1, 2, 3, 8])
def test_gather_joins_arrays_of_every_type_in_the_order_of_shards(members: int) -> None:
    n = 24
    whole = {
        "flags": np.arange(n) % 3 == 0,
        "numbers": np.linspace(0.0, 1.0, n * 5).reshape(n, 5),
        "small": np.arange(8, dtype=np.float32),
        "none": np.zeros((n, 0)),
    }
    shares = [Share(n, team) for team in together(members)]
    works = []
    for share in shares:
        rows, shards = slice(share.rows.start, share.rows.stop), slice(share.mine.start, share.mine.stop)
        mine: dict[str, Any] = {
            name: array[shards if name == "small" else rows] for name, array in whole.items()
        }
        works.append(share.gather(mine))
    for result in finish(works):
        assert list(result) == list(whole)
        for name, array in whole.items():
            assert result[name].dtype == array.dtype
            assert np.array_equal(result[name], array), name


def test_an_exchange_waits_for_the_slowest_and_a_fast_member_may_begin_the_next() -> None:
    fast, slow = (Share(8, team) for team in together(2))
    work = fast.exchange(np.array([1], np.uint8))
    next(work)
    next(work)
    waits = [fast.waiting]
    other = slow.exchange(np.array([2], np.uint8))
    with pytest.raises(StopIteration) as end:
        next(other)
    theirs = end.value.value
    with pytest.raises(StopIteration):
        next(work)
    waits.append(fast.waiting)
    assert waits == [True, False]
    next(fast.exchange(np.array([9], np.uint8)))
    assert [block.tolist() for block in theirs] == [[1], [2]]


def test_a_member_that_runs_something_else_is_noticed() -> None:
    one, two = (Share(8, team) for team in together(2))
    works = [one.gather({"x": np.zeros(4)}), two.gather({"x": np.zeros((4, 3))})]
    with pytest.raises(RuntimeError, match="worker 0 sent 32 bytes instead of 96"):
        finish(works)


def test_alone_nothing_is_waited_for() -> None:
    share = Share(6, Alone())
    assert (list(share.mine), list(share.rows), share.shard_rows) == ([0, 1], list(range(6)), 3)
    (result,) = finish([share.gather({"x": np.arange(6)})])
    assert result["x"].tolist() == list(range(6))


def test_samples_by_shard_are_each_shards_steps() -> None:
    share = Share(4, together(2)[1])
    assert list(share.rows) == [2, 3]
    steps = np.array([[[20, 0], [30, 0]], [[21, 0], [31, 0]], [[22, 0], [32, 0]]])
    assert share.by_shard(steps)[:, :, 0].tolist() == [[20, 21, 22], [30, 31, 32]]
    assert share.by_shard(steps[:, :, 0]).tolist() == [[20, 21, 22], [30, 31, 32]]
