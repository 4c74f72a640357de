"""A plan says, for all lines of one skeleton, where the header's fields and the message's variables lie.

It is made once, from one exemplar line; :mod:`vectorstore.rows` applies it to whole columns.
"""

from __future__ import annotations

import struct
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain

from telemetry.formats import LineReader, Parsed, continuation
from telemetry.redact import Rules, rules_for_each
from telemetry.times import TimeFormat
from vectorstore.masking import mask
from vectorstore.runs import scan, skeleton

FIELDS = ("time", "service", "host", "logger", "pid", "thread", "trace_id")
"""Fields that a header may hold at a place of their own, in the order of the coordinate table."""
PLACED = (*FIELDS, "level")
FREE = ("pid", "thread", "trace_id")
"""Fields that may differ in every record."""
MAX_SLOTS = 32
"""Variables kept per record; what lies beyond stays in the text."""

Coordinate = tuple[int, int]
"""A place in a skeleton: (position from the line's start, number of runs before it)."""
Span = tuple[int, int, int, int]
"""Two coordinates: where something starts and where it ends."""
NOWHERE: Span = (-1, -1, -1, -1)


def _pack(spans: Sequence[Span]) -> bytes:
    return struct.pack(f"{4 * len(spans)}q", *chain.from_iterable(spans))



@dataclass(slots=True)
class Plan:
    """How to read every line with one skeleton.

    ``constants`` are field values without digits; ``spans`` those that differ per line. ``slots`` are the
    (type, name) of the message's variables and of further named fields, ``slot_spans`` their places.
    ``literals`` are digit runs of the message that no mask covers (the 2 of ``ssh2``): they belong to the
    key, so lines that differ there get different keys, unless ``exploded`` made them variables too.
    """

    format: str
    kind: str = ""
    """Continuation kind; empty for a line that can start a record."""
    headed: bool = False
    level: str | None = None
    time_format: TimeFormat | None = None
    constants: dict[str, str] = field(default_factory=dict)
    spans: dict[str, Span] = field(default_factory=dict)
    slots: tuple[tuple[str, str], ...] = ()
    slot_spans: tuple[Span, ...] = ()
    key_parts: tuple[str, ...] = ("",)
    """Key text cut where literal digits go back in: ``len(literals) + 1`` parts."""
    literals: tuple[Span, ...] = ()
    partial: bool = False
    """A CRI line whose text goes on in the next line."""
    keys: dict[str, int] = field(default_factory=dict)
    """Literal digits, joined, to key id."""
    words: dict[str, str] = field(default_factory=dict)
    """Literal digits to the words that a generic key leaves to the row."""
    level_scheme: str | None = None
    """Set when the level stands in digits that differ per line (at ``spans["level"]``)."""
    same: dict[str, Span] = field(default_factory=dict)
    """Where those of ``constants`` stand that may be cut out of every line as well."""
    _packed: tuple[bytes, bytes, bytes] | None = field(default=None, init=False, compare=False)

    def packed(self) -> tuple[bytes, bytes, bytes]:
        """The places of ``PLACED`` fields, of slots and of literals: four 64-bit numbers each, below
        zero where there is none. Made once, when the plan is first used."""
        if self._packed is None:
            spans = {**self.same, **self.spans}
            self._packed = (_pack([spans.get(name, NOWHERE) for name in PLACED]), _pack(self.slot_spans),
                            _pack(self.literals))
        return self._packed


@dataclass(frozen=True, slots=True)
class _Axis:
    """Translates offsets of the exemplar into skeleton coordinates."""

    starts: list[int]
    ends: list[int]
    lost: list[int]
    bones: str
    """The exemplar's skeleton."""

    def coordinate(self, offset: int) -> Coordinate | None:
        """None when ``offset`` falls inside a run: such a place is not the same in every line."""
        before = bisect_left(self.starts, offset)
        if before and offset < self.ends[before - 1]:
            return None
        return offset - self.lost[before], before

    def span(self, start: int, end: int) -> Span | None:
        low, high = self.coordinate(start), self.coordinate(end)
        return (*low, *high) if low and high else None

    def offset(self, position: int) -> int:
        """The exemplar's offset of a skeleton position that is not inside a run."""
        low, high = 0, len(self.starts)
        while low < high:
            middle = (low + high) // 2
            if self.starts[middle] - self.lost[middle] < position:
                low = middle + 1
            else:
                high = middle
        return position + self.lost[low]


    def part(self, line: str, start: int, end: int, *, wide: bool) -> _Axis:
        """The axis of a part of the exemplar by itself. Between blanks, its runs are those of the whole."""
        if (start and line[start - 1] != " ") or line[end : end + 1].strip(" "):
            return _axis(line[start:end], wide=wide)
        low, high = bisect_left(self.starts, start), bisect_left(self.starts, end)
        before = self.lost[low]
        return _Axis(
            [s - start for s in self.starts[low:high]], [e - start for e in self.ends[low:high]],
            [n - before for n in self.lost[low : high + 1]], self.bones[start - before : end - self.lost[high]],
        )


