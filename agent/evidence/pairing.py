"""Figures given to the wrong row: "10.0.0.2 caused 812 errors" when 812 is the count of 10.0.0.1.

Only the clear case is judged: a clause that names one row of a table and gives figures that stand in other rows
of that table and nowhere else.
"""

from __future__ import annotations

import re

from agent.evidence.figures import Figure, figures, shows
from agent.evidence.instants import instants
from agent.evidence.names import names
from agent.evidence.shown import Row, Shown, fold
from agent.evidence.statements import blank

_CLAUSE = re.compile(r"[;\n]|,(?!\d{3})|\.(?=\s|$)|\b(?:and|while|but|whereas|versus|vs|against|than|with|then)\b", re.IGNORECASE)
_SAME = {"average": "mean", "avg": "mean", "maximum": "max", "slowest": "max", "longest": "max", "largest": "max",
         "minimum": "min", "fastest": "min", "shortest": "min", "smallest": "min", "median": "p50"}
_SMALL = 1
"""What a number up to this counts is seldom what a table counts."""
_STATISTICS = re.compile(r"\b(?:average|avg|maximum|slowest|longest|largest|minimum|fastest|shortest|smallest|median)\b")


def misplaced(text: str, shown: Shown) -> Figure | None:
    """The first figure of ``text`` that belongs to another row than the one its clause names."""
    for clause in _CLAUSE.split(text):
        said = _said(clause)
        if said:
            folded = _STATISTICS.sub(lambda m: _SAME[m[0]], fold(clause))
            for table in shown.tables:
                wrong = _wrong(folded, said, table, shown)
                if wrong is not None:
                    return wrong
    return None


def _said(clause: str) -> list[Figure]:
    rest = blank(clause, [span for _, span in instants(clause)])
    rest = blank(rest, [span for _, span in names(rest)])
    return [figure for figure, _ in figures(rest) if figure.kind in {"plain", "count", "duration", "bytes"} and figure.value > _SMALL]


def _wrong(clause: str, said: list[Figure], table: list[Row], shown: Shown) -> Figure | None:
    own = [row for row in table if any(_holds(clause, label) for label in row.labels)]
    if len(own) != 1 or any(shows(cell, figure) for _, cell in own[0].figures for figure in said):
        return None
    cells = [cell for row in table if row is not own[0] for _, cell in row.figures]
    elsewhere = list(shown.figures)
    for row in table:
        for _, cell in row.figures:
            if cell in elsewhere:
                elsewhere.remove(cell)
    for figure in said:
        if any(shows(cell, figure) for cell in cells) and not any(shows(s, figure) for s in (*elsewhere, *shown.main)):
            return figure
    return None


def _holds(clause: str, label: str) -> bool:
    return len(label) > 2 and re.search(rf"(?<![\w.-]){re.escape(label)}(?![\w-]|\.\w)", clause) is not None
