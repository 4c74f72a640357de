"""Expected answers over the OpenSSH log, from the raw lines."""

from __future__ import annotations

from collections.abc import Callable

from evals.query import make
from evals.query.expect import Expect, Nothing, Patterns, Refused, Scalar
from evals.query.rows import Log

FAILED = r"^Failed password for "
ANY_FAILED = r"Failed password for "
IP = r"(\d+\.\d+\.\d+\.\d+)"
DAY = "2000-12-10"


def _root(log: Log) -> tuple[Log, Log]:
    """Failed passwords for root, without and with lines that stand for several."""
    return log.has(FAILED + r"(invalid user )?root "), log.has(ANY_FAILED + r"(invalid user )?root ")


def _top_ip(log: Log) -> str:
    return make.commonest(log.has(FAILED).counter(rf"from {IP}"))


def _counts(log: Log, pattern: str) -> dict[str, int]:
    found = log.has(pattern)
    return {"before": len(found.span(f"{DAY} 08:00", f"{DAY} 09:00")), "after": len(found.span(f"{DAY} 09:00", f"{DAY} 10:00"))}


PLACES: dict[str, Callable[[Log], str]] = {
    "top_ip": _top_ip,
    "quiet_ip": lambda log: make.with_count(log.counter(IP), 14),
}
TRUTHS: dict[str, Callable[[Log], Expect]] = {
    "root_9_to_10": lambda log: make.count(*(each.span(f"{DAY} 09:00", f"{DAY} 10:00") for each in _root(log))),
    "breakin_after_half_past_eight": lambda log: make.count(log.has("BREAK-IN").since(f"{DAY} 08:30")),
    "failed_ips": lambda log: make.distinct(log.has(ANY_FAILED), rf"from {IP}"),
    "invalid_names": lambda log: make.distinct(log.has("^Invalid user "), r"^Invalid user (.*) from"),
    "top_ips": lambda log: make.either(make.top(log.has(ANY_FAILED), rf"from {IP}", 5), make.top(log.has(FAILED), rf"from {IP}", 5)),
    "top_invalid_users": lambda log: make.either(
        make.top(log.has("^Invalid user "), r"^Invalid user (\S+) from", 3),
        make.top(log.has("[Ii]nvalid user "), r"[Ii]nvalid user (\S+) (?:from|\[)", 3)),
    "root_share": lambda log: make.either(make.share(_root(log)[0], log.has(FAILED)), make.share(_root(log)[1], log.has(ANY_FAILED))),
    "highest_port": lambda log: make.stat(log.has(ANY_FAILED), r" port (\d+)", "max"),
    "accepted_when": lambda log: make.either(make.first(log.has("^Accepted password")), make.first(log.has("session opened"))),
    "last_breakin": lambda log: make.last(log.has("BREAK-IN")),
    "failed_per_hour": lambda log: make.either(make.trend(log.has(ANY_FAILED), 3600), make.trend(log.has(FAILED), 3600)),
    "silence": make.gap,
    "nine_against_eight": lambda log: Patterns({
        "^Failed password for (?!invalid)": _counts(log, "^Failed password for (?!invalid)"),
        "^Received disconnect from .*Bye Bye": _counts(log, "^Received disconnect.*Bye Bye"),
    }),
    "ip_lines": lambda log: make.lines(log.written(make.token(PLACES["quiet_ip"](log)))),
    "top_ip_root": lambda log: make.count(*(each.has(rf"from {_top_ip(log)} ") for each in _root(log))),
    "then_root": lambda log: make.count(*_root(log)),
    "then_since_ten": lambda log: make.count(*(each.since(f"{DAY} 10:00") for each in _root(log))),
    "then_by_ip": lambda log: make.either(make.top(log.has(ANY_FAILED), rf"from {IP}", 4), make.top(log.has(FAILED), rf"from {IP}", 4)),
    "nobody": lambda _: Nothing(),
    "unknown_ip": lambda _: Nothing(),
    "restart_sshd": lambda _: Refused(),
    "closed_last_half_hour": lambda log: make.count(log.has("^Connection closed by").newest_span(minutes=30)),
    "around_eleven": lambda log: Scalar(len(log.span(f"{DAY} 10:55", f"{DAY} 11:05"))),
    "none_template": lambda log: Patterns({"^Failed none for invalid user": {"count": len(log.has("^Failed none for invalid user"))}},
                                          never=("^Failed password",)),
    "with_too_many": lambda _: Patterns({"^Failed password for": {}, "^Received disconnect|more authentication fail": {}}),
    "overview": lambda log: Patterns({"^Received disconnect from .*Bye Bye": {"count": len(log.has("Bye Bye"))}}),
}
