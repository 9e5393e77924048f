"""How often and how many: token buckets for requests, counts for what is under way."""

from __future__ import annotations

import math
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from proxy.errors import RelayError
from proxy.settings import Limits

REMEMBERED_CLIENTS = 1024
"""A client beyond them takes the place of the one that was silent longest."""


class Bucket:
    """`per_minute` tokens, all there at first, that come back evenly."""

    def __init__(self, per_minute: int, now_s: float) -> None:
        self._capacity = float(per_minute)
        self._per_s = per_minute / 60
        self._tokens = float(per_minute)
        self._at_s = now_s

    def wait_s(self, now_s: float) -> float:
        """Seconds until there is a token; 0 when there is one."""
        self._tokens = min(self._capacity, self._tokens + (now_s - self._at_s) * self._per_s)
        self._at_s = now_s
        return max(0.0, (1 - self._tokens) / self._per_s)

    def take(self) -> None:
        """Use one."""
        self._tokens -= 1


class Gate:
    """Lets requests in, or says when to come again.

    Args:
        limits: what is allowed.
        clock: seconds that never go back.
    """

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._clock = clock
        self._all = Bucket(limits.requests_per_minute, clock())
        self._clients: OrderedDict[str, Bucket] = OrderedDict()
        self._under_way: Counter[str] = Counter()

    @property
    def under_way(self) -> int:
        """Requests that are being relayed now."""
        return self._under_way.total()

    @contextmanager
    def passing(self, client: str) -> Iterator[None]:
        """Count one request of a client while it is relayed.

        Raises:
            RelayError: 429, with the seconds to wait.
        """
        self._check_count(client)
        self._check_rate(client)
        self._under_way[client] += 1
        try:
            yield
        finally:
            self._under_way[client] -= 1
            if not self._under_way[client]:
                del self._under_way[client]

    def _check_count(self, client: str) -> None:
        for limit, count, whose in (
            (self._limits.client_streams, self._under_way[client], "of yours"),
            (self._limits.streams, self.under_way, "of all clients"),
        ):
            if count >= limit:
                message = (
                    f"{count} requests {whose} are under way and this proxy relays at most {limit}; wait for"
                    " one to end"
                )
                raise RelayError(429, message, retry_after_s=1)

    def _check_rate(self, client: str) -> None:
        now_s = self._clock()
        own = self._clients.setdefault(client, Bucket(self._limits.client_requests_per_minute, now_s))
        self._clients.move_to_end(client)
        if len(self._clients) > REMEMBERED_CLIENTS:
            self._clients.popitem(last=False)
        for bucket, limit, whose in (
            (own, self._limits.client_requests_per_minute, "from one address"),
            (self._all, self._limits.requests_per_minute, "in all"),
        ):
            wait_s = math.ceil(bucket.wait_s(now_s))
            if wait_s > 0:
                message = f"more than {limit} requests a minute {whose}; wait {wait_s} s"
                raise RelayError(429, message, retry_after_s=wait_s)
        own.take()
        self._all.take()
