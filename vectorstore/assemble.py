"""From blocks of bytes to records: secrets out, lines to plans, continuation lines to their record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Protocol

from telemetry.formats import LineReader, group
from telemetry.redact import KEY_LINES, Rules, all_clean, key_block, key_body, redact, word_secrets
from telemetry.sources.files import Block, Source, head
from telemetry.store.manifest import SourceRow
from telemetry.texts import Texts
from telemetry.times import Clock
from vectorstore.columns import Task
from vectorstore.joining import READABLE, holds_partial, join_partial, readable, settle
from vectorstore.keys import KeyTable, number_keys
from vectorstore.plans import Plan, make_plan, rules_of
from vectorstore.resume import HEAD, fingerprint
from vectorstore.rows import Records
from vectorstore.skeleton import Lines, Skeletons, firsts, skeleton, split_lines

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
NEAR = 8
"""Records without a header that are taken up again with the one before them."""
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
        start = head(source, SAMPLE)
        self._declared = declared
        self._reader = LineReader(_sample(start), declared) if start else None
        self._learn(start)
        self.clock = _clock(source, row, zone)
        self.formats: Counter[str] = Counter()
        self._table: dict[bytes, int] = {}
        self._plans: list[Plan | None] = []
        self._secret: list[Rules | None] = []
        self._wide = bool(row.state.get("wide"))
        self._fresh = 0
        self._in_key = int(row.state.get("key", 0))
        """Lines of a private key so far that has not ended."""
        self._carry = b""
        self._carry_lines = 0
        self._skip = int(row.state.get("skip", 0))
        self._end = self._before = self._base = row.offset
        self._since = self._dropped = 0
        self._last = b""
        self._whole = True

    def notes(self) -> tuple[str, ...]:
        name = PurePath(self._row.path).name
        return tuple(f"{name}: {note}" for note in self.clock.notes)

    def feed(self, block: Block, *, final: bool) -> Iterator[Task]:
        """Turn a block into a task; the last record waits for its continuation lines unless ``final``."""
        self._learn(block.head)
        data, dropped = _drop_lines(block.data, self._skip)
        self._skip -= dropped
        self._before, self._dropped = self._end, dropped
        self._end, self._whole = block.end, data.endswith(b"\n") or not data and self._whole
        yield from self._block(self._carry + data, final=final)

    def goes_on(self, data: bytes) -> bool:
        """Whether ``data`` belongs to the last record, which counts already: its line was not ended, or it
        is no line of its own. Then :meth:`reopen` must come first."""
        opened = self._row.state.get("open")
        if not opened or self._carry or not data:
            return False
        first = data[:READABLE].split(b"\n", 1)[0].decode("latin-1").rstrip("\r")
        return not opened["whole"] or opened["split"] or self._reader is None or self._reader.parse(first) is None

    def reopen(self) -> SourceRow:
        """Go back to before the last record; returns how far the source is read then."""
        opened = self._row.state["open"]
        state = {k: v for k, v in self._row.state.items() if k != "open"}
        lines = self._row.lines - opened["lines"]
        self._row = replace(self._row, lines=lines, offset=opened["offset"], state={**state, "skip": opened["skip"]})
        self._counts.lines -= opened["lines"]
        if self._last:
            self._carry, self._carry_lines = self._last, opened["lines"]
            self._base, self._since = opened["offset"], opened["skip"]
        else:
            self.offset = self._base = self._before = self._end = opened["offset"]
            self._skip = opened["skip"]
        return self._row

    def _learn(self, start: bytes) -> None:
        """Know the source again by as many of its first bytes as there were so far."""
        if len(start) > self._row.head_size < HEAD:
            self._row = replace(self._row, **fingerprint(start))

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
            data = data.replace(b"\r\n", b"\n").removesuffix(b"\r") or b"\n"
        if self._reader is None:
            self._reader = LineReader(_sample(data[:SAMPLE]), self._declared)
        in_key = self._in_key
        lines, skeletons = split_lines(data, wide=self._wide)
        joined, split = data, -1
        if holds_partial(data if self._wide else b"\n".join(skeletons.distinct)):
            joined, split = join_partial(data)
            lines, skeletons = split_lines(joined, wide=self._wide)
        lines, numbers = self._planned(lines, skeletons, waited)
        rows = self._starts(numbers)
        taken, last = len(lines), self._unsettled(numbers, rows)
        if 0 <= split < last:
            last = int(rows[np.searchsorted(rows, split, side="right") - 1])
        held, self._last = lines.data[int(lines.starts[last]):], b""
        more: dict[str, Any] = {"key": self._in_key or in_key}
        if len(held) < MAX_CARRY and not final:
            self._carry, self._carry_lines = held, taken - last
            rows, taken = rows[rows < last], last
        elif len(held) < MAX_CARRY:
            self._last = held if self._whole else held.removesuffix(b"\n")
            base, since = self._place(last, waited)
            more["open"] = {"offset": base, "skip": since, "lines": taken - last, "whole": self._whole, "split": split >= 0}
        first_line = self._row.lines
        self._counts.lines += taken
        self._advance(taken, waited, more)
        if not len(rows):
            return
        lasts = np.append(rows[1:], taken) - 1
        starts = lines.starts[rows]
        if joined is not data:  # lines that went into another one are left empty
            lasts = _without_empty(lines, starts, lasts)
        used, which, counts = _ranked(numbers[rows], len(self._plans))
        plans = [plan for n in used.tolist() if (plan := self._plans[n])]
        records = Records(lines, rows, Texts(lines.data, starts, lines.ends[lasts] - starts), plans, which)
        self._count(plans, counts)
        keyed, key_ids, words = number_keys(records, self._keys)
        for number, plan in zip(used.tolist(), keyed.plans, strict=True):
            self._plans[number] = plan
        yield Task(keyed, key_ids, words, self.clock, self._row, first_line, self._service)

    def _advance(self, taken: int, waited: int, more: dict[str, Any]) -> None:
        """Note where to resume: an offset at a block's edge, and how many lines after it are done.

        Lines, not bytes, because masking and transcoding change how long a line is. ``more`` is where the
        last record begins, should it go on later, and whether a private key goes on.
        """
        self._base, self._since = self._place(taken, waited) if self._carry else (self._end, 0)
        state = {k: v for k, v in self._row.state.items() if k != "open"}
        state.update(more, skip=self._since)
        self._row = replace(self._row, lines=self._row.lines + taken, offset=self._base, state=state)

    def _place(self, taken: int, waited: int) -> tuple[int, int]:
        """The block's edge before the line behind ``taken`` lines, and the lines between the two."""
        if taken >= waited:
            return self._before, self._dropped + taken - waited
        return self._base, self._since + taken

    def _planned(self, lines: Lines, skeletons: Skeletons, waited: int) -> tuple[Lines, Ints]:
        """Take secrets out of a block, and give every line the number of its plan.

        Secrets were masked in the first ``waited`` lines before.
        """
        import numpy as np

        if len(self._plans) > MAX_PLANS:
            self._table, self._plans, self._secret = {}, [], []
        lines, numbers = self._numbered(lines, skeletons)
        words = self._word_secrets(lines) if self._wide else []
        if words or self._in_key or any(self._secret):
            suspects = np.flatnonzero(np.array([bool(rules) for rules in self._secret])[numbers])
            rows = suspects.tolist() if self._in_key else self._suspects(lines, numbers, suspects)
            rows = sorted({*rows, *words})
            changed = self._redacted(lines, numbers, [*([0] if self._in_key else []), *rows], waited)
            if changed:
                lines = lines.replaced(changed)
                numbers = self._renumbered(lines, numbers, sorted(changed))
        self._plan(lines, numbers)
        return lines, numbers

    def _word_secrets(self, lines: Lines) -> list[int]:
        """The lines of a block that may hold a token which their wide skeletons do not show."""
        import numpy as np

        places = np.array(list(word_secrets(lines.data)), dtype=np.int64)
        return list(np.unique(np.searchsorted(lines.starts, places, side="right") - 1).tolist())

    def _suspects(self, lines: Lines, numbers: Ints, rows: Ints) -> list[int]:
        """The lines among ``rows`` that must be looked at one by one: all of a skeleton, or none."""
        import numpy as np

        order = rows[np.argsort(numbers[rows], kind="stable")]
        edges = np.flatnonzero(np.diff(numbers[order], prepend=-1, append=-1)).tolist()
        found: list[int] = []
        for low, high in zip(edges, edges[1:], strict=False):
            group = order[low:high]
            texts = lines.texts(group, ended=True).join().decode("utf-8", "replace")
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
                self._secret += rules_of([raw])
            numbers[row] = self._table[bones]
        return numbers

    def _numbered(self, lines: Lines, skeletons: Skeletons) -> tuple[Lines, Ints]:
        """The lines and the plan number of every line's skeleton; new skeletons get one, and their plan later."""
        import numpy as np

        fresh = [number for number, bones in enumerate(skeletons.distinct) if bones not in self._table]
        if self._never_alike(lines, skeletons, fresh):
            self._wide = True
            self._row = replace(self._row, state={**self._row.state, "wide": True})
            self._table, self._plans, self._secret = {}, [], []
            lines, skeletons = split_lines(lines.data, wide=True)
            fresh = list(range(len(skeletons.distinct)))
        for number in fresh:
            self._table[skeletons.distinct[number]] = len(self._table)
            self._plans.append(None)
        self._secret += rules_of([lines.raw(int(skeletons.first[number])) for number in fresh])
        numbers = np.array([self._table[bones] for bones in skeletons.distinct], dtype=np.int64)
        return lines, numbers[skeletons.which]

    def _never_alike(self, lines: Lines, skeletons: Skeletons, fresh: list[int]) -> bool:
        """Whether so many lines have a skeleton of their own that the source must be read wide; if that helps."""
        import numpy as np

        self._fresh += len(fresh)
        if self._wide or self._fresh < MANY or len(fresh) < LEAST:
            return False
        self._fresh = 0
        some = fresh[:: max(1, len(fresh) // SOME)]
        chosen = np.zeros(len(skeletons.distinct), dtype=bool)
        chosen[some] = True
        rows = np.flatnonzero(chosen[skeletons.which])
        wide = split_lines(lines.texts(rows, ended=True).join(), wide=True)[1]
        return len(wide.distinct) * GAIN < len(some)

    def _plan(self, lines: Lines, numbers: Ints) -> None:
        """Plan what has no plan yet from its first line."""
        assert self._reader is not None  # noqa: S101 - set before any block is read
        missing = [n for n, plan in enumerate(self._plans) if plan is None]
        if not missing:
            return
        first = firsts(numbers, len(self._plans))
        for number in missing:
            if first[number] >= 0:
                raw = readable(lines.raw(int(first[number])))
                bones = b"" if raw.isascii() else skeleton(raw.decode("latin-1"), wide=self._wide).encode("latin-1")
                self._plans[number] = settle(make_plan(raw, self._reader, wide=self._wide), bones)

    def _starts(self, numbers: Ints) -> Ints:
        """The lines that start a record."""
        import numpy as np

        headed = np.array([plan is None or plan.headed for plan in self._plans])[numbers]
        starts = np.ones(len(numbers), dtype=bool)
        edges = np.flatnonzero(np.diff(headed, prepend=True, append=True))
        for low, high in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            kinds = [plan.kind if (plan := self._plans[n]) else "" for n in numbers[low:high].tolist()]
            first = "opening" if low and self._announces(numbers[low - 1]) else "head"
            if any(kinds) or first == "opening":
                before, after = [first] * (low > 0), ["head"] * (high < len(numbers))
                starts[low:high] = group([*before, *kinds, *after])[low > 0 : high - low + (low > 0)]
        starts[:1] = True
        return np.flatnonzero(starts)

    def _announces(self, number: int) -> bool:
        """Whether a line with a header ends with a colon, so that lines without one behind it are its text."""
        plan = self._plans[number]
        ends = plan is not None and plan.headed and plan.key_parts[-1].rstrip().endswith(":")
        return ends and self._reader is not None and self._reader.headed

    def _unsettled(self, numbers: Ints, rows: Ints) -> int:
        """The line from which on more lines may change what the records are: the last one with a header near
        the end, as lines without one may turn out to be parts of a trace; else the last record's."""
        near = [int(row) for row in rows[-NEAR:]]
        plans = [(row, self._plans[numbers[row]]) for row in near]
        headed = [row for row, plan in plans if plan and plan.headed]
        return headed[-1] if headed else near[-1]

    def _count(self, plans: list[Plan], counts: list[int]) -> None:
        for plan, rows in zip(plans, counts, strict=True):
            self.formats[plan.format] += rows
            if not plan.headed:
                self._counts.unformatted += rows

    def _redacted(self, lines: Lines, numbers: Ints, rows: list[int], waited: int) -> dict[int, bytes]:
        """Mask secrets of these lines, one by one; the new texts of those that changed.

        A private key that begins in one of them goes on in the lines behind it. The first ``waited`` lines were
        masked before, so that they do not tell where one begins.
        """
        changed: dict[int, bytes] = {}
        done = 0
        for row in rows:
            if row < done:
                continue
            done = row
            while done == row or (self._in_key and done < len(lines)):
                raw = lines.raw(done)
                rules = rules_of([raw])[0] if self._wide else self._secret[numbers[done]]  # wide skeletons do not show all
                clean = self._redact_line(raw, rules, again=done < waited)
                if clean != raw:
                    changed[done] = clean
                done += 1
        return changed

    def _redact_line(self, raw: bytes, rules: Rules | None, *, again: bool) -> bytes:
        text = raw.decode("utf-8", "replace")
        mark = None if again else key_block(text)
        if self._in_key and mark is None and not again:
            body = key_body(text) if self._in_key <= KEY_LINES else None
            self._in_key = self._in_key + 1 if body is not None else 0
            if body is not None:
                self._counts.redacted += 1
                return body.encode()
        elif mark == "end" and self._in_key:
            self._in_key = 0
            self._counts.redacted += 1
            return b"[REDACTED:private-key]"
        elif mark:
            self._in_key = int(mark == "begin")
        clean, found = redact(text, rules or ())
        self._counts.redacted += found
        return clean.encode() if found else raw


def _without_empty(lines: Lines, starts: Ints, lasts: Ints) -> Ints:
    """The last line of each record that is not empty; the first one always counts."""
    import numpy as np

    full = np.flatnonzero(lines.ends > lines.starts)
    first = np.searchsorted(lines.starts, starts)
    found = full[np.maximum(np.searchsorted(full, lasts, side="right") - 1, 0)] if len(full) else lasts
    kept: Ints = np.maximum(first, np.minimum(found, lasts))
    return kept


def _ranked(numbers: Ints, size: int) -> tuple[Ints, Ints, list[int]]:
    """Which numbers occur, each one's place among them, and how often they do; faster than by sorting."""
    import numpy as np

    counts = np.bincount(numbers, minlength=size)
    used = np.flatnonzero(counts)
    places = np.zeros(size, dtype=np.int64)
    places[used] = np.arange(len(used))
    return used, places[numbers], counts[used].tolist()


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
