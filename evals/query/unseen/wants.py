"""Short words for expectations over a Pile, and the few expectations that only this suite has."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from evals.query.expect import (
    Answer,
    Cells,
    Either,
    Expect,
    Gap,
    Lines,
    Nothing,
    Patterns,
    Refused,
    Scalar,
    Series,
    Top,
    close,
    result_of,
    same_time,
)
from evals.query.rows import percentile
from evals.query.unseen.pile import Pile

LEVELS = {"warning": "warn", "w": "warn", "e": "error", "i": "info", "d": "debug", "v": "trace", "f": "fatal",
          "critical": "fatal", "err": "error"}


def either(*choices: Expect) -> Expect:
    """Any of several readings."""
    return choices[0] if len(choices) == 1 else Either(choices)


def count(*piles: Pile) -> Expect:
    """How many records; of several piles any is accepted."""
    return either(*(Scalar(len(pile)) for pile in piles))


def share(part: Pile, whole: Pile) -> Scalar:
    """Part by whole, 0 to 1."""
    return Scalar(len(part) / len(whole))


def distinct(pile: Pile, name: str) -> Scalar:
    """How many different values a name takes."""
    return Scalar(len(set(pile.all(name))))


def top(pile: Pile, name: str, limit: int = 10, *, rarest: bool = False) -> Top:
    """The commonest (or rarest) values of a name with their counts."""
    return Top(pile.counter(name), limit, rarest)


def groups(pile: Pile, name: str) -> Expect:
    """A whole breakdown of few values: every value with its count, in any order."""
    return Cells({value: float(number) for value, number in pile.counter(name).items()}, column=1)


def levels(pile: Pile) -> Expect:
    """A breakdown by level, named as written or in plain words."""
    written: Counter[str] = pile.counter("level")
    plain: Counter[str] = Counter()
    for name, number in written.items():
        plain[LEVELS.get(name.lower(), name.lower())] += number
    tables = ({name: float(number) for name, number in counts.items()} for counts in (written, plain))
    return Either(tuple(Cells(table, column=1) for table in tables))


def number(values: list[float], name: str) -> float:
    """``min max mean sum p50 p90 p95 p99`` of numbers."""
    if name.startswith("p"):
        return percentile(values, int(name[1:]) / 100)
    return {"min": min(values), "max": max(values), "sum": sum(values), "mean": sum(values) / len(values)}[name]


def stat(pile: Pile, name: str, what: str, *, per: float = 1) -> Scalar:
    """A statistic in the unit printed (divided by ``per``); percentiles within 1 %."""
    return Scalar(number(pile.all(name), what) / per, rel=0.01 if what.startswith("p") else 1e-4)


def span_of(pile: Pile, name: str, what: str) -> Expect:
    """A statistic of a length of time in ms, answered in any unit from ns to hours."""
    value = stat(pile, name, what)
    return Either(tuple(Scalar(value.value * scale, value.rel) for scale in (1, 1e-3, 1e3, 1e6, 1 / 6e4, 1 / 3.6e6)))


def grouped(pile: Pile, name: str, by: str, what: str) -> Cells:
    """A statistic for each value of ``by``."""
    found: dict[str, list[float]] = defaultdict(list)
    for event in pile:
        if event.get(name) is not None and event.get(by) is not None:
            found[str(event.get(by))].append(event.get(name))
    return Cells({group: number(values, what) for group, values in found.items()},
                 rel=0.01 if what.startswith("p") else 1e-4)


def leader(cells: Cells) -> Leader:
    """The group whose number is highest."""
    return Leader(max(cells.cells, key=lambda name: cells.cells[name]), max(cells.cells.values()), cells.rel)


def most(pile: Pile, name: str) -> Expect:
    """The commonest value: alone, or first of a list."""
    counts = pile.counter(name)
    value, times = counts.most_common(1)[0]
    return Leader(value, times)


def extremes(pile: Pile, name: str, limit: int, *, smallest: bool = False) -> Extremes:
    """The records with the largest (or smallest) numbers."""
    ordered = sorted((event for event in pile if event.get(name) is not None), key=lambda event: event.get(name),
                     reverse=not smallest)[:limit]
    edge = ordered[-1].get(name)
    keys = frozenset(e.key for e in pile if e.get(name) is not None
                     and (e.get(name) <= edge if smallest else e.get(name) >= edge))
    return Extremes(Lines(keys, limit), tuple(float(event.get(name)) for event in ordered))


def first(pile: Pile, limit: int = 1) -> Lines:
    """The earliest records; of records with the same time any is accepted."""
    edge = pile.ordered()[:limit][-1].time
    return Lines(frozenset(event.key for event in pile if event.time <= edge), limit)


def last(pile: Pile, limit: int = 1) -> Lines:
    """The latest records; of records with the same time any is accepted."""
    edge = pile.ordered()[-limit:][0].time
    return Lines(frozenset(event.key for event in pile if event.time >= edge), limit)


def lines(pile: Pile) -> Lines:
    """Exactly these records."""
    return Lines(frozenset(event.key for event in pile))


def buckets(pile: Pile, seconds: int) -> Counter[datetime]:
    """Records per bucket of time, empty ones left out."""
    stamps = (int(event.time.timestamp()) // seconds * seconds for event in pile)
    return Counter(datetime.fromtimestamp(stamp, UTC) for stamp in stamps)


def trend(pile: Pile, seconds: int) -> Series:
    """Records per bucket."""
    return Series(buckets(pile, seconds))


def peak(pile: Pile, seconds: int) -> Expect:
    """The busiest bucket: read off a whole series, or first of a table."""
    points = buckets(pile, seconds)
    when = max(points, key=lambda each: points[each])
    return Either((Series(points), Busiest(when, points[when])))


def gap(pile: Pile) -> Gap:
    """The longest silence."""
    times = [event.time for event in pile.ordered()]
    return Gap(*max(zip(times, times[1:], strict=False), key=lambda pair: pair[1] - pair[0]))


def yes(pile: Pile) -> Expect:
    """A yes that is shown: how many, which lines, or the first or last of them."""
    return either(count(pile), lines(pile), first(pile), last(pile))


def no() -> Expect:
    """A no: nothing found, or none counted."""
    return either(Nothing(), Scalar(0))


def seen(pile: Pile) -> Expect:
    """Lines, or how many there are of them: "anything about X?"."""
    return either(lines(pile), count(pile))


def refused() -> Refused:
    """A clear refusal."""
    return Refused()


def patterns(*, never: tuple[str, ...] = (), **kinds: Mapping[str, int]) -> Patterns:
    """A table of templates by key words (``_`` stands for anything between words)."""
    return Patterns({name.replace("_", ".*"): numbers for name, numbers in kinds.items()}, never)


def kinds(pile: Pile, **names: str) -> Kinds:
    """The commonest kinds of record in order: the generator's kind and key words of its message."""
    return Kinds(tuple((words.replace("_", ".*"), len(pile.kind(kind))) for kind, words in names.items()))