def _axis(line: str, *, wide: bool) -> _Axis:
    spans, bones = scan(line, wide=wide)
    lost = [0]
    for start, end in spans:
        lost.append(lost[-1] + end - start - 1)
    return _Axis([s for s, _ in spans], [e for _, e in spans], lost, bones)


def rules_of(lines: Sequence[bytes]) -> list[Rules | None]:
    """By line, the rules by which lines of its skeleton must be redacted one by one; None when they hold no secret."""
    return rules_for_each([line.decode("latin-1") for line in lines])


def make_plan(raw: bytes, reader: LineReader, *, wide: bool = False) -> Plan:
    """Read one exemplar. Never fails: what fits no format is a message with unknown time.

    ``wide`` says that lines are alike by their wide skeletons.
    """
    line = raw.decode("latin-1").rstrip("\r")
    axis = _axis(line, wide=wide)
    parsed = reader.parse(line)
    if parsed is None:
        plan = Plan("none", kind=continuation(line) or "")
        _message(plan, line, axis, 0, len(line), (), wide=wide)
        return plan
    plan = Plan(parsed.format, headed=True, level=parsed.level, time_format=parsed.time_format)
    plan.partial, plan.level_scheme = parsed.partial, parsed.level_scheme
    _header(plan, parsed, line, axis)
    start, end = next((s, e) for name, s, e in parsed.spans if name == "message")
    _message(plan, line, axis, start, end, parsed.fields, wide=wide)
    return plan


def _header(plan: Plan, parsed: Parsed, line: str, axis: _Axis) -> None:
    for name, start, end in parsed.spans:
        if name not in FIELDS and not (name == "level" and parsed.level_scheme):
            continue
        text = line[start:end]
        place = axis.span(start, end)
        if name == "time" and place:
            plan.spans[name] = place
        elif not any(c.isdigit() for c in text):
            plan.constants[name] = _utf8(text)
            if name in FREE and place and place[1] == place[3] and line.isascii():
                plan.same[name] = place
        elif place:
            plan.spans[name] = place


def _message(
    plan: Plan, line: str, axis: _Axis, start: int, end: int, fields: tuple[tuple[str, int, int], ...], *, wide: bool
) -> None:
    message = line[start:end]
    inner = axis.part(line, start, end, wide=wide)
    found: list[tuple[str, str, Span]] = []
    covered: list[tuple[int, int, str]] = []
    for slot in mask(inner.bones):
        low, high = start + inner.offset(slot.start), start + inner.offset(slot.end)
        place = axis.span(low, high)
        if place and len(found) < MAX_SLOTS:
            found.append((slot.type, slot.name, place))
        covered.append((low - start, high - start, slot.type))
    plan.key_parts, plan.literals = _key(message, covered, axis, start, inner)
    for name, low, high in fields:
        place = axis.span(low, high)
        if place and len(found) < MAX_SLOTS:
            found.append((_field_type(line[low:high]), name, place))
    plan.slots = tuple((kind, name) for kind, name, _ in found)
    plan.slot_spans = tuple(place for _, _, place in found)


def _key(
    message: str, covered: list[tuple[int, int, str]], axis: _Axis, start: int, inner: _Axis
) -> tuple[tuple[str, ...], tuple[Span, ...]]:
    """Cut the message's text into key parts at the digits that stay literal."""
    parts, literals, text, at = [], [], "", 0
    inside = iter([*covered, (len(message), len(message), "")])
    low, high, kind = next(inside)
    for run_start, run_end in [*zip(inner.starts, inner.ends, strict=True), (len(message), len(message))]:
        while low <= run_start and at <= low < len(message):
            text += f"{message[at:low]}<:{kind}:>"
            at = high
            low, high, kind = next(inside)
        if run_start < at or run_start == len(message):
            continue
        place = axis.span(start + run_start, start + run_end)
        if place is None:
            continue
        text += message[at:run_start]
        parts.append(text)
        literals.append(place)
        text, at = "", run_end
    while low < len(message):
        text += f"{message[at:low]}<:{kind}:>"
        at = high
        low, high, kind = next(inside)
    parts.append(text + message[at:])
    return tuple(_utf8(p) for p in parts), tuple(literals)


def _field_type(text: str) -> str:
    bones = skeleton(text)
    slots = mask(bones)
    if len(slots) == 1 and slots[0].start == 0 and slots[0].end == len(bones):
        return slots[0].type
    return "number" if bones in {"0", "-0", "0.0", "-0.0"} else "word"


def _utf8(text: str) -> str:
    return text.encode("latin-1").decode("utf-8", "replace")
