"""Expected answers over the OpenStack log, from the raw lines."""

from __future__ import annotations

from collections.abc import Callable

from evals.query import make
from evals.query.expect import Cells, Either, Expect, Nothing, Patterns, Refused, Top
from evals.query.rows import Log

BUILD = r"Took ([\d.]+) seconds to build instance"
SPAWN = r"Took ([\d.]+) seconds to spawn the instance"
DESTROY = r"Took ([\d.]+) seconds to destroy the instance"
STATUS = r" status: (\d+)"
UUID = r"\[instance: ([0-9a-f-]{36})\]"


def _instance(log: Log) -> str:
    return make.with_count(log.counter(UUID), 26)


def _statuses(log: Log) -> Expect:
    counts = log.counter(STATUS)
    return Either((Top(counts, 10), Cells({name: float(n) for name, n in counts.items()}, column=1)))


def _around_ten(log: Log, pattern: str) -> dict[str, int]:
    found = log.has(pattern)
    return {"before": len(found.span("2017-05-16 00:06", "2017-05-16 00:10")),
            "after": len(found.span("2017-05-16 00:10", "2017-05-16 00:14"))}


PLACES: dict[str, Callable[[Log], str]] = {"instance": _instance}
TRUTHS: dict[str, Callable[[Log], Expect]] = {
    "spawned": lambda log: make.count(log.has("Instance spawned successfully")),
    "build_mean": lambda log: make.stat(log, BUILD, "mean"),
    "build_max": lambda log: make.stat(log, BUILD, "max"),
    "destroy_p90": lambda log: make.stat(log, DESTROY, "p90"),
    "statuses": _statuses,
    "status_404": lambda log: make.count(log.has(" status: 404 ")),
    "api_p95": lambda log: make.stat(log.has(r'"GET /v2/\w+/servers/detail '), r" time: ([\d.]+)", "p95"),
    "warnings": lambda log: make.count(log.level("WARNING")),
    "warn_share": lambda log: make.share(log.level("WARNING"), log),
    "instances": lambda log: make.distinct(log.has("Terminating instance"), UUID),
    "loggers": lambda log: Top(log.by(lambda row: row.service), 3),
    "instance_lines": lambda log: make.lines(log.written(make.token(_instance(log)))),
    "first_destroyed": lambda log: make.first(log.has("Instance destroyed successfully")),
    "last_started": lambda log: make.last(log.has("VM Started")),
    "per_minute": lambda log: make.trend(log.written(r"HTTP/1\.1"), 60),
    "warn_per_minute": lambda log: make.trend(log.level("WARNING"), 60),
    "biggest_gap": make.gap,
    "last_five": lambda log: make.count(log.has("VM Resumed").newest_span(minutes=5)),
    "five_past": lambda log: make.count(log.has("Terminating instance").span("2017-05-16 00:05", "2017-05-16 00:10")),
    "second_half": lambda log: Patterns({".": {}, "Unknown base file": _around_ten(log, "Unknown base file")}),
    "then_max": lambda log: make.stat(log, SPAWN, "max"),
    "unknown_instance": lambda _: Nothing(),
    "delete_vm": lambda _: Refused(),
    "warnings_summary": lambda log: Patterns({
        "Unknown base file": {"count": len(log.has("Unknown base file"))},
    }, never=("VM Resumed", "Creating image")),
}
