"""Plans applied to whole blocks: the columns of the record store, computed with numpy and polars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from telemetry.formats.levels import from_digits
from telemetry.times import Clock
from vectorstore.plans import FIELDS, MAX_SLOTS, Plan
from vectorstore.skeleton import Lines

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

LITERAL_LIMIT = 256
"""Distinct literal digits of one skeleton from which they are taken for one more variable."""


@dataclass(frozen=True, slots=True)
class Records:
    """The records of a block: ``rows`` are the lines that start them, ``texts`` their whole text."""

    rows: Ints
    texts: list[bytes]


def build(
    lines: Lines, records: Records, plans: Sequence[Plan], used: Ints, which: Ints, clock: Clock,
    key_ids: Ints, source: int, first_line: int, first_id: int, *, service: str | None = None,
    words: Sequence[str | None] = (),
) -> pl.DataFrame:
    """Make the frame of one block. ``used`` are the plan numbers that occur, ``which`` indexes them per record."""
    import numpy as np
    import polars as pl

    chosen = [plans[p] for p in used]
    texts = pl.Series("line", records.texts, dtype=pl.Binary)
    columns: dict[str, Any] = {
        "id": np.arange(first_id, first_id + len(records.rows), dtype=np.int64),
        "ts": _times(lines, records, chosen, which, texts, clock),
        "key_id": key_ids.astype(np.int32),
        "level": _levels(lines, records, chosen, which, texts),
    }
    for name in FIELDS[1:]:
        columns[name] = _field(lines, records, chosen, which, texts, name)
        if name == "service" and service:
            columns[name] = columns[name].fill_null(service)
    columns["source"] = np.full(len(records.rows), source, dtype=np.int32)
    columns["line_no"] = (records.rows + first_line + 1).astype(np.int32)
    columns["line"] = texts.cast(pl.String)
    columns["words"] = pl.Series(words or [None] * len(records.rows), dtype=pl.String)
    for slot in range(max((len(p.slots) for p in chosen), default=0)):
        spans = [p.slot_spans[slot] if slot < len(p.slot_spans) else None for p in chosen]
        columns[f"p{slot}"] = _slices(lines, records, spans, which, texts)
    return pl.DataFrame(columns)


def literal_digits(
    lines: Lines, records: Records, chosen: Sequence[Plan], which: Ints
) -> pl.Series:
    """The digits that stay in the key, joined by spaces, per record ("" where there are none)."""
    import polars as pl

    texts = pl.Series("line", records.texts, dtype=pl.Binary)
    width = max((len(p.literals) for p in chosen), default=0)
    parts = []
    for at in range(width):
        spans = [p.literals[at] if at < len(p.literals) else None for p in chosen]
        parts.append(_slices(lines, records, spans, which, texts).alias(f"l{at}"))
    frame = pl.DataFrame(parts)
    return frame.select(pl.concat_str(pl.all(), separator=" ", ignore_nulls=True)).to_series()


def _levels(
    lines: Lines, records: Records, chosen: Sequence[Plan], which: Ints, texts: pl.Series
) -> pl.Series:
    """Levels are constant per plan, unless they stand in digits (``"level":30``, ``<134>``)."""
    import polars as pl

    fixed = _constant([p.level for p in chosen], which)
    schemes = [p.level_scheme if "level" in p.spans else None for p in chosen]
    if not any(schemes):
        return fixed
    digits = _slices(lines, records, [p.spans.get("level") if s else None for p, s in
                                      zip(chosen, schemes, strict=True)], which, texts)
    frame = pl.DataFrame({"s": _constant(schemes, which), "d": digits})
    distinct = frame.unique().drop_nulls()
    named = distinct.with_columns(l=pl.Series([from_digits(s, d) for s, d in distinct.iter_rows()], dtype=pl.String))
    read = frame.join(named, on=("s", "d"), how="left", maintain_order="left")["l"]
    return pl.select(pl.coalesce(read, fixed)).to_series()


def _constant(values: Sequence[str | None], which: Ints) -> pl.Series:
    import polars as pl

    return pl.Series(values, dtype=pl.String).gather(which)


def _field(
    lines: Lines, records: Records, chosen: Sequence[Plan], which: Ints, texts: pl.Series, name: str
) -> pl.Series:
    import polars as pl

    constants = [p.constants.get(name) for p in chosen]
    spans = [p.spans.get(name) for p in chosen]
    fixed = _constant(constants, which)
    if not any(spans):
        return fixed
    varying = _slices(lines, records, spans, which, texts)
    return pl.select(pl.coalesce(varying, fixed)).to_series()


def _times(
    lines: Lines, records: Records, chosen: Sequence[Plan], which: Ints, texts: pl.Series, clock: Clock
) -> pl.Series:
    """Read the times of each format by itself, in line order."""
    import numpy as np
    import polars as pl

    formats: dict[Any, list[int]] = {}
    for number, plan in enumerate(chosen):
        if plan.time_format is not None and "time" in plan.spans:
            formats.setdefault(plan.time_format, []).append(number)
    result = np.full(len(records.rows), np.iinfo(np.int64).min, dtype=np.int64)
    spans = [p.spans.get("time") for p in chosen]
    raw = _slices(lines, records, spans, which, texts) if formats else None
    for fmt, numbers in formats.items():
        if raw is None:
            break
        rows = np.flatnonzero(np.isin(which, numbers)) if len(formats) > 1 or len(numbers) < len(chosen) else None
        values = raw if rows is None else raw.gather(rows)
        read = clock.read(values, fmt).cast(pl.Int64).fill_null(np.iinfo(np.int64).min).to_numpy()
        result[slice(None) if rows is None else rows] = read
    micros = pl.Series(result)
    known = pl.select(pl.when(micros != np.iinfo(np.int64).min).then(micros)).to_series()
    return known.cast(pl.Datetime("us", "UTC"))


def _slices(
    lines: Lines, records: Records, spans: Sequence[tuple[int, int, int, int] | None], which: Ints,
    texts: pl.Series,
) -> pl.Series:
    """Cut one variable out of every record that has it; null elsewhere."""
    import numpy as np
    import polars as pl

    table = np.array([s or (0, 0, 0, 0) for s in spans], dtype=np.int64)
    has = np.array([s is not None for s in spans])
    place = table[which]
    start = lines.offsets(records.rows, place[:, 0], place[:, 1])
    length = lines.offsets(records.rows, place[:, 2], place[:, 3]) - start
    frame = pl.DataFrame({"t": texts, "s": start, "n": length})
    cut = pl.col("t").bin.slice(pl.col("s"), pl.col("n")).cast(pl.String, strict=False)
    if has.all():
        return frame.select(cut).to_series()
    return frame.select(pl.when(pl.Series(has[which])).then(cut)).to_series()


__all__ = ["LITERAL_LIMIT", "MAX_SLOTS", "Records", "build", "literal_digits"]
