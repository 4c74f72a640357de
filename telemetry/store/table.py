"""A batch of records by column, as the writer of segments takes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from telemetry.texts import Texts, joined, nulls
from telemetry.times import UNKNOWN

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

@dataclass(frozen=True, slots=True)
class Numbers:
    """Integers of 32 or 64 bits without nulls."""

    values: NDArray[Any]

    def take(self, rows: Ints | slice) -> Numbers:
        return Numbers(self.values[rows])


@dataclass(frozen=True, slots=True)
class Times:
    """Microseconds since 1970 (UTC), ``UNKNOWN`` for null."""

    values: Ints

    def take(self, rows: Ints | slice) -> Times:
        return Times(self.values[rows])


@dataclass(frozen=True, slots=True)
class Coded:
    """Texts with few distinct values: ``values[code]``, null for the code -1."""

    codes: NDArray[np.int32]
    values: tuple[str, ...]

    def take(self, rows: Ints | slice) -> Coded:
        return Coded(self.codes[rows], self.values)


Column = Numbers | Times | Coded | Texts


@dataclass(frozen=True, slots=True)
class Table:
    """Columns of equal length, by name and in order."""

    columns: Mapping[str, Column]
    rows: int

    def take(self, rows: Ints) -> Table:
        """These rows in this order."""
        return Table({name: column.take(rows) for name, column in self.columns.items()}, len(rows))

    def times(self) -> Ints:
        """The values of ``ts``."""
        column = self.columns["ts"]
        assert isinstance(column, Times)  # noqa: S101 - every table of records has it
        return column.values


def stack(tables: Sequence[Table]) -> Table:
    """One table below the other; a column that one of them lacks is null there."""
    if len(tables) == 1:
        return tables[0]
    names = dict.fromkeys(name for table in tables for name in table.columns)
    rows = [table.rows for table in tables]
    buffers: dict[tuple[int, ...], bytes] = {}
    columns = {name: _stack([t.columns.get(name) for t in tables], rows, buffers) for name in names}
    return Table(columns, sum(rows))


def _stack(columns: Sequence[Column | None], rows: Sequence[int], buffers: dict[tuple[int, ...], bytes]) -> Column:
    import numpy as np

    kind = type(next(c for c in columns if c is not None))
    if kind is Coded:
        return _stack_coded([c if isinstance(c, Coded) else None for c in columns], rows)
    if kind is Texts:
        return joined([c if isinstance(c, Texts) else nulls(n) for c, n in zip(columns, rows, strict=True)], buffers)
    values = np.concatenate([c.values for c in columns if isinstance(c, (Numbers, Times))])
    return Times(values) if kind is Times else Numbers(values)


def _stack_coded(columns: Sequence[Coded | None], rows: Sequence[int]) -> Coded:
    import numpy as np

    place: dict[str, int] = {}
    codes = []
    for column, count in zip(columns, rows, strict=True):
        if column is None or not column.values:
            codes.append(np.full(count, -1, dtype=np.int32))
            continue
        moved = [place.setdefault(value, len(place)) for value in column.values]
        codes.append(np.array([*moved, -1], dtype=np.int32)[column.codes])
    return Coded(np.concatenate(codes), tuple(place))


__all__ = ["UNKNOWN", "Coded", "Column", "Numbers", "Table", "Times", "stack"]
