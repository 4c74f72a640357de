"""Plans applied to whole blocks: the columns of the record store, computed with numpy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from telemetry.formats.levels import from_digits
from telemetry.store.table import UNKNOWN, Coded, Column, Numbers, Table, Times
from telemetry.texts import Texts, nulls
from telemetry.times import Clock
from vectorstore.plans import FIELDS, Plan, Span
from vectorstore.skeleton import Lines

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

_CODED = {"service", "host", "logger"}
"""Fields that tallies count by; the others may differ in every record."""
_NOWHERE: Span = (-1, -1, -1, -1)


@dataclass(frozen=True, slots=True)
class Records:
    """The records of a block.

    ``rows`` are the lines that start them, ``texts`` their whole text; ``plans`` are the plans that occur and
    ``which`` is each record's place among them.
    """

    lines: Lines
    rows: Ints
    texts: Texts
    plans: Sequence[Plan]
    which: Ints

    def cut(self, spans: Sequence[Span | None]) -> Texts:
        """Cut one variable out of every record whose plan (in the order of ``plans``) has it; null elsewhere."""
        return self._cut_some(_table(spans))

    def slots(self) -> list[Texts]:
        """Cut every variable of the messages."""
        import numpy as np

        spans = [plan.slot_spans for plan in self.plans]
        counts = np.array([len(s) for s in spans], dtype=np.int64)
        table = np.full((len(spans), int(counts.max(initial=0)), 4), -1, dtype=np.int64)
        table[np.arange(table.shape[1]) < counts[:, None]] = _table(list(chain.from_iterable(spans))).T
        return [self._cut_some(table[:, slot].T) for slot in range(table.shape[1])]

    def _cut_some(self, table: Ints) -> Texts:
        """The same by a table of one column per plan."""
        import numpy as np

        has = table[0] >= 0
        if has.all():
            return self._cut(self.rows, self.which, table)
        if not has.any():
            return nulls(len(self.rows))
        there = np.flatnonzero(has[self.which])
        found = self._cut(self.rows[there], self.which[there], table)
        starts, lengths = np.zeros(len(self.rows), dtype=np.int32), np.full(len(self.rows), -1, dtype=np.int32)
        starts[there], lengths[there] = found.starts, found.lengths
        return Texts(found.data, starts, lengths)

    def _cut(self, rows: Ints, which: Ints, table: Ints) -> Texts:
        low, before, high, after = (column[which] for column in table)
        return self.lines.cut(rows, (low, before), (high, after))


def _table(spans: Sequence[Span | None]) -> Ints:
    """The four numbers of each span in a column, below zero where there is none."""
    import numpy as np

    flat = chain.from_iterable([span or _NOWHERE for span in spans])
    return np.fromiter(flat, dtype=np.int64, count=4 * len(spans)).reshape(-1, 4).T


def build(
    records: Records, clock: Clock, key_ids: Ints, words: Coded, *, source: int, first_line: int, first_id: int,
    service: str | None = None,
) -> Table:
    """Make the columns of one block's records."""
    import numpy as np

    count = len(records.rows)
    columns: dict[str, Column] = {
        "id": Numbers(np.arange(first_id, first_id + count, dtype=np.int64)),
        "ts": _times(records, clock),
        "key_id": Numbers(key_ids.astype(np.int32)),
        "level": _levels(records),
    }
    for name in FIELDS[1:]:
        columns[name] = _coded(records, name, service) if name in _CODED else _texts(records, name)
    columns["source"] = Numbers(np.full(count, source, dtype=np.int32))
    columns["line_no"] = Numbers((records.rows + first_line + 1).astype(np.int32))
    columns["line"] = records.texts
    columns["words"] = words
    columns.update((f"p{slot}", found) for slot, found in enumerate(records.slots()))
    return Table(columns, count)


def _constants(values: Sequence[str | None], which: Ints) -> Coded:
    import numpy as np

    place: dict[str, int] = {}
    codes = [-1 if value is None else place.setdefault(value, len(place)) for value in values]
    return Coded(np.array(codes, dtype=np.int32)[which], tuple(place))


def _filled(fixed: Coded, rows: Ints, values: Sequence[bytes]) -> Coded:
    """Put values in for some rows."""
    place = {value.encode(): code for code, value in enumerate(fixed.values)}
    fixed.codes[rows] = [place.setdefault(value, len(place)) for value in values]
    return Coded(fixed.codes, tuple([value.decode() for value in place]))


def _coded(records: Records, name: str, service: str | None) -> Coded:
    """A field that is constant per plan, or cut from the line."""
    default = service if name == "service" else None
    found = _constants([p.constants.get(name, default) for p in records.plans], records.which)
    spans = [p.spans.get(name) for p in records.plans]
    if not any(spans):
        return found
    cut = records.cut(spans)
    rows = cut.known().nonzero()[0]
    return _filled(found, rows, [v for v in cut.take(rows).values() if v is not None])


def _texts(records: Records, name: str) -> Texts:
    """The same for a field that may differ in every record."""
    import numpy as np

    constants = [p.constants.get(name) for p in records.plans]
    cut = records.cut([p.spans.get(name) for p in records.plans])
    if not any(c is not None for c in constants):
        return cut
    fixed = Texts.of(c.encode() if c is not None else None for c in constants).take(records.which)
    use = (cut.lengths < 0) & (fixed.lengths >= 0)
    return Texts(
        cut.data + fixed.data, np.where(use, fixed.starts + len(cut.data), cut.starts),
        np.where(use, fixed.lengths, cut.lengths),
    )


def _levels(records: Records) -> Coded:
    """Levels are constant per plan, unless they stand in digits (``"level":30``, ``<134>``)."""
    fixed = _constants([p.level for p in records.plans], records.which)
    schemes = [p.level_scheme if "level" in p.spans else None for p in records.plans]
    if not any(schemes):
        return fixed
    cut = records.cut([p.spans.get("level") if s else None for p, s in zip(records.plans, schemes, strict=True)])
    rows, values = [], []
    known: dict[tuple[str, bytes], str | None] = {}
    for row in cut.known().nonzero()[0].tolist():
        scheme = schemes[records.which[row]] or ""
        digits = cut.data[cut.starts[row] : cut.starts[row] + cut.lengths[row]]
        if (scheme, digits) not in known:
            known[scheme, digits] = from_digits(scheme, digits.decode())
        level = known[scheme, digits]
        if level is not None:
            rows.append(row)
            values.append(level.encode())
    return _filled(fixed, _array(rows), values)


def _array(values: list[int]) -> Ints:
    import numpy as np

    return np.array(values, dtype=np.int64)


def _times(records: Records, clock: Clock) -> Times:
    """Read the times of each format by itself, in line order."""
    import numpy as np

    formats: dict[Any, list[int]] = {}
    for number, plan in enumerate(records.plans):
        if plan.time_format is not None and "time" in plan.spans:
            formats.setdefault(plan.time_format, []).append(number)
    result = np.full(len(records.rows), UNKNOWN, dtype=np.int64)
    if not formats:
        return Times(result)
    raw = records.cut([p.spans.get("time") for p in records.plans])
    for fmt, numbers in formats.items():
        if len(numbers) == len(records.plans):
            return Times(clock.read(raw, fmt))
        mine = np.zeros(len(records.plans), dtype=bool)
        mine[numbers] = True
        rows = np.flatnonzero(mine[records.which])
        result[rows] = clock.read(raw.take(rows), fmt)
    return Times(result)


__all__ = ["Records", "build"]
