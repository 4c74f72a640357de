"""Expected answers over the Apache log, from the raw lines."""

from __future__ import annotations

from collections.abc import Callable

from evals.query import make
from evals.query.expect import Expect, Nothing, Patterns, Refused
from evals.query.rows import Log

FORBIDDEN = "Directory index forbidden"
STATE = r"workerEnv in error state (\d+)"


def _day(log: Log, day: int) -> Log:
    return log.span(f"2005-12-{day:02d}", f"2005-12-{day + 1:02d}")


def _client(log: Log) -> str:
    return make.commonest(log.counter(r"\[client ([\d.]+)\]"))


def _both(log: Log, pattern: str) -> dict[str, int]:
    found = log.has(pattern)
    return {"before": len(_day(found, 4)), "after": len(_day(found, 5))}


PLACES: dict[str, Callable[[Log], str]] = {"client": _client}
TRUTHS: dict[str, Callable[[Log], Expect]] = {
    "errors": lambda log: make.count(log.level("error")),
    "forbidden_on_monday": lambda log: make.count(_day(log.has(FORBIDDEN), 5)),
    "state_six": lambda log: make.count(log.has("workerEnv in error state 6$")),
    "clients": lambda log: make.distinct(log.has(FORBIDDEN), r"\[client ([\d.]+)\]"),
    "states": lambda log: make.top(log, STATE, 10),
    "slots": lambda log: make.top(log, r"in scoreboard slot (\d+)", 3),
    "error_share": lambda log: make.share(log.level("error"), log),
    "first_missing_child": lambda log: make.first(log.has("Can't find child")),
    "errors_per_hour": lambda log: make.trend(_day(log.level("error"), 4), 3600),
    "quiet": make.gap,
    "client_lines": lambda log: make.lines(log.has(rf"\[client {_client(log)}\]")),
    "five_to_six": lambda log: make.count(log.level("notice").span("2005-12-04 06:00", "2005-12-04 07:00")),
    "yesterday": lambda log: make.count(_day(log.level("error"), 4)),
    "this_morning": lambda log: make.either(
        make.count(log.level("error").span("2005-12-05 00:00", "2005-12-05 12:00")),
        make.lines(log.level("error").span("2005-12-05 00:00", "2005-12-05 12:00"))),
    "then_notices": lambda log: make.count(_day(log.level("error"), 5)),
    "then_state_seven": lambda log: make.count(log.has("workerEnv in error state 7$")),
    "segfaults": lambda _: Nothing(),
    "joke": lambda _: Refused(),
    "summarise": lambda log: Patterns({
        "workerEnv in error state": {"count": len(log.has("workerEnv in error state"))},
        FORBIDDEN: {"count": len(log.has(FORBIDDEN))},
    }, never=("workerEnv.init.. ok",)),
    "monday_against_sunday": lambda log: Patterns({
        "jk2_init.. Found child": _both(log, r"jk2_init\(\) Found child"),
        "workerEnv.init.. ok": _both(log, r"workerEnv.init\(\) ok"),
    }),
}
