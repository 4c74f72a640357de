"""Expected answers over the BGL log, from the raw lines.

Each line has an epoch time and a local time seven or eight hours behind it: day buckets accept both.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from evals.query import make
from evals.query.expect import Expect, Nothing, Patterns, Refused, Scalar, Top
from evals.query.rows import Log, Row

LOCAL = re.compile(r"\d{4}-\d\d-\d\d-\d\d\.\d\d\.\d\d\.\d{6}")
PARITY = "instruction cache parity error corrected"


def _local_row(row: Row) -> Row:
    match = LOCAL.search(row.text)
    return replace(row, time=datetime.strptime(match[0], "%Y-%m-%d-%H.%M.%S.%f").replace(tzinfo=UTC)) if match else row


def _local(log: Log) -> Log:
    return replace(log, rows=tuple(_local_row(row) for row in log))


def _either_clock(log: Log, truth: Callable[[Log], Expect]) -> Expect:
    return make.either(truth(log), truth(_local(log)))


def _node(log: Log) -> str:
    return make.with_count(Counter(row.host for row in log if row.host.startswith("R")), 10)


def _tlb_hosts(log: Log) -> Expect:
    return Scalar(len({row.host for row in log.has("data TLB error interrupt")}))


PLACES: dict[str, Callable[[Log], str]] = {"node": _node}
TRUTHS: dict[str, Callable[[Log], Expect]] = {
    "fatal": lambda log: make.count(log.level("FATAL")),
    "tlb": lambda log: make.count(log.has("data TLB error interrupt")),
    "cores": lambda log: make.count(log.has("generating core")),
    "components": lambda log: Top(log.by(lambda row: row.service), 4),
    "fatal_share": lambda log: make.share(log.level("FATAL"), log),
    "mount_failed": lambda log: make.count(log.has("Lustre mount FAILED")),
    "alignment_max": lambda log: make.stat(log, r"^(\d+) floating point alignment exceptions", "max"),
    "alignment_mean": lambda log: make.stat(log, r"^(\d+) double-hummer alignment exceptions", "mean"),
    "nodes": _tlb_hosts,
    "noisy_nodes": lambda log: Top(log.has(PARITY).by(lambda row: row.host), 3),
    "first_mount": lambda log: make.first(log.has("Lustre mount FAILED")),
    "last_kernel_termination": lambda log: make.last(log.has("rts: kernel terminated")),
    "fatal_per_day": lambda log: _either_clock(log, lambda each: make.trend(each.level("FATAL"), 86400)),
    "node_lines": lambda log: make.lines(log.where(lambda row: row.host == _node(log))),
    "june_june": lambda log: _either_clock(log, lambda each: make.count(each.has(PARITY).span("2005-06-01", "2005-07-01"))),
    "then_severe": lambda log: make.count(log.level("FATAL")),
    "fatal_summary": lambda log: Patterns(
        {"data TLB error interrupt": {"count": len(log.has("data TLB error interrupt"))}},
        never=("generating core", "alignment exceptions")),
    "unknown_node": lambda _: Nothing(),
    "future": lambda _: Refused(),
}
