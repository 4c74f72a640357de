"""From blocks of bytes to records: secrets out, lines to plans, continuation lines to their record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import PurePath
from typing import TYPE_CHECKING, Protocol

from telemetry.formats import LineReader, group
from telemetry.redact import key_block, redact
from telemetry.sources.files import Block, Source, head
from telemetry.store.manifest import SourceRow
from telemetry.times import Clock
from vectorstore.keys import KeyTable
from vectorstore.plans import Plan, holds_secret, make_plan
from vectorstore.resume import fingerprint
from vectorstore.rows import LITERAL_LIMIT, MAX_SLOTS, Records, literal_digits
from vectorstore.skeleton import Lines, split_lines

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

MAX_PLANS = 50_000
"""Plans kept per source; beyond, they are forgotten and made again when needed (memory stays flat)."""
MAX_CARRY = 4 << 20
SAMPLE = 64 << 10


class Counts(Protocol):
    """The counters of a report that reading moves."""

    lines: int
    unformatted: int
    redacted: int


@dataclass(frozen=True, slots=True)
class Task:
    """One block ready for its columns."""

    lines: Lines
    records: Records
    plans: list[Plan]
    used: Ints
    which: Ints
    key_ids: Ints
    words: list[str | None]
    clock: Clock
    source: SourceRow
    first_line: int
    service: str | None
    notes: tuple[str, ...] = ()

    def progress(self) -> SourceRow:
        """The source's row once this block counts; asked after the clock has read the block."""
        state = {**self.source.state, "clock": self.clock.state(),
                 "notes": sorted({*self.notes, *self.clock.notes})}
        return replace(self.source, state=state)


