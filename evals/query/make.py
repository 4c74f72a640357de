"""Short words for expectations over a Log, so that a truth reads as one line."""

from __future__ import annotations

import re
from collections import Counter

from evals.query.expect import Either, Expect, Gap, Lines, Scalar, Series, Top
from evals.query.rows import Log, percentile


def count(*logs: Log) -> Expect:
    """How many records; of several logs any is accepted."""
    return either(*(Scalar(len(log)) for log in logs))


def share(part: Log, whole: Log) -> Scalar:
    """Part by whole, 0 to 1."""
    return Scalar(len(part) / len(whole))


def distinct(log: Log, pattern: str) -> Scalar:
    """How many different values group 1 takes."""
    return Scalar(len(set(log.grab(pattern))))


def top(log: Log, pattern: str, limit: int) -> Top:
    """The commonest values of group 1."""
    return Top(log.counter(pattern), limit)


def stat(log: Log, pattern: str, name: str) -> Scalar:
    """``min max mean sum p50 p90 p95 p99`` of group 1 as a number; percentiles within 1 %."""
    values = log.floats(pattern)
    if name.startswith("p"):
        return Scalar(percentile(values, int(name[1:]) / 100), rel=0.01)
    made = {"min": min(values), "max": max(values), "sum": sum(values), "mean": sum(values) / len(values)}[name]
    return Scalar(made)


def first(log: Log, number: int = 1) -> Lines:
    """The earliest records; of records with the same time any is accepted."""
    ordered = log.ordered()
    edge = ordered[min(number, len(ordered)) - 1].time
    return Lines(frozenset(row.key for row in ordered if row.time and edge and row.time <= edge), number)


def last(log: Log, number: int = 1) -> Lines:
    """The latest records; of records with the same time any is accepted."""
    ordered = log.ordered()[::-1]
    edge = ordered[min(number, len(ordered)) - 1].time
    return Lines(frozenset(row.key for row in ordered if row.time and edge and row.time >= edge), number)


def lines(log: Log) -> Lines:
    """Exactly these records."""
    return Lines(frozenset(row.key for row in log))


def trend(log: Log, seconds: int) -> Series:
    """Records per bucket."""
    return Series(log.per(seconds))


def gap(log: Log) -> Gap:
    """The longest silence."""
    return Gap(*log.longest_gap())


def either(*choices: Expect) -> Expect:
    """Any of several."""
    return choices[0] if len(choices) == 1 else Either(choices)


def commonest(counts: Counter[str], rank: int = 0) -> str:
    """The value at a rank, ties broken by the value, for questions that name one."""
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[rank][0]


def with_count(counts: Counter[str], high: int) -> str:
    """The commonest value that occurs at most ``high`` times, for questions that name an identifier."""
    return min(((-number, name) for name, number in counts.items() if number <= high))[1]


def token(text: str) -> str:
    """A pattern for ``text`` as a whole token: no digit, letter or dot-digit goes on at either end."""
    return rf"(?<![\w.-]){re.escape(text)}(?![\w-]|\.\w)"
