"""The members of a team: workers that learn one policy together, and how they exchange blocks of bytes.

An exchange is symmetrical: every member offers a block, and when all have, every member reads all of them.
The members go through the same exchanges in the same order, so nothing says what a block is about.
"""

from typing import Protocol

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]


class Team(Protocol):
    """One member's line to the others.

    Attributes:
        members: how many there are.
        me: which of them this is.
    """

    members: int
    me: int

    def offer(self, block: Bytes) -> None:
        """Begin an exchange.

        Args:
            block: (-,) this member's bytes, C-contiguous; they stay unchanged until the exchange is over.
        """
        ...

    def arrived(self) -> bool:
        """Whether every member's block is here. May wait some milliseconds for them."""
        ...

    def blocks(self) -> list[Bytes]:
        """Every member's block, in the order of members; valid until the next offer."""
        ...


class Alone:
    """The team of a run that one worker does by itself. Fulfils Team."""

    members = 1
    me = 0

    def __init__(self) -> None:
        self._block: Bytes = np.zeros(0, np.uint8)

    def offer(self, block: Bytes) -> None:
        """See Team.offer."""
        self._block = block

    def arrived(self) -> bool:
        """See Team.arrived."""
        return True

    def blocks(self) -> list[Bytes]:
        """See Team.blocks."""
        return [self._block]


class _Table:
    """What the members of one process have laid out for each other.

    A member may offer again as soon as it has read, while a slower one still reads: there are two places,
    used in turn. No member can be two exchanges ahead, because that takes the slowest one's next block.
    """

    def __init__(self, members: int) -> None:
        self.counts = [0] * members
        self.places: list[list[Bytes]] = [[np.zeros(0, np.uint8)] * members for _ in range(2)]


class Together:
    """A member of a team that takes turns in one process. Fulfils Team; see together()."""

    def __init__(self, table: _Table, members: int, me: int) -> None:
        self.members, self.me = members, me
        self._table = table
        self._count = 0

    def offer(self, block: Bytes) -> None:
        """See Team.offer."""
        self._count += 1
        self._table.places[self._count % 2][self.me] = block.copy()
        self._table.counts[self.me] = self._count

    def arrived(self) -> bool:
        """See Team.arrived."""
        return min(self._table.counts) >= self._count

    def blocks(self) -> list[Bytes]:
        """See Team.blocks."""
        return list(self._table.places[self._count % 2])


def together(members: int) -> list[Together]:
    """The members of a team in this process, in order."""
    table = _Table(members)
    return [Together(table, members, me) for me in range(members)]
