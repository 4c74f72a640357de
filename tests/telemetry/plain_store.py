"""The store's operations the slow and obvious way: plain Python over every record, to compare with."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePath
from typing import Any

import polars as pl

from telemetry.models import LEVELS, Filter, Query, Window
from telemetry.store.bindings import _UNITS
from telemetry.store.manifest import KeyRow, Manifest

ZERO = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = 1_000_000
_NUMBER = re.compile(r"^[^0-9-]*(-?[0-9][0-9,]*\.?[0-9]*(?:[eE][-+]?[0-9]+)?)")
_UNIT = re.compile(r"[0-9] ?([A-Za-zµ]+)")
NEGATIVE = {"ne": "eq", "not_in": "in", "not_contains": "contains", "not_word": "word", "not_regex": "regex"}


@dataclass(frozen=True)
class Record:
    """One stored record."""

    id: int
    ts: int | None
    key: KeyRow
    fields: dict[str, str | None]
    line: str
    words: str | None
    slots: tuple[str | None, ...]

    def values(self, ref: str) -> list[str]:
        """The values of a field, each once, in order."""
        if ref == "template":
            return [self.key.template]
        if not ref.startswith("param:"):
            value = self.fields[ref]
            return [] if value is None else [value]
        name = ref.removeprefix("param:")
        held = [self.slots[i] for i, (_, slot) in enumerate(self.key.slots) if slot == name]
        words = [self._word(w) for n, w in self.key.words if n == name]
        if not held and not words:
            held = [self.slots[i] for i, (kind, _) in enumerate(self.key.slots) if kind == name]
        return list(dict.fromkeys(v for v in held + words if v is not None))

    def bound(self, name: str) -> bool:
        """Whether the record's key has the parameter."""
        slots = {n for pair in self.key.slots for n in pair}
        return name in slots or name in {n for n, _ in self.key.words}

    def _word(self, word: str) -> str | None:
        if not word.startswith("\x1f"):
            return word
        return (self.words or "").split("\x1f")[int(word[1:]) - 1] if self.words is not None else None


def read(home: Path) -> list[Record]:
    """Every listed record in id order."""
    manifest = Manifest(home)
    keys = {k.id: k for k in manifest.keys()}
    sources = {s.id: s.path for s in manifest.sources()}
    frames = [pl.read_parquet(home / s.path) for _, s in manifest.segments()]
    manifest.close()
    frame = pl.concat(frames, how="diagonal").with_columns(pl.col("ts").cast(pl.Int64)).sort("id")
    return [_record(row, keys, sources) for row in frame.iter_rows(named=True)]


def _record(row: dict[str, Any], keys: dict[int, KeyRow], sources: dict[int, str]) -> Record:
    key = keys[row["key_id"]]
    fields = {n: row[n] for n in ("level", "service", "host", "logger", "pid", "thread", "trace_id")}
    fields["source"] = sources[row["source"]]
    slots = tuple(row.get(f"p{i}") for i in range(len(key.slots)))
    return Record(row["id"], row["ts"], key, fields, row["line"], row["words"], slots)


def micros(when: datetime) -> int:
    return (when - ZERO) // timedelta(microseconds=1)


def within(record: Record, window: Window) -> bool:
    if record.ts is None:
        return window.start is None and window.end is None
    return (window.start is None or record.ts >= micros(window.start)) and (
        window.end is None or record.ts < micros(window.end))


def holds(record: Record, item: Filter) -> bool:
    if item.op in NEGATIVE:
        return not holds(record, item.model_copy(update={"op": NEGATIVE[item.op]}))
    wanted = [str(v) for v in item.value] if isinstance(item.value, tuple) else [_plain(item.value)]
    if item.field == "text":
        return _textual(record.line, item, wanted[0])
    if item.field == "source":
        path = record.fields["source"] or ""
        return path in wanted or PurePath(path).name in wanted
    if item.field == "level" and item.op in {"gt", "ge", "lt", "le"}:
        level = record.fields["level"]
        return level is not None and _compare(LEVELS.index(level), item.op, LEVELS.index(wanted[0]))
    if item.op == "exists" and item.field.startswith("param:"):
        return record.bound(item.field.removeprefix("param:"))
    return any(_valued(value, item, wanted) for value in record.values(item.field))


def _valued(value: str, item: Filter, wanted: list[str]) -> bool:
    if item.op == "exists":
        return True
    if item.op in {"eq", "in"}:
        return value.lower() in {w.lower() for w in wanted}
    if item.op in {"gt", "ge", "lt", "le"}:
        found = number(value)
        return found is not None and _compare(found, item.op, float(wanted[0]))
    return _textual(value, item, wanted[0])