@dataclass(frozen=True)
class Kinds:
    """A table of templates, commonest first: each row has a text that matches and the count."""

    rows: tuple[tuple[str, int], ...]

    def wrong(self, answer: Answer) -> str:
        """See :class:`evals.query.expect.Expect`."""
        result, complaint = result_of(answer, "table")
        rows = result.get("rows") or []
        if complaint or len(rows) != len(self.rows):
            return complaint or f"{len(rows)} rows, wanted {len(self.rows)}"
        for row, (words, count) in zip(rows, self.rows, strict=True):
            if count not in row or not any(re.search(words, str(cell)) for cell in row):
                return f"row {row}, wanted {words} {count}"
        return ""


@dataclass(frozen=True)
class Leader:
    """The one value a "which … most" question asks for stands first, with its number."""

    name: str
    value: float
    rel: float = 1e-6

    def wrong(self, answer: Answer) -> str:
        """See :class:`evals.query.expect.Expect`."""
        result, complaint = result_of(answer, "table")
        rows = result.get("rows") or []
        if complaint or not rows:
            return complaint or "no rows"
        right = str(rows[0][0]).lower() == self.name.lower() and close(rows[0][-1 if len(rows[0]) < 3 else 1], self.value, self.rel)
        return "" if right else f"row {rows[0]}, wanted {self.name}: {self.value}"


@dataclass(frozen=True)
class Busiest:
    """A table whose first row is one bucket of time and its count."""

    when: datetime
    count: int

    def wrong(self, answer: Answer) -> str:
        """See :class:`evals.query.expect.Expect`."""
        result, complaint = result_of(answer, "table")
        rows = result.get("rows") or []
        if complaint or not rows:
            return complaint or "no rows"
        right = same_time(rows[0][0], self.when) and rows[0][1] == self.count
        return "" if right else f"row {rows[0]}, wanted {self.count} at {self.when}"


@dataclass(frozen=True)
class Extremes:
    """The records with the largest numbers, as lines or as a table that holds the numbers."""

    lines: Lines
    numbers: tuple[float, ...]

    def wrong(self, answer: Answer) -> str:
        """See :class:`evals.query.expect.Expect`."""
        result = answer.get("result") or {}
        if result.get("kind") == "lines":
            return self.lines.wrong(answer)
        rows = result.get("rows") or []
        if result.get("kind") != "table" or len(rows) != len(self.numbers):
            return f"a {result.get('kind')} of {len(rows)}, wanted {len(self.numbers)} lines or rows"
        for column in zip(*rows, strict=True):
            if all(close(found, value, 1e-4) for found, value in zip(column, self.numbers, strict=True)):
                return ""
        return f"rows {rows[:2]}, wanted {self.numbers[:3]}"
