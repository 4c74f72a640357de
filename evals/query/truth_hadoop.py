"""Expected answers over the Hadoop log, from the raw lines."""

from __future__ import annotations

from collections.abc import Callable

from evals.query import make
from evals.query.expect import Cells, Expect, Nothing, Patterns, Refused, Top
from evals.query.rows import Log

DAY = "2015-10-18"
LEASE = "^Failed to renew lease"


def _container(log: Log) -> str:
    return make.with_count(log.counter(r"\b(container_\d+_\d+_\d+_\d+)\b"), 9)


def _container_lines(log: Log) -> Expect:
    return make.lines(log.written(make.token(_container(log))))


def _around_four(log: Log, pattern: str) -> dict[str, int]:
    found = log.has(pattern)
    return {"before": len(found.before(f"{DAY} 18:04")), "after": len(found.since(f"{DAY} 18:04"))}


PLACES: dict[str, Callable[[Log], str]] = {"container": _container}
TRUTHS: dict[str, Callable[[Log], Expect]] = {
    "rm_errors": lambda log: make.count(log.has("ERROR IN CONTACTING RM")),
    "lease_since": lambda log: make.count(log.has(LEASE).since(f"{DAY} 18:05")),
    "retry_warn": lambda log: make.count(log.level("WARN", "ERROR")),
    "top_loggers": lambda log: Top(log.by(lambda row: row.service), 3),
    "top_resolved": lambda log: make.top(log, r"^Resolved (\S+) to", 2),
    "max_lease_seconds": lambda log: make.stat(log.has(LEASE), r"for (\d+) seconds", "max"),
    "tried_max": lambda log: make.stat(log, r"Already tried (\d+) time", "max"),
    "error_share": lambda log: make.either(
        make.share(log.level("ERROR"), log), make.share(log.level("ERROR", "FATAL"), log)),
    "first_no_route": lambda log: make.first(log.written("NoRouteToHostException")),
    "last_progress": lambda log: make.last(log.has("^Progress of TaskAttempt")),
    "warn_minute": lambda log: make.trend(log.level("WARN"), 60),
    "container_lines": _container_lines,
    "new_since_four": lambda log: Patterns({LEASE: _around_four(log, LEASE)}),
    "last_two_minutes": lambda log: make.count(
        log.level("ERROR").newest_span(minutes=2), log.level("ERROR", "FATAL").newest_span(minutes=2)),
    "quarter_past": lambda log: make.count(log.span(f"{DAY} 18:02", f"{DAY} 18:03")),
    "then_distinct": lambda log: make.first(log.has("TaskAttempt Transitioned from ASSIGNED to RUNNING")),
    "then_errors_minute": lambda log: make.either(
        make.trend(log.level("ERROR"), 60), make.trend(log.level("ERROR", "FATAL"), 60)),
    "unknown_job": lambda _: Nothing(),
    "kill_job": lambda _: Refused(),
    "error_summary": lambda log: Patterns(
        {"ERROR IN CONTACTING RM": {"count": len(log.has("ERROR IN CONTACTING RM"))}},
        never=("^Progress of TaskAttempt", "^Recalculating schedule")),
    "levels": lambda log: Cells({name: float(n) for name, n in log.by(lambda row: row.level).items()}, column=1),
}
