"""How a run is cut into shards, so that its numbers do not depend on how many workers share it.

The rows of a run are cut into S shards of equal size; S depends on the recipe alone. What crosses rows is
computed per shard and combined over all S in one fixed order. W members have contiguous ranges of shards.

    S  shards of the run        C  shards of this member        E  rows of one shard
"""

from collections.abc import Generator, Mapping
from time import perf_counter
from typing import Any, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from tabrl_py.algos.team import Alone, Bytes, Team
from tabrl_py.errors import ConfigError

MOST_SHARDS = 8
"""More would let more workers share a run, and make the parts of a minibatch too small to compute quickly."""
ALIGNMENT = 8

T = TypeVar("T")
Waiting: TypeAlias = Generator[None, None, T]
"""Yields while other members are waited for, then returns."""
Array: TypeAlias = npt.NDArray[Any]


def shard_count(n_envs: int) -> int:
    """S: the largest power of two up to MOST_SHARDS that divides the environments."""
    count = MOST_SHARDS
    while n_envs % count:
        count //= 2
    return count


def shard_range(shards: int, members: int, member: int) -> range:
    """The shards of one member, as even as they can be.

    Raises:
        ConfigError: there are not enough shards for so many members, or no such member.
    """
    if not 1 <= members <= shards or not 0 <= member < members:
        raise ConfigError(
            f"member={member} of members={members} cannot be: {shards} shards can be shared by 1 to {shards} "
            f"workers; use at most {shards}, or a number of environments that 8 divides"
        )
    return range(member * shards // members, (member + 1) * shards // members)


def nodes(mine: range) -> list[range]:
    """The largest branches of the binary tree over all shards that lie wholly in a range, in order.

    A branch is an aligned power of two of shards: [0, 1), [0, 2), [2, 4), [4, 8) and so on.
    """
    found = []
    at = mine.start
    while at < mine.stop:
        width = 1
        while at % (2 * width) == 0 and at + 2 * width <= mine.stop:
            width *= 2
        found.append(range(at, at + width))
        at += width
    return found


class Share:
    """The shards and rows of a run that one member has, and its line to the members that have the others.

    Attributes:
        team: the line.
        n_envs: rows of the whole run.
        shards: S.
        mine: which shards are this member's; C of them.
        shard_rows: E.
        rows: which rows of the run are this member's.
        waiting: whether an exchange waits for other members.
        waited_s: seconds spent in asking whether they have arrived, until someone sets it back.
    """

    def __init__(self, n_envs: int, team: Team | None = None) -> None:
        """Take this member's share of N rows; without a team, all of them.

        Raises:
            ConfigError: more members than shards.
        """
        self.team: Team = Alone() if team is None else team
        self.n_envs, self.shards = n_envs, shard_count(n_envs)
        self.mine = self.shards_of(self.team.me)
        self.shard_rows = n_envs // self.shards
        self.rows = range(self.mine.start * self.shard_rows, self.mine.stop * self.shard_rows)
        self.waiting = False
        self.waited_s = 0.0

    def shards_of(self, member: int) -> range:
        """The shards of a member."""
        return shard_range(self.shards, self.team.members, member)

    def by_shard(self, steps: Array) -> Array:
        """(C, T E, ...) copies of (T, N, ...) of this member's rows: samples by shard, step after step."""
        t, n = steps.shape[:2]
        split = steps.reshape(t, len(self.mine), n // len(self.mine), *steps.shape[2:])
        return np.array(split.swapaxes(0, 1), order="C").reshape(len(self.mine), -1, *steps.shape[2:])

    def exchange(self, block: Bytes) -> Waiting[list[Bytes]]:
        """Every member's block, in order; valid until the next exchange."""
        self.team.offer(block)
        while True:
            began = perf_counter()
            arrived = self.team.arrived()
            if self.team.members > 1:
                # In shared memory arrived() itself waits, and mostly with success.
                self.waited_s += perf_counter() - began
            if arrived:
                break
            self.waiting = True
            yield
        self.waiting = False
        return self.team.blocks()

    def gather(self, mine: Mapping[str, Array]) -> Waiting[dict[str, Array]]:
        """This member's arrays, joined with those of the others along the first axis, in the order of shards.

        Args:
            mine: by name; the first axis counts this member's shards or rows.
        """
        arrays = {name: np.ascontiguousarray(array) for name, array in mine.items()}
        places = _places(list(arrays.values()), 1, 1)
        block = np.zeros(places[-1], np.uint8)
        for array, at in zip(arrays.values(), places, strict=False):
            block[at : at + array.nbytes] = array.reshape(-1).view(np.uint8)
        blocks = yield from self.exchange(block)
        parts: dict[str, list[Array]] = {name: [] for name in arrays}
        for member, theirs in enumerate(blocks):
            count = len(self.shards_of(member))
            self._take(theirs, arrays, count, member, parts)
        return {name: np.concatenate(found) for name, found in parts.items()}

    def _take(
        self, block: Bytes, like: dict[str, Array], count: int, member: int, parts: dict[str, list[Array]]
    ) -> None:
        """Append the arrays of a member's block, who has `count` shards, to `parts`."""
        mine = len(self.mine)
        places = _places(list(like.values()), count, mine)
        if block.size != places[-1]:
            raise RuntimeError(
                f"worker {member} sent {block.size} bytes instead of {places[-1]}: it runs something else"
            )
        for (name, array), at in zip(like.items(), places, strict=False):
            shape = (array.shape[0] // mine * count, *array.shape[1:])
            size = array.nbytes // mine * count
            parts[name].append(block[at : at + size].view(array.dtype).reshape(shape))


def _places(arrays: list[Array], count: int, mine: int) -> list[int]:
    """Where in a block each array begins, and the block's length, for arrays count / mine times as long."""
    places = [0]
    for array in arrays:
        size = array.nbytes // mine * count
        places.append(places[-1] + -(-size // ALIGNMENT) * ALIGNMENT)
    return places
