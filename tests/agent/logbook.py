"""A store in memory: lines written with their parameters marked, ``Failed for {user:root}``."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from telemetry.models import Catalog, FieldInfo, Filter, Line, Param, Template

_MARK = re.compile(r"\{(\w+):([^{}]*)\}")


@dataclass(frozen=True)
class Record:
    """One line with what the store would know of it."""

    text: str
    template: str
    level: str | None
    service: str | None
    params: tuple[tuple[str, str], ...]


class Logbook:
    """Lines, their catalog, and filters run over them the slow and obvious way."""

    def __init__(self, marked: Sequence[str], *, values: bool = True) -> None:
        """``marked``: ``[level@service] text {name:value}``; ``values``: whether the catalog lists values."""
        self.records = [_record(line) for line in marked]
        self.catalog = _catalog(self.records, values=values)

    def texts(self, filters: Sequence[Filter]) -> list[str]:
        """Texts of the lines that all ``filters`` match."""
        return [record.text for record in self.records if all(_match(record, f) for f in filters)]

    def lines(self, filters: Sequence[Filter] = ()) -> list[Line]:
        """The same as lines."""
        return [
            Line(
                id=number, time=None, level=record.level, service=record.service, host=None,
                template=record.template, source="book", line_no=number, text=record.text,
            )
            for number, record in enumerate(self.records)
            if all(_match(record, f) for f in filters)
        ]  # fmt: skip


class NoSearch:
    """A template search that fails the test when it is asked."""

    lexical = False

    def search(self, text: str, k: int = 10) -> list[tuple[str, float]]:
        """Never to be reached."""
        raise AssertionError(f"meaning was asked for: {text!r}, {k}")


class PlannedSearch:
    """A template search that answers what the test says."""

    def __init__(self, catalog: Catalog, scores: dict[str, float], *, lexical: bool = False) -> None:
        """``scores`` by the start of a template's pattern."""
        self.lexical = lexical
        self._found = [
            (template.id, score)
            for start, score in scores.items()
            for template in catalog.templates
            if template.pattern.startswith(start)
        ]

    def search(self, text: str, k: int = 10) -> list[tuple[str, float]]:
        """The planned scores, whatever the text."""
        return self._found[:k]


def _record(marked: str) -> Record:
    head = re.match(r"\[(\w*)@?([\w.-]*)\] ", marked)
    body = marked[head.end() :] if head else marked
    return Record(
        text=_MARK.sub(lambda m: m.group(2), body),
        template=_MARK.sub("<*>", body),
        level=(head.group(1) or None) if head else None,
        service=(head.group(2) or None) if head else None,
        params=tuple((m.group(1), m.group(2)) for m in _MARK.finditer(body)),
    )


def _catalog(records: list[Record], *, values: bool) -> Catalog:
    by: dict[str, list[Record]] = defaultdict(list)
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    owners: dict[str, dict[str, None]] = defaultdict(dict)
    for record in records:
        by[record.template].append(record)
        for name, value in (("level", record.level), ("service", record.service)):
            if value:
                counts[name][value] += 1
        for name, value in record.params:
            counts[f"param:{name}"][value] += 1
            owners[f"param:{name}"][record.template] = None
    templates = tuple(_template(pattern, group) for pattern, group in by.items())
    fields = tuple(
        FieldInfo(ref, "word", len(c), tuple(c.most_common()) if values else (), tuple(owners[ref]))
        for ref, c in counts.items()
    )
    return Catalog(templates, fields, len(records), 0, None, None)


def _template(pattern: str, group: list[Record]) -> Template:
    names = [name for name, _ in group[0].params]
    display = pattern
    for name in names:
        display = display.replace("<*>", f"<{name}>", 1)
    return Template(
        id=pattern, pattern=pattern, display=display, params=tuple(Param(n, n, numeric=False) for n in names),
        count=len(group), first_seen=None, last_seen=None, examples=tuple(r.text for r in group[:3]),
        levels=tuple(dict.fromkeys(r.level for r in group if r.level)),
        services=tuple(dict.fromkeys(r.service for r in group if r.service)),
    )  # fmt: skip


def _match(record: Record, f: Filter) -> bool:
    held = {name: [getattr(record, name)] for name in ("text", "template", "level", "service")}
    found = held.get(f.field, [v for n, v in record.params if f.field == f"param:{n}"])
    return any(value is not None and _holds(value, f) for value in found)


def _holds(value: str, f: Filter) -> bool:
    wanted = f.value if isinstance(f.value, tuple) else (str(f.value),)
    match f.op:
        case "eq" | "in":
            return value.lower() in [w.lower() for w in wanted]
        case "contains":
            return wanted[0] in value
        case "icontains":
            return wanted[0].lower() in value.lower()
        case "word":
            token = rf"(?<![0-9A-Za-z_]){re.escape(wanted[0])}(?![0-9A-Za-z_])"
            return re.search(token, value, re.IGNORECASE) is not None
        case "regex":
            return re.search(wanted[0], value) is not None
    raise AssertionError(f"the double has no {f.op}")
