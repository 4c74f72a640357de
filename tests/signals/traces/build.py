"""Spans written as rows, for tables of tests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from signals.observed import Spans

Row = tuple[int, int, str, str, int, int]
"""Trace, parent row, service, operation, start, duration."""


def spans(rows: Sequence[Row], *, errors: Sequence[int] = (), ids: tuple[str, ...] = ()) -> Spans:
    services = tuple(sorted({row[2] for row in rows}))
    operations = tuple(sorted({row[3] for row in rows}))
    columns = [np.array([row[n] for row in rows], dtype=np.int64) for n in (0, 1, 4, 5)]
    error = np.zeros(len(rows), dtype=bool)
    error[list(errors)] = True
    return Spans(
        columns[0], columns[1], columns[2], columns[3],
        np.array([services.index(row[2]) for row in rows], dtype=np.int64),
        np.array([operations.index(row[3]) for row in rows], dtype=np.int64),
        np.full(len(rows), -1), error, services, operations, (), None, ids,
    )  # fmt: skip
