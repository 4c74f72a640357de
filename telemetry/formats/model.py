"""What reading one line gives: named places in it, its severity and how its time is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from telemetry.times import TimeFormat

Span = tuple[str, int, int]
"""A name and the half-open range of characters it covers."""

FIELDS = ("time", "level", "service", "host", "logger", "pid", "thread", "trace_id", "span_id", "message")


@dataclass(frozen=True, slots=True)
class Parsed:
    """A line with a header. Offsets are characters of the latin-1 line, which are bytes of the file."""

    format: str
    spans: tuple[Span, ...]
    """At most one span per name of ``FIELDS``; ``message`` is always there."""
    time_format: TimeFormat | None = None
    level: str | None = None
    """One of :data:`telemetry.models.LEVELS`."""
    fields: tuple[Span, ...] = ()
    """Further named values: JSON keys (dotted), logfmt keys, the columns of an access log."""
    escaped: bool = False
    """The message holds JSON escapes."""
    partial: bool = False
    """A CRI line whose text goes on in the next line of the same stream."""
    level_scheme: str | None = None
    """Set when ``level`` was read from digits: feed the ``level`` span's text of every line to
    :func:`telemetry.formats.levels.from_digits` with this scheme."""

    def text(self, line: str, name: str) -> str | None:
        """Return the text of a field or further value of ``line``."""
        for key, start, end in (*self.spans, *self.fields):
            if key == name:
                return line[start:end]
        return None


def parsed(
    kind: str, places: Mapping[str, tuple[int, int]], *, time_format: TimeFormat | None = None,
    level: str | None = None, fields: Iterable[Span] = (), escaped: bool = False,
    level_scheme: str | None = None,
) -> Parsed:
    """Build a result with its spans in the order of ``FIELDS``; empty places are dropped."""
    spans = tuple(
        (name, *places[name]) for name in FIELDS
        if name in places and (places[name][0] < places[name][1] or name == "message")
    )
    return Parsed(kind, spans, time_format, level, tuple(fields), escaped, level_scheme=level_scheme)


def shift(inner: Parsed, by: int) -> Parsed:
    """Move all places ``by`` characters: the line was a part of another."""
    return replace(
        inner,
        spans=tuple((n, s + by, e + by) for n, s, e in inner.spans),
        fields=tuple((n, s + by, e + by) for n, s, e in inner.fields),
    )
