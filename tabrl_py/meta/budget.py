"""Hard caps on tokens and money: reserved before a request at its worst, settled after it from `usage`."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

FIRST_MARGIN = 1.25
"""So many times the counted input is reserved: counts are estimates (platform.claude.com, Token counting)."""
EXTRA_TOKENS = 512


@dataclass(frozen=True)
class Price:
    """US dollars per million tokens.

    Attributes:
        read: of input that was in the cache, as a share of `input`.
        written: of input that was put into the cache, as a share of `input`.
    """

    input: float
    output: float
    read: float = 0.1
    written: float = 1.25

    def of(self, usage: "Usage") -> float:
        """What a request cost."""
        read = usage.read * self.read + usage.written * self.written + usage.plain
        return (read * self.input + usage.output * self.output) / 1e6


@dataclass(frozen=True)
class Usage:
    """Tokens of a request, as the API reports them."""

    plain: int = 0
    """Input tokens that no cache had a part in."""
    read: int = 0
    written: int = 0
    output: int = 0

    @property
    def input(self) -> int:
        """All that was read."""
        return self.plain + self.read + self.written

    @property
    def tokens(self) -> int:
        """All that count against a cap."""
        return self.input + self.output

    @classmethod
    def of(cls, reported: Mapping[str, Any]) -> "Usage":
        """From the `usage` of a message; what is missing or null counts as 0."""
        names = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens")
        return cls(*(max(0, int(reported.get(name) or 0)) for name in names))


@dataclass(frozen=True)
class Reservation:
    """What a request may cost at worst."""

    id: str
    counted: int
    """Input tokens as they were counted beforehand."""
    max_output: int
    tokens: int
    usd: float


class Budget:
    """What was spent of the caps. A request without an answer counts as all that was reserved for it.

    Attributes:
        requests: answered or lost.
    """

    def __init__(self, max_tokens: int, max_usd: float) -> None:
        self.max_tokens, self.max_usd = max_tokens, max_usd
        self.requests = 0
        self.used = Usage()
        self.lost_tokens = 0
        self.usd = 0.0
        self._open: dict[str, Reservation] = {}
        self._margin = FIRST_MARGIN

    @property
    def tokens(self) -> int:
        """Spent and reserved."""
        return self.used.tokens + self.lost_tokens + sum(each.tokens for each in self._open.values())

    @property
    def usd_with_open(self) -> float:
        """Spent and reserved."""
        return self.usd + sum(each.usd for each in self._open.values())

    def worst(self, id_: str, counted: int, max_output: int, price: Price) -> Reservation:
        """What a request may cost: more input than counted, all of it written into the cache."""
        read = math.ceil(counted * self._margin) + EXTRA_TOKENS
        usd = (read * price.input * max(1.0, price.written) + max_output * price.output) / 1e6
        return Reservation(id_, counted, max_output, read + max_output, usd)

    def affordable(self, counted: int, wanted: int, least: int, price: Price) -> int:
        """Tokens that an answer may have so that no cap can be passed; 0 when not even the least fits.

        Args:
            counted: input tokens.
            wanted: output tokens that would be best.
            least: output tokens without which asking is useless.
            price: of the model.
        """
        bare = self.worst("", counted, 0, price)
        by_tokens = self.max_tokens - self.tokens - bare.tokens
        by_usd = (self.max_usd - self.usd_with_open - bare.usd) * 1e6 / max(price.output, 1e-9)
        most = min(wanted, by_tokens, math.floor(by_usd))
        return most if most >= least else 0

    def reserve(self, reservation: Reservation) -> None:
        """Hold what a request may cost. One with the same id that was never settled is lost."""
        self.lose(reservation.id)
        self._open[reservation.id] = reservation

    def lose(self, id_: str) -> None:
        """A request will have no answer: it may have cost all that was reserved."""
        lost = self._open.pop(id_, None)
        if lost is not None:
            self.requests += 1
            self.lost_tokens += lost.tokens
            self.usd += lost.usd

    def release(self, id_: str) -> None:
        """A request was refused before it cost anything."""
        self._open.pop(id_, None)

    def settle(self, id_: str, usage: Usage, usd: float) -> None:
        """A request was answered; from now on as much more is reserved as this one took by surprise."""
        reservation = self._open.pop(id_, None)
        if reservation is not None and reservation.counted > 0:
            self._margin = max(self._margin, 1.1 * usage.input / reservation.counted)
        self.requests += 1
        self.usd += usd
        before = self.used
        self.used = Usage(
            before.plain + usage.plain,
            before.read + usage.read,
            before.written + usage.written,
            before.output + usage.output,
        )
