"""The texts of kubectl: aligned tables, indented descriptions, ages. General and tolerant: what is not understood is left out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime

_UNITS = {"y": 31_536_000, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_AGE = re.compile(r"(\d+)([ydhms])")
_KEY = re.compile(r"^(?P<key>[^\s:](?:[^:]|:(?=\S))*?):(?:\s+(?P<value>.*))?$")
NOTHING = {"", "<none>", "<unset>", "<nil>", "<unknown>", "<invalid>"}


def table(text: str) -> list[dict[str, str]]:
    """Rows of a ``kubectl get`` table, by column heading; columns begin where their heading does."""
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines or not lines[0].isupper():
        return []
    starts = columns(lines[0])
    return [cells(line, starts) for line in lines[1:]]


def columns(heading: str) -> list[tuple[str, int]]:
    """(heading, where it begins); headings are at least two blanks apart."""
    return [(match[0], match.start()) for match in re.finditer(r"\S+(?: \S+)*", heading)]


def cells(line: str, starts: list[tuple[str, int]]) -> dict[str, str]:
    """The cells of one row."""
    ends = [start for _, start in starts[1:]] + [len(line)]
    return {name: line[start:end].strip() for (name, start), end in zip(starts, ends, strict=True)}


def seconds(age: str) -> int | None:
    """``5m8s``, ``3d9h``, ``73s`` in seconds."""
    parts = _AGE.findall(age)
    return sum(int(number) * _UNITS[unit] for number, unit in parts) if parts else None


def moment(text: str) -> datetime | None:
    """``Mon, 17 Nov 2025 17:58:37 +0800``; None when it has no zone."""
    try:
        found = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo is not None else None


@dataclass(slots=True)
class Entry:
    """One line of a description with what is indented below it."""

    key: str
    value: str
    indent: int
    below: list[Entry] = field(default_factory=list)

    def get(self, *path: str) -> Entry | None:
        """The entry at a path of keys, whatever their case."""
        here: Entry | None = self
        for key in path:
            here = next((each for each in here.below if each.key.lower() == key.lower()), None) if here else None
        return here

    def text(self, *path: str) -> str:
        """The value at a path, empty for ``<none>``."""
        found = self.get(*path)
        return "" if found is None or found.value in NOTHING else found.value

    def values(self, *path: str) -> list[str]:
        """A value that goes on over lines: its first line and those below it."""
        found = self.get(*path)
        if found is None:
            return []
        lines = [found.value, *(each.key if not each.value else f"{each.key}: {each.value}" for each in found.below)]
        return [line for line in lines if line not in NOTHING]

    def pairs(self, *path: str) -> dict[str, str]:
        """Labels: ``a=b`` over lines or commas."""
        joined = [part for line in self.values(*path) for part in line.split(",")]
        return {key.strip(): value.strip() for key, sign, value in (part.partition("=") for part in joined) if sign}


def description(text: str) -> Entry:
    """A ``kubectl describe`` text as a tree by indentation."""
    root = Entry("", "", -1)
    path = [root]
    for line in text.splitlines():
        if not line.strip():
            continue
        indent = len(line) - len(line.lstrip())
        match = _KEY.match(line.strip())
        entry = Entry(match["key"], (match["value"] or "").strip(), indent) if match else Entry(line.strip(), "", indent)
        while path[-1].indent >= indent:
            path.pop()
        path[-1].below.append(entry)
        path.append(entry)
    return root


def section(text: str, heading: str) -> list[dict[str, str]]:
    """The rows of a table inside a description: below ``heading:``, columns by the line of its headings."""
    return list(_rows(text.splitlines(), heading))


def _rows(lines: list[str], heading: str) -> Iterator[dict[str, str]]:
    start = next((number for number, line in enumerate(lines) if line.rstrip() == f"{heading}:" or re.match(rf"{heading}:\s*\(", line)), None)
    if start is None or start + 1 >= len(lines):
        return
    starts = columns(lines[start + 1])
    for line in lines[start + 2:]:
        if not line.startswith(" "):
            return
        if not set(line.strip()) <= set("- "):
            yield cells(line, starts)
