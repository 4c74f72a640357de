"""Expected answers over the recorded incident, from the raw lines."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from evals.query import make
from evals.query.expect import Expect, Nothing, Patterns, Refused
from evals.query.rows import Log

FAILED = "^Checkout of order .* failed for user"
DONE = "^Checkout of order .* completed for user"
CAPTURED = "^payment captured"


def _order(log: Log) -> str:
    return min(log.has(FAILED).grab(r"order (ord-\d+) "))


def _user(log: Log) -> str:
    return make.commonest(log.has(FAILED).counter(r"for user (\w+)"), 1)


def _minute(log: Log, after: int) -> str:
    start = log.has(FAILED, "locked").times()[0] + timedelta(minutes=1 + after)
    return f"{start:%H:%M}"


def _in_minute(log: Log) -> Log:
    day = f"{log.newest:%Y-%m-%d}"
    return log.span(f"{day} {_minute(log, 0)}", f"{day} {_minute(log, 1)}")


PLACES: dict[str, Callable[[Log], str]] = {
    "order": _order, "user": _user,
    "fault_minute": lambda log: _minute(log, 0), "next_minute": lambda log: _minute(log, 1),
}
TRUTHS: dict[str, Callable[[Log], Expect]] = {
    "failed_checkouts": lambda log: make.count(log.has(FAILED)),
    "completed": lambda log: make.count(log.has(DONE)),
    "locked": lambda log: make.count(log.written("database is locked")),
    "pool": lambda log: make.count(log.of("inventory.pool").has("connection pool exhausted")),
    "declined": lambda log: make.either(
        make.count(log.has("^card declined"), log.has("card declined")),
        make.lines(log.has("^card declined")), make.lines(log.has("card declined"))),
    "buyers": lambda log: make.distinct(log.has(DONE), r"for user (\w+)"),
    "worst_users": lambda log: make.top(log.has(FAILED), r"for user (\w+)", 3),
    "status_502": lambda log: make.count(log.has(r'HTTP/1\.1" 502 ')),
    "p95_checkout": lambda log: make.stat(log.has(DONE), r" in (\d+) ms", "p95"),
    "slowest_failure": lambda log: make.stat(log.has(FAILED), r" after (\d+) ms", "max"),
    "mean_amount": lambda log: make.stat(log.has(CAPTURED), r"amount_eur=([\d.]+)", "mean"),
    "revenue": lambda log: make.stat(log.has(CAPTURED), r"amount_eur=([\d.]+)", "sum"),
    "first_lock": lambda log: make.first(log.has("could not reserve")),
    "last_failure": lambda log: make.last(log.has(FAILED)),
    "audit_started": lambda log: make.first(log.has("stock audit .* starting")),
    "failures_minute": lambda log: make.trend(log.has(FAILED), 60),
    "order_lines": lambda log: make.lines(log.written(make.token(_order(log)))),
    "retries_window": lambda log: make.count(log.has("retrying in").newest_span(minutes=1)),
    "minute_window": lambda log: make.count(_in_minute(log).has(FAILED)),
    "then_for_user": lambda log: make.count(log.has(FAILED).has(rf"for user {_user(log)} ")),
    "then_when": lambda log: make.either(make.lines(log.has("^card declined")), make.lines(log.has("card declined"))),
    "unknown_order": lambda _: Nothing(),
    "rollback": lambda _: Refused(),
    "secret": lambda log: make.either(make.first(log.has("^payments started")), make.lines(log.has("^payments started"))),
    "errors_summary": lambda log: Patterns(
        {"could not reserve": {"count": len(log.has("could not reserve"))},
         "connection pool exhausted: ": {"count": len(log.has("^connection pool exhausted"))}},
        never=("completed for user", "payment captured")),
    "lock_held": lambda log: make.stat(log, r"lock held for ([\d.]+) s", "max"),
    "skus": lambda log: make.top(log, r"could not reserve (\S+) for order", 3),
}
