"""What a metric is about, told from its name alone: the field's own words, as Prometheus, OpenTelemetry, cAdvisor and clouds use them.

An aspect says how a fault in it travels: latency and errors from callee to caller, load from caller to callee, and
use of a resource nowhere (Google's four golden signals, *Site Reliability Engineering*, ch. 6; Gregg's USE method).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Literal

Direction = Literal["up", "down", "both"]

WORDS: tuple[tuple[str, frozenset[str]], ...] = (
    ("restart", frozenset("restart restarts uptime oom oomkilled crash crashes crashloop".split())),
    ("errors", frozenset(
        "error errors err errs fail failed failure failures fault faults exception exceptions 5xx 4xx 500 503 availability "
        "available success successes succeeded unavailable timeout timeouts reject rejected rejections throttle throttles throttled".split()
    )),
    ("latency", frozenset(
        "latency latencies lat duration durations delay rt rtt response elapsed p50 p75 p90 p95 p99 p999 wait pause".split()
    )),
    ("cpu", frozenset("cpu cpus processor processors core cores load1 load5 load15 millicores".split())),
    ("memory", frozenset("memory mem heap rss oom swap workingset pss gc".split())),
    ("disk", frozenset("disk disks fs filesystem io iops iowait volume storage inode inodes read reads write writes".split())),
    ("network", frozenset(
        "network net packet packets receive received transmit transmitted rx tx tcp retransmit retransmits socket sockets bandwidth drop dropped drops".split()
    )),
    ("saturation", frozenset("queue queued pool backlog pending saturation threads connections conns clients lag utilization utilisation".split())),
    ("latency", frozenset("seconds ms milliseconds".split())),
    ("traffic", frozenset(
        "request requests req reqs rps qps ops tps throughput workload traffic call calls invocations hits count lod load orders".split()
    )),
    ("traffic", frozenset("rate count".split())),
)  # fmt: skip
"""Aspects in the order in which their words decide: ``request_errors`` is about errors, ``request_duration`` about latency."""
RESOURCES = frozenset({"cpu", "memory", "disk", "network", "saturation", "restart", "system calls"})
PROPAGATING = frozenset({"latency", "errors"})
_GOOD = frozenset("availability available success successes succeeded uptime".split())
_OUTWARD = frozenset("client outbound egress outgoing upstream".split())
_RATES = frozenset("rps qps ops tps rate throughput lod load".split())
_QUANTILES = frozenset("50 75 90 95 98 99 999".split())
_JOINED = re.compile(r"[pP]\d{2,3}|[45]xx|load\d+|[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a metric's name says."""

    aspect: str
    bad: Direction = "both"
    """Which way is worse."""
    outward: bool = False
    """Measured on calls that the entity makes: it waits for others."""
    share: bool = False
    """A share of good outcomes, 0 to 1 or 0 to 100; worse is less."""
    percent: bool = False
    """A share of a limit: 100 is full."""
    per_second: bool = False
    """A rate: so many in each second, not in the interval of a point."""
    quantile: float | None = None
    """Which quantile of durations it is; None when it is none, or its name does not tell."""


@cache
def meaning(metric: str, unit: str = "") -> Meaning:
    """What a metric is about; its own name as the aspect when the words tell nothing."""
    words = {word.lower() for word in _JOINED.findall(metric)}
    if "syscall" in words or "syscalls" in words:
        return Meaning("system calls", "up")
    aspect = next((name for name, known in WORDS if words & known), "")
    good = aspect == "errors" and bool(words & _GOOD)
    percent = (unit == "%" or "%" in metric or bool(words & {"percent", "pct", "utilization", "utilisation"})) and not good
    bad: Direction = "both" if aspect in {"traffic", ""} else "up"
    return Meaning(aspect or metric, bad, bool(words & _OUTWARD) and aspect in PROPAGATING, good, percent and aspect in RESOURCES,
                   bool(words & _RATES), _quantile(words) if aspect == "latency" else None)


def _quantile(words: set[str]) -> float | None:
    """``p99`` is .99, ``p999`` .999; so are bare ``99`` and ``999`` beside a word for durations."""
    found = [digits for word in words if (digits := word.removeprefix("p")) in _QUANTILES]
    return int(found[0]) / 10 ** len(found[0]) if len(found) == 1 else None
