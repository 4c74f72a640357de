"""Expected answers over the Zookeeper log, from the raw lines."""

from __future__ import annotations

from collections.abc import Callable

from evals.query import make
from evals.query.expect import Cells, Expect, Nothing, Patterns, Refused
from evals.query.rows import Log

REQUEST = "^Received connection request"


def _peer(log: Log) -> str:
    return make.commonest(log.counter(r"Connection broken for id (\d+)"))


def _session(log: Log) -> str:
    return make.with_count(log.counter(r"\b(0x[0-9a-f]{12,})\b"), 8)


PLACES: dict[str, Callable[[Log], str]] = {"peer": _peer, "session": _session}
TRUTHS: dict[str, Callable[[Log], Expect]] = {
    "conn_requests_first_day": lambda log: make.count(log.has(REQUEST).span("2015-07-29", "2015-07-30")),
    "errors": lambda log: make.count(log.level("ERROR")),
    "broken_for_id": lambda log: make.count(log.has(rf"^Connection broken for id {_peer(log)},")),
    "session_clients": lambda log: make.distinct(log.has("^Established session"), r"for client /([\d.]+):"),
    "levels": lambda log: Cells({name: float(n) for name, n in log.by(lambda row: row.level).items()}, column=1),
    "top_requesters": lambda log: make.top(log.has(REQUEST), r"/([\d.]+):\d+", 3),
    "expired": lambda log: make.count(log.has("^Expiring session")),
    "warn_share": lambda log: make.share(log.level("WARN"), log),
    "longest_timeout": lambda log: make.stat(log, r"^Notification time out: (\d+)", "max"),
    "first_error": lambda log: make.first(log.level("ERROR")),
    "last_expiry": lambda log: make.last(log.has("^Expiring session")),
    "warn_per_day": lambda log: make.trend(log.level("WARN"), 86400),
    "dead_air": make.gap,
    "session_lines": lambda log: make.lines(log.written(make.token(_session(log)))),
    "seven_to_eight_pm": lambda log: make.count(log.level("WARN").span("2015-07-29 19:00", "2015-07-29 20:00")),
    "august_tenth": lambda log: make.count(log.has("^Established session").span("2015-08-10", "2015-08-11")),
    "last_week": lambda log: make.count(log.level("ERROR").newest_span(days=7)),
    "then_that_day": lambda log: make.count(log.has("^Interrupting SendWorker").span("2015-07-29", "2015-07-30")),
    "unknown_session": lambda _: Nothing(),
    "errors_summary": lambda log: Patterns(
        {".": {"count": len(log.level("ERROR"))}}, never=("^Received connection request", "^Send worker leaving")),
    "pizza": lambda _: Refused(),
    "with_broken": lambda _: Patterns({"^Interrupting SendWorker": {}, "^Send worker leaving|Interrupted while waiting": {}}),
}
