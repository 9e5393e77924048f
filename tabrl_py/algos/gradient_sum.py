"""The sum of a minibatch's gradient over all shards, the same bits whoever computed which of them."""

from collections.abc import Callable

import numpy as np

from tabrl_py.algos.shards import Share, Waiting, nodes
from tabrl_py.algos.team import Bytes
from tabrl_py.nn.ppo_loss import SUMS
from tabrl_py.types import F32, F64


class GradientSum:
    """Adds up gradients by the fixed binary tree over the S shards, and figures one shard after the other.

    A member adds up the branches whose shards are all its own and offers their sums; every member then adds
    up the rest of the tree.

    Attributes:
        leaves: (C, P) the gradients of this member's shards; overwritten by total().
        figures: (C, 4) their figures.
    """

    def __init__(self, share: Share, tree_sum: Callable[[F32], F32], size: int) -> None:
        """Make room for gradients of P numbers.

        Args:
            share: this member's.
            tree_sum: adds up (n, P) gradients; see Arithmetic.tree_sum.
            size: P.
        """
        self._share, self._tree_sum, self._size = share, tree_sum, size
        self._branches = [nodes(share.shards_of(member)) for member in range(share.team.members)]
        self._table: F32 = np.zeros((share.shards, size), np.float32)
        self._every_figure: F64 = np.zeros((share.shards, len(SUMS)))
        self.leaves = self._table[share.mine.start : share.mine.stop]
        self.figures = self._every_figure[share.mine.start : share.mine.stop]
        self._block: Bytes = np.zeros(self._length(share.team.me), np.uint8)

    def _length(self, member: int) -> int:
        """Bytes of a member's block: the figures of its shards, then the sums of its branches."""
        figures = self._every_figure.itemsize * len(SUMS) * len(self._share.shards_of(member))
        return figures + self._table.itemsize * self._size * len(self._branches[member])

    def total(self) -> Waiting[tuple[F32, F64]]:
        """The (P,) gradient and the (4,) figures over all shards; the gradient may be overwritten."""
        share, me = self._share, self._share.team.me
        for branch in self._branches[me]:
            if len(branch) > 1:
                self._tree_sum(self._table[branch.start : branch.stop])
        if share.team.members > 1:
            figures, sums = self._parts(self._block, me)
            figures[...] = self.figures
            for place, branch in zip(sums, self._branches[me], strict=True):
                place[...] = self._table[branch.start]
            blocks = yield from share.exchange(self._block)
            for member, block in enumerate(blocks):
                if member != me:
                    self._take(block, member)
        with np.errstate(all="ignore"):  # what is not finite is found in the sum
            self._add_branches(range(share.shards))
            totals = np.zeros(len(SUMS))
            for shard in self._every_figure:
                totals += shard
        return self._table[0], totals

    def _parts(self, block: Bytes, member: int) -> tuple[F64, F32]:
        """The figures (C, 4) and the sums (branches, P) in a member's block, as views."""
        if block.size != self._length(member):
            raise RuntimeError(
                f"worker {member} sent {block.size} bytes of gradients instead of {self._length(member)}: "
                "it learns something else"
            )
        edge = self._every_figure.itemsize * len(SUMS) * len(self._share.shards_of(member))
        figures: F64 = block[:edge].view(np.float64).reshape(-1, len(SUMS))
        sums: F32 = block[edge:].view(np.float32).reshape(-1, self._size)
        return figures, sums

    def _take(self, block: Bytes, member: int) -> None:
        figures, sums = self._parts(block, member)
        shards = self._share.shards_of(member)
        self._every_figure[shards.start : shards.stop] = figures
        for branch, gradient in zip(self._branches[member], sums, strict=True):
            self._table[branch.start] = gradient

    def _add_branches(self, branch: range) -> None:
        """Add up a branch of the tree into the row of its first shard."""
        if any(branch in of_member for of_member in self._branches):
            return
        middle = branch.start + len(branch) // 2
        self._add_branches(range(branch.start, middle))
        self._add_branches(range(middle, branch.stop))
        self._table[branch.start] += self._table[middle]
