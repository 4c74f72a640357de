"""What an answer must be: typed expectations, each saying what is wrong with an answer, or nothing."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

Answer = dict[str, Any]
Key = tuple[str, int]
WILD = re.compile(r"<[^<> ]*>|[*#]")


class Expect(Protocol):
    """An expectation over an ``ask --json`` document."""

    def wrong(self, answer: Answer) -> str:
        """Why the answer is wrong; empty when it is right."""
        ...


def result_of(answer: Answer, kind: str) -> tuple[dict[str, Any], str]:
    """The typed result, and a complaint when it is of another kind."""
    result: dict[str, Any] = answer.get("result") or {}
    return result, "" if result.get("kind") == kind else f"a {result.get('kind')}, wanted a {kind}"


def close(left: Any, right: float, rel: float = 1e-6) -> bool:
    """Whether two numbers are the same within a relative tolerance."""
    try:
        return math.isclose(float(left), right, rel_tol=rel, abs_tol=1e-9)
    except (TypeError, ValueError):
        return False


def same_time(text: Any, wanted: datetime, *, slack: float = 1.0) -> bool:
    """Whether two times are the same within ``slack`` seconds; the year is left out (it may be inferred)."""
    try:
        found = datetime.fromisoformat(str(text)).replace(year=wanted.year)
    except ValueError:
        return False
    return abs(found - wanted) <= timedelta(seconds=slack)


@dataclass(frozen=True)
class Scalar:
    """One number (or word)."""

    value: float
    rel: float = 1e-6

    def wrong(self, answer: Answer) -> str:
        """See :class:`Expect`."""
        result, complaint = result_of(answer, "scalar")
        if complaint:
            return complaint
        return "" if close(result.get("value"), self.value, self.rel) else f"{result.get('value')}, wanted {self.value}"


@dataclass(frozen=True)
class Top:
    """The ``limit`` commonest values with their counts; which of equals is named does not matter."""

    counts: Mapping[str, float]
    limit: int
    rarest: bool = False
    rel: float = 1e-6

    def wrong(self, answer: Answer) -> str:
        """See :class:`Expect`."""
        result, complaint = result_of(answer, "table")
        if complaint:
            return complaint
        rows = result.get("rows") or []
        wanted = sorted(self.counts.values(), reverse=not self.rarest)[: self.limit]
        if len(rows) != len(wanted):
            return f"{len(rows)} rows, wanted {len(wanted)}"
        for row, value in zip(rows, wanted, strict=True):
            name, found = str(row[0]), row[1]
            if not close(found, value, self.rel) or not close(self.counts.get(name), value, self.rel):
                return f"row {row[:2]}, wanted {value} for {name if name in self.counts else 'a known value'}"
        return ""


@dataclass(frozen=True)
class Cells:
    """A table as a set: each name (first columns joined by ``/``) with the number in one other column."""

    cells: Mapping[str, float]
    column: int = -1
    rel: float = 1e-6

    def wrong(self, answer: Answer) -> str:
        """See :class:`Expect`."""
        result, complaint = result_of(answer, "table")
        if complaint:
            return complaint
        rows = [row for row in result.get("rows") or [] if row[0] is not None]
        found = {str(row[0]).lower(): row[self.column] for row in rows}
        wanted = {name.lower(): value for name, value in self.cells.items()}
        if found.keys() != wanted.keys():
            return f"names {sorted(found)[:8]}, wanted {sorted(wanted)[:8]}"
        bad = [name for name, value in wanted.items() if not close(found[name], value, self.rel)]
        return f"{bad[0]} is {found[bad[0]]}, wanted {wanted[bad[0]]}" if bad else ""


@dataclass(frozen=True)
class Series:
    """Counts per bucket; empty buckets may be left out or given as 0."""

    points: Mapping[datetime, int]

    def wrong(self, answer: Answer) -> str:
        """See :class:`Expect`."""
        result, complaint = result_of(answer, "series")
        if complaint:
            return complaint
        found = [(row[0], row[1]) for row in result.get("rows") or [] if row[1]]
        wanted = sorted(self.points.items())
        if len(found) != len(wanted):
            return f"{len(found)} buckets with records, wanted {len(wanted)}"
        for (stamp, count), (when, number) in zip(found, wanted, strict=True):
            if not same_time(stamp, when, slack=0) or count != number:
                return f"{count} at {stamp}, wanted {number} at {when:%m-%d %H:%M:%S}"
        return ""


@dataclass(frozen=True)
class Lines:
    """Exactly these records, as far as shown; the total must be said when not all are shown."""

    keys: frozenset[Key]
    total: int | None = None
    """How many there are to be shown, when ``keys`` holds acceptable alternatives (ties)."""

    def wrong(self, answer: Answer) -> str:
        """See :class:`Expect`."""
        result, complaint = result_of(answer, "lines")
        if complaint:
            return complaint
        shown = [(str(line["source"]).rsplit("/", 1)[-1], line["line_no"]) for line in result.get("lines") or []]
        strangers = [key for key in shown if key not in self.keys]
        if strangers or len(set(shown)) != len(shown):
            return f"line {strangers[0] if strangers else 'twice'} does not belong, wanted {sorted(self.keys)[:3]}"
        wanted = len(self.keys) if self.total is None else self.total
        said = max([e.get("total") or 0 for e in answer.get("evidence", [])], default=0)
        if len(shown) == wanted or (10 <= len(shown) < wanted and said == wanted):
            return ""
        return f"{len(shown)} lines ({said} said), wanted {wanted}"


@dataclass(frozen=True)
class Gap:
    """The longest silence stands first."""

    start: datetime
    end: datetime

    def wrong(self, answer: Answer) -> str:
        """See :class:`Expect`."""
        result, complaint = result_of(answer, "table")
        rows = result.get("rows") or []
        if complaint or not rows:
            return complaint or "no rows"
        right = same_time(rows[0][0], self.start) and same_time(rows[0][1], self.end)
        return "" if right else f"{rows[0][:2]}, wanted {self.start} to {self.end}"


@dataclass(frozen=True)
class Patterns:
    """A table of templates: the rows whose pattern matches add up to the numbers, by column name.

    Templates may be cut finer or coarser, so a group is a regular expression over the pattern (with ``<*>``
    for what varies) and may cover several rows. ``never`` must match no row.
    """

    groups: Mapping[str, Mapping[str, int]]
    never: tuple[str, ...] = ()

    def wrong(self, answer: Answer) -> str:
        """See :class:`Expect`."""
        result, complaint = result_of(answer, "table")
        columns = result.get("columns") or []
        if complaint or "pattern" not in columns:
            return complaint or f"columns {columns}, wanted templates"
        at = columns.index("pattern")
        rows = [(WILD.sub("<*>", str(row[at])), row) for row in result.get("rows") or []]
        for group, numbers in self.groups.items():
            mine = [row for pattern, row in rows if re.search(group, pattern)]
            if not mine:
                return f"no template like {group!r}"
            for name, value in numbers.items():
                total = sum(row[columns.index(name)] for row in mine) if name in columns else None
                if total != value:
                    return f"{name} of {group!r} is {total}, wanted {value}"
        bad = [pattern for pattern, _ in rows if any(re.search(never, pattern) for never in self.never)]
        return f"{bad[0]!r} does not belong" if bad else ""


@dataclass(frozen=True)
class Nothing:
    """Nothing was found, and the answer says what was searched."""

    def wrong(self, answer: Answer) -> str:
        """See :class:`Expect`."""
        result = answer.get("result") or {}
        empty = not (result.get("value") or result.get("rows") or result.get("lines"))
        states = {each.get("status") for each in answer.get("evidence", [])}
        if not empty or "found" in states:
            return f"something was found: {str(result)[:80]}"
        said = str(answer.get("answer", "")).lower()
        return "" if re.search(r"search|looked|nothing|no (lines|records)", said) else "not said what was searched"


@dataclass(frozen=True)
class Refused:
    """A clear refusal: no result, no evidence that something was found."""

    def wrong(self, answer: Answer) -> str:
        """See :class:`Expect`."""
        result = answer.get("result") or {}
        found = any(each.get("status") == "found" for each in answer.get("evidence", []))
        return f"answered: {str(result)[:80]}" if found or result.get("kind") != "none" else ""


@dataclass(frozen=True)
class Either:
    """Any of several readings that sensible people would share."""

    choices: tuple[Expect, ...]

    def wrong(self, answer: Answer) -> str:
        """See :class:`Expect`."""
        complaints = [choice.wrong(answer) for choice in self.choices]
        return "" if "" in complaints else complaints[0]
