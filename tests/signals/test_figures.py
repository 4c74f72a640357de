"""Who calls whom how often, from spans."""

from __future__ import annotations

import numpy as np

from signals.figures import call_figures
from signals.observed import Observed, Spans, Window, Windows

SECOND = 1_000_000
WINDOWS = Windows((Window(0, 10 * SECOND),), Window(10 * SECOND, 20 * SECOND))


def spans(rows: list[tuple[int, int, int]], orphans: set[int] | None = None) -> Spans:
    """Rows of (second, parent row, service)."""
    start, parent, service = (np.array([row[at] for row in rows], dtype=np.int64) for at in range(3))
    zeros = np.zeros(len(rows), dtype=np.int64)
    return Spans(zeros, parent, start * SECOND, zeros + 1, service, zeros, zeros - 1, zeros.astype(bool), ("web", "cart", "stock"), ("op",), (),
                 np.array([at in orphans for at in range(len(rows))]) if orphans is not None else None)


def test_calls_are_counted_by_pair_and_second() -> None:
    rows = [(1, -1, 0), (1, 0, 1), (1, 1, 1), (1, 2, 2), (12, -1, 0), (12, 4, 1), *[(12, 5, 2)] * 20]

    found = {(one.caller, one.callee): (one.before, one.during) for one in call_figures(Observed(spans=spans(rows)), WINDOWS)}

    assert found == {("", "web"): (0.1, 0.1), ("web", "cart"): (0.1, 0.1), ("cart", "stock"): (0.1, 2.0)}


def test_who_called_is_not_guessed_where_a_parent_is_missing() -> None:
    found = call_figures(Observed(spans=spans([(1, -1, 2), (12, -1, 0)], orphans={0})), WINDOWS)

    assert [(one.caller, one.callee) for one in found] == [("", "web")]
    assert call_figures(Observed(), WINDOWS) == []
