"""Questions over log lines: is the line that answers found first?

A line is right when it is the labelled one, or when the question names nothing that would single the
labelled one out and the line holds the answer. ``answer`` counts answers that contain the expected words.
The baseline is BM25 over the same lines.
"""

from __future__ import annotations

import csv
import json
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rank_bm25 import BM25Okapi

from agent.offline.rank import fetches, rank
from agent.offline.target import resolve
from evals.logstore import LogStore, ingested

_SLOT = re.compile(r"<\*>")
_TOKEN = re.compile(r"[\w./:-]+")


@dataclass(frozen=True, slots=True)
class Message:
    """One labelled line: as it would stand in a file, its message, and the variable parts of that."""

    line: str
    text: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """A question, the words its answer must hold, and the labelled message."""

    question: str
    answer: str
    gold: str
    nameless: bool

    def right(self, line: str) -> bool:
        """Whether ``line`` answers the question."""
        held = " ".join(line.split())
        return held.endswith(self.gold) or (self.nameless and self.answer.lower() in held.lower())


def run(folder: Path, *, split: str = "") -> dict[str, Any]:
    """Score every ``SYSTEM.*.json`` of ``folder``; ``split``: only files with that word in their name."""
    began = time.perf_counter()
    ours: dict[str, dict[str, float]] = {}
    plain: dict[str, dict[str, float]] = {}
    lost: list[str] = []
    counts: dict[str, int] = {}
    for table in sorted(folder.glob("*_structured.csv")):
        system = table.name.split("_")[0]
        messages = read_messages(table)
        files = sorted(file for file in folder.glob(f"{system}*.json") if split in file.name)
        cases, missing = read_cases(files, messages)
        lost += [f"{system}: {question}" for question in missing]
        if cases:
            counts[system] = len(cases)
            ours[system] = score(cases, answers(cases, messages))
            plain[system] = score(cases, bm25(cases, messages))
    return {
        "suite": "logqa",
        "data": sorted(counts),
        "cases": sum(counts.values()),
        "could_not_run": len(lost),
        "why_not": lost,
        "metrics": {**_mean(ours, counts), "per_system": ours},
        "baseline": {"name": "BM25 over lines", **_mean(plain, counts), "per_system": plain},
        "seconds": round(time.perf_counter() - began, 2),
    }


def read_messages(table: Path) -> list[Message]:
    """The lines of a structured file, put together again from its columns."""
    with table.open(encoding="utf-8", newline="") as handle:
        return [_message(row) for row in csv.DictReader(handle)]


def _message(row: dict[str, str]) -> Message:
    text = row["Content"].strip()
    pattern = r"(.*?)".join(re.escape(part) for part in _SLOT.split(row["EventTemplate"].strip()))
    held = re.fullmatch(re.sub(r"(?:\\ )+", r"\\s+", pattern), text)
    if "Day" in row:  # the header of syslog
        head = f"{row['Date']} {row['Day']:>2} {row['Time']} {row['Component']} daemon[{row['Pid']}]: "
    else:
        names = [name for name in ("Date", "Time", "Pid", "Level") if row.get(name)]
        head = " ".join(row[name] for name in names) + f" {row['Component']}: "
    return Message(head + text, text, held.groups() if held else ())


def read_cases(files: Sequence[Path], messages: Sequence[Message]) -> tuple[list[Case], list[str]]:
    """Cases whose labelled message is among ``messages``, and the questions of the others."""
    by_text = {" ".join(message.text.split()): message for message in messages}
    cases, missing = [], []
    for file in files:
        for item in json.loads(file.read_text(encoding="utf-8")):
            gold = " ".join(str(item["RawLog"]).split())
            question, answer = str(item["Question"]), str(item["Answer"])
            if gold in by_text:
                nameless = not any(_names(question, value) for value in by_text[gold].values)
                cases.append(Case(question, answer, gold, nameless))
            else:
                missing.append(question)
    return cases, missing


def _names(question: str, value: str) -> bool:
    token = value.strip("/ ").split(":")[0]
    found = re.search(rf"(?<![0-9A-Za-z_]){re.escape(token)}(?![0-9A-Za-z_])", question, re.IGNORECASE)
    return bool(token) and found is not None


def answers(cases: Sequence[Case], messages: Sequence[Message]) -> list[list[str]]:
    """Our lines for every question, best first."""
    with ingested([message.line for message in messages]) as store:
        return [best_lines(case.question, store) for case in cases]


def best_lines(question: str, store: LogStore) -> list[str]:
    """The product's lines for one question: resolved, fetched from narrow to wide, ranked."""
    target = resolve(question, store.catalog, store.search, probe=store.reader.holds)
    plan = fetches(question, target, store.catalog, store.search)
    lines = [line for fetch in plan for line in store.lines(fetch.filters, fetch.limit)]
    return [line.text for line in rank(question, lines, target, store.catalog, store.search)[:5]]


def bm25(cases: Sequence[Case], messages: Sequence[Message]) -> list[list[str]]:
    """The five best messages of plain BM25."""
    index = BM25Okapi([_TOKEN.findall(message.text.lower()) for message in messages])
    found = []
    for case in cases:
        scores = index.get_scores(_TOKEN.findall(case.question.rstrip("?").lower()))
        best = sorted(range(len(messages)), key=lambda i: -scores[i])[:5]
        found.append([messages[i].text for i in best])
    return found


def score(cases: Sequence[Case], found: Sequence[Sequence[str]]) -> dict[str, float]:
    """hit1, hit5 and answer, as shares of the cases."""
    pairs = list(zip(cases, found, strict=True))
    hit1 = sum(any(case.right(line) for line in lines[:1]) for case, lines in pairs)
    hit5 = sum(any(case.right(line) for line in lines[:5]) for case, lines in pairs)
    said = sum(case.answer.lower() in " ".join(lines[:1]).lower() for case, lines in pairs)
    total = max(len(cases), 1)
    return {"hit1": round(hit1 / total, 4), "hit5": round(hit5 / total, 4), "answer": round(said / total, 4)}


def _mean(scores: dict[str, dict[str, float]], counts: dict[str, int]) -> dict[str, float]:
    total = max(sum(counts.values()), 1)
    return {
        name: round(sum(scores[system][name] * counts[system] for system in scores) / total, 4)
        for name in ("hit1", "hit5", "answer")
    }
