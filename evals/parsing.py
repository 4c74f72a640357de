"""How well templates are found: raw lines of labelled systems through the product's own path, by line number.

Metrics as Loghub-2.0 defines them (Jiang et al., ISSTA 2024): GA and FGA judge the grouping of lines and of
templates, PA and FTA also the template's text. Texts are compared with runs of spaces written as one.
One configuration for all systems; the baseline is drain3 as it comes, on the same messages.
"""

from __future__ import annotations

import csv
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from telemetry.formats import LineReader
from vectorstore.miner import Miner
from vectorstore.plans import Plan, make_plan
from vectorstore.skeleton import runs

METRICS = ("ga", "pa", "fga", "fta")
SAMPLE = 200


@dataclass(frozen=True, slots=True)
class System:
    """One labelled system: its raw lines and the right template of each."""

    name: str
    lines: tuple[bytes, ...]
    labels: tuple[str, ...]


def run(folder: Path) -> dict[str, Any]:
    """Score every system under ``folder`` (a folder each, with a raw ``.log`` and a structured ``.csv``)."""
    began = time.perf_counter()
    systems, missing = load(folder)
    ours = {s.name: score(s.labels, templates(s.lines)) for s in systems}
    stock = {s.name: score(s.labels, stock_templates(s.lines)) for s in systems}
    return {
        "suite": "parsing",
        "data": [s.name for s in systems],
        "cases": sum(len(s.lines) for s in systems),
        "could_not_run": len(missing),
        "why_not": missing,
        "metrics": {**mean(ours), "per_system": ours},
        "baseline": {"name": "drain3, default settings", **mean(stock), "per_system": stock},
        "seconds": round(time.perf_counter() - began, 2),
    }


def load(folder: Path) -> tuple[list[System], list[str]]:
    """Read the systems; the second part names those that lack a file or whose labels do not fit the lines."""
    systems, missing = [], []
    for home in sorted(p for p in folder.iterdir() if p.is_dir()):
        raw = sorted(home.glob("*.log"))
        labels = sorted(home.glob("*structured_corrected*.csv")) or sorted(home.glob("*structured*.csv"))
        if not raw or not labels:
            missing.append(f"{home.name}: no raw log or no labels")
            continue
        lines = raw[0].read_bytes().removesuffix(b"\n").split(b"\n")
        with labels[0].open(encoding="utf-8", newline="") as handle:
            rows = {int(row["LineId"]): row["EventTemplate"] for row in csv.DictReader(handle)}
        if max(rows, default=0) > len(lines):
            missing.append(f"{home.name}: labels beyond the last line")
            continue
        numbers = sorted(rows)
        systems.append(System(
            home.name, tuple(lines[n - 1] for n in numbers), tuple(_single(rows[n]) for n in numbers),
        ))  # fmt: skip
    return systems, missing


def templates(lines: Sequence[bytes]) -> list[str]:
    """The template of every line as the product finds it: plan, key, miner."""
    reader = LineReader([line.decode("latin-1") for line in lines[:SAMPLE]])
    miner = Miner()
    keys = []
    for line in lines:
        key, _ = miner.generalise(_key(make_plan(line, reader), line))
        miner.add([key])
        keys.append(key)
    found = miner.assign()
    return [_single(found.templates[found.keys[key].template].pattern) for key in keys]


def _key(plan: Plan, line: bytes) -> str:
    """Put the line's literal digits back between the parts of its key."""
    text = line.decode("latin-1").rstrip("\r")
    lost = [0]
    for start, end in runs(text):
        lost.append(lost[-1] + end - start - 1)
    digits = [text[low + lost[before] : high + lost[after]] for low, before, high, after in plan.literals]
    return "".join(part + digit for part, digit in zip(plan.key_parts, [*digits, ""], strict=True))


def stock_templates(lines: Sequence[bytes]) -> list[str]:
    """The baseline: drain3 with its default settings over the same messages, in order."""
    from drain3.drain import Drain

    reader = LineReader([line.decode("latin-1") for line in lines[:SAMPLE]])
    drain = Drain()
    messages = (_message(line.decode("latin-1").rstrip("\r"), reader) for line in lines)
    clusters = [drain.add_log_message(message)[0] for message in messages]
    return [_single(cluster.get_template()) for cluster in clusters]


def _message(line: str, reader: LineReader) -> str:
    parsed = reader.parse(line)
    text = (parsed.text(line, "message") or "") if parsed else line
    return text.encode("latin-1").decode("utf-8", "replace")


def score(labels: Sequence[str], found: Sequence[str]) -> dict[str, float]:
    """GA, PA, FGA and FTA of the ``found`` templates against the ``labels``, line by line."""
    by_label, by_found = _positions(labels), _positions(found)
    right_groups = [lines for lines in by_label.values() if by_found[found[lines[0]]] == lines]
    right_templates = sum(all(labels[at] == text for at in lines) for text, lines in by_found.items())
    return {
        "ga": _round(sum(map(len, right_groups)) / len(labels)),
        "pa": _round(sum(a == b for a, b in zip(labels, found, strict=True)) / len(labels)),
        "fga": _f1(len(right_groups), len(by_found), len(by_label)),
        "fta": _f1(right_templates, len(by_found), len(by_label)),
        "templates": len(by_found),
        "labels": len(by_label),
    }


def mean(scores: dict[str, dict[str, float]]) -> dict[str, float]:
    """The unweighted mean over systems."""
    return {m: _round(sum(s[m] for s in scores.values()) / max(1, len(scores))) for m in METRICS}


def faults(
    system: System, limit: int = 10, find: Callable[[Sequence[bytes]], list[str]] = templates
) -> list[str]:
    """The commonest wrong templates as ``lines × label → found``, to look at."""
    pairs = zip(system.labels, find(system.lines), strict=True)
    wrong = Counter((label, found) for label, found in pairs if label != found)
    return [f"{count} × {label} → {found}" for (label, found), count in wrong.most_common(limit)]


def _positions(texts: Sequence[str]) -> dict[str, list[int]]:
    places: dict[str, list[int]] = defaultdict(list)
    for at, text in enumerate(texts):
        places[text].append(at)
    return dict(places)


def _f1(right: int, found: int, wanted: int) -> float:
    return _round(2 * right / (found + wanted)) if found + wanted else 0.0


def _round(value: float) -> float:
    return round(value, 4)


def _single(text: str) -> str:
    return " ".join(text.split())