class SourceReader:
    """Reads one source in order, from where its row says."""

    def __init__(self, source: Source, row: SourceRow, keys: KeyTable, counts: Counts, *,
                 service: str | None, declared: str | None, zone: str | None) -> None:
        self.offset = row.offset
        self._row = row
        self._keys = keys
        self._counts = counts
        self._service = service or _service(source.path)
        start = head(source, SAMPLE) if source.path != "-" else b""
        self._declared = declared
        self._reader = LineReader(_sample(start), declared) if start else None
        if row.head == "" and start:
            self._row = replace(row, **fingerprint(start))
        self.clock = _clock(source, row, zone)
        self.formats: Counter[str] = Counter()
        self._table: dict[bytes, int] = {}
        self._plans: list[Plan] = []
        self._secret: dict[bytes, bool] = {}
        self._in_key = False
        self._carry = b""
        self._carry_lines = 0
        self._skip = int(row.state.get("skip", 0))
        self._end = self._before = self._base = row.offset
        self._since = self._dropped = 0

    def notes(self) -> tuple[str, ...]:
        name = PurePath(self._row.path).name
        return tuple(f"{name}: {note}" for note in self.clock.notes)

    def feed(self, block: Block, *, final: bool) -> Iterator[Task]:
        """Turn a block into a task; the last record waits for its continuation lines unless ``final``."""
        data, dropped = _drop_lines(block.data, self._skip)
        self._skip -= dropped
        self._before, self._dropped = self._end, dropped
        self._end = block.end
        yield from self._block(self._carry + data, final=final)

    def rest(self) -> Iterator[Task]:
        """What still waited at the end of the source."""
        if self._carry:
            yield from self._block(self._carry, final=True)

    def _block(self, data: bytes, *, final: bool) -> Iterator[Task]:
        import numpy as np

        waited, self._carry, self._carry_lines = self._carry_lines, b"", 0
        if not data:
            return
        if self._reader is None:
            self._reader = LineReader(_sample(data[:SAMPLE]), self._declared)
        lines = self._redacted(split_lines(data))
        numbers = self._numbers(lines)
        rows = self._starts(numbers)
        if not final and len(rows) and len(lines.data) - lines.starts[rows[-1]] < MAX_CARRY:
            self._carry = lines.data[int(lines.starts[rows[-1]]):]
            self._carry_lines = len(lines.raw) - int(rows[-1])
            rows = rows[:-1]
        first_line = self._row.lines
        taken = len(lines.raw) - self._carry_lines
        self._counts.lines += taken
        self._advance(taken, waited)
        if not len(rows):
            return
        records = Records(rows, _texts(lines, rows, taken))
        used, which = np.unique(numbers[rows], return_inverse=True)
        words: list[str | None] = [None] * len(rows)
        key_ids = self._key_ids(lines, records, used, which, words)
        self._count(used, which)
        yield Task(lines, records, self._plans, used, which, key_ids, words, self.clock, self._row, first_line,
                   self._service)

    def _advance(self, taken: int, waited: int) -> None:
        """Note where to resume: an offset at a block's edge, and how many lines after it are done.

        Lines, not bytes, because masking and transcoding change how long a line is.
        """
        if not self._carry:
            self._base, self._since = self._end, 0
        elif taken >= waited:
            self._base, self._since = self._before, self._dropped + taken - waited
        else:
            self._since += taken
        state = {**self._row.state, "skip": self._since}
        self._row = replace(self._row, lines=self._row.lines + taken, offset=self._base, state=state)

    def _numbers(self, lines: Lines) -> Ints:
        """The plan number of every line; plans new skeletons from their first line."""
        import numpy as np

        if len(self._plans) > MAX_PLANS:
            self._table, self._plans = {}, []
        table = self._table
        numbers = np.fromiter(map(table.get, lines.skeletons, _Ever()), dtype=np.int64, count=len(lines.raw))
        assert self._reader is not None  # noqa: S101 - set before any block is read
        for row in np.flatnonzero(numbers < 0):
            bones = lines.skeletons[row]
            number = table.get(bones)
            if number is None:
                number = len(self._plans)
                self._plans.append(make_plan(lines.raw[row], self._reader))
                table[bones] = number
            numbers[row] = number
        return numbers

    def _starts(self, numbers: Ints) -> Ints:
        import numpy as np

        kinds = [p.kind for p in self._plans]
        joined = np.array([bool(k) for k in kinds])
        if not joined[numbers].any():
            return np.arange(len(numbers), dtype=np.int64)
        names = ["head" if p.headed else p.kind for p in self._plans]
        starts = np.array(group([names[n] for n in numbers.tolist()]))
        starts[0] = True
        return np.flatnonzero(starts)

    def _key_ids(
        self, lines: Lines, records: Records, used: Ints, which: Ints, words: list[str | None]
    ) -> Ints:
        import numpy as np

        chosen = [self._plans[p] for p in used]
        first = np.full(len(used), -1, dtype=np.int64)
        rows, at = np.unique(which, return_index=True)
        first[rows] = at
        for plan in chosen:
            if len(plan.keys) > LITERAL_LIMIT and plan.literals:
                _explode(plan)
        ids = np.array([
            -1 if plan.literals else self._keys.number(plan, "", records.texts[first[n]])
            for n, plan in enumerate(chosen)
        ], dtype=np.int64)[which]
        for number, plan in enumerate(chosen):
            if plan.words and not plan.literals:
                for row in np.flatnonzero(which == number).tolist():
                    words[row] = plan.words[""]
        if (ids < 0).any():
            self._literal_ids(lines, records, chosen, which, ids, words)
        return ids

    def _literal_ids(
        self, lines: Lines, records: Records, chosen: list[Plan], which: Ints, ids: Ints,
        words: list[str | None],
    ) -> None:
        import numpy as np
        import polars as pl

        digits = literal_digits(lines, records, chosen, which)
        frame = pl.DataFrame({"w": which, "d": digits, "r": np.arange(len(which))}).filter(pl.Series(ids < 0))
        distinct = frame.group_by("w", "d", maintain_order=True).agg(pl.col("r").first())
        numbers = [
            self._keys.number(chosen[w], d, records.texts[r]) for w, d, r in distinct.iter_rows()
        ]
        mapped = frame.join(distinct.with_columns(k=pl.Series(numbers, dtype=pl.Int64)).drop("r"), on=("w", "d"),
                            how="left", maintain_order="left")
        ids[mapped["r"].to_numpy()] = mapped["k"].to_numpy()
        if any(plan.words for plan in chosen):
            for w, d, r in frame.iter_rows():
                words[r] = chosen[w].words.get(d)

    def _count(self, used: Ints, which: Ints) -> None:
        import numpy as np

        for number, rows in zip(used, np.bincount(which, minlength=len(used)), strict=True):
            plan = self._plans[number]
            self.formats[plan.format] += int(rows)
            if not plan.headed:
                self._counts.unformatted += int(rows)

    def _redacted(self, lines: Lines) -> Lines:
        """Mask secrets line by line where the skeleton says there may be some."""
        known = self._secret
        if len(known) > MAX_PLANS:
            known.clear()
        for bones, raw in zip(lines.skeletons, lines.raw, strict=True):
            if bones not in known:
                known[bones] = holds_secret(raw)
        if not self._in_key and not any(map(known.__getitem__, lines.skeletons)):
            return lines
        out = [self._redact_line(raw) if self._in_key or known[bones] else raw
               for bones, raw in zip(lines.skeletons, lines.raw, strict=True)]
        return split_lines(b"\n".join(out) + b"\n")

    def _redact_line(self, raw: bytes) -> bytes:
        text = raw.decode("utf-8", "replace")
        mark = key_block(text)
        if mark == "begin":
            self._in_key = True
        if self._in_key:
            self._in_key = mark != "end"
            self._counts.redacted += 1
            return b"[REDACTED:private-key]"
        clean, found = redact(text)
        self._counts.redacted += found
        return clean.encode() if found else raw


