"""Expected answers over the HDFS log, from the raw lines."""

from __future__ import annotations

from collections.abc import Callable

from evals.query import make
from evals.query.expect import Cells, Expect, Nothing, Patterns, Refused, Top
from evals.query.rows import Log

SIZE = r"size (\d+)"


def _day(log: Log, day: int) -> Log:
    return log.span(f"2008-11-{day:02d}", f"2008-11-{day + 1:02d}")


def _counts(log: Log, pattern: str) -> dict[str, int]:
    found = log.has(pattern)
    return {"before": len(_day(found, 10)), "after": len(_day(found, 11))}


def _server(log: Log) -> str:
    return make.commonest(log.has("Served block").counter(r"^(\d+\.\d+\.\d+\.\d+):\d+ Served"))


def _block(log: Log) -> str:
    return make.with_count(log.counter(r"(blk_-?\d+)"), 9)


def _new_since(log: Log) -> Expect:
    before, after = log.before("2008-11-11 00:00"), log.since("2008-11-11 00:00")
    deleted = "^Deleting block"
    return Patterns({deleted: {"before": len(before.has(deleted)), "after": len(after.has(deleted))}})


PLACES: dict[str, Callable[[Log], str]] = {"server": _server, "block": _block}
TRUTHS: dict[str, Callable[[Log], Expect]] = {
    "deletes_on_the_tenth": lambda log: make.count(
        _day(log.has("^Deleting block"), 10), _day(log.has("^Deleting block|NameSystem.delete"), 10),
        _day(log.has("NameSystem.delete"), 10)),
    "exceptions": lambda log: make.count(log.has("Got exception while serving")),
    "warnings": lambda log: make.count(log.level("WARN")),
    "received_sources": lambda log: make.distinct(log.has("^Receiving block"), r"src: /([\d.]+):"),
    "components": lambda log: Top(log.by(lambda row: row.service), 5),
    "mean_size": lambda log: make.either(
        make.stat(log.has("^Received block .* from"), SIZE, "mean"), make.stat(log.has("^Received block"), SIZE, "mean")),
    "p95_size": lambda log: make.stat(log.has("addStoredBlock"), SIZE, "p95"),
    "smallest": lambda log: make.stat(log.has("addStoredBlock"), SIZE, "min"),
    "warn_share": lambda log: make.share(log.level("WARN"), log),
    "first_warn": lambda log: make.first(log.level("WARN")),
    "last_verification": lambda log: make.last(log.has("Verification succeeded")),
    "block_lines": lambda log: make.lines(log.written(make.token(_block(log)))),
    "warn_per_hour": lambda log: make.trend(log.level("WARN"), 3600),
    "daily": lambda log: make.trend(log, 86400),
    "longest_gap": make.gap,
    "eleventh_against_tenth": lambda log: Patterns({
        "^Deleting block": _counts(log, "^Deleting block"),
        "addStoredBlock": _counts(log, "addStoredBlock"),
    }),
    "new_on_eleventh": _new_since,
    "top_ip_served": lambda log: make.count(log.has(rf"^{_server(log)}:\d+ Served block")),
    "ninth_evening": lambda log: make.count(log.span("2008-11-09 20:36", "2008-11-09 21:00")),
    "last_two_hours": lambda log: make.count(log.has("^PacketResponder .* terminating").newest_span(hours=2)),
    "last_day": lambda log: make.count(log.has("allocateBlock").newest_span(hours=24)),
    "levels": lambda log: Cells({name: number / len(log) for name, number in log.by(lambda row: row.level).items()}),
    "then_tenth": lambda log: make.count(_day(log.level("WARN"), 10)),
    "missing_block": lambda _: Nothing(),
    "fatal": lambda _: Nothing(),
    "poem": lambda _: Refused(),
    "summarise_warnings": lambda log: Patterns(
        {"Got exception while serving": {"count": len(log.has("Got exception while serving"))}},
        never=("Receiving block", "PacketResponder")),
}
