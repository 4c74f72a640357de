"""Questions with a LogQL answer: do our filters select the lines that its line filters select?

Of the labelled query only the line filters (``|=``, ``!=``, ``|~``, ``!~``) run, over the 2,000 lines of the
system it speaks of; its stream labels and time ranges were invented by its authors, so the invented names
are taken out of the question too. A pair whose filters cannot be run, or that select no line, is not usable.
``execution`` is the share of usable pairs where both line sets are equal. The baseline selects the lines
that hold the question's rarest words.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agent.analyst import Given
from agent.offline.analyst import OfflineAnalyst
from evals.logstore import LogStore, ingested

_QUERY = re.compile(r"\[QL\](.*?)\[/QL\]", re.DOTALL)
_STREAM = re.compile(r"\{[^{}]*=[^{}]*\}")
_LABEL = re.compile(r"(?:application|hostname)\s*=~?\s*\"([^\"]*)\"")
_FILTER = re.compile(r'(\|=|!=|\|~|!~)\s*(?:"((?:[^"\\]|\\.)*)"|`([^`]*)`|ip\("([^")]*)"\))')
_NOW = datetime(2030, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Pair:
    """A question over one system and the numbers of the lines that its labelled query selects."""

    id: str
    system: str
    question: str
    gold: frozenset[int]


def run(folder: Path, *, parsing: Path | None = None) -> dict[str, Any]:
    """Score ``pairs.json`` of ``folder`` over the raw logs in ``parsing`` (default: its sibling so named)."""
    began = time.perf_counter()
    logs = read_logs(parsing or find_parsing(folder))
    pairs, lost = read_pairs(folder / "pairs.json", logs)
    with ExitStack() as stack:
        stores = {name: stack.enter_context(ingested(logs[name])) for name in {pair.system for pair in pairs}}
        right = [pair.id for pair in pairs if selected(pair.question, stores[pair.system]) == pair.gold]
    plain = [pair.id for pair in pairs if keywords(pair.question, logs[pair.system]) == pair.gold]
    total = max(len(pairs), 1)
    return {
        "suite": "nl2logql",
        "data": sorted({pair.system for pair in pairs}),
        "cases": len(pairs),
        "could_not_run": len(lost),
        "why_not": lost,
        "metrics": {"execution": round(len(right) / total, 4)},
        "missed": [pair.id for pair in pairs if pair.id not in right],
        "baseline": {"name": "rarest words of the question", "execution": round(len(plain) / total, 4)},
        "seconds": round(time.perf_counter() - began, 2),
    }


def find_parsing(folder: Path) -> Path:
    """The raw logs beside ``folder`` or in ``ONCALM_EVAL_DATA``; raises FileNotFoundError when in neither."""
    named = os.environ.get("ONCALM_EVAL_DATA")
    homes = [folder.parent, folder.parent.parent, folder, *([Path(named)] if named else [])]
    for near in (home / "parsing" for home in homes):
        for place in (near / "parsing", near):
            if any(place.glob("*/*.log")):
                return place
    raise FileNotFoundError(f"no raw logs beside {folder}: give the folder that holds SYSTEM/SYSTEM_2k.log")


def read_logs(parsing: Path) -> dict[str, list[str]]:
    """System → raw lines."""
    return {
        file.parent.name: file.read_text(encoding="utf-8", errors="replace").splitlines()
        for file in sorted(parsing.glob("*/*.log"))
    }


def read_pairs(file: Path, logs: dict[str, list[str]]) -> tuple[list[Pair], list[str]]:
    """Usable pairs, and why each of the others is not."""
    pairs, lost = [], []
    for item in json.loads(file.read_text(encoding="utf-8")):
        name, question = str(item["id"]), str(item["question"])
        found = _QUERY.search(item["output"])
        query = found.group(1) if found else ""
        system = _system(" ".join(_LABEL.findall(query)), logs) or _system(f"{question} {query}", logs)
        filters = _FILTER.findall(_STREAM.sub(" ", query))
        if system is None or not filters:
            lost.append(f"{name}: {'no line filter' if system else 'no logs of its system'}")
            continue
        gold = _run(filters, logs[system])
        if gold:
            pairs.append(Pair(name, system, plain_question(question, query, logs), gold))
        else:
            lost.append(f"{name}: {'selects no line' if gold is not None else 'its filter cannot be run'}")
    return pairs, lost


def _system(text: str, logs: dict[str, list[str]]) -> str | None:
    return next((name for name in logs if re.search(rf"(?i)\b{re.escape(name)}(?![a-z])", text)), None)


def _run(filters: Sequence[tuple[str, str, str, str]], lines: Sequence[str]) -> frozenset[int] | None:
    kept = set(range(1, len(lines) + 1))
    for sign, quoted, raw, address in filters:
        text = json.loads(f'"{quoted}"') if quoted and _escapes(quoted) else quoted or raw
        try:
            pattern = _pattern(sign, text, address)
        except re.error:
            return None
        wanted = sign[0] == "|"
        kept = {n for n in kept if (pattern.search(lines[n - 1]) is not None) == wanted}
    return frozenset(kept)


def _escapes(text: str) -> bool:
    """Whether every escape of a Go string in ``text`` is one of JSON too."""
    return re.fullmatch(r'(?:[^\\]|\\["\\/bfnrt])*', text) is not None


def _pattern(sign: str, text: str, address: str) -> re.Pattern[str]:
    if address:
        return re.compile(rf"(?<![\w.]){re.escape(address)}(?![\w.])")
    return re.compile(text if sign.endswith("~") else re.escape(text))


def plain_question(question: str, query: str, logs: dict[str, list[str]]) -> str:
    """The question without the invented names of applications and hosts."""
    systems = "|".join(re.escape(name) for name in logs)
    invented = set(_LABEL.findall(query)) | set(re.findall(rf"(?i)\b(?:{systems}|LabSZ)-[\w-]+", question))
    for name in sorted(invented, key=len, reverse=True):
        lead = r"(?:\b(?:for|in|on)\s+)?(?:the\s+)?(?:\b(?:application|hostname|host)\s+)?"
        around = rf"{lead}'?{re.escape(name)}'?"
        question = re.sub(rf"{around}(?![\w-])", " ", question)
    question = re.sub(r"\b(?:and|on|for|in)\s*(?=[?.,]|\band\b|$)", " ", question)
    return re.sub(r"\s+(?=[?.,])", "", " ".join(question.split()))


def selected(question: str, store: LogStore) -> frozenset[int]:
    """Numbers of the lines that our reading of ``question`` selects, its window aside."""
    triage = OfflineAnalyst(store.catalog, store.search, store.reader.holds).triage(Given(question, _NOW, None, None))
    if triage.query is None:
        return frozenset()
    return frozenset(line.line_no for line in store.lines(triage.query.filters, store.catalog.records))


def keywords(question: str, lines: Sequence[str]) -> frozenset[int]:
    """The baseline: lines that hold the three rarest words of the question that the lines know."""
    held: dict[str, set[int]] = {}
    for word in set(re.findall(r"[a-z0-9_./:-]{3,}", question.rstrip("?").lower())):
        found = {number for number, line in enumerate(lines, 1) if word in line.lower()}
        if found:
            held[word] = found
    rarest = sorted(held.values(), key=len)[:3]
    return frozenset(set.intersection(*rarest)) if rarest else frozenset()