def _textual(text: str, item: Filter, wanted: str) -> bool:
    match item.op:
        case "contains":
            return wanted in text
        case "icontains":
            return wanted.lower() in text.lower()
        case "word":
            left = r"(?<![0-9A-Za-z_])" if re.match(r"\w", wanted) else ""
            right = r"(?![0-9A-Za-z_])" if re.search(r"\w$", wanted) else ""
            return re.search(left + re.escape(wanted) + right, text, re.IGNORECASE) is not None
        case _:
            return re.search(wanted, text) is not None


def _compare(a: float, op: str, b: float) -> bool:
    return {"gt": a > b, "ge": a >= b, "lt": a < b, "le": a <= b}[op]


def _plain(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def number(value: str) -> float | None:
    """The number in a value: plain, with thousands commas, or with a unit."""
    try:
        return float(value)
    except ValueError:
        found = _NUMBER.match(value)
        unit = _UNIT.search(value)
        factor = _UNITS.get(unit[1].lower(), 1) if unit else 1
        return float(found[1].replace(",", "")) * factor if found else None


class Plain:
    """Answers queries over ``records``."""

    def __init__(self, records: Sequence[Record]) -> None:
        self.records = records

    def chosen(self, query: Query, window: Window | None = None, filters: Sequence[Filter] | None = None) -> list[Record]:
        window = query.window if window is None else window
        filters = query.filters if filters is None else filters
        return [r for r in self.records if within(r, window) and all(holds(r, f) for f in filters)]

    def in_time(self, records: Sequence[Record], *, newest: bool = False) -> list[int]:
        sign = -1 if newest else 1
        return [r.id for r in sorted(records, key=lambda r: (r.ts is None, sign * (r.ts or 0), sign * r.id))]

    def groups(self, records: Sequence[Record], query: Query) -> dict[tuple[Any, ...], list[Record]]:
        found: dict[tuple[Any, ...], list[Record]] = defaultdict(list)
        for record in records:
            found[tuple(_first(record, ref, query.bucket) for ref in query.group_by)].append(record)
        return found

    def top(self, query: Query, records: Sequence[Record]) -> list[tuple[str, int]]:
        counts = Counter(v for r in records for v in r.values(query.field or "template"))
        sign = 1 if query.order == "asc" else -1
        return sorted(counts.items(), key=lambda x: (sign * x[1], x[0]))

    def numbers(self, records: Sequence[Record], ref: str) -> list[float]:
        return [n for r in records for v in r.values(ref) if (n := number(v)) is not None]

    def trend(self, query: Query, records: Sequence[Record], seconds: int) -> list[list[Any]]:
        times = [r.ts for r in records if r.ts is not None]
        if not times:
            return []
        low = micros(query.window.start) if query.window.start else min(times)
        high = micros(query.window.end) - 1 if query.window.end else max(times)
        counts = Counter(t // (seconds * SECOND) for t in times)
        return [[iso(b * seconds * SECOND), counts[b]]
                for b in range(low // (seconds * SECOND), high // (seconds * SECOND) + 1)]

    def gaps(self, records: Sequence[Record]) -> list[list[Any]]:
        times = sorted(r.ts for r in records if r.ts is not None)
        pairs = sorted(((b - a, a, b) for a, b in zip(times, times[1:], strict=False) if b > a), key=lambda x: (-x[0], x[1]))
        return [[iso(a), iso(b), n / 1e6] for n, a, b in pairs]

    def templates(self, records: Sequence[Record], by: Callable[[Record], Any]) -> dict[Any, list[Any]]:
        found: dict[Any, list[Record]] = defaultdict(list)
        for record in records:
            found[by(record)].append(record)
        return {key: [len(rows), *_extent(rows)] for key, rows in found.items()}

    def cooccur(self, query: Query) -> dict[str, tuple[int, float]]:
        step = (query.bucket or 60) * SECOND
        near = {r.ts // step for r in self.chosen(query) if r.ts is not None}
        rest = [r for r in self.chosen(query, filters=()) if r.ts is not None
                and not all(holds(r, f) for f in query.filters)]
        overall = Counter(r.key.template for r in rest)
        together = Counter(r.key.template for r in rest if r.ts is not None and r.ts // step in near)
        share = sum(together.values()) or 1
        return {t: (n, (n / share) / (overall[t] / len(rest))) for t, n in together.items()}


def _extent(rows: Sequence[Record]) -> list[str | None]:
    times = [r.ts for r in rows if r.ts is not None]
    return [iso(min(times)), iso(max(times))] if times else [None, None]


def _first(record: Record, ref: str, bucket: int | None) -> str | None:
    if ref == "time":
        step = (bucket or 3600) * SECOND
        return None if record.ts is None else iso(record.ts // step * step)
    return next(iter(record.values(ref)), None)


def iso(at: int) -> str:
    return (ZERO + timedelta(microseconds=at)).isoformat().replace("+00:00", "Z")


def quantile(values: Sequence[float], share: float) -> float:
    """Interpolated between the two nearest values."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = math.floor(place)
    high = math.ceil(place)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)
