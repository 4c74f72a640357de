"""From blocks of bytes to records: secrets out, lines to plans, continuation lines to their record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import PurePath
from typing import TYPE_CHECKING, Protocol

from telemetry.formats import LineReader, group
from telemetry.redact import Rules, all_clean, key_block, redact
from telemetry.sources.files import Block, Source, head
from telemetry.store.manifest import SourceRow
from telemetry.texts import Texts
from telemetry.times import Clock
from vectorstore.columns import Task
from vectorstore.keys import KeyTable, number_keys
from vectorstore.plans import Plan, make_plan, rules_of
from vectorstore.resume import fingerprint
from vectorstore.rows import Records
from vectorstore.skeleton import Lines, skeleton, split_lines

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

MAX_PLANS = 50_000
"""Plans kept per source; beyond, they are forgotten and made again when needed (memory stays flat)."""
MANY = 3000
"""New skeletons from which it is asked whether reading wide would spare them, and again for as many more."""
LEAST, SOME = 64, 1000
"""Skeletons of one block by which that is told."""
GAIN = 4
MAX_CARRY = 4 << 20
SAMPLE = 64 << 10
ALIKE = 5
"""Lines of one skeleton in a sample."""


class Counts(Protocol):
    """The counters of a report that reading moves."""

    lines: int
    unformatted: int
    redacted: int


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
        self._plans: list[Plan | None] = []
        self._secret: list[Rules | None] = []
        self._wide = bool(row.state.get("wide"))
        self._fresh = 0
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
        if b"\r" in data:
            data = data.replace(b"\r\n", b"\n").removesuffix(b"\r")
        if self._reader is None:
            self._reader = LineReader(_sample(data[:SAMPLE]), self._declared)
        lines, numbers = self._planned(data)
        rows = self._starts(numbers)
        taken = len(lines)
        if not final and len(rows) and len(lines.data) - lines.starts[rows[-1]] < MAX_CARRY:
            self._carry = lines.data[int(lines.starts[rows[-1]]):]
            taken = int(rows[-1])
            self._carry_lines = len(lines) - taken
            rows = rows[:-1]
        first_line = self._row.lines
        self._counts.lines += taken
        self._advance(taken, waited)
        if not len(rows):
            return
        lasts = np.append(rows[1:], taken) - 1
        starts = lines.starts[rows]
        used, which, counts = _ranked(numbers[rows], len(self._plans))
        plans = [plan for n in used.tolist() if (plan := self._plans[n])]
        records = Records(lines, rows, Texts(lines.data, starts, lines.ends[lasts] - starts), plans, which)
        self._count(plans, counts)
        keyed, key_ids, words = number_keys(records, self._keys)
        for number, plan in zip(used.tolist(), keyed.plans, strict=True):
            self._plans[number] = plan
        yield Task(keyed, key_ids, words, self.clock, self._row, first_line, self._service)

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

    def _planned(self, data: bytes) -> tuple[Lines, Ints]:
        """Cut a block into lines without secrets, and give every line the number of its plan."""
        import numpy as np

        if len(self._plans) > MAX_PLANS:
            self._table, self._plans, self._secret = {}, [], []
        lines, numbers = self._numbered(data)
        if self._in_key or any(self._secret):
            suspects = np.flatnonzero(np.array([bool(rules) for rules in self._secret])[numbers])
            rows = suspects.tolist() if self._in_key else self._suspects(lines, numbers, suspects)
            changed = self._redacted(lines, numbers, [*([0] if self._in_key else []), *rows])
            if changed:
                lines = lines.replaced(changed)
                numbers = self._renumbered(lines, numbers, sorted(changed))
        self._plan(lines, numbers)
        return lines, numbers

    def _suspects(self, lines: Lines, numbers: Ints, rows: Ints) -> list[int]:
        """The lines among ``rows`` that must be looked at one by one: all of a skeleton, or none."""
        import numpy as np

        order = rows[np.argsort(numbers[rows], kind="stable")]
        edges = np.flatnonzero(np.diff(numbers[order], prepend=-1, append=-1)).tolist()
        found: list[int] = []
        for low, high in zip(edges, edges[1:], strict=False):
            group = order[low:high]
            texts = lines.texts(group).join_by(b"\n").decode("utf-8", "replace")
            if not all_clean(texts, self._secret[int(numbers[group[0]])] or ()) or key_block(texts):
                found += group.tolist()
        return sorted(found)

    def _renumbered(self, lines: Lines, numbers: Ints, rows: list[int]) -> Ints:
        """The plan numbers after some lines were redacted."""
        for row in rows:
            raw = lines.raw(row)
            bones = skeleton(raw.decode("latin-1"), wide=self._wide).encode("latin-1")
            if bones not in self._table:
                self._table[bones] = len(self._table)
                self._plans.append(None)
                self._secret.append(rules_of(raw))
            numbers[row] = self._table[bones]
        return numbers

    def _numbered(self, data: bytes) -> tuple[Lines, Ints]:
        """The lines and the plan number of every line's skeleton; new skeletons get one, and their plan later."""
        import numpy as np

        lines, skeletons = split_lines(data, wide=self._wide)
        fresh = [bones for bones in dict.fromkeys(skeletons) if bones not in self._table]
        if self._never_alike(lines, skeletons, fresh):
            self._wide = True
            self._row = replace(self._row, state={**self._row.state, "wide": True})
            self._table, self._plans, self._secret = {}, [], []
            lines, skeletons = split_lines(data, wide=True)
            fresh = list(dict.fromkeys(skeletons))
        table = self._table
        known = len(table)
        for bones in fresh:
            table[bones] = len(table)
        numbers = np.fromiter(map(table.__getitem__, skeletons), dtype=np.int64, count=len(lines))
        if len(table) > known:
            first = _firsts(numbers, len(table))[known:].tolist()
            self._plans += [None] * len(first)
            self._secret += [rules_of(lines.raw(row)) for row in first]
        return lines, numbers

    def _never_alike(self, lines: Lines, skeletons: list[bytes], fresh: list[bytes]) -> bool:
        """Whether so many lines have a skeleton of their own that the source must be read wide; if that helps."""
        self._fresh += len(fresh)
        if self._wide or self._fresh < MANY or len(fresh) < LEAST:
            return False
        self._fresh = 0
        some = set(fresh[:: max(1, len(fresh) // SOME)])
        wide = {skeleton(lines.raw(row).decode("latin-1"), wide=True)
                for row, bones in enumerate(skeletons) if bones in some}
        return len(wide) * GAIN < len(some)

    def _plan(self, lines: Lines, numbers: Ints) -> None:
        """Plan what has no plan yet from its first line."""
        assert self._reader is not None  # noqa: S101 - set before any block is read
        missing = [n for n, plan in enumerate(self._plans) if plan is None]
        if not missing:
            return
        first = _firsts(numbers, len(self._plans))
        for number in missing:
            if first[number] >= 0:
                self._plans[number] = make_plan(lines.raw(int(first[number])), self._reader, wide=self._wide)

    def _starts(self, numbers: Ints) -> Ints:
        """The lines that start a record."""
        import numpy as np

        headed = np.array([plan is None or plan.headed for plan in self._plans])[numbers]
        starts = np.ones(len(numbers), dtype=bool)
        edges = np.flatnonzero(np.diff(headed, prepend=True, append=True))
        for low, high in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            kinds = [plan.kind if (plan := self._plans[n]) else "" for n in numbers[low:high].tolist()]
            if any(kinds):
                before, after = ["head"] * (low > 0), ["head"] * (high < len(numbers))
                starts[low:high] = group([*before, *kinds, *after])[low > 0 : high - low + (low > 0)]
        starts[:1] = True
        return np.flatnonzero(starts)

    def _count(self, plans: list[Plan], counts: list[int]) -> None:
        for plan, rows in zip(plans, counts, strict=True):
            self.formats[plan.format] += rows
            if not plan.headed:
                self._counts.unformatted += rows

    def _redacted(self, lines: Lines, numbers: Ints, rows: list[int]) -> dict[int, bytes]:
        """Mask secrets of these lines, one by one; the new texts of those that changed.

        A private key that begins in one of them goes on in the lines behind it.
        """
        changed: dict[int, bytes] = {}
        done = 0
        for row in rows:
            if row < done:
                continue
            raw = lines.raw(row)
            clean = self._redact_line(raw, self._secret[numbers[row]])
            if clean != raw:
                changed[row] = clean
            done = row + 1
            while self._in_key and done < len(lines):
                changed[done] = self._redact_line(lines.raw(done), None)
                done += 1
        return changed

    def _redact_line(self, raw: bytes, rules: Rules | None) -> bytes:
        text = raw.decode("utf-8", "replace")
        mark = key_block(text)
        if mark == "begin":
            self._in_key = True
        if self._in_key:
            self._in_key = mark != "end"
            self._counts.redacted += 1
            return b"[REDACTED:private-key]"
        clean, found = redact(text, rules or ())
        self._counts.redacted += found
        return clean.encode() if found else raw


def _ranked(numbers: Ints, size: int) -> tuple[Ints, Ints, list[int]]:
    """Which numbers occur, each one's place among them, and how often they do; faster than by sorting."""
    import numpy as np

    counts = np.bincount(numbers, minlength=size)
    used = np.flatnonzero(counts)
    places = np.zeros(size, dtype=np.int64)
    places[used] = np.arange(len(used))
    return used, places[numbers], counts[used].tolist()


def _firsts(numbers: Ints, size: int) -> Ints:
    """Where each number first stands, -1 where nowhere."""
    import numpy as np

    first = np.full(size, -1, dtype=np.int64)
    first[numbers[::-1]] = np.arange(len(numbers) - 1, -1, -1)
    return first


def _clock(source: Source, row: SourceRow, zone: str | None) -> Clock:
    """A clock that goes on where the source was left; its reference is when the file was written last."""
    reference = datetime.fromtimestamp(source.mtime, UTC) if source.mtime else datetime.now(UTC)
    state = row.state.get("clock")
    if not state:
        return Clock(reference, zone)
    return Clock.restore({**state, "reference": reference.isoformat()})


def _drop_lines(data: bytes, count: int) -> tuple[bytes, int]:
    """Leave out the first ``count`` lines; returns the rest and how many there were to leave out."""
    at, dropped = 0, 0
    while dropped < count and at < len(data):
        stop = data.find(b"\n", at)
        at = len(data) if stop < 0 else stop + 1
        dropped += 1
    return data[at:], dropped


def _sample(data: bytes) -> list[str]:
    """The first lines, a few of each skeleton: more of them teach a reader of formats nothing."""
    counts: Counter[str] = Counter()
    lines = []
    for line in data.decode("latin-1").split("\n")[:200]:
        if line.strip():
            bones = skeleton(line)
            counts[bones] += 1
            if counts[bones] <= ALIKE:
                lines.append(line.rstrip("\r"))
    return lines


def _service(path: str) -> str | None:
    name = PurePath(path).name
    stem = name.split(".")[0] if not name.startswith(".") else name
    return stem or None if path != "-" else None


__all__ = ["SourceReader", "Task"]