class _Ever:
    """An endless -1, the default for ``dict.get`` under ``map``."""

    def __iter__(self) -> _Ever:
        return self

    def __next__(self) -> int:
        return -1


def _texts(lines: Lines, rows: Ints, taken: int) -> list[bytes]:
    if len(rows) == len(lines.raw):
        texts = lines.raw
    else:
        ends = [*rows[1:].tolist(), taken]
        texts = [
            lines.raw[a] if b == a + 1 else lines.data[lines.starts[a]:lines.ends[b - 1]]
            for a, b in zip(rows.tolist(), ends, strict=True)
        ]
    if b"\r" in lines.data:
        texts = [t.replace(b"\r\n", b"\n").removesuffix(b"\r") for t in texts]
    return texts


def _clock(source: Source, row: SourceRow, zone: str | None) -> Clock:
    """A clock that goes on where the source was left; its reference is when the file was written last."""
    reference = datetime.fromtimestamp(source.mtime, UTC) if source.mtime else datetime.now(UTC)
    state = row.state.get("clock")
    if not state:
        return Clock(reference, zone)
    return Clock.restore({**state, "reference": reference.isoformat()})


def _explode(plan: Plan) -> None:
    """Too many different literal digits: make them variables from here on."""
    room = MAX_SLOTS - len(plan.slots)
    spans = plan.literals[:room]
    plan.key_parts = ("<:number:>".join(plan.key_parts),)
    plan.slots = (*plan.slots, *((("number", "number"),) * len(spans)))
    plan.slot_spans = (*plan.slot_spans, *spans)
    plan.literals = ()
    plan.keys, plan.words = {}, {}


def _drop_lines(data: bytes, count: int) -> tuple[bytes, int]:
    """Leave out the first ``count`` lines; returns the rest and how many there were to leave out."""
    at, dropped = 0, 0
    while dropped < count and at < len(data):
        stop = data.find(b"\n", at)
        at = len(data) if stop < 0 else stop + 1
        dropped += 1
    return data[at:], dropped


def _sample(data: bytes) -> list[str]:
    return [line.rstrip("\r") for line in data.decode("latin-1").split("\n")[:200] if line.strip()]


def _service(path: str) -> str | None:
    name = PurePath(path).name
    stem = name.split(".")[0] if not name.startswith(".") else name
    return stem or None if path != "-" else None


__all__ = ["SourceReader", "Task"]
