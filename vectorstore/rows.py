"""Plans applied to whole blocks: the columns of the record store, computed with numpy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from telemetry.formats.levels import from_digits
from telemetry.store.table import UNKNOWN, Coded, Column, Numbers, Table, Times
from telemetry.texts import Texts, nulls
from telemetry.times import Clock, TimeFormat
from vectorstore.plans import FIELDS, FREE, PLACED, Plan
from vectorstore.skeleton import Lines

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]



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

    def cut(self, spans: Ints) -> Texts:
        """Cut one variable out of every record whose plan (in the order of ``plans``) has it; null elsewhere."""
        return self.lines.cut(self.rows, self.which, spans) if (spans[:, 0] >= 0).any() else nulls(len(self.rows))

    def slots(self) -> list[Texts]:
        """Cut every variable of the messages."""
        import numpy as np

        packed = [plan.packed()[1] for plan in self.plans]
        counts = np.array([len(plan.slot_spans) for plan in self.plans], dtype=np.int64)
        places = np.full((len(counts), int(counts.max(initial=0)), 4), -1, dtype=np.int64)
        places[np.arange(places.shape[1]) < counts[:, None]] = np.frombuffer(b"".join(packed), dtype=np.int64).reshape(-1, 4)
        return [self.cut(places[:, slot]) for slot in range(places.shape[1])]

    def places(self) -> dict[str, Ints]:
        """The places of the header's fields, one row of four numbers per plan."""
        import numpy as np

        packed = b"".join([plan.packed()[0] for plan in self.plans])
        table = np.frombuffer(packed, dtype=np.int64).reshape(-1, len(PLACED), 4)
        return {name: table[:, at] for at, name in enumerate(PLACED)}


def build(
    records: Records, clock: Clock, key_ids: Ints, words: Coded, *, source: int, first_line: int, first_id: int,
    service: str | None = None,
) -> Table:
    """Make the columns of one block's records."""
    import numpy as np

    count, places = len(records.rows), records.places()
    columns: dict[str, Column] = {
        "id": Numbers(np.arange(first_id, first_id + count, dtype=np.int64)),
        "ts": _times(records, places["time"], clock),
        "key_id": Numbers(key_ids.astype(np.int32)),
        "level": _levels(records, places["level"]),
    }
    for name in FIELDS[1:]:
        columns[name] = (_texts if name in FREE else _coded)(records, name, places[name], service)
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


def _filled(fixed: Coded, ids: Ints, values: Sequence[bytes | None]) -> Coded:
    """Put values in where ``ids`` (-1: none) has one that is not null."""
    import numpy as np

    place = {value.encode(): code for code, value in enumerate(fixed.values)}
    moved = [-1 if value is None else place.setdefault(value, len(place)) for value in values]
    codes = np.array([*moved, -1], dtype=np.int32)[ids]
    return Coded(np.where(codes < 0, fixed.codes, codes), tuple([value.decode() for value in place]))


def _coded(records: Records, name: str, spans: Ints, service: str | None) -> Coded:
    """A field that is constant per plan, or cut from the line."""
    default = service if name == "service" else None
    found = _constants([p.constants.get(name, default) for p in records.plans], records.which)
    return _filled(found, *records.cut(spans).distinct()) if (spans[:, 0] >= 0).any() else found


def _texts(records: Records, name: str, spans: Ints, _: str | None) -> Texts:
    """The same for a field that may differ in every record."""
    import numpy as np

    cut = records.cut(spans)
    constants = [None if name in p.same else p.constants.get(name) for p in records.plans]
    if constants.count(None) == len(constants):
        return cut
    fixed = Texts.of(c.encode() if c is not None else None for c in constants).take(records.which)
    use = (cut.lengths < 0) & (fixed.lengths >= 0)
    return Texts(
        cut.data + fixed.data, np.where(use, fixed.starts + len(cut.data), cut.starts),
        np.where(use, fixed.lengths, cut.lengths),
    )


def _levels(records: Records, spans: Ints) -> Coded:
    """Levels are constant per plan, unless they stand in digits (``"level":30``, ``<134>``)."""
    import numpy as np

    fixed = _constants([p.level for p in records.plans], records.which)
    if not (spans[:, 0] >= 0).any():
        return fixed
    schemes = _constants([p.level_scheme for p in records.plans], records.which)
    ids, values = records.cut(spans).distinct()
    pairs = np.where(ids < 0, -1, schemes.codes.astype(np.int64) * len(values) + ids)
    distinct, first, which = np.unique(pairs, return_index=True, return_inverse=True)
    order = np.argsort(first)
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    levels = [from_digits(schemes.values[pair // len(values)], values[pair % len(values)].decode()) if pair >= 0 else None
              for pair in distinct[order].tolist()]
    return _filled(fixed, place[which], [level.encode() if level is not None else None for level in levels])


def _times(records: Records, spans: Ints, clock: Clock) -> Times:
    """Read the times of each format by itself, in line order."""
    import numpy as np

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
    raw = records.cut(spans)
    for fmt, numbers in formats.items():
        if len(numbers) == len(records.plans):
            return Times(clock.read(raw, fmt))
        mine = np.zeros(len(records.plans), dtype=bool)
        mine[numbers] = True
        rows = np.flatnonzero(mine[records.which])
        result[rows] = clock.read(raw.take(rows), fmt)
    return Times(result)


__all__ = ["Records", "build"]
