"""How often and how much at once: by identity for those who are known, by address for attempts that failed.

Counted in this process alone: with several replicas each lets as many in. An IPv6 address counts as its /64, which one
subscriber has.
"""

from __future__ import annotations

import ipaddress
import time
from collections import Counter, OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from api.door.refusing import Refused

_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Rates:
    """Requests of one identity per minute and at once; of one address failed attempts per minute, and requests of nobody
    known (webhooks that are signed, health) per minute and at once."""

    requests: int = 12_000
    at_once: int = 400
    failures: int = 30
    strangers: int = 12_000
    strangers_at_once: int = 100


class Limiter:
    """The counts of one process."""

    def __init__(self, rates: Rates) -> None:
        from limits import RateLimitItemPerMinute
        from limits.storage import MemoryStorage
        from limits.strategies import SlidingWindowCounterRateLimiter

        self._rates = rates
        self._counted = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._requests, self._failures, self._strangers = (
            RateLimitItemPerMinute(most) for most in (rates.requests, rates.failures, rates.strangers))
        self._under_way: Counter[str] = Counter()
        self._good: OrderedDict[str, None] = OrderedDict()

    def check_failures(self, address: str, credential: str) -> None:
        """Raise Refused (429) where too much failed from an address. ``credential``: the digest of what comes now; what was
        good before still comes in, so that nobody is shut out by a neighbour behind the same address."""
        if credential not in self._good and not self._counted.test(self._failures, "failed", address):
            raise Refused(429, "too many attempts from this address failed", again=self._again(self._failures, "failed", address))

    def failed(self, address: str) -> None:
        """Count an attempt that failed."""
        self._counted.hit(self._failures, "failed", address)

    def succeeded(self, credential: str) -> None:
        """Remember the digest of a credential that was good."""
        self._good[credential] = None
        self._good.move_to_end(credential)
        if len(self._good) > _REMEMBERED:
            self._good.popitem(last=False)

    def check_rate(self, identity: str | None, address: str) -> None:
        """Count a request. Raises Refused (429)."""
        item, kind, who = (self._requests, "asked", identity) if identity else (self._strangers, "stranger", address)
        if not self._counted.hit(item, kind, str(who)):
            raise Refused(429, f"more than {item.amount:,} requests in a minute", again=self._again(item, kind, str(who)), close=False)

    @contextmanager
    def under_way(self, identity: str | None, address: str) -> Iterator[None]:
        """Hold a place while a request is answered. Raises Refused (429)."""
        who, most = (identity, self._rates.at_once) if identity else (f"stranger {address}", self._rates.strangers_at_once)
        if self._under_way[who] >= most:
            raise Refused(429, f"more than {most} requests at once", again=1, close=False)
        self._under_way[who] += 1
        try:
            yield
        finally:
            self._under_way[who] -= 1
            if not self._under_way[who]:
                del self._under_way[who]

    def _again(self, item: object, kind: str, who: str) -> float:
        return max(1.0, self._counted.get_window_stats(item, kind, who).reset_time - time.time())  # type: ignore[arg-type]


def subscriber(address: str) -> str:
    """What of an address is one subscriber's: all of an IPv4 one, the /64 of an IPv6 one (RFC 6177)."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        return str(found.ipv4_mapped) if found.ipv4_mapped else str(ipaddress.ip_network((found, 64), strict=False).network_address)
    return address
