"""What goes on a terminal: text of logs, counts as bars, rows as tables."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from typing import Any

from rich import box
from rich.markup import escape
from rich.table import Table

from api.terminal.escaping import json_line, visible

BARS = "▁▂▃▄▅▆▇█"
WIDEST = 72
_ENDLESS = re.compile(r"(\S{400})\S{200,}")
"""A word that fills the screen; ``--json`` has it whole."""
_SHORT = frozenset({"time", "first", "last", "start", "end", "level", "change"})
_STAMP = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?Z?")


def printable(text: str) -> str:
    """Text of a log for rich: what could drive the terminal is spelled out, markup is not read, endless words are cut."""
    return escape(visible(_ENDLESS.sub(lambda word: f"{word[1]}…({len(word[0]):,} characters)", text)))


def sparkline(values: Sequence[float], width: int = WIDEST) -> str:
    """Draw counts as bars; more values than ``width`` are added up in equal stretches."""
    if not values:
        return ""
    step = -(-len(values) // width)
    sums = [sum(values[i:i + step]) for i in range(0, len(values), step)]
    most = max(sums) or 1
    return "".join(" " if v == 0 else BARS[min(7, int(v / most * 7.999))] for v in sums)


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Table:
    """Rows for people: a template by its words alone (its id is in ``--json``), the words as wide as there is room."""
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    shown = [at for at, name in enumerate(columns) if name != "template" or "pattern" not in columns]
    for at in shown:
        numeric = bool(rows) and isinstance(rows[0][at], int | float)
        wide = columns[at] == "pattern"
        made.add_column("message" if wide else printable(columns[at]), justify="right" if numeric else "left", overflow="fold",
                         no_wrap=numeric or columns[at] in _SHORT, ratio=1 if wide else None)
    for row in rows:
        made.add_row(*(_cell(row[at]) for at in shown))
    return made


def _cell(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return "" if value is None else str(value)
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    stamp = _STAMP.fullmatch(str(value))
    return f"{stamp[1]} {stamp[2]}" if stamp else printable(str(value))


def print_json(value: Any) -> None:
    """Print one JSON document on stdout."""
    try:
        print(json_line(value), flush=True)
    except BrokenPipeError:  # whoever read our output has gone, which is fine
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
