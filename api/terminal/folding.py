"""What of a long answer a terminal shows: the words whole, the rest a line each, with how to see all of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

ROWS, CLAIMS, EVIDENCE, SIDE, NOTES = 6, 5, 6, 2, 3
"""Rows of data, statements below the first, results, statements of other kinds, notes: some 40 lines at most together."""
MORE = "--evidence shows all"


def folds(found: dict[str, Any], *, brief: bool) -> bool:
    """Whether an answer rests on so much that it is folded: a model's does."""
    return not brief and (found["analyst"] != "offline" or len(found["evidence"]) > 1)


def sentences(answer: str) -> str:
    """The first lines of an answer's words."""
    lines = answer.split("\n")
    listed = [at for at, line in enumerate(lines) if line.startswith("- ")]
    left = len(listed) - CLAIMS
    return answer if left <= 0 else "\n".join([*lines[: listed[CLAIMS]], f"… {left} more statements ({MORE})"])


def evidence(found: Sequence[dict[str, Any]], answer: str) -> list[str]:
    """A line for each of the first results, those that the answer names first before others."""
    named = list(dict.fromkeys(re.findall(r"\bE\d+\b", answer)))
    ordered = sorted(found, key=lambda one: named.index(one["id"]) if one["id"] in named else len(named))[:EVIDENCE]
    lines = [line(one) for one in found if one in ordered]
    left = len(found) - len(lines)
    return [*lines, f"… {left} more results ({MORE})"] if left > 0 else lines


def line(one: dict[str, Any]) -> str:
    """One result: its id, its tool, how it ended."""
    said = f"{one['id']} {one['tool']}: {one['status'].replace('_', ' ')}, {seen(one)}"
    return f"{said}: {' '.join(one['error'].split())}" if one.get("error") else said


def seen(evidence: Mapping[str, Any]) -> str:
    """How much a result rests on: ``3 of 40 records`` where records were picked, ``2 from 40 records`` where they were weighed."""
    word = "of" if evidence["tool"].startswith("logs.") else "from"
    return f"{evidence['total']:,}" + (f" {word} {evidence['searched']:,} records" if evidence["searched"] else "")


def notes(given: Sequence[str]) -> list[str]:
    """Notes that differ in numbers and names only (a zone or a year taken for each of many sources) once."""
    kinds: dict[str, list[str]] = {}
    for note in given:
        kinds.setdefault(re.sub(r"\W*\d[\w:.+-]*|[\"'`][^\"'`]*[\"'`]|\S*[/.]\S+", " ", note.split(";")[0]).strip(), []).append(note)
    return [group[0] if len(group) == 1 else f"{group[0]} ({len(group) - 1} more like this)" for group in kinds.values()]
