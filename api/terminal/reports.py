"""What commands tell that ask no question: an ingest, an import, templates, recalled investigations, checks."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table

from api.terminal.printing import printable

if TYPE_CHECKING:
    from telemetry.models import Template
    from vectorstore.ingest import Report


def report(done: Report) -> None:
    """What an ingest did, on stderr."""
    out = Console(stderr=True, highlight=False)
    formats = ", ".join(f"{name} {n:,}" for name, n in done.formats.most_common(6))
    out.print(f"read {done.lines:,} lines as {done.records:,} records from {done.sources} sources ({formats})")
    if done.undated:
        out.print(f"{done.undated:,} records have no readable time; they are kept and counted")
    if done.redacted:
        out.print(f"{done.redacted:,} secrets were masked before storing")
    if done.resumed:
        out.print(f"{done.resumed} sources were known and read on from where they were left")
    for note in done.notes[:8]:
        out.print(f"[dim]{printable(note)}[/]")


def imported(records: Mapping[str, int]) -> None:
    """What an import added, on stderr."""
    print("imported " + (", ".join(f"{count:,} {kind}" for kind, count in records.items() if count) or "nothing"), file=sys.stderr)


def templates(chosen: Sequence[Template], total: int) -> None:
    """The template table."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("id")
    table.add_column("count", justify="right")
    table.add_column("template", overflow="fold")
    for item in chosen:
        table.add_row(item.id, f"{item.count:,}", printable(item.display))
    out = Console(highlight=False)
    out.print(table)
    out.print(f"[dim]{len(chosen)} of {total:,} templates[/]")


def investigations(found: Sequence[dict[str, Any]], problems: Sequence[str]) -> None:
    """What may be recalled, oldest first."""
    out = Console(highlight=False)
    for problem in problems:
        out.print(f"[yellow]{printable(problem)}[/]")
    if not found:
        out.print("No investigation is kept. Those that a model finishes well are.")
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("id", "made (UTC)", "trust", "question", "answer"):
        table.add_column(name, overflow="fold", no_wrap=name == "id", justify="right" if name == "trust" else "left")
    for one in found:
        table.add_row(one["id"], f"{datetime.fromisoformat(one['made']):%Y-%m-%d %H:%M}", f"{one['trust']:.2f}",
                      printable(one["question"]), printable(one["answer"]))
    out.print(table)


def checks(found: Sequence[dict[str, Any]]) -> None:
    """Doctor's findings."""
    out = Console(highlight=False)
    for item in found:
        mark = "[green]ok[/]  " if item["ok"] else "[red]FAIL[/]"
        remedy = f" — {item['remedy']}" if item["remedy"] else ""
        out.print(f"{mark} {item['check']}: {printable(item['seen'] + remedy)}")
