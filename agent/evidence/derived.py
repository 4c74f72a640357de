"""Figures that follow from shown ones by one step: sums, differences, ratios, shares, rates, lengths of time.

Only a few numbers may be computed with, or almost any small number would follow from some pair: totals and
scalars, windows, rows that the claim names, and figures that the claim states and the evidence shows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations

from agent.evidence.figures import Figure, close, shows
from agent.evidence.instants import Instant
from agent.evidence.instants import shows as shows_instant
from agent.evidence.shown import Row, Shown, figure_of
from agent.evidence.statements import Statement

_MOST = 24
"""Operands at most; a claim that names more states a table, and each of its numbers stands there."""


_REST = re.compile(r"\b(?:other|others|rest|remaining|remainder|elsewhere)\b")
_JOINT = re.compile(r"\b(?:together|combined|both|jointly|in total|altogether)\b")
_FEW = 5
"""Named rows of which any two may be put together."""


@dataclass(frozen=True, slots=True)
class Operands:
    """What a claim's figures may be computed from."""

    figures: tuple[Figure, ...]
    instants: tuple[Instant, ...]
    sums: tuple[Figure, ...]
    single: tuple[Figure, ...]
    """Without sums of columns: "3 times as many" compares what is shown."""
    named: tuple[Figure, ...]
    """What the claim states or names a row of: a change is between two of these."""


def operands(text: str, statement: Statement, shown: Shown) -> Operands:
    """Gather them for one claim; ``text`` is the claim in lower case."""
    rows = [row for table in shown.tables for row in _named_rows(table, text, statement)]
    stated = [f for f in statement.figures if f.kind != "percent" and any(shows(s, f) for s in shown.figures)]
    moments = [i for i in statement.instants if any(shows_instant(s, i) for s in shown.instants)]
    cells = [figure for row in rows for _, figure in row.figures]
    columns = [total for table in shown.tables for total in _column_sums(table)] + _column_sums(rows)
    columns += _together(rows, text)
    sums = [*columns, figure_of(len(rows), "count", 1.0)]
    for table in shown.tables if _REST.search(text) else ():
        rest = [row for row in table if row not in rows] if rows else table[1:]
        columns += _column_sums(rest)
        sums += [*_column_sums(rest), figure_of(len(rest), "count", 1.0)]
    sums.append(figure_of(len({n.text.lower() for n in statement.names}), "count", 1.0))
    sums.append(figure_of(len(statement.quotes), "count", 1.0))
    single = _distinct([*stated, *cells, *shown.main])[:_MOST]
    found = _distinct([*single, *columns])[:_MOST]
    times = [*moments, *(i for row in rows for i in row.instants), *shown.edges]
    return Operands(tuple(found), tuple(times[:_MOST]), tuple(sums), tuple(single), tuple(_distinct([*stated, *cells])[:_MOST]))


def follows(figure: Figure, given: Operands) -> bool:
    """Whether one step leads from the operands to the claimed figure."""
    if figure.kind in {"count", "plain", "bytes"}:
        return any(shows(f, figure) for f in _added(given))
    if figure.kind == "duration":
        lengths = (figure_of(s, "duration", 1.0) for s in _lengths(given.instants))
        return any(shows(f, figure) for f in (*lengths, *_added(given)))
    if figure.kind == "percent":
        return any(close(100 * value, figure) for value in _shares(given))
    if figure.kind == "times":
        return any(close(value, figure) for value in _ratios(given.single))
    return figure.kind == "rate" and any(close(value, figure) for value in _rates(figure, given))


def _named_rows(table: list[Row], text: str, statement: Statement) -> list[Row]:
    """Rows the claim names, and in a table of times the one before a row that it gives the figure of."""
    stated = [f for f in statement.figures if f.exact and f.value > 20]
    rows = []
    for before, row in zip([None, *table], table):  # noqa: B905 - one longer by design
        if _named(row, text, statement):
            rows.append(row)
        elif any(shows(cell, f) for _, cell in row.figures for f in stated):
            rows += [before, row] if before and row.instants else [row]
    return rows


def _named(row: Row, text: str, statement: Statement) -> bool:
    """Whether the claim names a row: by what stands in it, or by its moment."""
    if any(len(label) > 1 and label in text for label in row.labels):
        return True
    return any(shows_instant(s, i) for s in row.instants for i in statement.instants)


def _column_sums(rows: list[Row]) -> list[Figure]:
    totals: dict[int, float] = {}
    kinds: dict[int, Figure] = {}
    for row in rows:
        for at, figure in row.figures:
            totals[at] = totals.get(at, 0.0) + figure.value
            kinds[at] = figure
    summable = ("count", "bytes", "duration", "plain")
    return [figure_of(total, kinds[at].kind, kinds[at].scale) for at, total in totals.items() if kinds[at].kind in summable]


def _together(rows: list[Row], text: str) -> list[Figure]:
    """Sums over two of a few named rows, where the claim puts some together."""
    if not _JOINT.search(text) or not 2 < len(rows) <= _FEW:
        return []
    return [total for pair in combinations(rows, 2) for total in _column_sums(list(pair))]


def _distinct(figures: list[Figure]) -> list[Figure]:
    return list({(f.value, f.kind, f.scale): f for f in figures}.values())


def _added(given: Operands) -> Iterator[Figure]:
    yield from given.sums
    for a, b in combinations(given.figures, 2):
        alike = a.kind == b.kind and a.scale == b.scale or {a.kind, b.kind} == {"count", "plain"}
        if alike and a.kind in {"count", "plain", "bytes", "duration"}:
            kind = "count" if "count" in {a.kind, b.kind} else a.kind
            yield figure_of(a.value + b.value, kind, a.scale)
            yield figure_of(abs(a.value - b.value), kind, a.scale)


def _pairs(figures: tuple[Figure, ...]) -> Iterator[tuple[float, float]]:
    for a, b in combinations(figures, 2):
        alike = a.kind == b.kind or {a.kind, b.kind} == {"count", "plain"}
        if alike and a.kind not in {"percent", "share", "rate", "times"}:
            first, second = a.value * a.scale, b.value * b.scale
            low, high = sorted((abs(first), abs(second)))
            if low > 0:
                yield low, high


def _shares(given: Operands) -> Iterator[float]:
    """A part of a whole, or a change of a number, as fractions."""
    for low, high in _pairs(given.figures):
        yield low / high
    for low, high in _pairs(given.named):
        yield 1 - low / high
        yield high / low - 1
    for figure in given.figures:
        if figure.kind in {"share", "percent"}:
            value = figure.value if figure.kind == "share" else figure.value / 100
            yield 1 - value


def _ratios(figures: tuple[Figure, ...]) -> Iterator[float]:
    for low, high in _pairs(figures):
        yield high / low


def _lengths(instants: tuple[Instant, ...]) -> Iterator[float]:
    """Seconds between two moments; clock times alone are taken for the same day."""
    for a, b in combinations(instants, 2):
        if a.hour is None or b.hour is None:
            continue
        pair = (a, b) if a.whole and b.whole else (_clock(a), _clock(b))
        first, second = (i.utc().at() for i in pair)
        if first and second:
            yield abs((first - second).total_seconds())


def _clock(instant: Instant) -> Instant:
    return replace(instant, year=None, month=None, day=None)


def _rates(figure: Figure, given: Operands) -> Iterator[float]:
    lengths = [f.value * f.scale for f in given.figures if f.kind == "duration"]
    for item in given.figures:
        if item.kind in {"count", "plain"}:
            yield from (item.value / seconds * figure.scale for seconds in lengths if seconds > 0)
