"""Plans applied to whole blocks: the columns of the record store, computed with numpy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from telemetry.formats.levels import from_digits
from telemetry.store.table import UNKNOWN, Coded, Column, Numbers, Table, Times
from telemetry.texts import Texts, nulls
from telemetry.times import Clock, TimeFormat
from vectorstore.plans import FIELDS, NOWHERE, PLACES, Plan, Span
from vectorstore.skeleton import Lines

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

_CODED = {"service", "host", "logger"}
"""Fields that tallies count by; the others may differ in every record."""


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
        return self._cut(_table([span or NOWHERE for span in spans]))

    def slots(self) -> list[Texts]:
        """Cut every variable of the messages."""
        import numpy as np

        spans = [plan.slot_spans for plan in self.plans]
        counts = np.array([len(s) for s in spans], dtype=np.int64)
        table = np.full((len(spans), int(counts.max(initial=0)), 4), -1, dtype=np.int64)
        table[np.arange(table.shape[1]) < counts[:, None]] = _table(list(chain.from_iterable(spans)))
        return [self._cut(table[:, slot]) for slot in range(table.shape[1])]

    def fields(self) -> Fields:
        """The constants and the places of what headers hold, by plan."""
        import numpy as np

        both = [plan.fields() for plan in self.plans]
        places = np.array([spans for _, spans in both], dtype=np.int64).reshape(len(both), len(PLACES), 4)
        constants = zip(*(fixed for fixed, _ in both), strict=True)
        return Fields(self, dict(zip(PLACES, constants, strict=True)), places)

    def _cut(self, spans: Ints) -> Texts:
        if not len(spans) or not (spans[:, 0] >= 0).any():
            return nulls(len(self.rows))
        return self.lines.cut(self.rows, self.which, spans)


@dataclass(frozen=True, slots=True)
class Fields:
    """What headers hold: per field its constant or None by plan, and the spans as (plan, field, four numbers)."""

    records: Records
    constants: Mapping[str, Sequence[str | None]]
    spans: Ints

    def cut(self, name: str) -> Texts:
        """The field where it differs per line."""
        return self.records._cut(self.spans[:, PLACES.index(name)])


def _table(spans: Sequence[Span]) -> Ints:
    """The four numbers of each span in a row."""
    import numpy as np

    return np.fromiter(chain.from_iterable(spans), dtype=np.int64, count=4 * len(spans)).reshape(-1, 4)


def build(
    records: Records, clock: Clock, key_ids: Ints, words: Coded, *, source: int, first_line: int, first_id: int,
    service: str | None = None,
) -> Table:
    """Make the columns of one block's records."""
    import numpy as np

    count = len(records.rows)
    fields = records.fields()
    columns: dict[str, Column] = {
        "id": Numbers(np.arange(first_id, first_id + count, dtype=np.int64)),
        "ts": _times(fields, clock),
        "key_id": Numbers(key_ids.astype(np.int32)),
        "level": _levels(fields),
    }
    for name in FIELDS[1:]:
        columns[name] = _coded(fields, name, service) if name in _CODED else _texts(fields, name)
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


def _filled(fixed: Coded, cut: Texts, read: Callable[[bytes], str | None]) -> Coded:
    """Put in what was cut, where there is something; ``read`` gives a value's meaning."""
    import numpy as np

    place = {value: code for code, value in enumerate(fixed.values)}
    numbers, firsts = cut.numbered()
    meanings = [read(value) for value in cut.take(firsts).values() if value is not None]
    codes = [-1 if meaning is None else place.setdefault(meaning, len(place)) for meaning in meanings]
    found = np.array([*codes, -1], dtype=np.int32)[numbers]
    return Coded(np.where(found >= 0, found, fixed.codes), tuple(place))


def _coded(fields: Fields, name: str, service: str | None) -> Coded:
    """A field that is constant per plan, or cut from the line."""
    default = service if name == "service" else None
    constants = [default if value is None else value for value in fields.constants[name]]
    return _filled(_constants(constants, fields.records.which), fields.cut(name), bytes.decode)


def _texts(fields: Fields, name: str) -> Texts:
    """The same for a field that may differ in every record."""
    import numpy as np

    constants, cut = fields.constants[name], fields.cut(name)
    if not any(c is not None for c in constants):
        return cut
    fixed = Texts.of(c.encode() if c is not None else None for c in constants).take(fields.records.which)
    use = (cut.lengths < 0) & (fixed.lengths >= 0)
    return Texts(
        cut.data + fixed.data, np.where(use, fixed.starts + len(cut.data), cut.starts),
        np.where(use, fixed.lengths, cut.lengths),
    )


def _levels(fields: Fields) -> Coded:
    """Levels are constant per plan, unless they stand in digits (``"level":30``, ``<134>``)."""
    plans, which = fields.records.plans, fields.records.which
    found = _constants([p.level for p in plans], which)
    schemes = [p.level_scheme if "level" in p.spans else None for p in plans]
    for scheme in sorted({scheme for scheme in schemes if scheme}):
        cut = fields.records.cut([p.spans["level"] if s == scheme else None for p, s in zip(plans, schemes, strict=True)])
        found = _filled(found, cut, lambda digits, scheme=scheme: from_digits(scheme, digits.decode()))  # type: ignore[misc]
    return found


def _times(fields: Fields, clock: Clock) -> Times:
    """Read the times of each format by itself, in line order."""
    import numpy as np

    records = fields.records
    formats: dict[TimeFormat, list[int]] = {}
    known: dict[int, list[int]] = {}  # a format takes longer to hash than to look up by identity
    for number, plan in enumerate(records.plans):
        fmt = plan.time_format
        if fmt is not None and "time" in plan.spans:
            if id(fmt) not in known:
                known[id(fmt)] = formats.setdefault(fmt, [])
            known[id(fmt)].append(number)
    result = np.full(len(records.rows), UNKNOWN, dtype=np.int64)
    if not formats:
        return Times(result)
    raw = fields.cut("time")
    for fmt, numbers in formats.items():
        if len(numbers) == len(records.plans):
            return Times(clock.read(raw, fmt))
        mine = np.zeros(len(records.plans), dtype=bool)
        mine[numbers] = True
        rows = np.flatnonzero(mine[records.which])
        result[rows] = clock.read(raw.take(rows), fmt)
    return Times(result)


__all__ = ["Records", "build"]
