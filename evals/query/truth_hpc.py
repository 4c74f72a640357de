"""Expected answers over the HPC log, from the raw lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from evals.query import make
from evals.query.expect import Expect, Nothing, Patterns, Refused, Top
from evals.query.rows import Log

EXPIRED = "Linkerror event interval expired"
FULL = r"ServerFileSystem domain (\S+) is full"


def _node(log: Log) -> str:
    return make.with_count(Counter(row.host for row in log if row.host.startswith("node-")), 14)


def _node_lines(log: Log) -> Expect:
    node = _node(log)
    return make.either(make.lines(log.where(lambda row: row.host == node)), make.lines(log.written(make.token(node))))


PLACES: dict[str, Callable[[Log], str]] = {"node": _node}
TRUTHS: dict[str, Callable[[Log], Expect]] = {
    "linkerrors": lambda log: make.count(log.has(EXPIRED)),
    "full": lambda log: make.count(log.has(FULL)),
    "ambient_max": lambda log: make.either(
        make.stat(log, r"^ambient=(\d+)", "max"), make.stat(log, r"ambient=(\d+)", "max")),
    "ambient_mean": lambda log: make.either(
        make.stat(log, r"ambient=(\d+)", "mean"), make.stat(log, r"^ambient=(\d+)", "mean")),
    "full_domains": lambda log: make.distinct(log, FULL),
    "busy_hosts": lambda log: Top(log.has(EXPIRED).by(lambda row: row.host), 3),
    "niff": lambda log: make.count(log.has("available network connection .* via interface alt0")),
    "not_responding_share": lambda log: make.share(log.has("not responding"), log),
    "first_psu": lambda log: make.first(log.has("psu failure")),
    "last_full": lambda log: make.last(log.has(FULL)),
    "node_lines": _node_lines,
    "no_server": lambda log: make.count(log.has("no server for ServerFileSystem domain")),
    "year_2004": lambda log: make.count(log.has(EXPIRED).span("2004-01-01", "2005-01-01")),
    "unknown_node": lambda _: Nothing(),
    "sing": lambda _: Refused(),
    "aborted": lambda _: Patterns({"Command has been (aborted|<)": {}}),
}
