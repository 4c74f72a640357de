"""What a case's answer is, counted from the generated records by plain Python; nothing of OnCalm is used."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from evals.agent.generate import Record, moment
from evals.agent.scenario import Give, Truth

Fold = Callable[[list[Record], Truth], Any]


def reckon(truth: Truth, records: Iterable[Record], day: str) -> Any:
    """The value that ``truth`` describes: a number, rows, a peak, or ``FILE:LINE`` of records."""
    chosen = [record for record in records if _chosen(record, truth, day)]
    if truth.give == "share":
        whole = [record for record in chosen if re.search(truth.whole, record.text)]
        return sum(_matches(record, truth) for record in whole) / len(whole)
    return FOLDS[truth.give]([record for record in chosen if _matches(record, truth)], truth)


def _chosen(record: Record, truth: Truth, day: str) -> bool:
    if truth.file and record.file != truth.file:
        return False
    if truth.start is None and truth.until is None:
        return True
    late = truth.start is None or record.time is not None and record.time >= moment(truth.start, day)
    early = truth.until is None or record.time is not None and record.time < moment(truth.until, day)
    return late and early


def _matches(record: Record, truth: Truth) -> bool:
    unwanted = bool(truth.without) and re.search(truth.without, record.text) is not None
    return re.search(truth.match, record.text) is not None and not unwanted


def _values(records: list[Record], truth: Truth) -> list[str]:
    return [found[1] for record in records if (found := re.search(truth.of, record.text))]


def _numbers(records: list[Record], truth: Truth) -> list[float]:
    return sorted(float(value) * truth.scale for value in _values(records, truth))


def _top(records: list[Record], truth: Truth) -> list[tuple[str, int]]:
    return Counter(_values(records, truth)).most_common(truth.limit)


def _peak(records: list[Record], truth: Truth) -> tuple[datetime, int]:
    counts = Counter(_bucket(record.time, truth.bucket) for record in records if record.time)
    return max(counts.items(), key=lambda pair: (pair[1], -pair[0].timestamp()))


def _bucket(time: datetime, seconds: int) -> datetime:
    midnight = time.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + timedelta(seconds=(time - midnight).total_seconds() // seconds * seconds)


def _percentile(share: float) -> Fold:
    """Interpolated between the two nearest."""

    def fold(records: list[Record], truth: Truth) -> float:
        numbers = _numbers(records, truth)
        at = share * (len(numbers) - 1)
        low = int(at)
        high = min(low + 1, len(numbers) - 1)
        return numbers[low] + (numbers[high] - numbers[low]) * (at - low)

    return fold


def _places(records: list[Record]) -> list[str]:
    return [f"{record.file}:{record.no}" for record in records]


FOLDS: Mapping[Give, Fold] = {
    "count": lambda records, _: len(records),
    "distinct": lambda records, truth: len(set(_values(records, truth))),
    "top": _top,
    "sum": lambda records, truth: sum(_numbers(records, truth)),
    "mean": lambda records, truth: sum(_numbers(records, truth)) / len(_numbers(records, truth)),
    "min": lambda records, truth: _numbers(records, truth)[0],
    "max": lambda records, truth: _numbers(records, truth)[-1],
    "p50": _percentile(0.5), "p95": _percentile(0.95), "p99": _percentile(0.99),
    "first": lambda records, truth: _places(records)[: truth.limit],
    "last": lambda records, truth: _places(records)[-truth.limit:],
    "lines": lambda records, _: _places(records),
    "peak": _peak,
}
