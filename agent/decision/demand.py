"""Who asks how much of an overloaded service, and what bound keeps only the excess away. Pure numbers; no bound is guessed.

A bound comes from what was enough while all was well: three times the most that any one caller, or client address, needed then.
Below that nobody who behaves as before is refused.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

OVERLOADED = frozenset({"overload", "saturation", "cpu", "pod_cpu", "traffic", "latency"})
"""Causes that more requests than it can take explain."""
SPARE = 3.0
"""How much more than the most while all was well is let through."""
AMPLIFIED = 1.5
"""From so many times more calls per request that a caller is itself asked on, it repeats them (or runs in circles)."""
MOSTLY = 0.7
"""One caller's share of what is asked more, from which on it is that caller's doing."""
LEAST = 10
"""No pool is bounded below so many requests: a handful tells nothing."""
RETRIES = 0.2, 3
"""Share of the active requests that may be retries, and how many in any case (envoyproxy.io: CircuitBreakers.Thresholds.RetryBudget)."""
HALF, FAR = 0.5, 5.0
"""A client is to blame that sends half of all requests, and five times as many as any did before."""
CROWD, SMALL = 10, 0.2
"""Before, there were so many addresses and none sent more than this share: else an address is a proxy's, and many are behind it."""


@dataclass(frozen=True, slots=True)
class Flow:
    """Requests per second of one caller to the suspect, before and during. ``asked``: how many times as much the caller is itself
    asked as before; None is not known, as for a job that nobody calls."""

    caller: str
    before: float
    during: float
    asked: float | None = None

    @property
    def more(self) -> float:
        return max(0.0, self.during - self.before)


@dataclass(frozen=True, slots=True)
class Demand:
    """Who asks the suspect (``caller`` empty: from outside), and how long nineteen of twenty of its answers took at most (seconds)."""

    flows: tuple[Flow, ...] = ()
    seconds: float = 0.0
    seconds_during: float = 0.0
    doors: tuple[str, ...] = ()
    """The services through which requests for the suspect come from outside; itself when nobody calls it."""


@dataclass(frozen=True, slots=True)
class Clients:
    """Addresses in the access log: how many there were before, the largest share of one then and during, and its requests per second."""

    before: int
    share_before: float
    share: float
    most_before: float
    most: float
    address: str = ""


@dataclass(frozen=True, slots=True)
class Pool:
    """A bound of the requests that may be under way to a host, and of the retries among them."""

    requests: int
    retries: int
    flow: Flow = field(default_factory=lambda: Flow("", 0, 0))


def storm(demand: Demand | None) -> Flow | None:
    """The caller whose repeated calls are most of what is asked more; None when demand explains it, or nobody stands out."""
    inside = [one for one in demand.flows if one.caller] if demand is not None else []
    total = sum(one.more for one in demand.flows) if demand is not None else 0.0
    worst = max(inside, key=lambda one: one.more, default=None)
    if worst is None or total <= 0 or worst.more < MOSTLY * total or worst.during < AMPLIFIED * worst.before:
        return None
    grown = worst.during / worst.before if worst.before > 0 else math.inf
    if worst.asked is not None and grown < AMPLIFIED * max(worst.asked, 1.0):
        return None  # it passes on what it is asked: to refuse that would hurt people
    return worst


def pool(demand: Demand | None) -> Pool | None:
    """The bound that ends a storm; None where there is none, where nothing tells what was enough, or it would change nothing.

    What is under way at once is the rate times the time (Little 1961).
    """
    worst = storm(demand)
    if demand is None or worst is None or demand.seconds <= 0:
        return None
    enough = max((one.before for one in demand.flows), default=0.0) * demand.seconds
    if enough <= 0:
        return None
    bound = max(LEAST, math.ceil(SPARE * enough))
    if worst.during * max(demand.seconds_during, demand.seconds) <= bound:
        return None
    share, least = RETRIES
    return Pool(bound, max(least, math.ceil(share * bound)), worst)


def rate(clients: Clients | None) -> tuple[int, str] | None:
    """Requests per second or minute of one address that keep a flood away and nobody else; None where addresses do not tell."""
    if clients is None or not (clients.share >= HALF and clients.most_before > 0 and clients.most >= FAR * clients.most_before):
        return None
    if clients.before < CROWD or clients.share_before > SMALL:
        return None
    enough = SPARE * clients.most_before
    return (math.ceil(enough), "second") if enough >= 1 else (max(LEAST, math.ceil(60 * enough)), "minute")


def demand_of(name: str, graph: Mapping[str, Any]) -> Demand | None:
    """What the graph of an investigation's document says of a service; None when its requests are not known."""
    loads = {str(one["name"]): one for one in graph.get("services") or ()}
    own = loads.get(name)
    flows = tuple(Flow(str(one["caller"]), float(one["before"]), float(one["during"]), _asked(loads.get(str(one["caller"]))))
                  for one in graph.get("flows") or () if one["callee"] == name)
    if own is None or not own.get("before") or not flows:
        return None
    during = own.get("during") or own["before"]
    return Demand(flows, float(own["before"]["p95"]), float(during["p95"]), doors(name, graph))


def doors(name: str, graph: Mapping[str, Any]) -> tuple[str, ...]:
    """The services above one, or itself, that nobody calls."""
    callers: dict[str, set[str]] = {}
    for caller, callee in graph.get("calls") or ():
        if caller["name"] != callee["name"]:
            callers.setdefault(callee["name"], set()).add(caller["name"])
    seen, left = {name}, [name]
    while left:
        fresh = callers.get(left.pop(), set()) - seen
        seen |= fresh
        left += fresh
    return tuple(sorted(one for one in seen if not callers.get(one)))


def _asked(load: Mapping[str, Any] | None) -> float | None:
    before, during = ((load or {}).get(when) for when in ("before", "during"))
    return float(during["rate"]) / float(before["rate"]) if before and during and before["rate"] > 0 else None
